//! The polling thread of a sink: fetches, hands batches to the writer, commits what the writer made durable.
use super::batch::{Batch, Outcome, Work};
use super::exact::{self, Exact};
use super::partitions::{Listener, Partitions};
use super::write;
use crate::task::config::{BatchLimits, TaskSpec, group_of, wrong};
use crate::task::failure::{failure, of_kafka};
use cluster::{Failure, Wanted};
use kafka::{Consumer, ConsumerSettings, Kind, Topics};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};

/// Something for the writer, and the generation it was fetched in.
pub type Job = (u64, Work);

/// Runs the task until it is told to stop or fails. `report` hears of every change between running and paused.
pub fn run(spec: &Arc<TaskSpec>, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
    let limits = BatchLimits::parse(&spec.config, &spec.plugin, spec.settings.delivery.memory_budget_bytes)?;
    let partitions = Arc::new(Partitions::default());
    // One batch grows while one is written, and no third one waits: that is the memory a task takes.
    let (jobs, queue) = mpsc::sync_channel(1);
    let (outcomes, inbox) = mpsc::channel();
    let writer = write::start(Arc::clone(spec), Arc::clone(&partitions), queue, outcomes)?;
    // The first outcome is about opening the plugin: no partition is taken before it is known to work.
    match inbox.recv() {
        Ok(Outcome::Receipt(_) | Outcome::Settled(..)) => {}
        Ok(Outcome::Failed(failure)) => return Err(failure),
        Err(_) => return Err(failure("ConnectException", "the writing thread ended at its start", true)),
    }
    let consumer = open(spec, &partitions)?;
    spec.control.set_waker(consumer.waker());
    let mut poller = Poller {
        spec,
        limits,
        partitions,
        consumer,
        jobs: Some(jobs),
        exact: spec.is_exactly_once().then(Exact::default),
        inbox,
        batch: Batch::new(Instant::now()),
        generation: 0,
        is_paused: false,
        stalled_since: None,
        commit_at: Instant::now() + commit_interval(spec),
        measure_at: Instant::now(),
    };
    let outcome = poller.turns(report);
    poller.finish(outcome.is_ok());
    writer.leave(spec.control.stop_by());
    outcome
}

pub(super) struct Poller<'a> {
    pub(super) spec: &'a Arc<TaskSpec>,
    limits: BatchLimits,
    pub(super) partitions: Arc<Partitions>,
    pub(super) consumer: Consumer,
    pub(super) jobs: Option<SyncSender<Job>>,
    /// Under exactly-once delivery alone.
    pub(super) exact: Option<Exact>,
    inbox: Receiver<Outcome>,
    pub(super) batch: Batch,
    pub(super) generation: u64,
    /// By the user or by a slow destination.
    is_paused: bool,
    stalled_since: Option<Instant>,
    commit_at: Instant,
    measure_at: Instant,
}

/// Rows of one fetch: large enough to cost little, small enough to see a stop soon and to be copied out of Kafka's client
/// while the processor still has them at hand.
const FETCH_ROWS: usize = 2048;
/// Fetched ahead by Kafka's client, and at the same time the largest answer of a broker: what a batch takes long enough to
/// decode for the next answer to come.
const QUEUE_BYTES: usize = 4 << 20;
/// A fetch that finds nothing looks around again after this. Stops, pauses and the writer wake it earlier.
const FETCH_WAIT: Duration = Duration::from_secs(1);
/// A destination that is slower than this pauses the partitions; shorter stalls only stop the fetching, because
/// a pause throws away what was fetched ahead.
const STALL_MAX: Duration = Duration::from_secs(2);

/// At most every second: a crash repeats what was not committed. Longer only when the worker's interval is shorter.
fn commit_interval(spec: &TaskSpec) -> Duration {
    spec.settings.delivery.offset_flush_interval.min(Duration::from_secs(1))
}

pub(super) fn open(spec: &Arc<TaskSpec>, partitions: &Arc<Partitions>) -> Result<Consumer, Failure> {
    use crate::definition::Topics as Declared;
    let topics = match &spec.connector.topics {
        Declared::Listed(names) => Topics::Names(names.clone()),
        Declared::Matching(pattern, _) => Topics::Pattern(pattern.clone()),
        Declared::None => return Err(wrong("topics: a sink needs topics or topics.regex")),
    };
    let mut client = spec.consumer_settings()?;
    if spec.is_exactly_once() {
        exact::check_protocol(&client)?;
    }
    let group = group_of(&spec.id.connector, &spec.connector, &spec.settings);
    client.set_default("client.id", format!("connector-consumer-{}", spec.id));
    let seen = Arc::clone(spec);
    let listener = Listener {
        control: spec.is_exactly_once().then(|| Arc::clone(&spec.control)),
        partitions: Arc::clone(partitions),
        patience: spec.settings.delivery.shutdown_timeout,
        topic_seen: Box::new(move |topic| (seen.topic_seen)(topic)),
    };
    let mut settings = ConsumerSettings::new(client, &group, topics, Box::new(listener));
    // A static member named after the task: wherever it starts, it takes over at once and fences its old self.
    settings.instance = Some(spec.id.to_string());
    settings.queue_bytes_max = QUEUE_BYTES;
    Consumer::open(settings).map_err(|error| of_kafka("opening the consumer", &error))
}

impl Poller<'_> {
    fn turns(&mut self, report: &dyn Fn(Wanted)) -> Result<(), Failure> {
        let mut told = None;
        while let Some(wanted) = self.spec.control.next(&mut told, report) {
            self.take_outcomes()?;
            self.set_paused(wanted == Wanted::Pause || self.is_stalled())?;
            self.fetch()?;
            if wanted == Wanted::Run {
                self.recover()?;
            }
            self.hand_over()?;
            self.commit_if_due()?;
            self.measure();
        }
        Ok(())
    }

    /// True when fetching has been impossible for long.
    fn is_stalled(&self) -> bool {
        self.stalled_since.is_some_and(|since| since.elapsed() > STALL_MAX)
    }

    fn set_paused(&mut self, paused: bool) -> Result<(), Failure> {
        if paused == self.is_paused {
            return Ok(());
        }
        let done = if paused { self.consumer.pause_all() } else { self.consumer.resume_all() };
        done.map_err(|error| of_kafka("pausing or resuming partitions", &error))?;
        self.is_paused = paused;
        Ok(())
    }

    /// A new consumer is not paused.
    pub(super) fn reset_pause(&mut self) {
        self.is_paused = false;
    }

    fn fetch(&mut self) -> Result<(), Failure> {
        let has_room = !self.batch.is_full(&self.limits) && self.spec.budget.has_room();
        if !has_room && !self.is_paused {
            // The writer is behind. Its next outcome makes room; until then nothing is fetched.
            self.stalled_since.get_or_insert_with(Instant::now);
            return self.wait_for_writer();
        }
        if has_room {
            self.stalled_since = None;
        }
        // A busy writer wakes the fetch when it is done; until then the batch's age changes nothing.
        let wait = if self.batch.is_empty() || self.partitions.in_flight() > 0 {
            FETCH_WAIT
        } else {
            FETCH_WAIT.min(self.batch.age_left(&self.limits, Instant::now()))
        };
        let rows = FETCH_ROWS.min(self.limits.rows.saturating_sub(self.batch.rows).max(1));
        match self.consumer.fetch(rows, wait) {
            Ok(messages) => self.took(messages),
            Err(error) if error.kind == Kind::Retry || error.kind == Kind::Lost => {
                tracing::debug!(%error, "fetching");
            }
            Err(error) => return Err(of_kafka("fetching", &error)),
        }
        Ok(())
    }

    fn took(&mut self, mut messages: kafka::Messages) {
        let generation = self.partitions.generation();
        if generation != self.generation {
            // The partitions changed hands inside this fetch: what was fetched before it comes again.
            self.batch = Batch::new(Instant::now());
            self.generation = generation;
            self.exact = self.exact.take().map(|_| Exact::default());
        }
        if messages.is_empty() {
            return;
        }
        self.spec.metrics.records_in.inc_by(messages.len() as u64);
        self.spec.metrics.bytes_in.inc_by(messages.bytes() as u64);
        self.drop_written(&mut messages);
        if messages.is_empty() {
            return;
        }
        self.batch.add(messages, &self.spec.budget, Instant::now());
    }

    /// Gives the batch to the writer when that has nothing to do, and the batch is full or old enough.
    fn hand_over(&mut self) -> Result<(), Failure> {
        let is_ripe = self.batch.is_full(&self.limits)
            || !self.spec.budget.has_room()
            || self.batch.age_left(&self.limits, Instant::now()).is_zero();
        let is_due = is_ripe && self.partitions.in_flight() == 0;
        let Some(jobs) = &self.jobs else { return Ok(()) };
        if self.batch.is_empty() || !is_due {
            return Ok(());
        }
        if self.exact.is_some() {
            return self.hand_over_planned();
        }
        let batch = std::mem::replace(&mut self.batch, Batch::new(Instant::now()));
        self.partitions.sent();
        let sent = jobs.try_send((self.generation, Work::Batch(batch)));
        if let Err(
            TrySendError::Full((_, Work::Batch(batch))) | TrySendError::Disconnected((_, Work::Batch(batch))),
        ) = sent
        {
            self.partitions.written(self.generation, Vec::new());
            self.batch = batch;
        }
        Ok(())
    }

    fn wait_for_writer(&mut self) -> Result<(), Failure> {
        match self.inbox.recv_timeout(FETCH_WAIT) {
            Ok(outcome) => self.took_outcome(outcome),
            Err(_) => Ok(()),
        }
    }

    fn take_outcomes(&mut self) -> Result<(), Failure> {
        while let Ok(outcome) = self.inbox.try_recv() {
            self.took_outcome(outcome)?;
        }
        Ok(())
    }

    /// A receipt was taken into account by the writer itself already.
    fn took_outcome(&mut self, outcome: Outcome) -> Result<(), Failure> {
        match outcome {
            Outcome::Receipt(_) => Ok(()),
            Outcome::Settled(id, _) => {
                self.settled(id);
                Ok(())
            }
            Outcome::Failed(failure) => Err(failure),
        }
    }

    fn commit_if_due(&mut self) -> Result<(), Failure> {
        if Instant::now() < self.commit_at {
            return Ok(());
        }
        self.commit_at = Instant::now() + commit_interval(self.spec);
        self.commit()
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let commits = self.partitions.take_durable();
        if commits.is_empty() {
            return Ok(());
        }
        match self.consumer.commit(&commits) {
            Ok(()) => drop(self.spec.metrics.commits.inc()),
            Err(error) => {
                self.spec.metrics.commit_failures.inc();
                match error.kind {
                    Kind::Retry if self.exact.is_some() && error.is_unanswered() => {
                        return self.reopen(&error);
                    }
                    Kind::Retry => self.partitions.give_back(commits),
                    // The next fetch tells what became of the partitions.
                    Kind::Lost => tracing::warn!(%error, "offsets were not committed: records come again"),
                    _ => return Err(of_kafka("committing offsets", &error)),
                }
            }
        }
        Ok(())
    }

    fn measure(&mut self) {
        if Instant::now() < self.measure_at {
            return;
        }
        self.measure_at = Instant::now() + Duration::from_secs(1);
        let lag = self.consumer.lag();
        self.passed(&lag);
        self.spec.metrics.lag.set(lag.iter().filter_map(kafka::PartitionLag::records).sum());
    }

    /// Lets the writer finish what it has, commits it, and gives the partitions up.
    fn finish(mut self, is_clean: bool) {
        self.jobs = None;
        if !is_clean && self.exact.is_some() {
            self.spec.control.withdraw();
        }
        let now = Instant::now();
        let left = self.spec.control.stop_by().map_or(Duration::ZERO, |by| by.saturating_duration_since(now));
        let patience = if is_clean { left } else { Duration::from_millis(100) };
        if !self.partitions.wait_idle(patience) && is_clean {
            tracing::warn!("the task ends while a write is still running: its records come again");
        }
        if let Err(failure) = self.commit() {
            tracing::warn!(reason = failure.trace, "the last commit failed: records come again");
        }
        self.consumer.close();
    }
}
