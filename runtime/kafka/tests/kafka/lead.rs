//! One leader at a time writes a log, in transactions.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka::{ClientSettings, CompactedLog, Kind, LogSettings};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::broker::{PATIENCE, block_on, client, spec, unique};

type Keys = Arc<Mutex<Vec<String>>>;

fn settings(name: &str, transactional: bool) -> LogSettings {
    LogSettings {
        client: client(),
        client_id: format!("{name}-client"),
        topic: spec(name, 1),
        create: true,
        transactional,
        request_timeout: PATIENCE,
    }
}

async fn open(name: &str, transactional: bool) -> (CompactedLog, Keys) {
    let keys = Keys::default();
    let sink = keys.clone();
    let take = move |record: kafka::LogRecord| {
        sink.lock().unwrap().push(String::from_utf8(record.key).unwrap());
    };
    (CompactedLog::open(settings(name, transactional), take).await.unwrap(), keys)
}

/// A reader that is not the leader's gets to see what was committed a moment later.
async fn await_keys(keys: &Keys, expected: &[&str]) {
    let until = Instant::now() + PATIENCE;
    while *keys.lock().unwrap() != expected {
        assert!(Instant::now() < until, "{:?}", keys.lock().unwrap());
        tokio::task::yield_now().await;
    }
}

/// A leader that begins to write and is never heard of again.
fn begin_and_hang(client: &ClientSettings, topic: &str, transactional_id: &str, key: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.extend(client.iter().map(|(key, value)| (key.to_owned(), value.to_owned())));
    let producer: BaseProducer =
        config.set("transactional.id", transactional_id).set("linger.ms", "0").create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::to(topic).key(key).payload("v")).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    producer
}

#[test]
fn a_new_leader_refuses_the_writes_of_the_old_one() {
    block_on(async {
        let (name, id) = (unique("lead"), unique("leader"));
        let (one, _) = open(&name, true).await;
        let (two, keys) = open(&name, true).await;
        let old = one.lead(&id).await.unwrap();
        old.append_all(&[(b"a", Some(b"1")), (b"b", None)]).await.unwrap();
        let new = two.lead(&id).await.unwrap();
        assert_eq!(*keys.lock().unwrap(), ["a", "b"], "a leader has read everything");
        let error = old.append_all(&[(b"late", Some(b"1"))]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Fenced, "{error}");
        let error = old.append_all(&[(b"later", Some(b"1"))]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Fenced, "{error}");
        assert_eq!(old.append_all(&[]).await.unwrap_err().kind, Kind::Fenced);
        new.append_all(&[(b"c", Some(b"1"))]).await.unwrap();
        two.read_to_end().await.unwrap();
        assert_eq!(*keys.lock().unwrap(), ["a", "b", "c"]);
    });
}

#[test]
fn what_a_dead_leader_left_open_is_never_read() {
    block_on(async {
        let (name, id) = (unique("open"), unique("leader"));
        let (log, keys) = open(&name, true).await;
        let first = log.lead(&id).await.unwrap();
        first.append_all(&[(b"a", Some(b"1"))]).await.unwrap();
        let dead = begin_and_hang(&client(), &name, &id, "ghost");
        // A transaction that is open hangs nobody.
        let started = Instant::now();
        log.read_to_end().await.unwrap();
        let (follower, seen) = open(&name, true).await;
        follower.read_to_end().await.unwrap();
        assert_eq!(*seen.lock().unwrap(), ["a"]);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        // Nor does a log that ends with what a new leader undid.
        let second = log.lead(&id).await.unwrap();
        follower.read_to_end().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        second.append_all(&[(b"b", Some(b"1"))]).await.unwrap();
        await_keys(&seen, &["a", "b"]).await;
        log.read_to_end().await.unwrap();
        assert_eq!(*keys.lock().unwrap(), ["a", "b"]);
        drop(dead);
        // Who asks for everything gets everything, as before.
        let (raw, all) = open(&name, false).await;
        raw.read_to_end().await.unwrap();
        assert_eq!(*all.lock().unwrap(), ["a", "ghost", "b"]);
        assert_eq!(raw.lead(&id).await.err().unwrap().kind, Kind::Config);
    });
}

#[test]
fn a_record_that_is_refused_takes_nobody_with_it() {
    block_on(async {
        let (name, id) = (unique("large"), unique("leader"));
        let (log, keys) = open(&name, true).await;
        let leading = log.lead(&id).await.unwrap();
        let large = vec![b'x'; 4 << 20];
        let bad: [(&[u8], Option<&[u8]>); 2] = [(b"half", Some(b"1")), (b"large", Some(&large))];
        let (first, second, third) = tokio::join!(
            leading.append_all(&[(b"a", Some(b"1"))]),
            leading.append_all(&bad),
            leading.append_all(&[(b"b", Some(b"1"))]),
        );
        first.unwrap();
        third.unwrap();
        assert_eq!(second.unwrap_err().kind, Kind::Record);
        leading.append_all(&[(b"c", Some(b"1"))]).await.unwrap();
        log.read_to_end().await.unwrap();
        assert_eq!(*keys.lock().unwrap(), ["a", "b", "c"]);
    });
}

#[test]
fn appends_that_wait_share_a_transaction() {
    block_on(async {
        let (name, id) = (unique("shared-lead"), unique("leader"));
        let (log, keys) = open(&name, true).await;
        let leading = Arc::new(log.lead(&id).await.unwrap());
        leading.append_all(&[(b"first", Some(b"1"))]).await.unwrap();
        let mut took = Vec::new();
        for number in 0..100 {
            let (key, started) = (format!("single-{number}"), Instant::now());
            leading.append_all(&[(key.as_bytes(), Some(b"1"))]).await.unwrap();
            took.push(started.elapsed());
        }
        took.sort();
        println!("one append: p50 {:?}, p99 {:?}, slowest {:?}", took[50], took[98], took[99]);
        let started = Instant::now();
        let waiting: Vec<_> = (0..100)
            .map(|number| {
                let leading = leading.clone();
                tokio::spawn(async move {
                    let key = format!("many-{number}");
                    leading.append_all(&[(key.as_bytes(), Some(b"1"))]).await
                })
            })
            .collect();
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        let together = started.elapsed();
        println!("100 appends at once: {together:?}");
        assert!(together < took.iter().sum::<Duration>() / 4, "{together:?}");
        let started = Instant::now();
        log.read_to_end().await.unwrap();
        println!("read to the end after the last: {:?}", started.elapsed());
        assert_eq!(keys.lock().unwrap().len(), 201);
    });
}

#[test]
fn opening_an_existing_log_is_quick() {
    block_on(async {
        for transactional in [false, true] {
            let (name, id) = (unique("quick"), unique("leader"));
            let (log, _) = open(&name, true).await;
            let leading = log.lead(&id).await.unwrap();
            for number in 0..10 {
                leading.append_all(&[(format!("{number}").as_bytes(), Some(b"1"))]).await.unwrap();
            }
            drop((leading, log));
            let mut best = PATIENCE;
            for _ in 0..5 {
                let started = Instant::now();
                let (log, keys) = open(&name, transactional).await;
                let opened = started.elapsed();
                log.read_to_end().await.unwrap();
                let took = started.elapsed();
                println!("transactional {transactional}: opened {opened:?}, read to the end {took:?}");
                assert_eq!(keys.lock().unwrap().len(), 10);
                best = best.min(took);
            }
            assert!(best < Duration::from_millis(300), "{best:?}");
        }
    });
}
