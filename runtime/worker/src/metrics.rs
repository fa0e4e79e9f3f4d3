//! Counters, gauges and histograms, in Prometheus's text form under `/metrics`.
use cluster::{Cause, TaskId};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// Which task a value belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TaskLabels {
    connector: String,
    task: u32,
}

/// A plugin's own counter or gauge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PluginLabels {
    name: String,
    connector: String,
    task: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StateLabels {
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CauseLabels {
    cause: String,
}

type Counters = Family<TaskLabels, Counter>;
type Histograms = Family<TaskLabels, Histogram, fn() -> Histogram>;
type Number = Gauge<f64, AtomicU64>;

/// Every metric of the worker. Tasks take their own handles once, by [`Metrics::task`].
pub struct Metrics {
    registry: Registry,
    records_in: Counters,
    bytes_in: Counters,
    records_out: Counters,
    batches: Counters,
    retries: Counters,
    rejected: Counters,
    dead_letters: Counters,
    commits: Counters,
    commit_failures: Counters,
    lag: Family<TaskLabels, Gauge>,
    write_seconds: Histograms,
    latency_seconds: Histograms,
    plugin_counts: Family<PluginLabels, Counter>,
    plugin_gauges: Family<PluginLabels, Number>,
    pub task_failures: Counter,
    pub task_starts: Counter,
    tasks_interrupted: Family<CauseLabels, Counter>,
    /// Workers in the cluster, as this one knows; 0 while it is out.
    pub members: Gauge,
    pub is_leader: Gauge,
    connectors: Gauge,
    tasks: Family<StateLabels, Gauge>,
    resident_bytes: Gauge,
    cpu_seconds: Number,
}

/// The handles of one task: cheap to use from any thread.
#[derive(Clone)]
pub struct TaskMetrics {
    labels: TaskLabels,
    pub records_in: Counter,
    pub bytes_in: Counter,
    pub records_out: Counter,
    pub batches: Counter,
    pub retries: Counter,
    pub rejected: Counter,
    pub dead_letters: Counter,
    pub commits: Counter,
    pub commit_failures: Counter,
    pub lag: Gauge,
    pub write_seconds: Histogram,
    pub latency_seconds: Histogram,
    plugin_counts: Family<PluginLabels, Counter>,
    plugin_gauges: Family<PluginLabels, Number>,
}

impl Metrics {
    pub fn new(context: &[(String, String)]) -> Self {
        let labels = context.iter().map(|(name, value)| (name.clone().into(), value.clone().into()));
        let mut metrics = Self {
            registry: Registry::with_labels(labels),
            records_in: Family::default(),
            bytes_in: Family::default(),
            records_out: Family::default(),
            batches: Family::default(),
            retries: Family::default(),
            rejected: Family::default(),
            dead_letters: Family::default(),
            commits: Family::default(),
            commit_failures: Family::default(),
            lag: Family::default(),
            write_seconds: Family::new_with_constructor(seconds),
            latency_seconds: Family::new_with_constructor(seconds),
            plugin_counts: Family::default(),
            plugin_gauges: Family::default(),
            task_failures: Counter::default(),
            task_starts: Counter::default(),
            tasks_interrupted: Family::default(),
            members: Gauge::default(),
            is_leader: Gauge::default(),
            connectors: Gauge::default(),
            tasks: Family::default(),
            resident_bytes: Gauge::default(),
            cpu_seconds: Number::default(),
        };
        metrics.register_tasks();
        metrics.register_worker();
        // A cause that never was is told as zero.
        for cause in Cause::ALL {
            drop(metrics.tasks_interrupted.get_or_create(&CauseLabels { cause: cause.name().to_owned() }));
        }
        metrics
    }

    fn register_tasks(&mut self) {
        let r = &mut self.registry;
        r.register(
            "penstock_task_records_read",
            "Records read from Kafka or from the source",
            self.records_in.clone(),
        );
        r.register(
            "penstock_task_bytes_read",
            "Bytes of keys and values that were read",
            self.bytes_in.clone(),
        );
        r.register(
            "penstock_task_records_written",
            "Records that the other side has",
            self.records_out.clone(),
        );
        r.register("penstock_task_batches", "Batches that were written", self.batches.clone());
        r.register("penstock_task_retries", "Calls that were made again", self.retries.clone());
        r.register("penstock_task_records_rejected", "Records that could not be used", self.rejected.clone());
        r.register(
            "penstock_task_dead_letters",
            "Records in the dead letter topic",
            self.dead_letters.clone(),
        );
        r.register("penstock_task_offset_commits", "Offset commits that were stored", self.commits.clone());
        r.register(
            "penstock_task_offset_commit_failures",
            "Offset commits that failed",
            self.commit_failures.clone(),
        );
        r.register("penstock_task_lag_records", "Records in Kafka that were not read yet", self.lag.clone());
        r.register("penstock_task_write_seconds", "Time to write a batch", self.write_seconds.clone());
        r.register(
            "penstock_task_latency_seconds",
            "Age of a batch's newest record, by its timestamp, when it was durable",
            self.latency_seconds.clone(),
        );
        r.register("penstock_plugin_events", "Counters of plugins, by name", self.plugin_counts.clone());
        r.register("penstock_plugin_value", "Gauges of plugins, by name", self.plugin_gauges.clone());
    }

    fn register_worker(&mut self) {
        let r = &mut self.registry;
        r.register("penstock_worker_task_failures", "Tasks that failed", self.task_failures.clone());
        r.register("penstock_worker_task_starts", "Tasks that were started", self.task_starts.clone());
        r.register(
            "penstock_worker_tasks_interrupted",
            "Tasks that were alive and were stopped, by cause",
            self.tasks_interrupted.clone(),
        );
        r.register(
            "penstock_cluster_members",
            "Workers in the cluster, 0 while out of it",
            self.members.clone(),
        );
        r.register("penstock_cluster_leader", "1 while this worker leads", self.is_leader.clone());
        r.register("penstock_worker_connectors", "Connectors in the config log", self.connectors.clone());
        r.register("penstock_worker_tasks", "Tasks by state", self.tasks.clone());
        r.register(
            "penstock_worker_resident_bytes",
            "Resident memory of the process",
            self.resident_bytes.clone(),
        );
        r.register("penstock_worker_cpu_seconds", "Processor time of the process", self.cpu_seconds.clone());
    }

    pub fn interrupted(&self, cause: Cause) {
        self.tasks_interrupted.get_or_create(&CauseLabels { cause: cause.name().to_owned() }).inc();
    }

    pub fn task(&self, id: &TaskId) -> TaskMetrics {
        let labels = TaskLabels { connector: id.connector.clone(), task: id.task };
        TaskMetrics {
            records_in: self.records_in.get_or_create(&labels).clone(),
            bytes_in: self.bytes_in.get_or_create(&labels).clone(),
            records_out: self.records_out.get_or_create(&labels).clone(),
            batches: self.batches.get_or_create(&labels).clone(),
            retries: self.retries.get_or_create(&labels).clone(),
            rejected: self.rejected.get_or_create(&labels).clone(),
            dead_letters: self.dead_letters.get_or_create(&labels).clone(),
            commits: self.commits.get_or_create(&labels).clone(),
            commit_failures: self.commit_failures.get_or_create(&labels).clone(),
            lag: self.lag.get_or_create(&labels).clone(),
            write_seconds: self.write_seconds.get_or_create(&labels).clone(),
            latency_seconds: self.latency_seconds.get_or_create(&labels).clone(),
            plugin_counts: self.plugin_counts.clone(),
            plugin_gauges: self.plugin_gauges.clone(),
            labels,
        }
    }

    /// A deleted task leaves no series behind.
    pub fn forget(&self, id: &TaskId) {
        let labels = TaskLabels { connector: id.connector.clone(), task: id.task };
        let counters = [
            &self.records_in,
            &self.bytes_in,
            &self.records_out,
            &self.batches,
            &self.retries,
            &self.rejected,
            &self.dead_letters,
            &self.commits,
            &self.commit_failures,
        ];
        for family in counters {
            family.remove(&labels);
        }
        self.lag.remove(&labels);
        self.write_seconds.remove(&labels);
        self.latency_seconds.remove(&labels);
    }

    /// The whole page. Counts of connectors and tasks by state are taken as they are now.
    pub fn page(&self, connectors: usize, tasks: &[(&str, usize)]) -> String {
        self.connectors.set(connectors as i64);
        for (state, count) in tasks {
            self.tasks.get_or_create(&StateLabels { state: state.to_lowercase() }).set(*count as i64);
        }
        let (resident, cpu) = process();
        self.resident_bytes.set(resident);
        self.cpu_seconds.set(cpu);
        let mut page = String::new();
        // Writing into a string does not fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

impl TaskMetrics {
    pub fn plugin_count(&self, name: &str, add: u64) {
        self.plugin_counts.get_or_create(&self.plugin_labels(name)).inc_by(add);
    }

    pub fn plugin_gauge(&self, name: &str, value: f64) {
        self.plugin_gauges.get_or_create(&self.plugin_labels(name)).set(value);
    }

    fn plugin_labels(&self, name: &str) -> PluginLabels {
        // A plugin that makes up names without end would otherwise fill the memory with series.
        let name = name.chars().take(64).collect();
        PluginLabels { name, connector: self.labels.connector.clone(), task: self.labels.task }
    }
}

/// From a millisecond to about a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

/// Resident bytes and processor seconds of this process, from `/proc`; zero where that does not exist.
fn process() -> (i64, f64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: i64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |n: usize| after_name.split(' ').nth(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    // Linux counts in hundredths of a second and pages of 4 KiB on every machine this runs on.
    (pages * 4096, (ticks(12) + ticks(13)) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_counts_under_its_own_labels_until_it_is_forgotten() {
        let metrics = Metrics::new(&[]);
        let id = TaskId::new("orders", 1);
        metrics.task(&id).records_in.inc_by(7);
        let series = "penstock_task_records_read_total{connector=\"orders\",task=\"1\"} 7";
        assert!(metrics.page(1, &[("RUNNING", 1)]).contains(series));
        metrics.forget(&id);
        assert!(!metrics.page(0, &[]).contains("orders"));
    }

    #[test]
    fn the_page_tells_the_memory_of_this_process() {
        let page = Metrics::new(&[]).page(0, &[]);
        let line = page.lines().find(|line| line.starts_with("penstock_worker_resident_bytes ")).unwrap();
        let bytes: i64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(bytes > 100_000, "{line}");
    }
}
