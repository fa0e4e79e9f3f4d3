//! A compacted log: written, read to its end, opened again, refused when it would lose records.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kafka::{CompactedLog, Kind, LogRecord, LogSettings};

use crate::broker::{PATIENCE, admin, block_on, client, spec, unique};

type Seen = Arc<Mutex<Vec<LogRecord>>>;

fn settings(name: &str, partitions: i32) -> LogSettings {
    LogSettings {
        client: client(),
        client_id: format!("{name}-client"),
        topic: spec(name, partitions),
        create: true,
        transactional: false,
        request_timeout: PATIENCE,
    }
}

async fn open(settings: LogSettings) -> (CompactedLog, Seen) {
    let seen = Seen::default();
    let sink = seen.clone();
    let log = CompactedLog::open(settings, move |record| sink.lock().unwrap().push(record)).await.unwrap();
    (log, seen)
}

/// What compaction would leave.
fn state(seen: &Seen) -> BTreeMap<String, Option<String>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    seen.lock().unwrap().iter().map(|r| (text(&r.key), r.value.as_deref().map(text))).collect()
}

#[test]
fn what_is_written_is_read_and_read_again() {
    block_on(async {
        let name = unique("log");
        let (log, seen) = open(settings(&name, 3)).await;
        log.read_to_end().await.unwrap();
        assert!(seen.lock().unwrap().is_empty());
        assert_eq!(log.partitions().len(), 3);
        log.append(b"a", Some(b"1")).await.unwrap();
        let first = log.append(b"b", Some(b"1")).await.unwrap();
        let second = log.append(b"b", Some(b"2")).await.unwrap();
        assert_eq!((first.0, first.1 + 1), second);
        log.append(b"a", None).await.unwrap();
        let places = log.append_all(&[(b"c", Some(b"")), (b"d", Some(b"4"))]).await.unwrap();
        assert_eq!(places.len(), 2);
        log.read_to_end().await.unwrap();
        let expected: BTreeMap<String, Option<String>> =
            [("a", None), ("b", Some("2")), ("c", Some("")), ("d", Some("4"))]
                .map(|(key, value)| (key.to_owned(), value.map(str::to_owned)))
                .into();
        assert_eq!(state(&seen), expected);
        assert!(seen.lock().unwrap().iter().all(|record| record.timestamp_ms.is_some()));
        drop(log);
        let (log, seen) = open(settings(&name, 3)).await;
        log.read_to_end().await.unwrap();
        assert_eq!(state(&seen), expected);
        assert_eq!(seen.lock().unwrap().len(), 6);
    });
}

#[test]
fn two_readers_see_each_others_writes() {
    block_on(async {
        let name = unique("shared");
        let (one, _) = open(settings(&name, 1)).await;
        let (two, seen) = open(settings(&name, 1)).await;
        for number in 0..200_u32 {
            one.append(b"k", Some(number.to_string().as_bytes())).await.unwrap();
        }
        two.read_to_end().await.unwrap();
        let values: Vec<u32> = seen
            .lock()
            .unwrap()
            .iter()
            .map(|r| String::from_utf8_lossy(r.value.as_deref().unwrap()).parse().unwrap())
            .collect();
        assert_eq!(values, (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn a_record_that_breaks_its_receiver_does_not_stop_the_log() {
    block_on(async {
        let name = unique("broken");
        let seen = Seen::default();
        let sink = seen.clone();
        let take = move |record: LogRecord| {
            assert_ne!(record.key, b"bad", "a record with a defect");
            sink.lock().unwrap().push(record);
        };
        let log = CompactedLog::open(settings(&name, 1), take).await.unwrap();
        log.append_all(&[(b"a", Some(b"1")), (b"bad", Some(b"")), (b"z", Some(b"2"))]).await.unwrap();
        log.read_to_end().await.unwrap();
        assert_eq!(state(&seen).keys().collect::<Vec<_>>(), ["a", "z"]);
    });
}

#[test]
fn a_topic_that_deletes_is_refused_with_its_repair() {
    block_on(async {
        for policy in ["delete", "compact,delete"] {
            let name = unique("policy");
            let mut wrong = spec(&name, 1);
            wrong.configs.insert("cleanup.policy".into(), policy.into());
            admin().create_topic(&wrong).await.unwrap();
            let error = CompactedLog::open(settings(&name, 1), |_| {}).await.err().unwrap();
            assert_eq!(error.kind, Kind::Config);
            let bootstrap = client().get("bootstrap.servers").unwrap().to_owned();
            let command = format!(
                "kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {name} \
                 --add-config cleanup.policy=compact"
            );
            assert!(error.message.contains(&command) && error.message.contains(policy), "{error}");
        }
    });
}

#[test]
fn a_second_partition_is_refused_where_order_matters() {
    block_on(async {
        let name = unique("two");
        drop(open(settings(&name, 2)).await);
        let error = CompactedLog::open(settings(&name, 1), |_| {}).await.err().unwrap();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.message.contains("exactly 1 partition, got 2"), "{error}");
    });
}

#[test]
fn a_missing_topic_is_an_error_when_it_must_not_be_created() {
    block_on(async {
        let mut settings = settings(&unique("missing"), 1);
        settings.create = false;
        let error = CompactedLog::open(settings, |_| {}).await.err().unwrap();
        assert_eq!(error.kind, Kind::Config, "{error}");
        let command = "--partitions 1 --replication-factor 1 --config cleanup.policy=compact";
        assert!(error.message.contains("kafka-topics.sh") && error.message.ends_with(command), "{error}");
    });
}
