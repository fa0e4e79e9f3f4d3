//! Shuts out producers of former tasks as the leader, and tells tasks what they need to write in transactions.
use super::{Herder, Input};
use crate::api::Refusal;
use crate::definition::{ConnectorConfig, Transactions};
use crate::settings::{ExactlyOnceSource, Mode, Settings};
use crate::shared::Shared;
use crate::store::configs;
use crate::task::{self, Boundary, Exact, of_kafka, wrong};
use cluster::{Event, Failure, Fences, Properties, TaskId};
use host::ConnectorKind;
use kafka::ClientSettings;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

/// Producers that are shut out at the same time: each takes a client and a connection of its own.
const FENCES_MAX: usize = 8;
/// For one of them; the leader tries again.
const FENCE_WAIT: Duration = Duration::from_secs(20);
/// How long a task that begins waits for the config log before it fails.
const READ_WAIT: Duration = Duration::from_secs(30);

/// Which connectors' tasks have producers of their own, as far as this worker is concerned with it.
pub fn fences(shared: &Arc<Shared>) -> Option<Fences> {
    let support = shared.settings.exactly_once_source();
    if support == ExactlyOnceSource::Disabled {
        return None;
    }
    let shared = Arc::clone(shared);
    let is_source = move |config: &Properties| {
        let plugin = config.get("connector.class").and_then(|class| shared.plugins.find(class.trim()));
        plugin.is_some_and(|plugin| plugin.kind() == ConnectorKind::Source)
    };
    Some(Fences { is_fenced: Box::new(is_source), waits: support == ExactlyOnceSource::Enabled })
}

/// As Java names it, so that either side shuts the other out.
pub fn transactional_id(group: &str, id: &TaskId) -> String {
    format!("{group}-{}-{}", id.connector, id.task)
}

impl Herder {
    pub(super) fn fence(&self, name: String, generation: u64, former: u32, tasks: Option<u32>) {
        let Mode::Distributed(group) = &self.shared.settings.mode else { return };
        // A single task before and after has one id, which its next producer takes over by itself.
        let count = if former == 1 && tasks == Some(1) { 0 } else { former };
        let ids = (0..count).map(|task| transactional_id(&group.id, &TaskId::new(name.clone(), task)));
        let (ids, client) = (ids.collect(), self.fencing_client(&name));
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            let outcome = match client {
                Ok(client) => fence_all(client, ids).await,
                Err(failure) => Err(failure),
            };
            // A herder that is gone needs no answer.
            let _ = inputs.send(Input::ShutOut { name, generation, tasks, outcome }).await;
        });
    }

    /// The login of the connector's own producers, which may use its transactional ids.
    fn fencing_client(&self, name: &str) -> Result<ClientSettings, Failure> {
        let settings = &self.shared.settings;
        let Some(connector) = self.decide.configs().get(name) else {
            return task::client(settings, &settings.kafka.producer, &indexmap::IndexMap::new());
        };
        let resolved = settings.config_providers.resolve(&connector.config).complete()?;
        let config = task::parse(crate::definition::Kind::Source, &resolved.config, &self.shared.framework);
        let client = config.and_then(|config| producer_client(settings, &config));
        client.map_err(|failure| resolved.scrubber.failure(failure))
    }

    /// Nothing of former tasks can be committed any more: this is written unless others were committed meanwhile.
    pub(super) fn shut_out(
        &mut self,
        name: String,
        generation: u64,
        tasks: Option<u32>,
        outcome: Result<(), Failure>,
    ) {
        if let Err(failure) = outcome {
            let reason = failure.trace.lines().next().unwrap_or_default();
            tracing::warn!(
                connector = name,
                reason,
                "producers of former tasks are not shut out, trying again"
            );
            return self.step(Event::Fenced { name, generation, outcome: Err(failure) });
        }
        let of = name.clone();
        let make = move |herder: &Self| {
            let fencing = herder.decide.configs().due_fencing(&of);
            let is_same = fencing.is_some_and(|it| it.generation == generation);
            if is_same { vec![configs::fencing(&of, tasks)] } else { Vec::new() }
        };
        let of = name.clone();
        // What was not written is still due, and asked for again.
        let then = move |herder: &mut Self, _: Result<(), Refusal>| {
            herder.step(Event::Fenced { name: of, generation, outcome: Ok(()) });
        };
        self.write_later(&name, Box::new(make), Box::new(then));
    }

    /// What a source's task needs to deliver exactly once; `None` where it does not.
    pub(super) fn exact(&self, id: &TaskId, config: &ConnectorConfig) -> Result<Option<Exact>, Failure> {
        let settings = &self.shared.settings;
        let Mode::Distributed(group) = &settings.mode else { return Ok(None) };
        if group.exactly_once_source != ExactlyOnceSource::Enabled {
            return Ok(None);
        }
        let client = producer_client(settings, config)?;
        self.transactional(id, client, config.transactions).map(Some)
    }

    /// A producer of the task's own, by this login.
    pub(super) fn transactional(
        &self,
        id: &TaskId,
        client: ClientSettings,
        wanted: Transactions,
    ) -> Result<Exact, Failure> {
        let settings = &self.shared.settings;
        let Mode::Distributed(group) = &settings.mode else {
            return Err(wrong("transactions need a cluster"));
        };
        let mut client = kafka::transactional(client, &transactional_id(&group.id, id));
        client.set_default("client.id", format!("connector-producer-{}-{}", id.connector, id.task));
        let timeout = kafka::transaction_timeout(&client);
        let interval = settings.delivery.offset_flush_interval;
        let boundary = Boundary::new(wanted, interval, timeout).map_err(|why| wrong(&why))?;
        let (shared, inputs) = (Arc::clone(&self.shared), self.inputs.clone());
        let runtime = tokio::runtime::Handle::current();
        let catch_up = Box::new(move || {
            let read = async { tokio::time::timeout(READ_WAIT, catch_up(&shared, &inputs)).await };
            runtime.block_on(read).unwrap_or_else(|_| Err("no answer in time".into()))
        });
        Ok(Exact { client, boundary, timeout, catch_up })
    }
}

pub fn producer_client(settings: &Settings, config: &ConnectorConfig) -> Result<ClientSettings, Failure> {
    task::client(settings, &settings.kafka.producer, &config.producer)
}

/// Returns when the herder has acted on everything that the config log held at the time of the call.
async fn catch_up(shared: &Shared, inputs: &mpsc::Sender<Input>) -> Result<(), String> {
    shared.logs.configs.read_to_end().await?;
    let (reply, answer) = oneshot::channel();
    let gone = || "the worker ends".to_owned();
    inputs.send(Input::Echo(reply)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

pub async fn fence_all(client: ClientSettings, ids: Vec<String>) -> Result<(), Failure> {
    let permits = Arc::new(Semaphore::new(FENCES_MAX));
    let mut all = JoinSet::new();
    for id in ids {
        let (client, permits) = (client.clone(), Arc::clone(&permits));
        all.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let until = Instant::now() + FENCE_WAIT;
            let work = move || kafka::fence(client, &id, &|| Instant::now() < until);
            tokio::task::spawn_blocking(work).await
        });
    }
    while let Some(outcome) = all.join_next().await {
        let outcome = outcome.and_then(|inner| inner);
        let outcome = outcome.unwrap_or_else(|_| Err(kafka::Error::retry("shutting out broke off")));
        outcome.map_err(|error| of_kafka("shutting out the producers of former tasks", &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactional_ids_are_javas() {
        assert_eq!(transactional_id("eos", &TaskId::new("eos-ver", 1)), "eos-eos-ver-1");
    }
}
