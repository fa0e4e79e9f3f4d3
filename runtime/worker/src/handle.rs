//! The worker's door: every request from REST or the command line goes through a [`Handle`].
mod preview;

use crate::api::{
    ConnectorInfo, ConnectorOffset, ConnectorStatus, Logger, OffsetChange, PluginInfo, Refusal, Root, Status,
};
use crate::herder::loggers::{Apply, Level};
use crate::herder::offsets::{self, Change};
use crate::herder::{Request, Shared};
use crate::session_key::SessionKey;
use cluster::{Properties, Restart, TargetState};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How long a request may wait for the herder or for Kafka before the client is told to come back.
const REQUEST_MAX: Duration = Duration::from_secs(25);

const CATCH_UP_MAX: Duration = Duration::from_secs(2);

/// A cheap clone; works until the worker has shut down, and answers 409 after that.
#[derive(Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    /// One for each preview that may run at the same time.
    previews: Arc<Semaphore>,
}

impl Handle {
    pub(crate) fn new(requests: mpsc::Sender<Request>, shared: Arc<Shared>) -> Self {
        Self { requests, shared, previews: Arc::new(Semaphore::new(preview::AT_ONCE)) }
    }

    pub fn root(&self) -> Root {
        self.shared.root()
    }

    /// `Ok` when the worker has started up and its stores answer; else the sentence for `/health` and whether it
    /// is still starting.
    pub async fn health(&self) -> Result<(), (String, bool)> {
        self.shared.health().await
    }

    /// Whether everything was read that the logs held at the worker's start.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready.load(Ordering::Acquire)
    }

    /// The newest one of the config log.
    pub fn session_key(&self) -> Option<SessionKey> {
        self.shared.session_key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until this worker knows what was written before the call, for a few seconds at most: whoever had a change
    /// carried out elsewhere and asks here next shall see it.
    pub async fn catch_up(&self) {
        let read = self.shared.logs.configs.read_to_end();
        let _ = tokio::time::timeout(CATCH_UP_MAX, read).await;
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        self.shared.metrics()
    }

    /// Connectors of the plugin path, and converters and the like when `all`.
    pub fn plugins(&self, connectors_only: bool) -> Vec<PluginInfo> {
        self.shared.plugins(connectors_only)
    }

    /// A plugin's own settings, in the JSON shape of `/connector-plugins/x/config`; `version` is a version or a
    /// range of versions.
    pub fn plugin_settings(&self, class: &str, version: Option<&str>) -> Result<serde_json::Value, Refusal> {
        self.shared.plugin_settings(class, version)
    }

    /// The whole answer of `/connector-plugins/x/config/validate`.
    pub async fn validate(&self, class: String, config: Properties) -> Result<serde_json::Value, Refusal> {
        let shared = Arc::clone(&self.shared);
        // A plugin's own check runs author code: it must not hold up the worker's threads.
        let checked = tokio::task::spawn_blocking(move || shared.validate(&class, &config));
        bounded(async {
            checked.await.map_err(|_| Refusal::Internal("the plugin's check broke off".into()))?
        })
        .await
    }

    /// What a plugin answers to a question that needs no task, about settings that need not be complete.
    pub async fn ask_plugin(
        &self,
        class: String,
        question: String,
        config: Properties,
        input: String,
    ) -> Result<serde_json::Value, Refusal> {
        let shared = Arc::clone(&self.shared);
        // As in `validate`.
        let asked = tokio::task::spawn_blocking(move || shared.ask(&class, &question, &config, &input));
        bounded(async { asked.await.map_err(|_| Refusal::Internal("the plugin's answer broke off".into()))? })
            .await
    }

    pub async fn connectors(&self) -> Result<Vec<String>, Refusal> {
        self.ask(Request::List).await
    }

    /// Every connector, as at one moment.
    pub async fn all(&self) -> Result<Vec<(ConnectorInfo, ConnectorStatus)>, Refusal> {
        self.ask(Request::All).await
    }

    pub async fn info(&self, name: &str) -> Result<ConnectorInfo, Refusal> {
        self.ask(|reply| Request::Info { name: name.into(), reply }).await?
    }

    pub async fn status(&self, name: &str) -> Result<ConnectorStatus, Refusal> {
        self.ask(|reply| Request::Status { name: name.into(), reply }).await?
    }

    pub async fn task_status(&self, name: &str, task: u32) -> Result<Status, Refusal> {
        let missing = || Refusal::NotFound(format!("No status found for task {name}-{task}"));
        let status = self.status(name).await.map_err(|_| missing())?;
        status
            .tasks
            .into_iter()
            .find(|(number, _)| *number == task)
            .map(|(_, status)| status)
            .ok_or_else(missing)
    }

    /// Task numbers and their settings.
    pub async fn tasks(&self, name: &str) -> Result<Vec<(u32, Properties)>, Refusal> {
        self.ask(|reply| Request::Tasks { name: name.into(), reply }).await?
    }

    /// Validates and creates. `name` is the trimmed name of the request; `config` gets it when it has none.
    pub async fn create(
        &self,
        name: &str,
        config: Properties,
        target: TargetState,
    ) -> Result<ConnectorInfo, Refusal> {
        let config = self.checked(name, config).await?;
        self.ask(|reply| Request::Create { name: name.into(), config, target, reply }).await?
    }

    /// Creates or replaces; true when it was created.
    pub async fn put_config(&self, name: &str, config: Properties) -> Result<(bool, ConnectorInfo), Refusal> {
        let config = self.checked(name, config).await?;
        self.ask(|reply| Request::PutConfig { name: name.into(), config, reply }).await?
    }

    /// Sets the given keys and removes those that are null.
    pub async fn patch_config(&self, name: &str, patch: Properties) -> Result<ConnectorInfo, Refusal> {
        let mut config = self.info(name).await?.config;
        for (key, value) in patch.iter() {
            match value {
                Some(value) => config.set(key, value),
                None => config.remove(key),
            }
        }
        let config = self.checked(name, config).await?;
        self.ask(|reply| Request::PutConfig { name: name.into(), config, reply }).await?.map(|(_, info)| info)
    }

    pub async fn delete(&self, name: &str) -> Result<(), Refusal> {
        self.ask(|reply| Request::Delete { name: name.into(), reply }).await?
    }

    /// Pause, resume or stop.
    pub async fn set_target(&self, name: &str, target: TargetState) -> Result<(), Refusal> {
        self.ask(|reply| Request::SetTarget { name: name.into(), target, reply }).await?
    }

    /// Restarts the connector, and tasks as the flags say. The status is as it will be: `RESTARTING` where it applies.
    pub async fn restart(&self, name: &str, restart: Restart) -> Result<ConnectorStatus, Refusal> {
        self.ask(|reply| Request::Restart { name: name.into(), restart, reply }).await?
    }

    /// Asks the connector's plugin anew which tasks it wants, because another worker says that this has changed.
    pub async fn replan(&self, name: &str) -> Result<(), Refusal> {
        match self.restart(name, Restart::default()).await {
            Err(Refusal::NotFound(_)) => Err(Refusal::NotFound(format!("Connector {name} not found"))),
            outcome => outcome.map(drop),
        }
    }

    pub async fn restart_task(&self, name: &str, task: u32) -> Result<(), Refusal> {
        self.ask(|reply| Request::RestartTask { name: name.into(), task, reply }).await?
    }

    /// Topics that the connector's tasks have read or written since its start or the last reset.
    pub async fn topics(&self, name: &str) -> Result<Vec<String>, Refusal> {
        self.ask(|reply| Request::Topics { name: name.into(), reply }).await?
    }

    pub async fn reset_topics(&self, name: &str) -> Result<(), Refusal> {
        self.ask(|reply| Request::ResetTopics { name: name.into(), reply }).await?
    }

    /// How far the connector got, whatever state it is in.
    pub async fn offsets(&self, name: &str) -> Result<Vec<ConnectorOffset>, Refusal> {
        let config = self.info(name).await?.config;
        bounded(offsets::list(&self.shared, name, &config)).await
    }

    /// Only of a stopped connector.
    pub async fn alter_offsets(&self, name: &str, changes: Vec<OffsetChange>) -> Result<(), Refusal> {
        let change = Change::Alter(changes);
        self.ask(|reply| Request::ChangeOffsets { name: name.into(), change, reply }).await?
    }

    /// Only of a stopped connector.
    pub async fn reset_offsets(&self, name: &str) -> Result<(), Refusal> {
        self.ask(|reply| Request::ChangeOffsets { name: name.into(), change: Change::Reset, reply }).await?
    }

    pub fn loggers(&self) -> Vec<(String, Logger)> {
        self.shared.loggers.all()
    }

    pub fn logger(&self, name: &str) -> Result<Logger, Refusal> {
        self.shared.loggers.get(name)
    }

    /// Sets a logger of this worker and all below it; answers the names of those that changed.
    pub fn set_logger(&self, name: &str, level: &str) -> Result<Vec<String>, Refusal> {
        self.shared.loggers.set(name, Level::parse(level)?)
    }

    /// Sets a logger of every worker of the cluster.
    pub async fn set_cluster_logger(&self, name: &str, level: &str) -> Result<(), Refusal> {
        let level = Level::parse(level)?;
        self.ask(|reply| Request::SetLogger { name: name.into(), level, reply }).await?
    }

    /// Whoever holds the process's log says how its levels are set; until then they are only kept.
    pub fn on_log_levels(&self, apply: Apply) {
        self.shared.loggers.connect(apply);
    }

    /// The config with its name, or all that is wrong with it.
    async fn checked(&self, name: &str, mut config: Properties) -> Result<Properties, Refusal> {
        match config.get("name") {
            Some(other) if other != name => {
                return Err(Refusal::Invalid(format!(
                    "Connector name configuration ({other}) doesn't match connector name in the URL ({name})"
                )));
            }
            Some(_) => {}
            None => config.set("name", name),
        }
        let shared = Arc::clone(&self.shared);
        let checked = tokio::task::spawn_blocking(move || shared.check(&config).map(|()| config));
        bounded(async {
            checked.await.map_err(|_| Refusal::Internal("the plugin's check broke off".into()))?
        })
        .await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        let gone = || Refusal::Conflict("Cannot complete request because the worker is shutting down".into());
        bounded(async {
            self.requests.send(request(reply)).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())
        })
        .await
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    tokio::time::timeout(REQUEST_MAX, work).await.unwrap_or_else(|_| {
        Err(Refusal::Conflict(
            "Cannot complete request momentarily because the worker is busy, try again".into(),
        ))
    })
}
