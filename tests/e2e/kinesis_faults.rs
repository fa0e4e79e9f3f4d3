//! What Kinesis can do to a reader: throttling, old iterators, short sessions, refusals; and clear words for each.

use crate::kinesis::{assert_whole, source, total};
use penstock_tests::services::Own;
use penstock_tests::{Kafka, Kinesis, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(120);
const KEYS: u64 = 97;

fn round(number: u64) -> Vec<(String, Vec<u8>)> {
    (0..KEYS).map(|key| (format!("key-{key}"), number.to_string().into_bytes())).collect()
}

fn own(settings: &[(&str, &str)]) -> (Own, Kinesis) {
    let settings: Vec<(&str, String)> =
        settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let server = Own::start_with("kinesis", &settings);
    let kinesis = Kinesis::at(&server.address);
    (server, kinesis)
}

#[test]
fn throttling_old_iterators_and_errors_of_the_service_lose_nothing() {
    let faults = "GetRecords/5=ProvisionedThroughputExceededException,GetRecords/7=ExpiredIteratorException,\
                  GetRecords/11=KMSThrottlingException,GetRecords/13=InternalFailure:500,\
                  GetShardIterator/3=ProvisionedThroughputExceededException,ListShards/3=LimitExceededException";
    let (_server, kinesis) = own(&[("KINESIS_FAULTS", faults)]);
    let kafka = Kafka::shared();
    let (name, stream) = (unique("faults"), unique("stream"));
    kafka.create_topic(&stream, 2);
    // The writer's own look for shards may be refused as well.
    kinesis.call("CreateStream", &json!({ "StreamName": stream, "ShardCount": 4 }));
    kinesis.await_active(&stream);
    let mut worker = Worker::distributed().allow("trying again").start();
    worker.create(&name, &source(&kinesis, &stream, 2, &[("kinesis.shards.interval.ms", "1000")]));
    for number in 0..60 {
        kinesis.put(&stream, &round(number));
    }
    until("all records", LONG, || total(&kafka, &stream) >= 60 * KEYS);
    assert_eq!(assert_whole(&kafka, &stream, 60), 0);
    until("each fault to be met", SOON, || {
        ["throttles", "iterator_renewals", "shard_retries"]
            .iter()
            .all(|kind| worker.plugin_events(&name, kind) > 0)
    });
    worker.await_running(&name, 2);
    worker.stop();
}

#[test]
fn iterators_that_grow_old_are_replaced_behind_the_last_record() {
    // A second is over while the shard is idle.
    let (_server, kinesis) = own(&[("KINESIS_ITERATOR_TTL_S", "1")]);
    let kafka = Kafka::shared();
    let (name, stream) = (unique("old"), unique("stream"));
    kafka.create_topic(&stream, 1);
    kinesis.create(&stream, 2);
    let mut worker = Worker::distributed().start();
    let slow = [("kinesis.fetch.interval.ms", "1500"), ("kinesis.fetch.idle.ms", "1500")];
    worker.create(&name, &source(&kinesis, &stream, 1, &slow));
    for number in 0..4 {
        kinesis.put(&stream, &round(number));
        until("the round", LONG, || total(&kafka, &stream) >= (number + 1) * KEYS);
    }
    assert_eq!(assert_whole(&kafka, &stream, 4), 0);
    assert!(worker.plugin_events(&name, "iterator_renewals") > 0);
    worker.stop();
}

#[test]
fn five_requests_a_second_are_never_exceeded() {
    let (_server, kinesis) = own(&[("KINESIS_GETS_PER_SECOND", "5")]);
    let kafka = Kafka::shared();
    let (name, stream) = (unique("paced"), unique("stream"));
    kafka.create_topic(&stream, 1);
    kinesis.create(&stream, 1);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &source(&kinesis, &stream, 1, &[("kinesis.fetch.idle.ms", "200")]));
    for number in 0..10 {
        kinesis.put(&stream, &round(number));
        until("the round", LONG, || total(&kafka, &stream) >= (number + 1) * KEYS);
        if number == 5 {
            let path = format!("/connectors/{name}/restart?includeTasks=true");
            worker.rest.post(&path, &Value::Null);
        }
    }
    assert_whole(&kafka, &stream, 10);
    assert_eq!(worker.plugin_events(&name, "throttles"), 0);
    worker.stop();
    // The server does count: a reader in a hurry is refused.
    let shard = &kinesis.shards(&stream)[0]["ShardId"];
    let from = json!({ "StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let iterator = kinesis.call("GetShardIterator", &from)["ShardIterator"].clone();
    let ask = || kinesis.try_call("GetRecords", &json!({ "ShardIterator": iterator }));
    let refused = (0..20).find_map(|_| ask().err()).unwrap_or_default();
    assert!(refused.contains("ProvisionedThroughputExceededException"), "{refused}");
}

/// `PENSTOCK_EFO_SESSION_MS=300000 ./test e2e -- -- subscriptions_follow` takes a quarter of an hour with AWS's own sessions.
fn session() -> Duration {
    let ms = std::env::var("PENSTOCK_EFO_SESSION_MS");
    Duration::from_millis(ms.map_or(1500, |text| text.parse().expect("milliseconds")))
}

#[test]
fn subscriptions_follow_each_other_without_a_gap() {
    let faults = "SubscribeToShard/5=ResourceInUseException,SubscribeToShard/7=LimitExceededException";
    let length = session().as_millis().to_string();
    let (_server, kinesis) = own(&[("KINESIS_EFO_SESSION_MS", length.as_str()), ("KINESIS_FAULTS", faults)]);
    let kafka = Kafka::shared();
    let (name, stream) = (unique("sessions"), unique("stream"));
    kafka.create_topic(&stream, 2);
    kinesis.create(&stream, 4);
    let mut worker = Worker::distributed().allow("trying again").start();
    let fanout = [("kinesis.mode", "fanout"), ("kinesis.consumer.delete.on.stop", "true")];
    worker.create(&name, &source(&kinesis, &stream, 2, &fanout));
    let (mut rounds, mut put_at) = (0, Instant::now());
    until("several sessions", LONG + session() * 4, || {
        // Without a pause a session of minutes would have millions of records.
        if rounds == 0 || put_at.elapsed() > Duration::from_millis(100) {
            kinesis.put(&stream, &round(rounds));
            (rounds, put_at) = (rounds + 1, Instant::now());
        }
        worker.plugin_events(&name, "subscription_renewals") >= 12
    });
    until("all records", LONG, || total(&kafka, &stream) >= rounds * KEYS);
    assert_eq!(assert_whole(&kafka, &stream, rounds), 0);
    println!("{rounds} rounds over sessions of {length} ms, four shards: none missing, none twice");
    assert_eq!(kinesis.consumers(&stream), [format!("penstock-{name}")]);
    worker.stop();
    until("the consumer to be removed", SOON, || kinesis.consumers(&stream).is_empty());
}

#[test]
fn latest_leaves_out_what_was_there_and_nothing_that_comes() {
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::shared());
    let (name, stream) = (unique("latest"), unique("stream"));
    kafka.create_topic(&stream, 1);
    kinesis.create(&stream, 2);
    let old: Vec<_> = round(7).into_iter().map(|(key, _)| (key, b"old".to_vec())).collect();
    kinesis.put(&stream, &old);
    let mut worker = Worker::distributed().set("offset.flush.interval.ms", "100").start();
    worker.create(&name, &source(&kinesis, &stream, 2, &[("kinesis.start", "LATEST")]));
    let offsets = || worker.rest.get(&format!("/connectors/{name}/offsets")).expect(200).to_string();
    until("both places to be stored", SOON, || offsets().matches("AT_TIMESTAMP").count() == 2);
    until("both shards to have been asked", SOON, || {
        let metrics = worker.rest.get("/metrics").expect(200);
        let lines = metrics.as_str().unwrap().lines();
        lines.filter(|line| line.contains(&name) && line.contains("lag_ms shardId-")).count() == 2
    });
    kinesis.put(&stream, &round(0));
    kinesis.reshard(&stream, 4);
    kinesis.put(&stream, &round(1));
    until("what has come", LONG, || total(&kafka, &stream) >= 2 * KEYS);
    assert_eq!(assert_whole(&kafka, &stream, 2), 0);
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn what_cannot_work_is_said_before_and_in_the_status() {
    let kinesis = Kinesis::shared();
    let stream = unique("stream");
    kinesis.create(&stream, 1);
    let mut worker = Worker::distributed().env("AWS_EC2_METADATA_DISABLED", "true").start();
    let validate = |config: &Value| {
        let path = "/connector-plugins/KinesisSource/config/validate";
        worker.rest.send("PUT", path, Some(config)).unwrap().expect(200).to_string()
    };
    let told = validate(&source(&kinesis, "nowhere", 1, &[]));
    assert!(told.contains("there is no stream nowhere for access key test in region us-east-1"), "{told}");
    let told = validate(&source(&kinesis, &stream, 1, &[("kinesis.start", "AT_TIMESTAMP")]));
    assert!(told.contains("a value is required beside kinesis.start=AT_TIMESTAMP"), "{told}");
    let wrong = [("kinesis.start", "AT_TIMESTAMP"), ("kinesis.start.timestamp", "yesterday")];
    let told = validate(&source(&kinesis, &stream, 1, &wrong));
    assert!(told.contains("expected a time such as 2026-01-31T12:00:00Z"), "{told}");
    let told = validate(&source(&kinesis, &stream, 1, &[("aws.secret.access.key", "")]));
    assert!(told.contains("a value is required beside aws.access.key.id"), "{told}");
    assert!(!told.contains("test-secret"));
    let none = [("aws.access.key.id", ""), ("aws.secret.access.key", "")];
    let told = validate(&source(&kinesis, &stream, 1, &none));
    assert!(told.contains("there are no valid credentials, by the default chain of credentials"), "{told}");
    worker.stop();
    kinesis.delete(&stream);
}

#[test]
fn denied_access_names_stream_action_and_who_asked() {
    let faults = "GetRecords/4=AccessDeniedException";
    let (_server, kinesis) = own(&[("KINESIS_FAULTS", faults)]);
    let stream = unique("stream");
    let name = unique("denied");
    Kafka::shared().create_topic(&stream, 1);
    kinesis.create(&stream, 1);
    let mut worker = Worker::distributed().allow("is denied to").start();
    worker.submit(&name, &source(&kinesis, &stream, 1, &[]));
    let status = worker.await_status(&name, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    let expected = format!("stream {stream}: kinesis:GetRecords is denied to access key test");
    assert!(trace.contains(&expected), "{trace}");
    worker.stop();
}

#[test]
fn a_message_that_is_too_large_is_refused_with_its_size_or_left_out_aloud() {
    let (kafka, kinesis) = (Kafka::shared(), Kinesis::shared());
    let (strict, lenient, stream) = (unique("strict"), unique("lenient"), unique("stream"));
    kafka.create_topic(&stream, 1);
    kinesis.create(&stream, 1);
    let data =
        ["small", "much too large for it", "little"].map(|text| ("key".to_owned(), text.as_bytes().to_vec()));
    kinesis.put(&stream, &data);
    let mut worker = Worker::distributed().allow("message.bytes.max: a message of 24 bytes").start();
    let limit = ("message.bytes.max", "20");
    worker.submit(&strict, &source(&kinesis, &stream, 1, &[limit]));
    let status = worker.await_status(&strict, "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains("a message of 24 bytes is larger than 20: stream"), "{trace}");
    worker.submit(&lenient, &source(&kinesis, &stream, 1, &[limit, ("errors.tolerance", "all")]));
    until("the others", SOON, || total(&kafka, &stream) >= 3);
    let texts: Vec<String> = kafka.read(&stream).iter().map(|record| record.text().to_owned()).collect();
    assert_eq!(texts, ["small", "small", "little"]);
    assert_eq!(worker.plugin_events(&lenient, "messages_too_large"), 1);
    worker.stop();
    kinesis.delete(&stream);
}
