//! What a consumer fetches, and when.

use std::time::{Duration, Instant};

use kafka::{Consumer, Header, Kind, Message, Outgoing, TopicPartition, Topics};

use crate::broker::{self, PATIENCE, client, fetch, fill, settings, topic, unique};

/// Key and value.
type Shape<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

#[test]
fn null_empty_and_headers_come_back_as_they_were() {
    let topic = topic("shapes", 1);
    let (producer, outcomes) = broker::producer(client());
    let headers: [(&str, Option<&[u8]>); 3] = [("a", Some(b"1")), ("b", None), ("a", Some(b""))];
    let shapes: [Shape<'_>; 3] = [(None, None), (Some(b""), Some(b"")), (Some(b"k\0\xff"), Some(b"v"))];
    for (token, (key, value)) in (0..).zip(shapes) {
        let headers = if token == 2 { &headers[..] } else { &[] };
        let record = Outgoing {
            topic: &topic,
            partition: Some(0),
            key,
            value,
            headers,
            timestamp_ms: Some(1234),
            token,
        };
        producer.send(&record).unwrap();
        assert_eq!(outcomes.of(token).unwrap(), (0, token as i64));
    }
    let mut consumer = Consumer::open(settings(&topic, &unique("shapes"))).unwrap();
    let messages = fetch(&mut consumer, 3);
    let found: Vec<_> = messages.iter().map(|message| (message.key(), message.value())).collect();
    assert_eq!(found, shapes);
    let last = messages.get(2).unwrap();
    assert_eq!((last.topic(), last.partition(), last.offset()), (topic.as_str(), 0, 2));
    assert_eq!(last.timestamp_ms(), Some(1234));
    assert_eq!(
        last.headers().collect::<Vec<_>>(),
        [
            Header { name: b"a", value: Some(b"1") },
            Header { name: b"b", value: None },
            Header { name: b"a", value: Some(b"") },
        ]
    );
    assert_eq!(messages.get(0).unwrap().headers().count(), 0);
    assert_eq!(messages.bytes(), 4);
    assert_eq!(messages.get(0).unwrap().topic_key(), last.topic_key());
}

#[test]
fn a_lone_record_does_not_wait_for_others() {
    let topic = topic("lone", 1);
    fill(&client(), &topic, 0, 1);
    let mut consumer = Consumer::open(settings(&topic, &unique("lone"))).unwrap();
    broker::drive(&mut consumer, |consumer| !consumer.assignment().is_empty());
    let started = Instant::now();
    let messages = loop {
        let messages = consumer.fetch(10_000, PATIENCE * 2).unwrap();
        if !messages.is_empty() || started.elapsed() > PATIENCE {
            break messages;
        }
    };
    assert_eq!(messages.len(), 1);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn a_batch_takes_what_is_there_and_can_be_cut() {
    let topic = topic("batch", 1);
    fill(&client(), &topic, 0, 500);
    let mut consumer = Consumer::open(settings(&topic, &unique("batch"))).unwrap();
    let mut head = fetch(&mut consumer, 500);
    let bytes = head.bytes();
    let rest = head.split_off(100);
    assert_eq!((head.len(), rest.len()), (100, 400));
    assert_eq!(head.bytes() + rest.bytes(), bytes);
    // The records outlive their consumer and may be read elsewhere.
    drop(consumer);
    let reader = std::thread::spawn(move || {
        rest.iter()
            .map(|message| String::from_utf8(message.value().unwrap().to_vec()).unwrap())
            .collect::<Vec<_>>()
    });
    let expected: Vec<String> = (100..500).map(|n| n.to_string()).collect();
    assert_eq!(reader.join().unwrap(), expected);
    assert_eq!(head.iter().next_back().unwrap().value(), Some(&b"99"[..]));
}

#[test]
fn a_pause_stops_records_and_keeps_the_assignment() {
    let topic = topic("pause", 2);
    fill(&client(), &topic, 0, 10);
    let mut consumer = Consumer::open(settings(&topic, &unique("pause"))).unwrap();
    drop(fetch(&mut consumer, 10));
    let assignment = consumer.assignment();
    assert_eq!(assignment.len(), 2);
    consumer.pause_all().unwrap();
    fill(&client(), &topic, 0, 10);
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        assert!(consumer.fetch(100, Duration::from_millis(200)).unwrap().is_empty());
    }
    assert_eq!(consumer.assignment(), assignment);
    consumer.resume_all().unwrap();
    let messages = fetch(&mut consumer, 10);
    assert_eq!(messages.iter().map(Message::offset).collect::<Vec<_>>(), (10..20).collect::<Vec<_>>());
}

#[test]
fn a_pause_covers_partitions_that_come_later() {
    let topic = topic("pause-first", 1);
    fill(&client(), &topic, 0, 10);
    let mut consumer = Consumer::open(settings(&topic, &unique("pause-first"))).unwrap();
    consumer.pause_all().unwrap();
    broker::drive(&mut consumer, |consumer| !consumer.assignment().is_empty());
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        assert!(consumer.fetch(100, Duration::from_millis(200)).unwrap().is_empty());
    }
    consumer.resume_all().unwrap();
    assert_eq!(fetch(&mut consumer, 10).len(), 10);
}

#[test]
fn how_far_a_partition_is_behind_is_known() {
    let topic = topic("lag", 1);
    fill(&client(), &topic, 0, 10);
    let mut consumer = Consumer::open(settings(&topic, &unique("lag"))).unwrap();
    drop(fetch(&mut consumer, 10));
    let lag = consumer.lag();
    assert_eq!((lag[0].position, lag[0].end, lag[0].records()), (Some(10), Some(10), Some(0)));
}

#[test]
fn a_waiting_fetch_can_be_woken() {
    let topic = topic("wake", 1);
    let mut consumer = Consumer::open(settings(&topic, &unique("wake"))).unwrap();
    broker::drive(&mut consumer, |consumer| !consumer.assignment().is_empty());
    let waker = consumer.waker();
    let started = Instant::now();
    let waking = std::thread::spawn(move || waker.wake());
    assert!(consumer.fetch(100, PATIENCE * 2).unwrap().is_empty());
    assert!(started.elapsed() < PATIENCE);
    waking.join().unwrap();
}

#[test]
fn a_pattern_matches_whole_names() {
    let name = topic("pattern.a1", 1);
    let other = topic("x-pattern.a1", 1);
    fill(&client(), &name, 0, 3);
    fill(&client(), &other, 0, 3);
    let mut settings = settings(&name, &unique("pattern"));
    settings.topics = Topics::Pattern(format!(r"(?:pattern|nothing)\.a\d-{}", &name["pattern.a1-".len()..]));
    let mut consumer = Consumer::open(settings).unwrap();
    assert_eq!(fetch(&mut consumer, 3).get(0).unwrap().topic(), name);
    assert_eq!(consumer.assignment(), [TopicPartition::new(&name, 0)]);
}

#[test]
fn a_missing_offset_is_an_error_when_asked_for() {
    let topic = topic("no-reset", 1);
    fill(&client(), &topic, 0, 1);
    let mut settings = settings(&topic, &unique("no-reset"));
    settings.client.set("auto.offset.reset", "error");
    let mut consumer = Consumer::open(settings).unwrap();
    let until = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < until);
        match consumer.fetch(10, Duration::from_millis(200)) {
            Ok(messages) => assert!(messages.is_empty()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, Kind::Fatal, "{error}");
}

#[test]
fn a_broker_that_is_away_is_worth_a_retry() {
    let mut settings = settings("any", "any");
    // Nobody listens on port 1 of this machine.
    settings.client.set("bootstrap.servers", "127.0.0.1:1");
    settings.request_timeout = Duration::from_secs(2);
    let mut consumer = Consumer::open(settings).unwrap();
    let until = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < until);
        if let Err(error) = consumer.fetch(10, Duration::from_millis(200)) {
            break error;
        }
    };
    assert_eq!(error.kind, Kind::Retry, "{error}");
    // Nor is it more than that the next time.
    for _ in 0..20 {
        let again = consumer.fetch(10, Duration::from_millis(50)).err();
        assert!(again.is_none_or(|error| error.kind == Kind::Retry));
    }
}

#[test]
fn a_setting_that_is_wrong_is_named() {
    let mut wrong = settings("any", "any");
    wrong.client.set("fetch.min.bytes", "many");
    let error = Consumer::open(wrong).err().unwrap();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.message.contains("fetch.min.bytes"), "{error}");
}
