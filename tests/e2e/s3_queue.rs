//! Files that a queue tells of: a message is deleted when its files are in the table, and comes again otherwise.

use crate::s3::{alone, pipe};
use penstock_tests::http::{self, Request};
use penstock_tests::rights::{Guard, Policy};
use penstock_tests::{Bucket, ClickHouse, SOON, objects, unique, until};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// A queue that speaks SQS's JSON, as far as the source asks: no emulator of it is at hand.
#[derive(Clone, Default)]
struct Queue(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    waiting: VecDeque<(String, String)>,
    /// Received and not deleted.
    held: Vec<(String, String)>,
    deleted: Vec<String>,
}

impl Queue {
    fn start(&self) -> String {
        let queue = self.clone();
        http::serve(move |request, near| queue.serve(request, near))
    }

    fn serve(&self, request: &Request, mut near: &TcpStream) -> bool {
        let action = request.header("x-amz-target").unwrap_or_default().trim_start_matches("AmazonSQS.");
        let signature = request.header("authorization").unwrap_or_default();
        assert!(signature.contains("/sqs/aws4_request"), "{action} is not signed");
        let answer = self.answer(action, &serde_json::from_slice(request.body()).unwrap());
        near.write_all(&http::answer(200, "application/x-amz-json-1.0", &answer.to_string())).is_ok()
    }

    fn answer(&self, action: &str, body: &Value) -> Value {
        let mut inner = self.0.lock().unwrap();
        let receipt = body["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
        match action {
            "ReceiveMessage" => {
                let Some((receipt, text)) = inner.waiting.pop_front() else { return json!({}) };
                inner.held.push((receipt.clone(), text.clone()));
                json!({ "Messages": [{ "MessageId": receipt, "ReceiptHandle": receipt, "Body": text }] })
            }
            "DeleteMessage" => {
                inner.held.retain(|(held, _)| *held != receipt);
                inner.deleted.push(receipt);
                json!({})
            }
            "ChangeMessageVisibility" => json!({}),
            other => panic!("{other} was asked"),
        }
    }

    /// An event of objects that were created.
    fn tell(&self, receipt: &str, bucket: &str, keys: &[String]) {
        let record = |key: &String| json!({ "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": bucket }, "object": { "key": key } } });
        let event = json!({ "Records": keys.iter().map(record).collect::<Vec<_>>() });
        self.0.lock().unwrap().waiting.push_back((receipt.to_owned(), event.to_string()));
    }

    /// As when their time is over.
    fn come_again(&self) {
        let mut inner = self.0.lock().unwrap();
        let held = std::mem::take(&mut inner.held);
        inner.waiting.extend(held);
    }

    fn deleted(&self) -> Vec<String> {
        let mut deleted = self.0.lock().unwrap().deleted.clone();
        deleted.sort();
        deleted
    }
}

#[test]
fn messages_are_deleted_when_their_files_are_stored() {
    let (clickhouse, bucket, table) =
        (ClickHouse::shared(), Bucket::create("penstock-queue"), unique("queue"));
    clickhouse.query(&format!("CREATE TABLE `{table}` (id UInt64) ENGINE = MergeTree ORDER BY id"));
    let queue = Queue::default();
    let (page, guard) = (include_str!("../../docs/s3.md"), Guard::default());
    let names = [("eu-central-1:123456789012:exports-events", "us-east-1:000000000000:files")];
    guard.admit(objects::ADMIN, Policy::documented(page, "### Queue", &names));
    let url = format!("{}/000000000000/files", guard.before(&queue.start()));
    let put = |name: &str, id: u64| {
        let key = format!("{table}/{name}");
        bucket.put(&key, format!("{{\"id\":{id}}}\n").as_bytes());
        key
    };
    // Long enough to be killed before anything is stored.
    let age = ("sink.penstock.batch.age.max.ms", "6000");
    let more = [("source.s3.mode", "continuous"), ("source.s3.sqs.queue.url", url.as_str()), age];
    let mut worker = alone();
    // Keys in no order, two files in one message, and one that is none of ours.
    let last = put("9.json", 9);
    queue.tell("a", &bucket.name, &[last]);
    worker.create(&table, &pipe(&bucket, &clickhouse, &table, &more));
    until("the first file", SOON, || clickhouse.count(&table) == 1);
    queue.tell("b", &bucket.name, &[put("1.json", 1), put("2.json", 2)]);
    queue.tell("c", &bucket.name, &["elsewhere/x.json".into()]);
    until("the other files", SOON, || clickhouse.count(&table) == 3);
    until("all messages to be deleted", SOON, || queue.deleted() == ["a", "b", "c"]);
    // One whose file is not stored yet stays, and comes again.
    queue.tell("d", &bucket.name, &[put("0.json", 0)]);
    until("the message to be received", SOON, || queue.0.lock().unwrap().held.len() == 1);
    worker.kill();
    assert_eq!(queue.deleted(), ["a", "b", "c"]);
    worker.start();
    // Nothing of the dead worker's is on its way any more.
    queue.come_again();
    until("the last file", SOON, || clickhouse.count(&table) == 4);
    until("its message to be deleted", SOON, || queue.deleted() == ["a", "b", "c", "d"]);
    worker.stop();
    // Nothing took half of the time that a message has.
    assert_eq!(guard.refused(objects::ADMIN), Vec::<String>::new());
    assert_eq!(guard.unused(objects::ADMIN), ["sqs:ChangeMessageVisibility"]);
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
