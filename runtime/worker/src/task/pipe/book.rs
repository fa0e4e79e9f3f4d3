//! What a planning task keeps in the offset store: positions and the marks of tasks, written all or none.
use super::plan::{Mark, decode, encode};
use crate::delivery::producers::{self, Outbox};
use crate::store::offsets::object;
use crate::store::{Kept, SourceOffsets};
use crate::task::config::{Planning, TaskSpec};
use crate::task::failure::{failure, of_kafka};
use crate::task::source::{self, Exact, Positions};
use cluster::Failure;
use kafka::Confirmed;
use penstock_sdk::Fields;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One session's hand in the store. In Kafka it has a producer of its own: nothing of a task that ran before, here or
/// elsewhere, can be stored once this is open.
pub struct Book<'a> {
    spec: &'a TaskSpec,
    planning: &'a Planning,
    offsets: SourceOffsets,
    hand: Hand<'a>,
    /// What a worker that knows nothing of the connector's own topic is to find, and when.
    copies: (Positions, Instant),
    pages: u64,
}

enum Hand<'a> {
    /// The worker is alone.
    File,
    Topic(Box<Outbox>, &'a Exact),
}

/// Why a session ends.
pub enum Trouble {
    Failed(Failure),
    /// What became of a page is not known, or this producer must not go on: the next session looks.
    Unknown(kafka::Error),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What marks are stored under in the place of a connector's name. No connector is named like that, as names have no
/// control characters, and nobody lists it as one.
pub fn marks_of(connector: &str) -> String {
    format!("penstock-plan\n{connector}")
}

fn mark_of(task: u32) -> Fields {
    Fields::new().with("task", i64::from(task))
}

impl<'a> Book<'a> {
    /// `None` when the task is to stop. The order of the steps is what makes it safe: whoever was before can store nothing
    /// any more; then whoever comes with other settings knows of this task; then it is certain that it is still wanted;
    /// then the store is read.
    pub fn open(
        spec: &'a TaskSpec,
        planning: &'a Planning,
        offsets: SourceOffsets,
    ) -> Result<Option<Self>, Trouble> {
        let hand = match &planning.exact {
            None => Hand::File,
            Some(exact) => {
                if !spec.control.wait_for_lease() {
                    return Ok(None);
                }
                let shared = producers::Shared::open(exact.client.clone());
                let outbox = shared.map_err(|error| of_kafka("opening the producer", &error))?.outbox();
                if !source::take_over(spec, exact, &outbox)? {
                    return Ok(None);
                }
                Hand::Topic(Box::new(outbox), exact)
            }
        };
        let copies = (Positions::new(), Instant::now() + COPY_EVERY);
        let mut book = Self { spec, planning, offsets, hand, copies, pages: 0 };
        if !book.read()? {
            return Ok(None);
        }
        let own = spec.id.task;
        if !book.marks()?.contains_key(&own) {
            let mark = Mark { settings: planning.own(own).to_owned(), ..Mark::default() };
            book.store(&Positions::new(), &[(own, Some(&mark))])?;
        }
        let is_wanted = match &book.hand {
            Hand::File => true,
            Hand::Topic(_, exact) => source::catch_up(spec, exact)?,
        };
        Ok(if is_wanted && book.read()? { Some(book) } else { None })
    }

    /// Waits until all that was stored before is known here. False when the task is to stop.
    pub fn read(&self) -> Result<bool, Failure> {
        match &self.hand {
            Hand::Topic(_, exact) => source::await_last(self.spec, exact, &self.offsets),
            Hand::File => {
                source::await_offsets(self.spec, &self.offsets)?;
                Ok(!self.spec.control.is_stopping())
            }
        }
    }

    pub fn position(&self, partition: &Fields) -> Option<Fields> {
        self.offsets.get(&self.spec.id.connector, partition)
    }

    /// Those of all tasks that there are or were.
    pub fn marks(&self) -> Result<BTreeMap<u32, Mark>, Failure> {
        marks(self.offsets.first(), &self.spec.id.connector)
    }

    /// Stores positions and marks, all or none; no mark erases it.
    pub fn store(&mut self, positions: &Positions, marks: &[(u32, Option<&Mark>)]) -> Result<(), Trouble> {
        let kept = self.offsets.first();
        let name = marks_of(&self.spec.id.connector);
        let mut entries = source::entries(self.spec, kept, positions);
        entries.extend(marks.iter().map(|(task, mark)| {
            let mark = mark.map(|mark| object(&encode(mark)));
            kept.offsets.change(&name, &object(&mark_of(*task)), mark.as_ref())
        }));
        match &self.hand {
            Hand::File => {
                // A thread that was left behind must not write beside the task that came after it.
                let is_over = self.spec.control.stop_by().is_some_and(|by| Instant::now() >= by);
                if is_over || !self.spec.control.is_granted() {
                    return Err(failure("ConnectException", "stopped before a plan was stored", true).into());
                }
                let stored = source::append_entries(self.spec, kept, entries);
                stored.map_err(|reason| {
                    failure("ConnectException", &format!("storing a plan: {reason}"), true)
                })?;
            }
            Hand::Topic(outbox, exact) => match source::store(self.spec, exact, outbox, kept, &entries)? {
                Ok(Confirmed::Clean) => {}
                Ok(Confirmed::Last) => {
                    return Err(Trouble::Unknown(kafka::Error::retry(
                        "a connection broke while a plan was stored",
                    )));
                }
                Err(error) if error.kind == kafka::Kind::Fenced => {
                    return Err(of_kafka("storing a plan", &error).into());
                }
                Err(error) => return Err(Trouble::Unknown(error)),
            },
        }
        self.pages += 1;
        self.spec.metrics.commits.inc();
        source::merge(&mut self.copies.0, positions.clone());
        if Instant::now() >= self.copies.1 {
            self.copy();
        }
        Ok(())
    }

    /// Ends what the task of another number may still be doing.
    pub fn shut_out(&self, task: u32) -> Result<(), Failure> {
        let until = Instant::now() + SHUT_OUT_WAIT;
        let go_on = || !self.spec.control.is_stopping() && Instant::now() < until;
        (self.planning.shut_out)(task, &go_on)
            .map_err(|error| of_kafka("shutting out a task of former settings", &error))
    }

    /// How often something was stored.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    pub fn copy(&mut self) {
        self.copies.1 = Instant::now() + COPY_EVERY;
        let positions = std::mem::take(&mut self.copies.0);
        if !positions.is_empty() {
            source::copy(self.spec, &self.offsets, &positions);
        }
    }
}

fn marks(kept: &Kept, connector: &str) -> Result<BTreeMap<u32, Mark>, Failure> {
    let mut marks = BTreeMap::new();
    for (partition, offset) in kept.offsets.all(&marks_of(connector)) {
        let Some(task) = partition.get("task").and_then(|task| u32::try_from(task.as_u64()?).ok()) else {
            continue;
        };
        let mark =
            decode(&crate::store::offsets::fields(&offset)).map_err(|reason| unreadable(task, &reason))?;
        marks.insert(task, mark);
    }
    Ok(marks)
}

/// A task that delivers at least once goes on from the stored positions, whatever was planned there before.
pub fn call_off(spec: &TaskSpec, tasks: u32, offsets: &SourceOffsets) -> Result<(), Failure> {
    let (kept, name) = (offsets.first(), marks_of(&spec.id.connector));
    let is_own = |task: &u64| task % u64::from(tasks.max(1)) == u64::from(spec.id.task);
    let stored = kept.offsets.all(&name).into_iter();
    let own = stored.filter(|(mark, _)| {
        mark.get("task").and_then(serde_json::Value::as_u64).as_ref().is_some_and(is_own)
    });
    let entries: Vec<_> = own.map(|(mark, _)| kept.offsets.change(&name, &mark, None)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    tracing::warn!("plans of exactly-once delivery are called off: sink.exactlyOnce is not set any more");
    source::append_entries(spec, kept, entries)
        .map_err(|reason| failure("ConnectException", &format!("calling plans off: {reason}"), true))
}

fn unreadable(task: u32, reason: &str) -> Failure {
    let sentence = format!(
        "the plan that task {task} has stored cannot be read: {reason}; run the worker that wrote it, or stop the \
         connector and set or reset its offsets, which calls plans off"
    );
    failure("ConfigException", &sentence, false)
}

const COPY_EVERY: Duration = Duration::from_secs(1);
const SHUT_OUT_WAIT: Duration = Duration::from_secs(20);
