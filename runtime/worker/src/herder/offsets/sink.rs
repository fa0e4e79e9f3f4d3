//! Offsets of sinks: what the connector's consumer group has committed.
use super::still_live;
use crate::api::{ConnectorOffset, Object, OffsetChange, Refusal};
use crate::herder::Shared;
use crate::task;
use cluster::Properties;
use kafka::{Admin, TopicPartition};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Where each partition shall go on; none forgets what was committed.
pub type Wanted = BTreeMap<(String, i32), Option<i64>>;

/// The consumer group of a sink.
pub struct Group {
    connector: String,
    name: String,
    admin: Admin,
}

const KAFKA_WAIT: Duration = Duration::from_secs(10);
/// Static members are remembered for a session after they stopped, and until then the broker lets nobody change
/// the group. Longer than the default session, shorter than a request may take.
const MEMBERS_GONE_MAX: Duration = Duration::from_secs(12);
const MEMBERS_GONE_POLL: Duration = Duration::from_millis(250);

impl Group {
    pub fn open(shared: &Shared, connector: &str, config: &Properties) -> Result<Self, Refusal> {
        let kind = crate::definition::Kind::Sink;
        let wrong = |failure: cluster::Failure| Refusal::Invalid(first_line(&failure.trace));
        let parsed = task::parse(kind, config, &shared.framework).map_err(wrong)?;
        let settings = &shared.settings;
        let client = task::client(settings, &settings.kafka.admin, &parsed.admin).map_err(wrong)?;
        let admin = Admin::open(&client, KAFKA_WAIT)
            .map_err(|error| failed("Failed to open an admin client", connector, &error))?;
        let name = task::group_of(connector, &parsed, settings);
        Ok(Self { connector: connector.to_owned(), name, admin })
    }

    pub async fn list(&self) -> Result<Vec<ConnectorOffset>, Refusal> {
        let failed = |error| failed("Failed to retrieve consumer group offsets", &self.connector, &error);
        let committed = self.admin.group_offsets(&self.name).await.map_err(failed)?;
        let offset = |one: kafka::Committed| {
            Some(ConnectorOffset {
                partition: object(&json!({ "kafka_partition": one.partition, "kafka_topic": one.topic })),
                offset: object(&json!({ "kafka_offset": one.offset? })),
            })
        };
        Ok(committed.into_iter().filter_map(offset).collect())
    }

    pub async fn alter(&self, wanted: Wanted) -> Result<(), Refusal> {
        let (mut altered, mut erased) = (Vec::new(), Vec::new());
        for ((topic, partition), offset) in wanted {
            let place = TopicPartition::new(topic, partition);
            match offset {
                Some(offset) => altered.push((place, offset)),
                None => erased.push(place),
            }
        }
        self.check_places(&altered).await?;
        if !altered.is_empty() {
            self.once_empty("alter", || self.admin.alter_group_offsets(&self.name, &altered)).await?;
        }
        if !erased.is_empty() {
            self.once_empty("alter", || self.admin.delete_group_offsets(&self.name, &erased)).await?;
        }
        Ok(())
    }

    pub async fn reset(&self) -> Result<(), Refusal> {
        self.once_empty("reset", || self.admin.delete_group(&self.name)).await
    }

    /// The broker would store an offset of a topic that does not exist, and nobody would ever read it.
    async fn check_places(&self, altered: &[(TopicPartition, i64)]) -> Result<(), Refusal> {
        let mut known = BTreeMap::new();
        for (place, offset) in altered {
            if *offset < 0 {
                let name = format!("{}-{}", place.topic, place.partition);
                return Err(Refusal::Invalid(format!(
                    "{name}: expected a kafka_offset from 0, got {offset}"
                )));
            }
            if !known.contains_key(&place.topic) {
                let failed = |error| failed("Failed to look at the topics", &self.connector, &error);
                let found = self.admin.describe_topic(&place.topic).await.map_err(failed)?;
                let missing = || Refusal::Invalid(format!("{}: there is no such Kafka topic", place.topic));
                known.insert(place.topic.clone(), found.ok_or_else(missing)?.partitions);
            }
            if !known.get(&place.topic).is_some_and(|partitions| partitions.contains(&place.partition)) {
                let TopicPartition { topic, partition } = place;
                return Err(Refusal::Invalid(format!("{topic}: there is no Kafka partition {partition}")));
            }
        }
        Ok(())
    }

    async fn once_empty<F>(&self, verb: &str, change: impl Fn() -> F) -> Result<(), Refusal>
    where
        F: Future<Output = Result<(), kafka::Error>>,
    {
        let started = Instant::now();
        loop {
            let Err(error) = change().await else { return Ok(()) };
            if !self.has_members().await {
                let what = format!("Failed to {verb} consumer group offsets");
                return Err(failed(&what, &self.connector, &error));
            }
            if started.elapsed() > MEMBERS_GONE_MAX {
                return Err(Refusal::Conflict(still_live(&self.connector)));
            }
            tokio::time::sleep(MEMBERS_GONE_POLL).await;
        }
    }

    async fn has_members(&self) -> bool {
        let group = self.admin.describe_group(&self.name).await;
        matches!(group, Ok(Some(group)) if !group.members.is_empty())
    }
}

/// Connect's rules for the offsets of a sink, in its words.
pub fn parse(changes: &[OffsetChange]) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::new();
    for change in changes {
        let invalid = |sentence: String| Refusal::Invalid(sentence);
        let place = place(change.partition.as_ref()).map_err(invalid)?;
        let offset = change.offset.as_ref().map(offset).transpose().map_err(invalid)?;
        wanted.insert(place, offset);
    }
    Ok(wanted)
}

fn place(partition: Option<&Object>) -> Result<(String, i32), String> {
    let partition = partition.ok_or("The partition for a sink connector offset cannot be null or missing")?;
    let (Some(topic), Some(number)) = (partition.get("kafka_topic"), partition.get("kafka_partition")) else {
        return Err("The partition for a sink connector offset must contain the keys 'kafka_topic' and \
                    'kafka_partition'"
            .into());
    };
    if topic.is_null() {
        return Err("Kafka topic names must be valid strings and may not be null".into());
    }
    if number.is_null() {
        return Err("Kafka partitions must be valid numbers and may not be null".into());
    }
    let number = text(number);
    let parsed = number.parse().map_err(|_| {
        format!(
            "Failed to parse the following Kafka partition value in the provided offsets: '{number}'. Partition \
             values for sink connectors need to be integers."
        )
    })?;
    Ok((text(topic), parsed))
}

fn offset(offset: &Object) -> Result<i64, String> {
    let Some(value) = offset.get("kafka_offset") else {
        return Err(
            "The offset for a sink connector should either be null or contain the key 'kafka_offset'".into(),
        );
    };
    let value = text(value);
    value.parse().map_err(|_| {
        format!(
            "Failed to parse the following Kafka offset value in the provided offsets: '{value}'. Offset values for \
             sink connectors need to be integers."
        )
    })
}

/// Numbers may come as text, as they do in Connect.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

fn failed(what: &str, connector: &str, error: &kafka::Error) -> Refusal {
    Refusal::Internal(format!("{what} for connector {connector}: {error}"))
}

fn first_line(trace: &str) -> String {
    trace.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
