//! Keeps records that could not be delivered in a topic of their own, with Connect's headers about why.
use super::producers::Outbox;
use crate::definition;
use crate::task::TaskSpec;
use crate::task::{failure, of_kafka, wrong};
use cluster::Failure;
use kafka::{Admin, Message, Outgoing, SendError, TopicSpec};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A record and what was wrong with it.
pub struct DeadLetter<'a> {
    pub message: Message<'a>,
    pub stage: &'a str,
    /// Who could not take it.
    pub class: &'a str,
    pub reason: &'a str,
}

/// The dead letter topic of one task.
pub struct DeadLetters {
    settings: definition::DeadLetters,
    outbox: Outbox,
    sent: u64,
}

/// A broker that takes longer than this to store dead letters fails the task; nothing is committed then.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Kafka's own limit is far higher, but a header is no place for a book.
const REASON_MAX: usize = 8192;

impl DeadLetters {
    /// `None` when the connector has no dead letter topic. Creates the topic when it is missing.
    pub fn open(spec: &TaskSpec) -> Result<Option<Self>, Failure> {
        let Some(settings) = spec.connector.dead_letters.clone() else { return Ok(None) };
        let client = spec.admin_settings()?;
        let topic = TopicSpec {
            name: settings.topic.clone(),
            partitions: 1,
            replication: i32::from(settings.replication_factor),
            configs: BTreeMap::new(),
        };
        let created = Admin::open(&client, Duration::from_secs(15))
            .and_then(|admin| spec.runtime.block_on(admin.create_topic(&topic)));
        created.map_err(|error| wrong(&format!("errors.deadletterqueue.topic.name: {}", error.message)))?;
        let producer =
            (spec.producer)().map_err(|error| of_kafka("opening the dead letter producer", &error))?;
        Ok(Some(Self { settings, outbox: producer.outbox(), sent: 0 }))
    }

    pub fn send(&mut self, spec: &TaskSpec, letter: &DeadLetter<'_>) -> Result<(), Failure> {
        let context = if self.settings.context_headers { context(spec, letter) } else { Vec::new() };
        let names: Vec<_> = letter.message.headers().map(|header| header.name_text().into_owned()).collect();
        let own =
            names.iter().zip(letter.message.headers()).map(|(name, header)| (name.as_str(), header.value));
        let added = context.iter().map(|(name, value)| (*name, Some(value.as_bytes())));
        let headers: Vec<_> = own.chain(added).collect();
        let record = Outgoing {
            topic: &self.settings.topic,
            partition: None,
            key: letter.message.key(),
            value: letter.message.value(),
            headers: &headers,
            timestamp_ms: letter.message.timestamp_ms(),
            token: 0,
        };
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            match self.outbox.send(0, &record) {
                Ok(()) => {
                    self.sent += 1;
                    return Ok(());
                }
                Err(SendError::QueueFull) if Instant::now() < deadline => {
                    self.outbox.wait(Duration::from_millis(50));
                }
                Err(SendError::QueueFull) => return Err(late()),
                Err(SendError::Rejected(error)) => return Err(of_kafka("writing a dead letter", &error)),
            }
        }
    }

    /// Returns when every dead letter is durable: only then may its offset be committed.
    pub fn wait(&mut self, spec: &TaskSpec) -> Result<(), Failure> {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.outbox.is_settled(0) {
            if Instant::now() > deadline {
                return Err(late());
            }
            self.outbox.wait(Duration::from_millis(50));
        }
        if let Some(error) = self.outbox.failure() {
            return Err(of_kafka("writing dead letters", &error));
        }
        spec.metrics.dead_letters.inc_by(std::mem::take(&mut self.sent));
        Ok(())
    }
}

fn late() -> Failure {
    failure("ConnectException", "the broker did not take the dead letters within a minute", true)
}

fn context(spec: &TaskSpec, letter: &DeadLetter<'_>) -> Vec<(&'static str, String)> {
    let message = letter.message;
    let reason: String = letter.reason.chars().take(REASON_MAX).collect();
    vec![
        ("__connect.errors.topic", message.topic().to_owned()),
        ("__connect.errors.partition", message.partition().to_string()),
        ("__connect.errors.offset", message.offset().to_string()),
        ("__connect.errors.connector.name", spec.id.connector.clone()),
        ("__connect.errors.task.id", spec.id.task.to_string()),
        ("__connect.errors.stage", letter.stage.to_owned()),
        ("__connect.errors.class.name", letter.class.to_owned()),
        ("__connect.errors.exception.class.name", "penstock.DataException".to_owned()),
        ("__connect.errors.exception.message", reason.clone()),
        ("__connect.errors.exception.stacktrace", format!("penstock.DataException: {reason}")),
    ]
}
