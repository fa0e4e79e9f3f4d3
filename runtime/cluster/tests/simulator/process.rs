//! One worker process: its herder, what it has read, its membership, its producer and its tasks.
use crate::group::View;
use crate::options::TIMING;
use penstock_cluster::{
    Herder, Placement, Properties, Report, Restart, RunState, TargetState, TaskId, Wanted,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A write through the leader's producer, all or nothing. Its records are made when it is sent, from what the log
/// says then: what was written before has been read by that time.
#[derive(Debug, Clone)]
pub struct Batch {
    pub kind: BatchKind,
    pub intent: Intent,
}

#[derive(Debug, Clone)]
pub enum Intent {
    Announce { epoch: u64 },
    Place { changed: Vec<(String, Placement)>, departures: Vec<Departure> },
    Tasks { name: String, tasks: Vec<Properties> },
    Create { name: String, config: Properties, target: Option<TargetState> },
    Configure { name: String, config: Properties },
    Target { name: String, target: TargetState },
    Delete { name: String },
    Restart { name: String, restart: Restart },
    Fence { name: String, generation: u64, tasks: Option<u32> },
}

impl Intent {
    /// The connector that it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Announce { .. } | Self::Place { .. } => "",
            Self::Tasks { name, .. }
            | Self::Create { name, .. }
            | Self::Configure { name, .. }
            | Self::Target { name, .. }
            | Self::Delete { name }
            | Self::Restart { name, .. }
            | Self::Fence { name, .. } => name,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchKind {
    /// Leading itself: a failure deposes.
    Lead,
    Tasks(String),
    /// Of this generation.
    Fence(String, u64),
    /// Of a client; the number is the request's.
    Client {
        name: String,
        request: usize,
    },
}

/// A task that the leader takes from a worker.
#[derive(Debug, Clone)]
pub struct Departure {
    pub id: TaskId,
    pub from: String,
    /// The worker was not a member, or overdue: the task may still be alive there.
    pub is_forced: bool,
}

/// The right to write as the leader, on its way or in use.
#[derive(Debug, Default)]
pub struct Producer {
    pub session: u64,
    pub epoch: Option<u64>,
    /// What has to be read before leading.
    pub must_read: Option<u64>,
    pub queue: VecDeque<Batch>,
    pub is_busy: bool,
    /// The end of what it wrote last.
    pub end: u64,
}

/// A task on this process.
#[derive(Debug, Clone)]
pub struct Instance {
    pub attempt: u64,
    pub config: Properties,
    pub wanted: Wanted,
    /// From the start in the task's group on.
    pub token: Option<u64>,
    pub shows: Option<Wanted>,
    pub is_stopping: bool,
    /// How many commits its worker had read when it was told to start.
    pub generation: usize,
    /// It has looked at the log after it took its identity over, and nothing was committed meanwhile.
    pub may_commit: bool,
}

impl Instance {
    pub fn new(attempt: u64, config: Properties, wanted: Wanted) -> Self {
        Self {
            attempt,
            config,
            wanted,
            token: None,
            shows: None,
            is_stopping: false,
            generation: 0,
            may_commit: false,
        }
    }
}

/// What is to be written to the status log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusKey {
    Report,
    Connector(String),
    Task(TaskId),
}

#[derive(Debug, Clone)]
pub enum Status {
    Report(Report),
    State(Option<RunState>),
}

/// Membership, as this process sees it.
#[derive(Debug, Default)]
pub struct Membership {
    pub id: Option<u64>,
    /// What the herder was told last; `None`: it is out.
    pub told: Option<View>,
    /// To be told once the log has been read up to here.
    pub waiting: Option<(View, u64)>,
    /// The end of the log when the broker said that it is a member.
    pub since: u64,
    pub lease: u64,
    pub is_asking: bool,
}

/// A worker process. A restart makes a new one.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is about another part of the process")]
pub struct Process {
    pub address: String,
    pub herder: Herder,
    pub is_up: bool,
    pub frozen_until: u64,
    pub pos: u64,
    pub is_fetching: bool,
    pub catch_up: Option<u64>,
    pub is_caught_up: bool,
    pub reports_read: usize,
    pub is_fetching_reports: bool,
    pub statuses: VecDeque<(StatusKey, Status)>,
    pub is_writing_status: bool,
    pub membership: Membership,
    pub producer: Option<Producer>,
    pub sessions: u64,
    pub busy: BTreeSet<String>,
    /// Requests whose records must have been read up to this offset before they are answered.
    pub unread: Vec<(u64, String, usize)>,
    pub instances: BTreeMap<TaskId, Instance>,
    /// Given up, and maybe still alive.
    pub abandoned: Vec<(TaskId, u64)>,
    pub tick_at: Option<u64>,
    pub is_leaving: bool,
    /// What it said of connectors since it began to lead.
    pub shown: BTreeMap<String, RunState>,
    pub is_leader: bool,
    pub leaving_seen: BTreeMap<String, bool>,
    pub moves: Moves,
}

/// What the leader's last placements were made of, for the check of interruptions.
#[derive(Debug, Default)]
pub struct Moves {
    /// The workers that took tasks when it was looked at last, and whether they have changed since the placements.
    pub available: BTreeSet<String>,
    pub has_changed: bool,
    pub at: u64,
}

impl Process {
    pub fn new(address: &str) -> Self {
        Self {
            herder: Herder::member(TIMING, address),
            address: address.to_owned(),
            is_up: true,
            frozen_until: 0,
            pos: 0,
            is_fetching: false,
            catch_up: None,
            is_caught_up: false,
            reports_read: 0,
            is_fetching_reports: false,
            statuses: VecDeque::new(),
            is_writing_status: false,
            membership: Membership::default(),
            producer: None,
            sessions: 0,
            busy: BTreeSet::new(),
            unread: Vec::new(),
            instances: BTreeMap::new(),
            abandoned: Vec::new(),
            tick_at: None,
            is_leaving: false,
            shown: BTreeMap::new(),
            is_leader: false,
            leaving_seen: BTreeMap::new(),
            moves: Moves::default(),
        }
    }

    pub fn is_in(&self) -> bool {
        self.membership.told.is_some()
    }

    pub fn is_frozen(&self, now: u64) -> bool {
        self.frozen_until > now
    }

    /// Workers that take tasks, as this leader knows.
    pub fn available(&self) -> BTreeSet<String> {
        let members = self.membership.told.iter().flat_map(|view| &view.members);
        let is_leaving = |worker: &String| {
            self.leaving_seen.get(worker).copied().unwrap_or(false)
                || (self.is_leaving && *worker == self.address)
        };
        members.filter(|worker| !is_leaving(worker)).cloned().collect()
    }

    pub fn note_available(&mut self) {
        let available = self.available();
        if available != self.moves.available {
            self.moves.available = available;
            self.moves.has_changed = true;
        }
    }

    /// Puts a status into the queue in place of an older one of the same key.
    pub fn put_status(&mut self, key: StatusKey, status: Status) {
        // The first is on its way while one is being written.
        let free = usize::from(self.is_writing_status);
        match self.statuses.iter_mut().skip(free).find(|(other, _)| *other == key) {
            Some((_, old)) => *old = status,
            None => self.statuses.push_back((key, status)),
        }
    }
}
