//! Files that a queue tells of: a message is deleted when its files are in the table, and comes again otherwise.

use crate::s3::{alone, pipe};
use penstock_tests::{Bucket, ClickHouse, SOON, unique, until};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/000000000000/files", listener.local_addr().unwrap());
        let queue = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let queue = queue.clone();
                std::thread::spawn(move || queue.serve(stream));
            }
        });
        url
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let (mut action, mut length, mut is_signed) = (String::new(), 0, false);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let (name, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
                match name.to_ascii_lowercase().as_str() {
                    "x-amz-target" => value.trim().trim_start_matches("AmazonSQS.").clone_into(&mut action),
                    "content-length" => length = value.trim().parse().unwrap(),
                    "authorization" => is_signed = value.contains("/sqs/aws4_request"),
                    "" => break,
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            assert!(is_signed, "{action} is not signed");
            let answer = self.answer(&action, &serde_json::from_slice(&body).unwrap()).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all((head + &answer).as_bytes()).ok()?;
        }
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
    let url = queue.start();
    let put = |name: &str, id: u64| {
        let key = format!("{table}/{name}");
        bucket.put(&key, format!("{{\"id\":{id}}}\n").as_bytes());
        key
    };
    // Long enough to be killed before anything is stored.
    let age = ("sink.penstock.batch.age.max.ms", "3000");
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
    queue.come_again();
    worker.start();
    until("the last file", SOON, || clickhouse.count(&table) == 4);
    until("its message to be deleted", SOON, || queue.deleted() == ["a", "b", "c", "d"]);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
