//! Makes Kinesis streams, writes to them and reshards them, over the service's own JSON protocol.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Kinesis {
    agent: ureq::Agent,
    pub url: String,
}

impl Kinesis {
    /// The server that all tests of a run share.
    pub fn shared() -> Self {
        Self::at(&crate::services::kinesis())
    }

    pub fn at(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned() }
    }

    #[track_caller]
    pub fn call(&self, action: &str, body: &Value) -> Value {
        match self.try_call(action, body) {
            Ok(answer) => answer,
            Err(reason) => panic!("{action} {body}: {reason}"),
        }
    }

    pub fn try_call(&self, action: &str, body: &Value) -> Result<Value, String> {
        let mut answer = self
            .agent
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", &format!("Kinesis_20131202.{action}"))
            .header("x-amz-date", "20260101T000000Z")
            // The emulators look at its form and not at what it signs.
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/kinesis/aws4_request, \
                 SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000",
            )
            .send(body.to_string())
            .map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(text);
        }
        Ok(if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).map_err(|e| e.to_string())?
        })
    }

    #[track_caller]
    pub fn create(&self, stream: &str, shards: usize) {
        self.call("CreateStream", &json!({ "StreamName": stream, "ShardCount": shards }));
        self.await_active(stream);
    }

    #[track_caller]
    pub fn delete(&self, stream: &str) {
        self.call("DeleteStream", &json!({ "StreamName": stream, "EnforceConsumerDeletion": true }));
    }

    #[track_caller]
    pub fn await_active(&self, stream: &str) {
        crate::until("the stream to be active", crate::SOON, || {
            let answer = self.call("DescribeStreamSummary", &json!({ "StreamName": stream }));
            answer["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
        });
    }

    /// Every shard that is kept.
    #[track_caller]
    pub fn shards(&self, stream: &str) -> Vec<Value> {
        let answer = self.call("ListShards", &json!({ "StreamName": stream, "MaxResults": 1000 }));
        answer["Shards"].as_array().cloned().unwrap_or_default()
    }

    #[track_caller]
    pub fn open_shards(&self, stream: &str) -> Vec<Value> {
        let is_open = |shard: &Value| shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
        self.shards(stream).into_iter().filter(is_open).collect()
    }

    /// Splits or merges until the stream has as many open shards: halves and doubles.
    #[track_caller]
    pub fn reshard(&self, stream: &str, shards: usize) {
        loop {
            let mut open = self.open_shards(stream);
            if open.len() == shards {
                return;
            }
            let start = |shard: &Value| hash_key(shard, "StartingHashKey");
            open.sort_by_key(start);
            if open.len() < shards {
                let widest = open.iter().max_by_key(|s| hash_key(s, "EndingHashKey") - start(s)).unwrap();
                let middle = start(widest) + (hash_key(widest, "EndingHashKey") - start(widest)) / 2 + 1;
                let id = &widest["ShardId"];
                let body = json!({ "StreamName": stream, "ShardToSplit": id, "NewStartingHashKey": middle.to_string() });
                self.call("SplitShard", &body);
            } else {
                let width = |pair: &&[Value]| hash_key(&pair[1], "EndingHashKey") - start(&pair[0]);
                let pair = open.windows(2).min_by_key(width).unwrap();
                let (one, other) = (&pair[0]["ShardId"], &pair[1]["ShardId"]);
                let body =
                    json!({ "StreamName": stream, "ShardToMerge": one, "AdjacentShardToMerge": other });
                self.call("MergeShards", &body);
            }
            self.await_active(stream);
        }
    }

    /// Appends key and value pairs in order; records of one key stay in order.
    #[track_caller]
    pub fn put(&self, stream: &str, records: &[(String, Vec<u8>)]) {
        for part in records.chunks(500) {
            let entry = |(key, data): &(String, Vec<u8>)| json!({ "PartitionKey": key, "Data": STANDARD.encode(data) });
            let entries: Vec<Value> = part.iter().map(entry).collect();
            let answer = self.call("PutRecords", &json!({ "StreamName": stream, "Records": entries }));
            assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
        }
    }

    /// All that a stream holds: shard, partition key and data, in order per shard.
    #[track_caller]
    pub fn read(&self, stream: &str) -> Vec<(String, String, Vec<u8>)> {
        let mut found = Vec::new();
        for shard in self.shards(stream) {
            let id = shard["ShardId"].as_str().expect("a shard's id");
            let from = json!({ "StreamName": stream, "ShardId": id, "ShardIteratorType": "TRIM_HORIZON" });
            let mut iterator = self.call("GetShardIterator", &from)["ShardIterator"].clone();
            while !iterator.is_null() {
                let mut answer = self.call("GetRecords", &json!({ "ShardIterator": iterator }));
                let records = answer["Records"].as_array().cloned().unwrap_or_default();
                let is_end = records.is_empty() && answer["MillisBehindLatest"] == 0;
                found.extend(records.iter().map(|record| {
                    let data = STANDARD.decode(record["Data"].as_str().expect("data")).expect("Base64");
                    (id.to_owned(), record["PartitionKey"].as_str().expect("a key").to_owned(), data)
                }));
                iterator = if is_end { Value::Null } else { answer["NextShardIterator"].take() };
            }
        }
        found
    }

    /// Names of the consumers that are registered.
    #[track_caller]
    pub fn consumers(&self, stream: &str) -> Vec<String> {
        let answer = self.call("DescribeStreamSummary", &json!({ "StreamName": stream }));
        let arn = &answer["StreamDescriptionSummary"]["StreamARN"];
        let answer = self.call("ListStreamConsumers", &json!({ "StreamARN": arn }));
        let all = answer["Consumers"].as_array().cloned().unwrap_or_default();
        all.iter().map(|consumer| consumer["ConsumerName"].as_str().unwrap().to_owned()).collect()
    }
}

fn hash_key(shard: &Value, end: &str) -> u128 {
    shard["HashKeyRange"][end].as_str().and_then(|text| text.parse().ok()).expect("a hash key")
}
