//! Writes a connector's settings and comes back once they were read: one write per connector at a time.
use super::{Herder, Input, Request, Then};
use crate::api::Refusal;
use crate::store::Entry;
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
        let name = name.to_owned();
        tokio::spawn(async move {
            let outcome = match log.append(entries).await {
                Ok(()) => log.read_to_end().await,
                Err(reason) => Err(reason),
            };
            // A herder that is gone needs no answer.
            let _ = inputs.send(Input::Written { name, outcome, then }).await;
        });
    }

    pub(super) fn written(&mut self, name: &str, outcome: Result<(), String>, then: Then) {
        let waiting = self.busy.remove(name).unwrap_or_default();
        let refusal = |reason| Refusal::Internal(format!("Failed to write connector {name}: {reason}"));
        then(self, outcome.map_err(refusal));
        // The first of them may write again; the others then wait for that.
        for request in waiting {
            self.request(request);
        }
    }
}
