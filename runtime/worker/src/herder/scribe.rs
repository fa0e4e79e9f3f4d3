//! Writes a connector's settings and comes back once they were read: one write per connector at a time.
use super::cluster_actions::NO_LEADER;
use super::{Herder, Input, Request, Then};
use crate::api::Refusal;
use crate::store::{Entry, LeadError};
use cluster::Event;
use std::sync::Arc;

impl Herder {
    /// True when the request has to wait for a write of the same connector; it was put aside then.
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
        self.busy.entry(name.to_owned()).or_default();
        let (log, inputs) = (Arc::clone(&self.shared.logs.configs), self.inputs.clone());
        let (name, leading) = (name.to_owned(), self.leading.right());
        tokio::spawn(async move {
            let appended = match leading {
                Some(leading) => leading.append(&entries).await,
                None => log.append(entries).await.map_err(LeadError::Failed),
            };
            let outcome = match appended {
                Ok(()) => log.read_to_end().await.map_err(LeadError::Failed),
                Err(error) => Err(error),
            };
            // A herder that is gone needs no answer.
            let _ = inputs.send(Input::Written { name, outcome, then }).await;
        });
    }

    pub(super) fn written(&mut self, name: &str, outcome: Result<(), LeadError>, then: Then) {
        let waiting = self.busy.remove(name).unwrap_or_default();
        let is_deposed = matches!(outcome, Err(LeadError::Deposed(_)));
        then(self, outcome.map_err(|error| refusal(name, &error)));
        if is_deposed {
            self.step(Event::Deposed);
        }
        // The first of them may write again; the others then wait for that.
        for request in waiting {
            self.request(request);
        }
    }
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
