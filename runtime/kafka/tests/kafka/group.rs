//! What happens between members of a group.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use kafka::{Commit, Committer, Consumer, Kind, RebalanceListener, TopicPartition};

use crate::broker::{PATIENCE, admin, block_on, client, drive, fetch, fill, member, settings, topic, unique};

fn commit(topic: &str, partition: i32, offset: i64, metadata: &str) -> Commit {
    Commit { topic: topic.to_owned(), partition, offset, metadata: metadata.to_owned() }
}

#[test]
fn a_commit_comes_back_with_its_note() {
    let (topic, group) = (topic("note", 2), unique("note"));
    fill(&client(), &topic, 0, 5);
    let mut consumer = Consumer::open(settings(&topic, &group)).unwrap();
    drop(fetch(&mut consumer, 5));
    consumer.commit(&[commit(&topic, 0, 5, "plan žluť")]).unwrap();
    let both = [TopicPartition::new(&topic, 0), TopicPartition::new(&topic, 1)];
    let found = consumer.committed(&both).unwrap();
    assert_eq!((found[0].offset, found[0].metadata.as_str()), (Some(5), "plan žluť"));
    assert_eq!((found[1].offset, found[1].metadata.as_str()), (None, ""));
    let seen = block_on(async { admin().group_offsets(&group).await }).unwrap();
    assert_eq!(seen, found[..1]);
}

#[test]
fn a_note_that_is_too_long_is_refused() {
    let (topic, group) = (topic("long-note", 1), unique("long-note"));
    let mut consumer = Consumer::open(settings(&topic, &group)).unwrap();
    drive(&mut consumer, |consumer| !consumer.assignment().is_empty());
    let error = consumer.commit(&[commit(&topic, 0, 1, &"x".repeat(5000))]).unwrap_err();
    assert_eq!(error.kind, Kind::Config, "{error}");
}

#[test]
fn whoever_takes_over_a_name_fences_its_former_owner() {
    let (topic, group) = (topic("takeover", 4), unique("takeover"));
    fill(&client(), &topic, 1, 5);
    let mut old = member(&topic, &group, "task-0");
    drop(fetch(&mut old, 5));
    old.commit(&[commit(&topic, 1, 3, "")]).unwrap();
    let mut new = member(&topic, &group, "task-0");
    let again = fetch(&mut new, 2);
    assert_eq!(again.get(0).unwrap().offset(), 3);
    assert_eq!(new.assignment().len(), 4);
    assert_eq!(old.commit(&[commit(&topic, 1, 5, "")]).unwrap_err().kind, Kind::Fenced);
    let until = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < until, "the former owner never hears of it");
        if let Err(error) = old.fetch(10, Duration::from_millis(100)) {
            break error;
        }
    };
    assert_eq!(error.kind, Kind::Fenced, "{error}");
    old.close();
    new.commit(&[commit(&topic, 1, 5, "")]).unwrap();
}

/// Commits what it is told to when partitions go, and reports what happened.
struct Finisher {
    offset: i64,
    events: Sender<(&'static str, usize)>,
}

impl RebalanceListener for Finisher {
    fn assigned(&mut self, partitions: &[TopicPartition]) {
        let _ = self.events.send(("assigned", partitions.len()));
    }

    fn revoked(&mut self, partitions: &[TopicPartition], committer: &mut Committer<'_>) {
        let commits: Vec<_> =
            partitions.iter().map(|tp| commit(&tp.topic, tp.partition, self.offset, "last")).collect();
        let event = if committer.commit(&commits).is_ok() { "revoked" } else { "refused" };
        let _ = self.events.send((event, partitions.len()));
    }

    fn lost(&mut self, partitions: &[TopicPartition]) {
        let _ = self.events.send(("lost", partitions.len()));
    }
}

#[test]
fn a_partition_can_be_committed_while_it_is_taken_away() {
    let (topic, group) = (topic("revoke", 2), unique("revoke"));
    let (events, seen) = channel();
    let mut settings_of_first = settings(&topic, &group);
    settings_of_first.listener = Box::new(Finisher { offset: 7, events });
    let mut first = Consumer::open(settings_of_first).unwrap();
    drive(&mut first, |consumer| consumer.assignment().len() == 2);
    let mut second = Consumer::open(settings(&topic, &group)).unwrap();
    let until = Instant::now() + PATIENCE;
    while first.assignment().len() != 1 || second.assignment().len() != 1 {
        assert!(Instant::now() < until, "no rebalance");
        first.fetch(10, Duration::from_millis(50)).unwrap();
        second.fetch(10, Duration::from_millis(50)).unwrap();
    }
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [("assigned", 2), ("revoked", 2), ("assigned", 1)]);
    let both = [TopicPartition::new(&topic, 0), TopicPartition::new(&topic, 1)];
    for found in second.committed(&both).unwrap() {
        assert_eq!((found.offset, found.metadata.as_str()), (Some(7), "last"));
    }
    first.close();
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [("revoked", 1)]);
    drive(&mut second, |consumer| consumer.assignment().len() == 2);
}

#[test]
fn records_of_a_revoked_partition_are_not_handed_out() {
    let (topic, group) = (topic("gone", 2), unique("gone"));
    fill(&client(), &topic, 0, 200);
    fill(&client(), &topic, 1, 200);
    let mut first = Consumer::open(settings(&topic, &group)).unwrap();
    drop(fetch(&mut first, 1));
    let mut second = Consumer::open(settings(&topic, &group)).unwrap();
    let until = Instant::now() + PATIENCE;
    while second.assignment().is_empty() {
        assert!(Instant::now() < until, "no rebalance");
        let messages = first.fetch(5, Duration::from_millis(20)).unwrap();
        let assignment = first.assignment();
        for message in messages.iter() {
            let place = TopicPartition::new(message.topic(), message.partition());
            assert!(assignment.contains(&place), "{place:?} of {assignment:?}");
        }
        second.fetch(1, Duration::from_millis(20)).unwrap();
    }
}

struct Panicking;

impl RebalanceListener for Panicking {
    fn assigned(&mut self, _: &[TopicPartition]) {
        panic!("a listener with a defect");
    }
    fn revoked(&mut self, _: &[TopicPartition], _: &mut Committer<'_>) {}
    fn lost(&mut self, _: &[TopicPartition]) {}
}

#[test]
fn a_listener_that_panics_ends_its_consumer_only() {
    let (topic, group) = (topic("panic", 1), unique("panic"));
    let mut settings = settings(&topic, &group);
    settings.listener = Box::new(Panicking);
    let mut consumer = Consumer::open(settings).unwrap();
    let until = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < until);
        if let Err(error) = consumer.fetch(10, Duration::from_millis(100)) {
            break error;
        }
    };
    assert_eq!(error.kind, Kind::Fatal, "{error}");
}

#[test]
fn a_group_without_members_can_be_deleted() {
    let (topic, group) = (topic("delete", 1), unique("delete"));
    let mut consumer = Consumer::open(settings(&topic, &group)).unwrap();
    drive(&mut consumer, |consumer| !consumer.assignment().is_empty());
    consumer.commit(&[commit(&topic, 0, 0, "")]).unwrap();
    consumer.close();
    block_on(async {
        let admin = admin();
        assert_eq!(admin.group_offsets(&group).await.unwrap().len(), 1);
        admin.delete_group(&group).await.unwrap();
        assert!(admin.group_offsets(&group).await.unwrap().is_empty());
        admin.delete_group(&group).await.unwrap();
    });
}

#[test]
fn the_new_group_protocol_works_as_well() {
    let (topic, group) = (topic("kip848", 2), unique("kip848"));
    fill(&client(), &topic, 0, 5);
    let mut settings = settings(&topic, &group);
    settings.client.set("group.protocol", "consumer");
    let mut consumer = Consumer::open(settings).unwrap();
    assert_eq!(fetch(&mut consumer, 5).len(), 5);
    consumer.commit(&[commit(&topic, 0, 5, "")]).unwrap();
    consumer.close();
}

#[test]
fn a_consumer_and_its_records_move_between_threads() {
    fn check<T: Send>() {}
    check::<Consumer>();
    check::<kafka::Messages>();
    check::<kafka::Waker>();
    check::<kafka::Producer>();
    check::<kafka::CompactedLog>();
}
