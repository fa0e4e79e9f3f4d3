//! The embedded broker takes records and gives them back.

use std::time::{Duration, Instant};

use kafka::{ClientSettings, Consumer, ConsumerSettings, EmbeddedBroker, Kind, Message, Topics};

use crate::broker::{PATIENCE, Silent, fetch, fill};

#[test]
fn records_go_through_the_embedded_broker() {
    let broker = EmbeddedBroker::start(1).unwrap();
    broker.create_topic("numbers", 2).unwrap();
    let client = ClientSettings::new().with("bootstrap.servers", broker.bootstrap());
    fill(&client, "numbers", 0, 100);
    fill(&client, "numbers", 1, 100);
    let topics = Topics::Names(vec!["numbers".into()]);
    let mut settings = ConsumerSettings::new(client, "readers", topics, Box::new(Silent));
    settings.instance = Some("reader-0".into());
    let mut consumer = Consumer::open(settings).unwrap();
    let messages = fetch(&mut consumer, 200);
    let mut places: Vec<_> = messages.iter().map(|message| (message.partition(), message.offset())).collect();
    places.sort_unstable();
    let expected: Vec<_> =
        (0..2).flat_map(|partition| (0..100).map(move |offset| (partition, offset))).collect();
    assert_eq!(places, expected);
}

#[test]
fn a_consumer_reads_on_after_its_broker_was_away() {
    let broker = EmbeddedBroker::start(1).unwrap();
    broker.create_topic("away", 1).unwrap();
    let client = ClientSettings::new().with("bootstrap.servers", broker.bootstrap());
    fill(&client, "away", 0, 5);
    let topics = Topics::Names(vec!["away".into()]);
    let settings = ConsumerSettings::new(client.clone(), "readers", topics, Box::new(Silent));
    let mut consumer = Consumer::open(settings).unwrap();
    assert_eq!(fetch(&mut consumer, 5).len(), 5);
    broker.set_reachable(1, false).unwrap();
    let until = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < until, "nobody notices");
        if let Err(error) = consumer.fetch(10, Duration::from_millis(100)) {
            break error;
        }
    };
    assert_eq!(error.kind, Kind::Retry, "{error}");
    broker.set_reachable(1, true).unwrap();
    fill(&client, "away", 0, 5);
    let mut offsets = Vec::new();
    while offsets.len() < 5 {
        assert!(Instant::now() < until, "{offsets:?}");
        match consumer.fetch(10, Duration::from_millis(100)) {
            Ok(messages) => offsets.extend(messages.iter().map(Message::offset)),
            Err(error) => assert_eq!(error.kind, Kind::Retry, "{error}"),
        }
    }
    assert_eq!(offsets, [5, 6, 7, 8, 9]);
}
