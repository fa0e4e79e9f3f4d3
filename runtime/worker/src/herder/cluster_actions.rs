//! What a worker does as one of a cluster: leads, writes placements, reports, passes requests on.
use super::scribe::Subject;
use super::{Herder, Input, Request};
use crate::api::Refusal;
use crate::session_key::SessionKey;
use crate::settings::Mode;
use crate::store::{Entry, LeadError, Leading, Read, cluster as ours, configs};
use cluster::{Event, Place, Placement, Report, TaskId};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What clients know as the sign to try again.
pub const NO_LEADER: &str = "Cannot complete request momentarily due to no known leader URL, likely because a \
                             rebalance was underway.";
/// Requests that wait for a leader; more are refused at once.
const LEADERLESS_MAX: usize = 1024;

/// The right to write as the leader, and the attempt to get it.
#[derive(Default)]
pub struct Lead {
    right: Option<Arc<Leading>>,
    attempt: u64,
}

impl Lead {
    pub fn right(&self) -> Option<Arc<Leading>> {
        self.right.clone()
    }
}

impl Herder {
    pub(super) fn lead(&mut self) {
        let Mode::Distributed(group) = &self.shared.settings.mode else { return };
        // Java's leader has the same id when it writes in transactions: neither can write beside the other.
        let id = format!("connect-cluster-{}", group.id);
        self.leading.attempt += 1;
        let (attempt, inputs) = (self.leading.attempt, self.inputs.clone());
        let log = Arc::clone(&self.shared.logs.configs);
        tokio::spawn(async move {
            let outcome = log.lead(&id).await;
            let _ = inputs.send(Input::Led(attempt, outcome)).await;
        });
    }

    pub(super) fn led(&mut self, attempt: u64, outcome: Result<Leading, String>) {
        if attempt != self.leading.attempt {
            return;
        }
        match outcome {
            Ok(leading) => {
                self.leading.right = Some(Arc::new(leading));
                self.step(Event::Leading);
            }
            Err(reason) => {
                tracing::warn!(reason, "this worker shall lead and cannot yet, trying again");
                self.step(Event::Deposed);
            }
        }
    }

    pub(super) fn resign(&mut self) {
        tracing::info!("this worker does not lead any more");
        self.leading = Lead { right: None, attempt: self.leading.attempt + 1 };
    }

    pub(super) fn announce(&mut self, epoch: u64) {
        tracing::info!(epoch, "this worker leads");
        self.leader_write(vec![ours::leader(epoch, &self.url)]);
    }

    /// Connectors that are gone when the turn comes are left out.
    pub(super) fn write_placements(&mut self, placements: Vec<(String, Placement)>) {
        let make = move |herder: &Self| {
            let exists = |name: &str| herder.decide.configs().get(name).is_some();
            let placed = placements.iter().filter(|(name, _)| exists(name));
            placed.map(|(name, placement)| ours::placement(name, placement)).collect()
        };
        self.draft(Box::new(make), Subject::Leader);
    }

    /// What was written is heard of when it is read; a failure is heard of here.
    fn leader_write(&mut self, entries: Vec<Entry>) {
        self.draft(Box::new(move |_| entries), Subject::Leader);
    }

    pub(super) fn leader_wrote(&mut self, outcome: Result<(), LeadError>) {
        if let Err(LeadError::Deposed(reason) | LeadError::Failed(reason)) = outcome {
            // One that has resigned may have left drafts behind.
            if self.leading.right.is_some() {
                tracing::warn!(reason, "the leader's records were not written: leading has to be taken anew");
            }
            self.step(Event::Deposed);
        }
    }

    pub(super) fn report(&mut self, report: &Report) {
        self.status_writer.put(ours::report(&self.url, report));
    }

    pub(super) fn report_read(&mut self, worker: &str, read: &Read) {
        let key = String::from_utf8_lossy(&read.entry.key);
        let Some(value) = &read.entry.value else { return };
        let parsed = serde_json::from_slice(value).map_err(|error| format!("{key}: {error}"));
        match parsed.and_then(|value| ours::parse_report(&key, &value)) {
            Ok(report) => self.step(Event::Reported { worker: worker.to_owned(), report }),
            Err(reason) => super::skipped("status", &reason, read),
        }
    }

    /// A former owner's last word may come late: whoever runs the task says so again, and the leader erases what
    /// belongs to no task.
    pub(super) fn repair_status(&mut self, key: &str) {
        if let Some(name) = key.strip_prefix("status-connector-") {
            return self.repair_connector(name);
        }
        let task = key.strip_prefix("status-task-").and_then(|rest| rest.rsplit_once('-'));
        let Some((name, Ok(number))) = task.map(|(name, number)| (name, number.parse())) else { return };
        let id = TaskId::new(name, number);
        let Some(status) = self.statuses.task(&id).filter(|_| self.is_caught_up) else { return };
        if self.decide.leads() && !self.exists(&id) {
            self.erase_task(&id);
        } else if status.worker_id != self.worker_id
            && let Some((state, trace)) = self.said.get(&id).cloned()
            && self.runs(&id)
        {
            self.set_task(&id, state, trace);
        }
    }

    fn repair_connector(&mut self, name: &str) {
        let speaker = self.statuses.connector(name).map(|status| &status.worker_id);
        if speaker == Some(&self.worker_id) || !self.is_caught_up || !self.decide.leads() {
            return;
        }
        if self.decide.configs().get(name).is_none() {
            if speaker.is_some() {
                self.erase_connector(name);
            }
        } else if let Some((state, trace)) = self.told.get(name).cloned() {
            self.set_connector(name, state, trace);
        }
    }

    fn runs(&self, id: &TaskId) -> bool {
        let place = self.decide.configs().placements().place(id);
        self.running.contains_key(id) && matches!(place, Some(Place::On(url)) if *url == self.url)
    }

    pub(super) fn began_to_lead(&mut self) {
        if self.is_caught_up {
            self.forget_orphans();
        }
        self.renew_key();
    }

    pub(super) fn key_read(&mut self, key: SessionKey, created_ms: i64) {
        self.key_made = created_ms;
        *self.shared.session_key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// The leader makes the key that workers sign with, and another one when that is old.
    pub(super) fn renew_key(&mut self) {
        let Mode::Distributed(group) = &self.shared.settings.mode else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let age_max = i64::try_from(group.key_ttl.as_millis()).unwrap_or(i64::MAX);
        if !self.decide.leads() || now.saturating_sub(self.key_made) < age_max {
            return;
        }
        // Until it is read back; a failure makes this worker resign, and whoever leads next tries again.
        self.key_made = now;
        match SessionKey::make(&group.key_algorithm) {
            Ok(key) => self.leader_write(vec![configs::session_key(&key, now)]),
            Err(reason) => tracing::error!(reason, "no session key"),
        }
    }

    /// `None` when this worker may carry the request out; else it was passed on, or waits for a leader.
    pub(super) fn for_leader(&mut self, request: Request) -> Option<Request> {
        if self.decide.leads() {
            return Some(request);
        }
        match self.decide.leader() {
            Some(url) => {
                let url = url.to_owned();
                request.refuse(Refusal::Elsewhere { url });
            }
            None if self.leaderless.len() < LEADERLESS_MAX => self.leaderless.push_back(request),
            None => request.refuse(Refusal::Conflict(NO_LEADER.into())),
        }
        None
    }

    /// Somebody may lead by now: what waited is asked again.
    pub(super) fn ask_the_leader(&mut self) {
        if self.decide.leads() || self.decide.leader().is_some() {
            for request in std::mem::take(&mut self.leaderless) {
                self.request(request);
            }
        }
    }

    /// Carries out what concerns one task here, or names the worker that has it.
    pub(super) fn has_task(&self, id: &TaskId) -> Result<(), Refusal> {
        if self.url.is_empty() || matches!(self.shared.settings.mode, Mode::Standalone { .. }) {
            return Ok(());
        }
        match self.decide.configs().placements().place(id) {
            Some(Place::On(url)) if *url == self.url => Ok(()),
            Some(Place::On(url)) => Err(Refusal::Elsewhere { url: url.clone() }),
            Some(Place::Moving { .. }) | None => Err(Refusal::Conflict(NO_LEADER.into())),
        }
    }

    /// The worker is one of the cluster from the moment it first hears so.
    pub(super) fn heard_of_cluster(&mut self, event: Event) {
        match &event {
            Event::Joined { is_first, members } => {
                tracing::info!(members = members.len(), is_first, "in the cluster");
                self.shared.metrics.members.set(members.len() as i64);
                self.shared.is_ready.store(true, Ordering::Release);
            }
            Event::Lost => {
                tracing::warn!(
                    "out of the cluster: every task here is stopped until Kafka takes this worker back"
                );
                self.shared.metrics.members.set(0);
            }
            _ => {}
        }
        self.step(event);
    }
}
