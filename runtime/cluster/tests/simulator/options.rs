//! What one seed stands for: the size of the cluster, how the network behaves, and which faults strike.
use crate::random::Random;
use penstock_cluster::Timing;

/// Short where that makes a run cheaper; the protocol has no absolute times of its own.
pub const TIMING: Timing = Timing {
    backoff: 100,
    backoff_max: 2000,
    release: 5000,
    handover: 3000,
    level_after: 6000,
    lead_retry: 500,
};

/// Of a worker's membership, as the broker counts it.
pub const SESSION: u64 = 6000;
/// A worker's own lease ends this much earlier than its session can.
pub const MARGIN: u64 = 1500;
pub const HEARTBEAT: u64 = 1400;
/// After this an unanswered request counts as failed.
pub const TIMEOUT: u64 = 2000;
/// A task that does not end is given up after this.
pub const GIVE_UP: u64 = 3000;
/// A task that is well stops within this.
pub const STOP_MAX: u64 = 900;
/// From the end of the faults to the state that must be reached, and to the end of the run.
pub const SETTLE: u64 = 34_000;
pub const QUIET: u64 = 14_000;

/// A bug, planted where the product could have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// The log takes writes of leaders that were shut out.
    UnfencedLeader,
    /// A worker does not notice that it is out of the cluster.
    DeafToLoss,
    /// The leader lets a task start elsewhere before it was given up.
    NoWaitForRelease,
    /// Deleting a connector erases its settings only.
    DeletionLeavesTasks,
    /// A report counts for placements that are newer than it.
    StaleReportsCount,
    /// A client is answered before its write is in the log.
    EarlyAnswer,
    /// A worker that comes back acts before it has read the log.
    JoinsBeforeReading,
    /// A stop writes the target state and nothing is done about it.
    DeafToStop,
    /// The leader writes that former tasks are shut out, and shuts nobody out.
    FencesNobody,
    /// A task begins without looking at the log again.
    LooksNotAgain,
}

impl Mutant {
    pub const ALL: [Self; 10] = [
        Self::UnfencedLeader,
        Self::DeafToLoss,
        Self::NoWaitForRelease,
        Self::DeletionLeavesTasks,
        Self::StaleReportsCount,
        Self::EarlyAnswer,
        Self::JoinsBeforeReading,
        Self::DeafToStop,
        Self::FencesNobody,
        Self::LooksNotAgain,
    ];
}

/// Which faults a run knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Crash,
    Freeze,
    Cut,
    BrokerDown,
    Compaction,
    Shutdown,
    Arrival,
    Expulsion,
}

const FAULTS: [Fault; 8] = [
    Fault::Crash,
    Fault::Freeze,
    Fault::Cut,
    Fault::BrokerDown,
    Fault::Compaction,
    Fault::Shutdown,
    Fault::Arrival,
    Fault::Expulsion,
];

/// Which way messages between a worker and the brokers are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    ToBroker,
    FromBroker,
    Both,
}

/// Everything that a seed decides beforehand.
#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    pub workers: u64,
    pub connectors: u64,
    pub tasks_max: u64,
    /// How long faults strike and clients ask, in milliseconds.
    pub chaos: u64,
    pub delay: u64,
    /// How many of a hundred messages take far longer than `delay`, and how many are lost.
    pub spikes: u64,
    pub losses: u64,
    pub request_every: u64,
    pub fault_every: u64,
    pub faults: Vec<Fault>,
    /// Of a hundred plans, plans, stops and starts each.
    pub plan_failures: u64,
    pub plan_changes: u64,
    pub hangs: u64,
    pub task_failures: u64,
    /// One worker stays cut off when all else heals.
    pub lasting: Option<Cut>,
    /// Tasks write under identities of their own, as sources do that deliver exactly once.
    pub fences: bool,
    pub mutant: Option<Mutant>,
}

impl Options {
    pub fn expand(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random::new(seed ^ 0x0070_656e_7374_6f63);
        let some = |random: &mut Random, most: u64| if random.chance(50) { random.below(most) } else { 0 };
        Self {
            seed,
            workers: random.between(2, 5),
            connectors: random.between(1, 4),
            tasks_max: random.between(1, 6),
            chaos: random.between(8000, 70_000),
            delay: random.pick(&[5, 20, 80, 250]).unwrap_or(5),
            spikes: some(&mut random, 8),
            losses: some(&mut random, 6),
            request_every: random.between(150, 2500),
            fault_every: random.between(400, 6000),
            faults: FAULTS.into_iter().filter(|_| random.chance(45)).collect(),
            plan_failures: some(&mut random, 40),
            plan_changes: some(&mut random, 40),
            hangs: some(&mut random, 30),
            task_failures: some(&mut random, 30),
            lasting: random.chance(35).then(|| random.pick(&[Cut::ToBroker, Cut::FromBroker])).flatten(),
            fences: seed.is_multiple_of(3),
            mutant,
        }
    }

    pub fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}
