//! Shows, alters and resets the offsets of connectors: a source's in the offset log, a sink's in its group.
mod rehearsal;
mod sink;
mod source;

use super::{Herder, Input, Reply, Shared, Then};
use crate::api::{ConnectorOffset, OffsetChange, Refusal};
use crate::store::SourceOffsets;
use cluster::{Properties, TargetState};
use host::Connector;
use penstock_sdk::Config;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is to become of a connector's offsets.
#[derive(Debug)]
pub enum Change {
    Alter(Vec<OffsetChange>),
    Reset,
}

/// Both together are shorter than a request may take, so that the client hears what it was.
const DRAINED_MAX: Duration = Duration::from_secs(8);
const CHANGE_MAX: Duration = Duration::from_secs(16);
const DRAINED_POLL: Duration = Duration::from_millis(50);

impl Herder {
    /// Nothing else changes the connector until this is done: a start in the middle would read what is half written.
    pub(super) fn change_offsets(&mut self, name: &str, change: Change, reply: Reply<Result<(), Refusal>>) {
        self.change_offsets_by(name, change, reply, Instant::now() + DRAINED_MAX);
    }

    fn change_offsets_by(
        &mut self,
        name: &str,
        change: Change,
        reply: Reply<Result<(), Refusal>>,
        deadline: Instant,
    ) {
        let config = match self.config_to_change(name) {
            Ok(config) => config,
            Err(refusal) => return drop(reply.send(Err(refusal))),
        };
        // The last offsets of its tasks may still be on their way, from here or from a worker that does not know yet.
        if self.running.keys().any(|id| id.connector == name) || self.decide.awaits_fencing(name) {
            if Instant::now() >= deadline {
                return drop(reply.send(Err(Refusal::Conflict(still_live(name)))));
            }
            return self.once_more(name, move |herder, name| {
                herder.change_offsets_by(name, change, reply, deadline);
            });
        }
        self.busy.entry(name.to_owned()).or_default();
        let (shared, inputs, name) = (Arc::clone(&self.shared), self.inputs.clone(), name.to_owned());
        tokio::spawn(async move {
            let work = tokio::time::timeout(CHANGE_MAX, perform(&shared, &name, &config, change));
            let outcome = work.await.unwrap_or_else(|_| Err(Refusal::Conflict(still_live(&name))));
            let then: Then = Box::new(move |_, _| drop(reply.send(outcome)));
            // A herder that is gone needs no answer.
            let _ = inputs.send(Input::Written { name, outcome: Ok(()), then }).await;
        });
    }

    /// Looks again a little later; until then the connector stays busy.
    fn once_more(&mut self, name: &str, look: impl FnOnce(&mut Self, &str) + Send + 'static) {
        self.busy.entry(name.to_owned()).or_default();
        let (inputs, name, of) = (self.inputs.clone(), name.to_owned(), name.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(DRAINED_POLL).await;
            let then: Then = Box::new(move |herder, _| look(herder, &of));
            let _ = inputs.send(Input::Written { name, outcome: Ok(()), then }).await;
        });
    }

    fn config_to_change(&self, name: &str) -> Result<Properties, Refusal> {
        let missing = || Refusal::NotFound(format!("Connector {name} not found"));
        let connector = self.decide.configs().get(name).ok_or_else(missing)?;
        if connector.target != TargetState::Stopped || !connector.tasks.is_empty() {
            return Err(Refusal::Invalid(format!(
                "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for \
                 the specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
            )));
        }
        Ok(connector.config.clone())
    }
}

/// What is stored for a connector, whatever state it is in.
pub async fn list(shared: &Shared, name: &str, config: &Properties) -> Result<Vec<ConnectorOffset>, Refusal> {
    match shared.choose(config)?.source(config).map_err(Refusal::Invalid)? {
        Some(_) => {
            let offsets = source::find(shared, name, config).await?;
            let listed = source::list(&offsets, name).await;
            put_away(offsets);
            listed
        }
        None => sink::Group::open(shared, name, config)?.list().await,
    }
}

async fn perform(
    shared: &Arc<Shared>,
    name: &str,
    config: &Properties,
    change: Change,
) -> Result<(), Refusal> {
    match (shared.choose(config)?.source(config).map_err(Refusal::Invalid)?, change) {
        (None, Change::Alter(changes)) => {
            let wanted = sink::parse(&changes)?;
            sink::Group::open(shared, name, config)?.alter(wanted).await
        }
        (None, Change::Reset) => sink::Group::open(shared, name, config)?.reset().await,
        (Some(source), change) => {
            let offsets = source::find(shared, name, config).await?;
            let changed = change_source(shared, source, (name, config), &offsets, change).await;
            put_away(offsets);
            changed
        }
    }
}

async fn change_source(
    shared: &Arc<Shared>,
    source: (Connector, Config),
    (name, config): (&str, &Properties),
    offsets: &SourceOffsets,
    change: Change,
) -> Result<(), Refusal> {
    super::pipes::shut_out(shared, name, config, offsets).await.map_err(|reason| {
        Refusal::Internal(format!("Failed to shut out former tasks of connector {name}: {reason}"))
    })?;
    match change {
        Change::Alter(changes) => {
            let wanted = source::parse(&changes)?;
            rehearse(shared, source, (name, config), offsets, &wanted).await?;
            source::alter(offsets, name, &wanted).await
        }
        Change::Reset => source::reset(offsets, name).await,
    }
}

/// The reader of a topic of the connector's own is waited for, which no thread that serves requests may do.
fn put_away(offsets: SourceOffsets) {
    tokio::task::spawn_blocking(move || drop(offsets));
}

/// The plugin runs author code: it gets a thread of its own and no more than a call's time.
async fn rehearse(
    shared: &Arc<Shared>,
    (plugin, own): (Connector, Config),
    (name, config): (&str, &Properties),
    offsets: &SourceOffsets,
    wanted: &[source::Wanted],
) -> Result<(), Refusal> {
    let limit = shared.settings.plugins.call_timeout.min(REHEARSAL_MAX);
    let tasks_max = config.get("tasks.max").and_then(|max| max.trim().parse().ok()).unwrap_or(1);
    let stage = rehearsal::Stage {
        plugin,
        connector: name.to_owned(),
        config: own,
        tasks_max,
        offsets: offsets.clone(),
    };
    let wanted = wanted.to_vec();
    let work = tokio::task::spawn_blocking(move || stage.rehearse(&wanted));
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(verdict)) => verdict.map_err(Refusal::Invalid),
        // Whoever cannot say in time whether offsets fit has no objection to them.
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}

const REHEARSAL_MAX: Duration = Duration::from_secs(5);

/// In Connect's words, which tell the client to try again.
fn still_live(name: &str) -> String {
    format!(
        "Failed to alter offsets for connector {name} either because its tasks haven't stopped completely yet or the \
         connector was resumed before the request to alter its offsets could be successfully completed. If the \
         connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, \
         the Connect cluster may need to be restarted to get rid of the zombie tasks."
    )
}
