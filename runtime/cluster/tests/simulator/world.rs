//! Virtual time: what happens next, to whom, and who is too frozen to notice.
use crate::clients::Ledger;
use crate::faults::Links;
use crate::fences::Fence;
use crate::group::Group;
use crate::log::Log;
use crate::options::Options;
use crate::process::{Departure, Process, StatusKey};
use crate::random::Random;
use crate::rpc::{Answer, Call};
use penstock_cluster::{Event, Failure, Properties, Report, RunState, TaskId};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

/// What can happen. The number is the process to which it happens.
#[derive(Debug, Clone)]
pub enum Happening {
    Arrive {
        p: usize,
        sent: u64,
        call: Call,
    },
    Answer {
        p: usize,
        answer: Answer,
    },
    Fetch(usize),
    FetchReports(usize),
    Heartbeat(usize),
    LeaseEnds(usize),
    Tick(usize),
    Turned {
        p: usize,
        id: TaskId,
        attempt: u64,
    },
    Stopped {
        p: usize,
        id: TaskId,
        attempt: u64,
    },
    GiveUp {
        p: usize,
        id: TaskId,
        attempt: u64,
    },
    Buried {
        p: usize,
        id: TaskId,
        attempt: u64,
    },
    Fails {
        p: usize,
        id: TaskId,
        attempt: u64,
        is_fenced: bool,
    },
    Planned {
        p: usize,
        name: String,
        revision: u64,
        outcome: Result<Vec<Properties>, Failure>,
    },
    NotWritten {
        p: usize,
        name: String,
    },
    ShutOut {
        p: usize,
        fence: Fence,
    },
    /// Once the log was read up to `end`.
    Fenced {
        p: usize,
        name: String,
        generation: u64,
        end: u64,
    },
    StatusSeen {
        p: usize,
        key: StatusKey,
    },
    SessionsEnd,
    Request,
    Fault,
    Spawn(String),
    Healed(u64),
    BrokerUp,
    MustBeDone(usize),
    Settled,
    Quiet,
}

impl Happening {
    /// The process that has to be awake for it.
    fn process(&self) -> Option<usize> {
        match self {
            Self::Answer { p, .. }
            | Self::Fetch(p)
            | Self::FetchReports(p)
            | Self::Heartbeat(p)
            | Self::LeaseEnds(p)
            | Self::Tick(p)
            | Self::Turned { p, .. }
            | Self::Stopped { p, .. }
            | Self::GiveUp { p, .. }
            | Self::Buried { p, .. }
            | Self::Fails { p, .. }
            | Self::Planned { p, .. }
            | Self::NotWritten { p, .. }
            | Self::ShutOut { p, .. }
            | Self::Fenced { p, .. }
            | Self::StatusSeen { p, .. }
            | Self::MustBeDone(p) => Some(*p),
            _ => None,
        }
    }
}

struct Due {
    at: u64,
    order: u64,
    what: Happening,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest: that is what the heap hands out.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// Shortens how a task is shown.
fn brief(line: &str) -> String {
    let mut parts = line.split("TaskId { connector: \"");
    let mut brief = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let id = part.split_once("\", task: ").and_then(|(name, rest)| Some((name, rest.split_once(" }")?)));
        match id {
            Some((name, (task, rest))) => brief.extend([name, "-", task, rest]),
            None => brief.push_str(part),
        }
    }
    brief
}

/// A whole cluster with its brokers and clients.
pub struct World {
    pub options: Options,
    pub random: Random,
    pub now: u64,
    due: BinaryHeap<Due>,
    order: u64,
    pub log: Log,
    pub group: Group,
    pub sessions_end_at: Option<u64>,
    pub reports: Vec<(String, Report)>,
    pub states: BTreeMap<StatusKey, Option<(RunState, usize)>>,
    /// The newest instance of each task, as its own group knows it.
    pub tokens: BTreeMap<TaskId, u64>,
    /// Tasks that were taken from workers, newest last.
    pub departures: BTreeMap<TaskId, Vec<Departure>>,
    pub processes: Vec<Process>,
    pub links: Links,
    /// How many tasks plugins said that there are, by the connector's settings.
    pub plans: BTreeMap<String, BTreeSet<usize>>,
    pub ledger: Ledger,
    /// After this nothing breaks any more.
    pub is_healed: bool,
    pub written_when_settled: Option<u64>,
    pub interrupted: u64,
    pub violation: Option<String>,
    pub steps: u64,
    trace_lines: usize,
    trace: VecDeque<String>,
}

impl World {
    pub fn new(options: Options, trace_lines: usize) -> Self {
        let mut world = Self {
            random: Random::new(options.seed),
            now: 0,
            due: BinaryHeap::new(),
            order: 0,
            log: Log::default(),
            group: Group::default(),
            sessions_end_at: None,
            reports: Vec::new(),
            states: BTreeMap::new(),
            tokens: BTreeMap::new(),
            departures: BTreeMap::new(),
            processes: Vec::new(),
            links: Links::default(),
            plans: BTreeMap::new(),
            ledger: Ledger::default(),
            is_healed: false,
            written_when_settled: None,
            interrupted: 0,
            violation: None,
            steps: 0,
            trace_lines,
            trace: VecDeque::new(),
            options,
        };
        for worker in 0..world.options.workers {
            let at = world.random.below(3000);
            world.at(at, Happening::Spawn(format!("w{worker}")));
        }
        world.at(500, Happening::Request);
        world.at(1500, Happening::Fault);
        world.at(world.options.chaos, Happening::Healed(u64::MAX));
        world
    }

    /// Runs to the end, or to the first thing that must not be.
    pub fn run(&mut self) {
        while let Some(due) = self.due.pop() {
            self.now = due.at;
            self.happen(due.what);
            if self.violation.is_some() || self.written_when_settled == Some(u64::MAX) {
                return;
            }
        }
    }

    pub fn after(&mut self, wait: u64, what: Happening) {
        self.at(self.now + wait, what);
    }

    pub fn at(&mut self, at: u64, what: Happening) {
        self.order += 1;
        self.due.push(Due { at, order: self.order, what });
    }

    pub fn fail(&mut self, what: String) {
        self.note(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if self.trace_lines == 0 {
            return;
        }
        if self.trace.len() == self.trace_lines {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:>6} {}", self.now, brief(&line())));
    }

    pub fn trace(&self) -> String {
        self.trace.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn happen(&mut self, what: Happening) {
        if let Some(p) = what.process() {
            if !self.processes[p].is_up {
                return;
            }
            let frozen_until = self.processes[p].frozen_until;
            if frozen_until > self.now {
                return self.at(frozen_until, what);
            }
            self.check_lease(p);
        }
        match what {
            Happening::Arrive { p, sent, call } => self.arrive(p, sent, call),
            Happening::Answer { p, answer } => self.answered(p, answer),
            Happening::Fetch(p) => self.fetch(p),
            Happening::FetchReports(p) => self.fetch_reports(p),
            Happening::Heartbeat(p) => self.heartbeat(p),
            Happening::LeaseEnds(_) => {}
            Happening::Tick(p) => self.tick(p),
            Happening::Turned { p, id, attempt } => self.turned(p, id, attempt),
            Happening::Stopped { p, id, attempt } => self.ended(p, &id, attempt, None),
            Happening::GiveUp { p, id, attempt } => self.give_up(p, &id, attempt),
            Happening::Buried { p, id, attempt } => {
                self.processes[p].abandoned.retain(|a| *a != (id.clone(), attempt));
            }
            Happening::Fails { p, id, attempt, is_fenced } => self.task_fails(p, &id, attempt, is_fenced),
            Happening::StatusSeen { p, key } => self.status_seen(p, key),
            Happening::ShutOut { p, fence } => self.shut_out(p, fence),
            Happening::Fenced { p, name, generation, end } => self.fenced(p, name, generation, end),
            Happening::NotWritten { p, name } => self.feed(p, Event::NotWritten { name }),
            Happening::Planned { p, name, revision, outcome } => {
                self.feed(p, Event::Planned { name, revision, outcome });
            }
            other => self.happen_outside(other),
        }
    }

    fn happen_outside(&mut self, what: Happening) {
        match what {
            Happening::SessionsEnd => self.sessions_end(),
            Happening::Request => self.request(),
            Happening::Fault => self.fault(),
            Happening::Spawn(address) => self.spawn(&address),
            Happening::Healed(cut) => self.healed(cut),
            Happening::BrokerUp => self.broker_up(),
            Happening::MustBeDone(p) => self.must_be_done(p),
            Happening::Settled => self.settled(),
            Happening::Quiet => self.quiet(),
            _ => {}
        }
    }

    /// Of a message: short mostly, long now and then.
    pub fn delay(&mut self) -> u64 {
        let spikes = if self.is_healed { 0 } else { self.options.spikes };
        if self.random.chance(spikes) {
            return self.random.between(300, 4000);
        }
        let most = if self.is_healed { self.options.delay.min(80) } else { self.options.delay };
        self.random.between(1, most)
    }
}
