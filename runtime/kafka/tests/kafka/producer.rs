//! What becomes of records that are sent, and the admin's view of their topic.

use std::time::{Duration, Instant};

use kafka::{ClientSettings, Creation, Error, Kind, Outgoing, SendError, TopicPartition};

use crate::broker::{PATIENCE, admin, block_on, client, fill, producer, spec, topic, unique};

/// Nobody listens on port 1 of this machine.
fn nowhere() -> ClientSettings {
    ClientSettings::new().with("bootstrap.servers", "127.0.0.1:1")
}

#[test]
fn keys_go_where_java_puts_them() {
    // Key and murmur2 as in Kafka's own test of its hash.
    let keys: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];
    let topic = topic("murmur2", 7);
    let (producer, outcomes) = producer(client());
    for (token, (key, hash)) in (0..).zip(keys) {
        let record = Outgoing { topic: &topic, key: Some(key.as_bytes()), token, ..Outgoing::default() };
        producer.send(&record).unwrap();
        assert_eq!(outcomes.of(token).unwrap().0, (hash & 0x7fff_ffff) % 7, "{key}");
    }
}

#[test]
fn a_full_queue_is_told_apart() {
    let (producer, _) = producer(nowhere().with("queue.buffering.max.kbytes", "1"));
    let value = [0; 400];
    let record = Outgoing { topic: "any", value: Some(&value), ..Outgoing::default() };
    let refused = (0..10).find_map(|_| producer.send(&record).err());
    assert_eq!(refused, Some(SendError::QueueFull));
}

#[test]
fn a_record_that_is_too_large_is_refused_alone() {
    let topic = topic("large", 1);
    let (producer, outcomes) = producer(client().with("message.max.bytes", "1000"));
    let large = [0; 2000];
    let refused = producer.send(&Outgoing { topic: &topic, value: Some(&large), ..Outgoing::default() });
    assert!(matches!(&refused, Err(SendError::Rejected(Error { kind: Kind::Record, .. }))), "{refused:?}");
    producer
        .send(&Outgoing { topic: &topic, value: Some(b"small"), token: 1, ..Outgoing::default() })
        .unwrap();
    outcomes.of(1).unwrap();
}

#[test]
fn a_record_that_does_not_arrive_is_told() {
    let (producer, outcomes) = producer(nowhere().with("delivery.timeout.ms", "1000"));
    producer.send(&Outgoing { topic: "any", token: 9, ..Outgoing::default() }).unwrap();
    let error = outcomes.of(9).unwrap_err();
    assert_eq!(error.kind, Kind::Retry);
    assert!(error.message.contains("any"), "{error}");
}

#[test]
fn a_record_that_is_not_sent_by_the_end_is_told() {
    let (producer, outcomes) = producer(nowhere());
    producer.send(&Outgoing { topic: "any", token: 3, ..Outgoing::default() }).unwrap();
    assert_eq!(producer.in_flight(), 1);
    assert!(!producer.flush(Duration::from_millis(10)));
    drop(producer);
    assert!(outcomes.of(3).is_err());
}

#[test]
fn a_record_for_a_partition_that_does_not_exist_is_told() {
    let topic = topic("partition", 1);
    let (producer, outcomes) = producer(client());
    let record = Outgoing { topic: &topic, partition: Some(77), token: 5, ..Outgoing::default() };
    // Known at once when the topic's partitions are known already.
    let error = match producer.send(&record) {
        Err(SendError::Rejected(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(()) => outcomes.of(5).unwrap_err(),
    };
    assert_eq!(error.kind, Kind::Record, "{error}");
}

#[test]
fn flush_waits_for_every_outcome() {
    let topic = topic("flush", 3);
    let (producer, outcomes) = producer(client());
    for token in 0..1000 {
        producer.send(&Outgoing { topic: &topic, value: Some(b"x"), token, ..Outgoing::default() }).unwrap();
    }
    assert!(producer.flush(PATIENCE));
    assert_eq!(producer.in_flight(), 0);
    for token in 0..1000 {
        outcomes.of(token).unwrap();
    }
}

#[test]
fn a_topic_is_created_once_and_described() {
    let name = unique("admin");
    block_on(async {
        let admin = admin();
        assert_eq!(admin.describe_topic(&name).await.unwrap(), None);
        let mut spec = spec(&name, 3);
        spec.configs.insert("cleanup.policy".into(), "compact,delete".into());
        assert_eq!(admin.create_topic(&spec).await.unwrap(), Creation::Created);
        assert_eq!(admin.create_topic(&spec).await.unwrap(), Creation::Existed);
        // Every broker hears of a new topic in its own time, and says so until then.
        let until = Instant::now() + PATIENCE;
        let policy = loop {
            match admin.topic_config(&name, "cleanup.policy").await {
                Ok(policy) => break policy,
                Err(error) => assert!(error.kind == Kind::Retry && Instant::now() < until, "{error}"),
            }
        };
        assert_eq!(policy.as_deref(), Some("compact,delete"));
        assert_eq!(admin.topic_config(&name, "no.such").await.unwrap(), None);
        let listed = admin.list_topics().await.unwrap();
        assert_eq!(
            listed.iter().find(|topic| topic.name == name).map(|topic| topic.partitions.len()),
            Some(3)
        );
        assert!(admin.cluster_id().await.is_some_and(|id| !id.is_empty()));
        admin.delete_topic(&name).await.unwrap();
        spec.name = "not/a/name".into();
        let error = admin.create_topic(&spec).await.unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{error}");
    });
}

#[test]
fn ends_are_told_for_each_partition() {
    let topic = topic("ends", 2);
    fill(&client(), &topic, 1, 4);
    let both = [TopicPartition::new(&topic, 0), TopicPartition::new(&topic, 1)];
    assert_eq!(block_on(async { admin().offsets(&both).await }).unwrap(), [(0, 0), (0, 4)]);
}
