//! What the worker does for a plugin's task while it runs: logs, metrics, waits, stored offsets.
use super::Control;
use crate::metrics::TaskMetrics;
use crate::providers::Scrubber;
use crate::store::SourceOffsets;
use cluster::TaskId;
use host::Services;
use penstock_sdk::{Fields, Level};
use std::sync::Arc;
use std::time::Duration;

pub struct TaskServices {
    pub id: TaskId,
    pub scrubber: Arc<Scrubber>,
    pub control: Arc<Control>,
    pub metrics: TaskMetrics,
    pub offsets: Option<SourceOffsets>,
}

impl Services for TaskServices {
    fn log(&self, level: Level, message: &str) {
        let message = self.scrubber.text(message);
        let (connector, task) = (&self.id.connector, self.id.task);
        match level {
            Level::Error => tracing::error!(target: "penstock_plugin", connector, task, "{message}"),
            Level::Warn => tracing::warn!(target: "penstock_plugin", connector, task, "{message}"),
            Level::Info => tracing::info!(target: "penstock_plugin", connector, task, "{message}"),
            Level::Debug => tracing::debug!(target: "penstock_plugin", connector, task, "{message}"),
            Level::Trace => tracing::trace!(target: "penstock_plugin", connector, task, "{message}"),
        }
    }

    fn count(&self, name: &str, add: u64) {
        self.metrics.plugin_count(&self.scrubber.text(name), add);
    }

    fn gauge(&self, name: &str, value: f64) {
        self.metrics.plugin_gauge(&self.scrubber.text(name), value);
    }

    fn wait(&self, time: Duration) -> bool {
        self.control.wait(time)
    }

    fn may_write(&self) -> bool {
        self.control.may_write()
    }

    fn resume(&self, partition: &Fields) -> Option<Fields> {
        self.offsets.as_ref()?.get(&self.id.connector, partition)
    }
}
