//! The requests that the source makes, with what each failure means.
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{Builder, retry::RetryConfig};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{
    self, ConsumerStatus, PutRecordsRequestEntry, PutRecordsResultEntry, ShardIteratorType, StartingPosition,
};
use penstock_sdk::{Error, Result};

use crate::access::{self, Access, Cause, Failure};

use super::lineage::Shard;
use super::position::Start;
use super::settings::Name;

/// A stream, and how to ask for it.
pub struct Stream {
    pub name: Name,
    access: Access,
    config: SdkConfig,
    client: Client,
    /// Subscriptions last: they have connections of their own.
    lanes: Mutex<Vec<Arc<Lane>>>,
}

struct Lane {
    client: Client,
}

/// Records that are being sent. It takes up room on its lane as long as it lives.
pub struct Subscription {
    pub events: SubscribeToShardOutput,
    _lane: Arc<Lane>,
}

/// What a registered consumer is.
pub struct Consumer {
    pub arn: String,
    pub status: Option<ConsumerStatus>,
}

/// What is known of a stream as a whole.
pub struct Summary {
    pub arn: String,
    pub retention_ms: i64,
    pub created_ms: Option<i64>,
}

impl Stream {
    pub async fn open(name: &Name, access: &Access) -> Result<Self> {
        let config = access::load(access).await?;
        let client = client(&config, access);
        Ok(Self { name: name.clone(), access: access.clone(), config, client, lanes: Mutex::default() })
    }

    /// All shards that are kept, open and closed.
    pub async fn shards(&self) -> Result<Vec<Shard>, Failure> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = self.client.list_shards();
            let request = match next {
                // A token stands for the stream, too.
                Some(token) => request.next_token(token),
                None => request
                    .set_stream_arn(self.name.arn.clone())
                    .set_stream_name(self.name.arn.is_none().then(|| self.name.name.clone())),
            };
            let answer = request.send().await.map_err(|error| Failure::of("kinesis:ListShards", &error))?;
            found.extend(answer.shards().iter().map(shard));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    pub async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Failure> {
        let request = self.client.get_shard_iterator().shard_id(shard);
        let request = request
            .set_stream_arn(self.name.arn.clone())
            .set_stream_name(self.name.arn.is_none().then(|| self.name.name.clone()));
        let (kind, sequence, time) = position(start);
        let request =
            request.shard_iterator_type(kind).set_starting_sequence_number(sequence).set_timestamp(time);
        let answer = request.send().await.map_err(|error| Failure::of("kinesis:GetShardIterator", &error))?;
        answer
            .shard_iterator
            .ok_or_else(|| Failure::transient("kinesis:GetShardIterator", "the answer has no iterator"))
    }

    pub async fn records(&self, iterator: &str) -> Result<GetRecordsOutput, Failure> {
        let request = self.client.get_records().shard_iterator(iterator);
        let request = request.set_stream_arn(self.name.arn.clone()).limit(FETCH_RECORDS);
        request.send().await.map_err(|error| Failure::of("kinesis:GetRecords", &error))
    }

    /// Appends records; the answer says of each of them what became of it.
    pub async fn put(
        &self,
        records: Vec<PutRecordsRequestEntry>,
    ) -> Result<Vec<PutRecordsResultEntry>, Failure> {
        let request = self.client.put_records().set_records(Some(records));
        let request = request
            .set_stream_arn(self.name.arn.clone())
            .set_stream_name(self.name.arn.is_none().then(|| self.name.name.clone()));
        request.send().await.map(|answer| answer.records).map_err(|error| Failure::of(PUT, &error))
    }

    pub async fn subscribe(
        &self,
        consumer: &str,
        shard: &str,
        start: &Start,
    ) -> Result<Subscription, Failure> {
        let (kind, sequence, time) = position(start);
        let from = StartingPosition::builder().r#type(kind).set_sequence_number(sequence).set_timestamp(time);
        let from = from.build().map_err(|error| Failure::transient(SUBSCRIBE, error.to_string()))?;
        let lane = self.lane()?;
        let request = lane.client.subscribe_to_shard();
        let request = request.consumer_arn(consumer).shard_id(shard).starting_position(from);
        let events = request.send().await.map_err(|error| Failure::of(SUBSCRIBE, &error))?;
        Ok(Subscription { events, _lane: lane })
    }

    /// One that has room: a connection carries so many subscriptions at once and no more.
    fn lane(&self) -> Result<Arc<Lane>, Failure> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // The list itself holds each of them once.
        if let Some(lane) = lanes.iter().find(|lane| Arc::strong_count(lane) <= LANE_SUBSCRIPTIONS) {
            return Ok(Arc::clone(lane));
        }
        let http = access::http(&self.access)
            .map_err(|error| Failure::transient(SUBSCRIBE, error.message().to_owned()))?;
        let config = self.config.clone().into_builder().http_client(http).build();
        let lane = Arc::new(Lane { client: client(&config, &self.access) });
        lanes.push(Arc::clone(&lane));
        Ok(lane)
    }

    /// The stream's ARN, which consumers are registered under.
    pub async fn arn(&self) -> Result<String, Failure> {
        match &self.name.arn {
            Some(arn) => Ok(arn.clone()),
            None => self.summary().await.map(|summary| summary.arn),
        }
    }

    pub async fn summary(&self) -> Result<Summary, Failure> {
        const ACTION: &str = "kinesis:DescribeStreamSummary";
        let request = self.client.describe_stream_summary().set_stream_arn(self.name.arn.clone());
        let request = request.set_stream_name(self.name.arn.is_none().then(|| self.name.name.clone()));
        let answer = request.send().await.map_err(|error| Failure::of(ACTION, &error))?;
        let found = answer.stream_description_summary;
        let found = found.ok_or_else(|| Failure::transient(ACTION, "the answer is empty"))?;
        Ok(Summary {
            retention_ms: i64::from(found.retention_period_hours) * 3_600_000,
            created_ms: found.stream_creation_timestamp.to_millis().ok(),
            arn: found.stream_arn,
        })
    }

    pub async fn consumer(&self, stream: &str, name: &str) -> Result<Option<Consumer>, Failure> {
        let request = self.client.describe_stream_consumer().stream_arn(stream).consumer_name(name);
        match request.send().await {
            Ok(answer) => Ok(answer
                .consumer_description
                .map(|found| Consumer { arn: found.consumer_arn, status: Some(found.consumer_status) })),
            Err(error) => match Failure::of(DESCRIBE_CONSUMER, &error) {
                failure if failure.cause == Cause::Missing => Ok(None),
                failure => Err(failure),
            },
        }
    }

    pub async fn register(&self, stream: &str, name: &str) -> Result<(), Failure> {
        let request = self.client.register_stream_consumer().stream_arn(stream).consumer_name(name);
        request.send().await.map(drop).map_err(|error| Failure::of("kinesis:RegisterStreamConsumer", &error))
    }

    pub async fn deregister(&self, consumer: &str) -> Result<(), Failure> {
        let request = self.client.deregister_stream_consumer().consumer_arn(consumer);
        request.send().await.map(drop).map_err(|error| Failure::of(DEREGISTER, &error))
    }

    /// What a failure is to the worker: a wrong setting where waiting does not mend it.
    pub fn error(&self, failure: &Failure) -> Error {
        let Failure { cause, action, reason } = failure;
        let stream = &self.name.name;
        if *cause == Cause::Missing {
            return Error::config(format!(
                "kinesis.stream: there is no stream {stream} for {} in region {}: {reason}",
                self.access.who(),
                self.region()
            ));
        }
        self.access.verdict(failure, &format!("stream {stream}"), &self.resource(action))
    }

    /// Waiting mends it.
    pub fn is_passing(&self, failure: &Failure) -> bool {
        self.access.is_passing(failure)
    }

    /// What policies name for an action.
    fn resource(&self, action: &str) -> String {
        let own = || access::arn("kinesis", self.region(), &format!("stream/{}", self.name.name));
        let stream = self.name.arn.clone().unwrap_or_else(own);
        if OF_CONSUMERS.contains(&action) { format!("{stream}/consumer/*") } else { stream }
    }

    fn region(&self) -> &str {
        self.config.region().map_or("", AsRef::as_ref)
    }
}

fn client(config: &SdkConfig, access: &Access) -> Client {
    // Readers have pauses of their own, by shard, and count what was refused.
    let builder = Builder::from(config).retry_config(RetryConfig::disabled());
    Client::from_conf(match &access.endpoint {
        Some(url) => builder.endpoint_url(url).build(),
        None => builder.build(),
    })
}

fn position(start: &Start) -> (ShardIteratorType, Option<String>, Option<DateTime>) {
    match start {
        Start::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
        Start::Latest => (ShardIteratorType::Latest, None, None),
        Start::Since(ms) => (ShardIteratorType::AtTimestamp, None, Some(DateTime::from_millis(*ms))),
        Start::Behind { sequence, part: None } => {
            (ShardIteratorType::AfterSequenceNumber, Some(sequence.clone()), None)
        }
        // The rest of the record's parts is still to come.
        Start::At(sequence) | Start::Behind { sequence, part: Some(_) } => {
            (ShardIteratorType::AtSequenceNumber, Some(sequence.clone()), None)
        }
    }
}

fn shard(given: &types::Shard) -> Shard {
    let range = given.hash_key_range.as_ref();
    let number = |text: Option<&str>, default| text.and_then(|text| text.parse().ok()).unwrap_or(default);
    Shard {
        id: given.shard_id.clone(),
        parents: [&given.parent_shard_id, &given.adjacent_parent_shard_id]
            .into_iter()
            .flatten()
            .filter(|id| !id.is_empty())
            .cloned()
            .collect(),
        hash_keys: (
            number(range.map(types::HashKeyRange::starting_hash_key), 0),
            number(range.map(types::HashKeyRange::ending_hash_key), u128::MAX),
        ),
        is_open: given
            .sequence_number_range
            .as_ref()
            .is_none_or(|range| range.ending_sequence_number.as_deref().is_none_or(str::is_empty)),
    }
}

pub const SUBSCRIBE: &str = "kinesis:SubscribeToShard";
pub const DESCRIBE_CONSUMER: &str = "kinesis:DescribeStreamConsumer";
const DEREGISTER: &str = "kinesis:DeregisterStreamConsumer";
/// They are about a consumer of the stream, not about the stream.
const OF_CONSUMERS: [&str; 3] = [SUBSCRIBE, DESCRIBE_CONSUMER, DEREGISTER];
pub const PUT: &str = "kinesis:PutRecords";
/// All that AWS gives at once.
const FETCH_RECORDS: i32 = 10_000;
/// Below what servers allow on one connection, which is 100 or more.
const LANE_SUBSCRIPTIONS: usize = 40;
