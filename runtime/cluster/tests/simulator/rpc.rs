//! Requests to the brokers: each may be lost on its way there, or its answer on the way back.
use crate::group::View;
use crate::log::Draft;
use crate::options::TIMEOUT;
use crate::process::{BatchKind, Departure, Status, StatusKey};
use crate::world::{Happening, World};
use penstock_cluster::TaskId;

/// What a process asks of a broker.
#[derive(Debug, Clone)]
pub enum Call {
    /// Where the log ends.
    End,
    /// The process joins, or stays in.
    Beat(Option<u64>),
    Leave(u64),
    NewProducer {
        session: u64,
    },
    Append {
        session: u64,
        producer: u64,
        kind: BatchKind,
        drafts: Vec<Draft>,
        departures: Vec<Departure>,
    },
    PutStatus {
        key: StatusKey,
        status: Status,
    },
    /// The task joins its own group under its fixed name.
    StartTask {
        id: TaskId,
        attempt: u64,
    },
}

/// What came of it. `None`: nobody knows.
#[derive(Debug, Clone)]
pub enum Answer {
    End(Option<u64>),
    Beat {
        sent: u64,
        outcome: Option<Beat>,
    },
    Left,
    NewProducer {
        session: u64,
        outcome: Option<(u64, u64)>,
    },
    /// The end of what was appended.
    Appended {
        session: u64,
        kind: BatchKind,
        outcome: Option<Result<u64, Refused>>,
    },
    StatusPut(Option<()>),
    TaskStarted {
        id: TaskId,
        attempt: u64,
        token: Option<u64>,
    },
}

#[derive(Debug, Clone)]
pub enum Beat {
    In { id: u64, view: View, end: u64 },
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Fenced,
    /// Not written, and the producer is as good as before.
    Unwritten,
}

impl Call {
    fn channel(&self) -> u8 {
        match self {
            Self::End | Self::StartTask { .. } => 0,
            Self::Beat(_) | Self::Leave(_) => 1,
            Self::NewProducer { .. } | Self::Append { .. } => 2,
            Self::PutStatus { .. } => 3,
        }
    }

    fn unanswered(&self, sent: u64) -> Answer {
        match self.clone() {
            Self::End => Answer::End(None),
            Self::Beat(_) => Answer::Beat { sent, outcome: None },
            Self::Leave(_) => Answer::Left,
            Self::NewProducer { session } => Answer::NewProducer { session, outcome: None },
            Self::Append { session, kind, .. } => Answer::Appended { session, kind, outcome: None },
            Self::PutStatus { .. } => Answer::StatusPut(None),
            Self::StartTask { id, attempt } => Answer::TaskStarted { id, attempt, token: None },
        }
    }
}

impl World {
    pub fn call(&mut self, p: usize, call: Call) {
        let (sent, channel) = (self.now, call.channel());
        let is_lost = !self.links.reaches_broker(p, channel) || self.is_unlucky();
        if is_lost {
            let answer = call.unanswered(sent);
            return self.after(TIMEOUT, Happening::Answer { p, answer });
        }
        let delay = self.delay();
        self.after(delay, Happening::Arrive { p, sent, call });
    }

    fn is_unlucky(&mut self) -> bool {
        let losses = if self.is_healed { 0 } else { self.options.losses };
        self.random.chance(losses)
    }

    /// The request is at the broker: what it does is done, whether or not the answer finds its way.
    pub fn arrive(&mut self, p: usize, sent: u64, call: Call) {
        let (channel, unanswered) = (call.channel(), call.unanswered(sent));
        let answer = if self.links.is_broker_down { None } else { Some(self.serve(p, sent, call)) };
        let delay = self.delay();
        let deadline = sent + TIMEOUT;
        let is_answered = self.links.reaches_worker(p, channel) && self.now + delay <= deadline;
        let is_lucky = !self.is_unlucky();
        match answer {
            Some(answer) if is_answered && is_lucky => self.after(delay, Happening::Answer { p, answer }),
            _ => self.at(deadline.max(self.now), Happening::Answer { p, answer: unanswered }),
        }
    }

    fn serve(&mut self, p: usize, sent: u64, call: Call) -> Answer {
        match call {
            Call::End => Answer::End(Some(self.log.end())),
            Call::Beat(id) => Answer::Beat { sent, outcome: Some(self.beat(p, id)) },
            Call::Leave(id) => {
                self.group.remove(id, &mut self.random);
                Answer::Left
            }
            Call::NewProducer { session } => {
                let epoch = self.log.new_producer();
                Answer::NewProducer { session, outcome: Some((epoch, self.log.end())) }
            }
            Call::Append { session, producer, kind, drafts, departures } => {
                let outcome = self.append(p, producer, &kind, (drafts, departures));
                Answer::Appended { session, kind, outcome: Some(outcome) }
            }
            Call::PutStatus { key, status } => {
                self.status_put(p, &key, status);
                Answer::StatusPut(Some(()))
            }
            Call::StartTask { id, attempt } => {
                let token = self.new_token(&id);
                Answer::TaskStarted { id, attempt, token: Some(token) }
            }
        }
    }
}
