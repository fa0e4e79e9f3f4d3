//! The embedded broker takes records and gives them back.

use kafka::{ClientSettings, Consumer, ConsumerSettings, EmbeddedBroker, Topics};

use crate::broker::{Silent, fetch, fill};

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
