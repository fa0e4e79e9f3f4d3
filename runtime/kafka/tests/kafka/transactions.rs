//! Transactions of producers: one at a time has an id, and what nobody answered is settled by the next.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka::{
    ClientSettings, CompactedLog, Confirmed, Kind, LogRecord, LogSettings, Outgoing, Producer, fence,
    transactional,
};

use crate::broker::{Outcomes, PATIENCE, block_on, client, producer, spec, topic, unique};
use crate::proxy::Proxy;

fn in_time() -> impl Fn() -> bool {
    let until = Instant::now() + PATIENCE;
    move || Instant::now() < until
}

fn owner(client: ClientSettings, id: &str) -> (Producer, Arc<Outcomes>) {
    let (producer, outcomes) = producer(transactional(client, id));
    producer.take_over(&in_time()).unwrap();
    (producer, outcomes)
}

fn send(producer: &Producer, topic: &str, key: &str) {
    let (key, value) = (Some(key.as_bytes()), Some(b"1".as_slice()));
    producer.send(&Outgoing { topic, key, value, ..Outgoing::default() }).unwrap();
}

/// A log that is read as committed, and the keys that were read.
async fn read(topic: &str) -> (CompactedLog, Arc<Mutex<Vec<String>>>) {
    let keys = Arc::<Mutex<Vec<String>>>::default();
    let sink = keys.clone();
    let take = move |record: LogRecord| sink.lock().unwrap().push(String::from_utf8(record.key).unwrap());
    let settings = LogSettings {
        client: client(),
        client_id: format!("{topic}-client"),
        topic: spec(topic, 1),
        create: true,
        transactional: true,
        request_timeout: PATIENCE,
    };
    (CompactedLog::open(settings, take).await.unwrap(), keys)
}

fn committed(topic: &str) -> Vec<String> {
    block_on(async {
        let (log, keys) = read(topic).await;
        log.read_to_last().await.unwrap();
        let keys = keys.lock().unwrap();
        keys.clone()
    })
}

fn compacted(what: &str) -> String {
    let name = unique(what);
    block_on(async { drop(read(&name).await) });
    name
}

#[test]
fn a_successor_undoes_what_was_left_open_and_shuts_its_predecessor_out() {
    let (topic, id) = (compacted("txn"), unique("id"));
    let (old, outcomes) = owner(client(), &id);
    old.begin_transaction().unwrap();
    send(&old, &topic, "a");
    assert_eq!(old.commit_transaction(&in_time()).unwrap(), Confirmed::Clean);
    old.begin_transaction().unwrap();
    send(&old, &topic, "ghost");
    old.flush(PATIENCE);
    outcomes.of(0).unwrap();
    let (new, _) = owner(client(), &id);
    let error = old.commit_transaction(&in_time()).unwrap_err();
    assert_eq!(error.kind, Kind::Fenced, "{error}");
    new.begin_transaction().unwrap();
    send(&new, &topic, "b");
    new.commit_transaction(&in_time()).unwrap();
    assert_eq!(committed(&topic), ["a", "b"]);
}

#[test]
fn a_fence_shuts_out_and_what_was_undone_is_not_read() {
    let (topic, id) = (compacted("txn"), unique("id"));
    let (old, _) = owner(client(), &id);
    old.begin_transaction().unwrap();
    send(&old, &topic, "undone");
    old.abort_transaction(&in_time()).unwrap();
    old.begin_transaction().unwrap();
    send(&old, &topic, "late");
    fence(client(), &id, &in_time()).unwrap();
    assert_eq!(old.commit_transaction(&in_time()).unwrap_err().kind, Kind::Fenced);
    assert_eq!(committed(&topic), [""; 0]);
}

#[test]
fn a_commit_without_an_answer_is_settled_by_the_next_producer() {
    let (topic, id) = (compacted("txn"), unique("id"));
    let proxy = Proxy::start(&client());
    let (old, outcomes) = owner(proxy.client(&client()), &id);
    old.begin_transaction().unwrap();
    send(&old, &topic, "a");
    old.flush(PATIENCE);
    outcomes.of(0).unwrap();
    proxy.cut();
    let until = Instant::now() + Duration::from_secs(2);
    let error = old.commit_transaction(&|| Instant::now() < until).unwrap_err();
    assert_eq!(error.kind, Kind::Retry, "{error}");
    let (new, _) = owner(client(), &id);
    let before = committed(&topic);
    // The request arrives now, late, and must do nothing to what is written since.
    new.begin_transaction().unwrap();
    send(&new, &topic, "b");
    proxy.heal();
    drop(old);
    let until = Instant::now() + PATIENCE;
    while committed_without_waiting(&topic) != before {
        assert!(Instant::now() < until, "an open transaction was ended by a stranger");
    }
    new.abort_transaction(&in_time()).unwrap();
    assert_eq!(committed(&topic), before);
}

fn committed_without_waiting(topic: &str) -> Vec<String> {
    block_on(async {
        let (log, keys) = read(topic).await;
        log.read_to_end().await.unwrap();
        let keys = keys.lock().unwrap();
        keys.clone()
    })
}

#[test]
fn what_stands_behind_an_open_transaction_of_another_is_waited_for() {
    let topic = compacted("txn");
    let (hanging, outcomes) = owner(client(), &unique("id"));
    hanging.begin_transaction().unwrap();
    send(&hanging, &topic, "open");
    hanging.flush(PATIENCE);
    outcomes.of(0).unwrap();
    let (other, _) = owner(client(), &unique("id"));
    other.begin_transaction().unwrap();
    send(&other, &topic, "behind");
    other.commit_transaction(&in_time()).unwrap();
    block_on(async {
        let (log, keys) = read(&topic).await;
        log.read_to_end().await.unwrap();
        assert_eq!(*keys.lock().unwrap(), [""; 0], "nothing is readable yet");
        let last = log.read_to_last();
        tokio::pin!(last);
        let early = tokio::time::timeout(Duration::from_millis(500), &mut last).await;
        assert!(early.is_err(), "it did not wait for the open transaction");
        hanging.commit_transaction(&in_time()).unwrap();
        last.await.unwrap();
        assert_eq!(*keys.lock().unwrap(), ["open", "behind"]);
    });
}

#[test]
fn a_record_that_cannot_be_written_fails_its_transaction_and_not_the_next() {
    let (small, fine) = (topic("txn", 1), compacted("txn"));
    let (producer, outcomes) = owner(client().with("message.max.bytes", "3000000"), &unique("id"));
    producer.begin_transaction().unwrap();
    send(&producer, &fine, "undone");
    let value = vec![0; 2_000_000];
    producer.send(&Outgoing { topic: &small, value: Some(&value), token: 7, ..Outgoing::default() }).unwrap();
    assert_eq!(outcomes.of(7).unwrap_err().kind, Kind::Record);
    producer.commit_transaction(&in_time()).unwrap_err();
    producer.abort_transaction(&in_time()).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &fine, "done");
    assert_eq!(producer.commit_transaction(&in_time()).unwrap(), Confirmed::Clean);
    assert_eq!(committed(&fine), ["done"]);
}
