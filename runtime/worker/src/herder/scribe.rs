//! Writes the config log: one write at a time, each made from what the one before it left.
use super::cluster_actions::NO_LEADER;
use super::{Herder, Input, Request, Then};
use crate::api::Refusal;
use crate::settings::Mode;
use crate::store::{Entry, LeadError, Leading, Log};
use cluster::Event;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Makes the records of a write when its turn comes; none means that there is nothing to write any more.
pub type Make = Box<dyn FnOnce(&Herder) -> Vec<Entry> + Send>;

/// Something that waits to be written.
struct Draft {
    make: Make,
    subject: Subject,
}

/// Who hears how it went.
pub enum Subject {
    /// A connector's settings, or a logger's level. Several of different names may be written together.
    Named { name: String, then: Then },
    /// The leader's own records, which nothing else is written with.
    Leader,
}

/// The drafts in their order, and whether any is on its way.
#[derive(Default)]
pub struct Scribe {
    drafts: VecDeque<Draft>,
    is_writing: bool,
}

/// More are written in several turns, so that no transaction takes long.
const TOGETHER_MAX: usize = 256;

impl Herder {
    /// `None` when the request has to wait for a write of the same name; it was put aside then.
    pub(super) fn is_put_aside(&mut self, name: &str, request: Request) -> Option<Request> {
        match self.busy.get_mut(name) {
            Some(waiting) => {
                waiting.push_back(request);
                None
            }
            None => Some(request),
        }
    }

    /// Writes the records in order, reads them back, and then calls `then`.
    pub(super) fn write(&mut self, name: &str, entries: Vec<Entry>, then: Then) {
        self.write_later(name, Box::new(move |_| entries), then);
    }

    /// As `write`, for records that depend on what will have been written before them.
    pub(super) fn write_later(&mut self, name: &str, make: Make, then: Then) {
        self.busy.entry(name.to_owned()).or_default();
        self.draft(make, Subject::Named { name: name.to_owned(), then });
    }

    pub(super) fn draft(&mut self, make: Make, subject: Subject) {
        self.scribe.drafts.push_back(Draft { make, subject });
        self.write_next();
    }

    fn write_next(&mut self) {
        while !self.scribe.is_writing && !self.scribe.drafts.is_empty() {
            let drafts = self.take_drafts();
            let written = drafts.into_iter().map(|draft| ((draft.make)(self), draft.subject)).collect();
            self.scribe.is_writing = true;
            self.send(written);
        }
    }

    /// The leader's own draft alone, or those before it that have different names.
    fn take_drafts(&mut self) -> Vec<Draft> {
        let mut names = BTreeSet::new();
        let mut taken = Vec::new();
        while let Some(draft) = self.scribe.drafts.pop_front() {
            let fits = match &draft.subject {
                Subject::Leader => taken.is_empty(),
                Subject::Named { name, .. } => taken.len() < TOGETHER_MAX && names.insert(name.clone()),
            };
            if !fits {
                self.scribe.drafts.push_front(draft);
                break;
            }
            let is_alone = matches!(draft.subject, Subject::Leader);
            taken.push(draft);
            if is_alone {
                break;
            }
        }
        taken
    }

    fn send(&self, written: Vec<(Vec<Entry>, Subject)>) {
        let (log, inputs) = (Arc::clone(&self.shared.logs.configs), self.inputs.clone());
        let leading = match self.shared.settings.mode {
            Mode::Standalone { .. } => Ok(None),
            Mode::Distributed(_) => self.leading.right().map(Some).ok_or_else(resigned),
        };
        tokio::spawn(async move {
            let outcomes = match leading {
                Ok(leading) => append(&log, leading.as_deref(), written).await,
                Err(error) => written.into_iter().map(|(_, subject)| (Err(error.clone()), subject)).collect(),
            };
            // A herder that is gone needs no answer.
            let _ = inputs.send(Input::Wrote(outcomes)).await;
        });
    }

    pub(super) fn wrote(&mut self, outcomes: Vec<(Result<(), LeadError>, Subject)>) {
        self.scribe.is_writing = false;
        let is_deposed = outcomes.iter().any(|(outcome, _)| matches!(outcome, Err(LeadError::Deposed(_))));
        for (outcome, subject) in outcomes {
            match subject {
                Subject::Named { name, then } => self.written(&name, outcome, then),
                Subject::Leader => self.leader_wrote(outcome),
            }
        }
        if is_deposed {
            self.step(Event::Deposed);
        }
        self.write_next();
    }

    pub(super) fn written(&mut self, name: &str, outcome: Result<(), LeadError>, then: Then) {
        let waiting = self.busy.remove(name).unwrap_or_default();
        then(self, outcome.map_err(|error| refusal(name, &error)));
        // The first of them may write again; the others then wait for that.
        for request in waiting {
            self.request(request);
        }
    }
}

/// All in one transaction; when that is refused as a whole, each in its own, so that a record that cannot be written
/// harms no other.
async fn append(
    log: &Log,
    leading: Option<&Leading>,
    written: Vec<(Vec<Entry>, Subject)>,
) -> Vec<(Result<(), LeadError>, Subject)> {
    let all = written.iter().flat_map(|(entries, _)| entries.iter().cloned()).collect();
    let together = append_one(log, leading, all).await;
    let is_alone = written.len() == 1;
    let mut outcomes = Vec::new();
    for (entries, subject) in written {
        let outcome = match &together {
            Err(LeadError::Failed(_)) if !is_alone => append_one(log, leading, entries).await,
            outcome => outcome.clone(),
        };
        outcomes.push((outcome, subject));
    }
    outcomes
}

async fn append_one(log: &Log, leading: Option<&Leading>, entries: Vec<Entry>) -> Result<(), LeadError> {
    if entries.is_empty() {
        return Ok(());
    }
    match leading {
        Some(leading) => leading.append(&entries).await?,
        None => log.append(entries).await.map_err(LeadError::Failed)?,
    }
    log.read_to_end().await.map_err(LeadError::Failed)
}

fn resigned() -> LeadError {
    LeadError::Deposed("this worker has resigned".into())
}

fn refusal(name: &str, error: &LeadError) -> Refusal {
    match error {
        LeadError::Deposed(reason) => {
            tracing::warn!(connector = name, reason, "not written: this worker leads no more");
            Refusal::Conflict(NO_LEADER.into())
        }
        LeadError::Failed(reason) => Refusal::Internal(format!("Failed to write connector {name}: {reason}")),
    }
}
