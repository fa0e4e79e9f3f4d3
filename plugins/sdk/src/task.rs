//! What a task is told when it opens, and what the worker does for it.
use crate::{Bound, Config, Fields, export::host::HostHandle};
use std::time::Duration;

/// How loud a log line is. Normal running logs nothing at `Info` or above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// A task's settings and its line to the worker. Clones may be kept and sent to other threads; after the task
/// has closed they do nothing.
#[derive(Clone)]
pub struct Task {
    pub(crate) connector: String,
    pub(crate) number: u32,
    pub(crate) config: Config,
    pub(crate) key_format: String,
    pub(crate) value_format: String,
    pub(crate) host: HostHandle,
}

impl Task {
    /// Name of the connector.
    pub fn connector(&self) -> &str {
        &self.connector
    }

    /// Number of the task, from 0.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The task's settings; declared defaults are filled in and references resolved.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// For sources: some records are wanted to be looked at, and nothing else. Change nothing outside then: register
    /// nobody, take nothing from a queue. `open` refuses with [`crate::Error::config`] where that cannot be. There are no
    /// offsets to go on from, and the task ends after a few seconds.
    pub fn is_preview(&self) -> bool {
        self.config.get("penstock.preview") == Some("true")
    }

    /// For sinks that are [`crate::About::encoded`]: what keys are in Kafka: `json`, `json-envelope`, `text`,
    /// `bytes`, `short`, `integer`, `long`, `float`, `double`, `boolean`; for sinks that
    /// [ask registries](crate::About::asks_registries) also `avro-confluent`, and for those that
    /// [read Protobuf](crate::About::reads_protobuf) `protobuf-confluent`.
    pub fn key_format(&self) -> &str {
        &self.key_format
    }

    /// As [`Self::key_format`], for values.
    pub fn value_format(&self) -> &str {
        &self.value_format
    }

    /// Logs a line into the worker's log, with connector and task as fields.
    pub fn log(&self, level: Level, message: &str) {
        self.host.log(level, message);
    }

    /// Adds to the counter `penstock_plugin_events_total{name="NAME"}` of this task.
    pub fn count(&self, name: &str, add: u64) {
        self.host.count(name, add);
    }

    /// Sets the gauge `penstock_plugin_value{name="NAME"}` of this task.
    pub fn gauge(&self, name: &str, value: f64) {
        self.host.gauge(name, value);
    }

    /// Sleeps, and answers true at once when the task is to end.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        self.host.wait(time)
    }

    /// False when another worker may have taken this task over. Ask right before each sending in
    /// [`crate::Sink::write_planned`], and send nothing then: answer [`crate::Error::retry`].
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.host.may_write()
    }

    /// What a source that [replays](crate::About::replays) is to read, and nothing else; empty when it reads on without
    /// end. Such a task reads these partitions only, whoever reads them otherwise: each from `from`, the records up to
    /// `until` and none behind, and gives `until` as the position after the last. After that its polls are empty. Where
    /// the records are not to be had any more it answers with an error that says what is lost.
    pub fn bounds(&self) -> Vec<Bound> {
        self.host.bounds()
    }

    /// The stored offset of a source partition.
    pub fn resume(&self, partition: &Fields) -> Option<Fields> {
        self.host.resume(partition)
    }
}
