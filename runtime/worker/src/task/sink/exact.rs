//! Exactly-once delivery: a batch is planned in the group's offsets before it is written, and found plans come first.
use super::batch::{Batch, Work};
use super::deliver::now_ms;
use super::plan::{Ledger, Plan, Refusal};
use super::poll::{Poller, open};
use crate::task::config::{TaskSpec, wrong};
use crate::task::failure::{failure, of_kafka};
use cluster::Failure;
use kafka::{Commit, Kind, Message, Messages, PartitionLag, TopicPartition};
use std::time::{Duration, Instant};

/// What a task under exactly-once delivery knows beyond what others know.
#[derive(Default)]
pub struct Exact {
    ledger: Ledger,
    stage: Stage,
    /// A plan that was found is with the writer, and its outcome was not seen yet.
    is_writing: bool,
    /// Up to where plans that were found have had the records that come again.
    written: Vec<(TopicPartition, i64)>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Partitions came, and nobody looked at their plans yet.
    #[default]
    Assigned,
    /// Plans that were found are being written.
    Recovering,
    Ready,
}

/// How long a range that is read again may bring nothing.
const READ_PATIENCE: Duration = Duration::from_secs(30);

impl Poller<'_> {
    /// One step towards the point from which new records may be planned.
    pub(super) fn recover(&mut self) -> Result<(), Failure> {
        match self.exact.as_ref().map(|exact| exact.stage) {
            None | Some(Stage::Ready) => Ok(()),
            Some(Stage::Assigned) => self.look_for_plans(),
            Some(Stage::Recovering) => self.write_found(),
        }
    }

    fn look_for_plans(&mut self) -> Result<(), Failure> {
        let assignment = self.consumer.assignment();
        let Some(exact) = &mut self.exact else { return Ok(()) };
        if assignment.is_empty() {
            return Ok(());
        }
        let rows = match self.consumer.committed(&assignment) {
            Ok(rows) => rows,
            Err(error) if matches!(error.kind, Kind::Retry | Kind::Lost) => {
                tracing::debug!(%error, "looking for plans");
                return Ok(());
            }
            Err(error) => return Err(of_kafka("looking for plans in the group's offsets", &error)),
        };
        exact.ledger.assign(&rows).map_err(refused)?;
        exact.stage = Stage::Recovering;
        self.write_found()
    }

    /// Gives the writer the next plan that was found; after the last, new records may be planned.
    fn write_found(&mut self) -> Result<(), Failure> {
        let Some(exact) = &mut self.exact else { return Ok(()) };
        if exact.is_writing || self.partitions.in_flight() > 0 {
            return Ok(());
        }
        if let Some(found) = exact.ledger.next_found() {
            let own = found.plan.ranges.iter().filter(|range| found.own.contains(&range.at));
            let ends = own.map(|range| (range.at.clone(), range.end)).collect();
            let plan = found.plan.clone();
            exact.is_writing = true;
            tracing::info!(
                token = plan.token(),
                partitions = plan.ranges.len(),
                "writing an open plan again"
            );
            return self.give(Work::Found(plan, ends));
        }
        exact.stage = Stage::Ready;
        Ok(())
    }

    /// Drops what plans that were found have had.
    pub(super) fn drop_written(&self, messages: &mut Messages) {
        if let Some(exact) = self.exact.as_ref().filter(|exact| !exact.written.is_empty()) {
            messages.retain(|message| !is_written(&exact.written, message));
        }
    }

    /// Once a partition is past its plans, its records need not be looked at any more.
    pub(super) fn passed(&mut self, lag: &[PartitionLag]) {
        let Some(exact) = &mut self.exact else { return };
        exact.written.retain(|(at, end)| {
            let own = lag.iter().find(|lag| lag.partition == at.partition && lag.topic == at.topic);
            own.is_some_and(|lag| lag.position.is_none_or(|position| position < *end))
        });
    }

    /// Plans the batch, commits the plan together with what the last receipt settled, and gives both to the writer.
    pub(super) fn hand_over_planned(&mut self) -> Result<(), Failure> {
        let Some(exact) = self.exact.as_mut().filter(|exact| exact.stage == Stage::Ready) else {
            return Ok(());
        };
        let mut batch = std::mem::replace(&mut self.batch, Batch::new(Instant::now()));
        let budget = &self.spec.budget;
        let plan = loop {
            match exact.ledger.plan(new_id()?, now_ms(), &batch.ranges()) {
                Ok(plan) => break plan,
                Err(Refusal::TooLarge) if batch.rows > 1 => {
                    let mut rest = batch.halve(budget);
                    rest.append(std::mem::replace(&mut self.batch, Batch::new(Instant::now())), budget);
                    self.batch = rest;
                }
                // The receipt of the one before is on its way.
                Err(Refusal::Busy) => {
                    self.batch = batch;
                    return Ok(());
                }
                Err(refusal) => return Err(refused(refusal)),
            }
        };
        if self.commit_plan(&plan)? {
            return self.give(Work::Planned(plan, batch));
        }
        // After a new start the records come again.
        if self.exact.as_ref().is_none_or(|exact| exact.stage != Stage::Ready) {
            return Ok(());
        }
        batch.append(std::mem::replace(&mut self.batch, Batch::new(Instant::now())), budget);
        self.batch = batch;
        Ok(())
    }

    /// False when the broker refused for now.
    fn commit_plan(&mut self, plan: &Plan) -> Result<bool, Failure> {
        let mut commits = plan.commits().map_err(|too_large| refused(too_large.into()))?;
        let settled = self.partitions.take_durable();
        let is_planned = |commit: &&Commit| {
            plan.ranges.iter().any(|r| r.at.partition == commit.partition && r.at.topic == commit.topic)
        };
        commits.extend(settled.iter().filter(|commit| !is_planned(commit)).cloned());
        let error = match self.consumer.commit(&commits) {
            Ok(()) => {
                self.spec.metrics.commits.inc();
                return Ok(true);
            }
            Err(error) => error,
        };
        self.spec.metrics.commit_failures.inc();
        if error.is_unanswered() {
            self.reopen(&error)?;
            return Ok(false);
        }
        if !matches!(error.kind, Kind::Retry | Kind::Lost) {
            return Err(of_kafka("committing a plan", &error));
        }
        tracing::debug!(%error, "committing a plan");
        if let Some(exact) = &mut self.exact {
            exact.ledger.withdraw(plan.id);
        }
        self.partitions.give_back(settled);
        Ok(false)
    }

    fn give(&mut self, work: Work) -> Result<(), Failure> {
        let Some(jobs) = &self.jobs else { return Ok(()) };
        self.spec.control.grant();
        self.partitions.sent();
        if jobs.try_send((self.generation, work)).is_err() {
            self.partitions.written(self.generation, Vec::new());
            return Err(failure("ConnectException", "the writing thread takes nothing", true));
        }
        Ok(())
    }

    /// The writer has done with a plan. The records of one that was found come again, as fetching begins at the committed
    /// offsets, and are dropped. A seek would spare them, but nobody tells when it takes effect, or whether it does at all
    /// beside a pause.
    pub(super) fn settled(&mut self, id: [u8; 16]) {
        let Some(exact) = &mut self.exact else { return };
        // Nothing new is planned before all of them are settled.
        let was_found = exact.ledger.next_found().is_some();
        let ends = exact.ledger.settle(id);
        if ends.is_empty() {
            // One from before a rebalance: what is found now may still be with the writer.
            return;
        }
        exact.is_writing = false;
        if was_found {
            exact.written.extend(ends);
            self.batch.retain(|message| !is_written(&exact.written, message));
        }
    }

    /// After a commit without an answer, which the broker may still carry out however late. A new member with the
    /// same name makes sure that it will not: then the group's offsets are read again and believed.
    pub(super) fn reopen(&mut self, reason: &kafka::Error) -> Result<(), Failure> {
        if self.jobs.is_none() {
            // The task ends; whoever runs it next joins anew.
            return Err(of_kafka("committing offsets", reason));
        }
        tracing::warn!(%reason, "a commit had no answer: joining the group anew");
        self.spec.control.withdraw();
        let consumer = open(self.spec, &self.partitions)?;
        self.spec.control.set_waker(consumer.waker());
        std::mem::replace(&mut self.consumer, consumer).close();
        self.partitions.leave();
        self.batch = Batch::new(Instant::now());
        self.exact = Some(Exact::default());
        self.generation = self.partitions.generation();
        self.reset_pause();
        Ok(())
    }
}

/// Plans are taken over partition by partition, so all of them have to be given up before any are assigned anew.
pub fn check_protocol(client: &kafka::ClientSettings) -> Result<(), Failure> {
    let strategy = client.get("partition.assignment.strategy").unwrap_or_default();
    if strategy.contains("cooperative") {
        return Err(wrong(&format!(
            "partition.assignment.strategy: {strategy} cannot be used with exactlyOnce; expected range or roundrobin"
        )));
    }
    if client.get("group.protocol") == Some("consumer") {
        return Err(wrong("group.protocol: consumer cannot be used with exactlyOnce; expected classic"));
    }
    Ok(())
}

/// The records of a plan that was found; `None` when the task is to end or its partitions went.
pub fn read_again(spec: &TaskSpec, plan: &Plan) -> Result<Option<Batch>, Failure> {
    let mut client = spec.consumer_settings()?;
    client.set("client.id", format!("connector-plan-{}", spec.id));
    let go_on = || spec.control.is_granted() && !spec.control.is_stopping();
    loop {
        match kafka::read_ranges(&client, &plan.ranges, READ_PATIENCE, &go_on) {
            Ok(None) => return Ok(None),
            Ok(Some(parts)) => {
                let mut batch = Batch::new(Instant::now());
                for part in parts {
                    batch.add(part, &spec.budget, Instant::now());
                }
                return Ok(Some(batch));
            }
            Err(error) if error.kind == Kind::Retry => {
                tracing::warn!(%error, "reading the records of a plan again");
            }
            Err(error) => return Err(of_kafka("reading the records of a plan again", &error)),
        }
    }
}

fn is_written(written: &[(TopicPartition, i64)], message: Message<'_>) -> bool {
    let is_of = |at: &TopicPartition| at.partition == message.partition() && at.topic == message.topic();
    written.iter().any(|(at, end)| message.offset() < *end && is_of(at))
}

pub fn new_id() -> Result<[u8; 16], Failure> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| {
        failure("ConnectException", &format!("the system gives no random bytes: {error}"), true)
    })?;
    Ok(id)
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Unreadable(at, reason) => {
            let (topic, partition) = (&at.topic, at.partition);
            failure(
                "ConfigException",
                &format!(
                    "the plan in the committed offset of {topic}-{partition} cannot be read: {reason}; run the worker \
                     that wrote it, or stop the connector and set the offset of that partition"
                ),
                false,
            )
        }
        Refusal::OutOfPlace(at, offset) => {
            let (topic, partition) = (&at.topic, at.partition);
            let sentence =
                format!("{topic}-{partition}@{offset} was fetched, which is written or not this task's own");
            failure("ConnectException", &sentence, true)
        }
        Refusal::Busy => {
            failure("ConnectException", "a plan was made before the one before was settled", true)
        }
        Refusal::TooLarge => {
            failure("ConnectException", "the plan of a single record does not fit an offset", true)
        }
    }
}
