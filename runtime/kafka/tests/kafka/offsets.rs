//! Offsets of a group, changed from outside.

use kafka::{Commit, Consumer, Error, Kind, TopicPartition};

use crate::broker::{admin, block_on, client, fetch, fill, settings, topic, unique};

fn committed(group: &str) -> Vec<(String, i32, Option<i64>)> {
    let mut found: Vec<_> = block_on(async { admin().group_offsets(group).await })
        .unwrap()
        .into_iter()
        .map(|row| (row.topic, row.partition, row.offset))
        .collect();
    found.sort();
    found
}

fn alter(group: &str, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
    block_on(async { admin().alter_group_offsets(group, offsets).await })
}

fn delete(group: &str, partitions: &[TopicPartition]) -> Result<(), Error> {
    block_on(async { admin().delete_group_offsets(group, partitions).await })
}

#[test]
fn offsets_of_a_group_are_set_and_erased() {
    let (topic, group) = (topic("alter", 2), unique("alter"));
    let places = [TopicPartition::new(&topic, 0), TopicPartition::new(&topic, 1)];
    alter(&group, &[(places[0].clone(), 7), (places[1].clone(), 0)]).unwrap();
    assert_eq!(committed(&group), [(topic.clone(), 0, Some(7)), (topic.clone(), 1, Some(0))]);
    alter(&group, &[(places[0].clone(), 3)]).unwrap();
    delete(&group, &places[1..]).unwrap();
    assert_eq!(committed(&group), [(topic.clone(), 0, Some(3))]);
    // Erasing what is not there is done already.
    delete(&group, &places[1..]).unwrap();
    block_on(async { admin().delete_group(&group).await }).unwrap();
    assert_eq!(committed(&group), []);
}

#[test]
fn what_kafka_refuses_is_said_in_one_sentence() {
    let (topic, group) = (topic("refuse", 1), unique("refuse"));
    let check = |outcome: Result<(), Error>, part: &str| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{error}");
        assert!(error.message.contains(part), "{part} in {error}");
    };
    let place = TopicPartition::new(&topic, 0);
    check(alter(&group, &[(place.clone(), -4)]), "expected an offset of 0 or more, got -4");
    check(alter(&group, &[(TopicPartition::new(&topic, 5), 1)]), "no such topic or partition");
    check(alter(&group, &[(TopicPartition::new(unique("no"), 0), 1)]), "no such topic or partition");
    fill(&client(), &topic, 0, 1);
    let mut consumer = Consumer::open(settings(&topic, &group)).unwrap();
    drop(fetch(&mut consumer, 1));
    let commit = Commit { topic: topic.clone(), partition: 0, offset: 1, metadata: String::new() };
    consumer.commit(&[commit]).unwrap();
    let live = format!("group {group} has live members");
    check(alter(&group, &[(place.clone(), 0)]), &live);
    check(delete(&group, &[place]), &live);
    check(block_on(async { admin().delete_group(&group).await }), &live);
}
