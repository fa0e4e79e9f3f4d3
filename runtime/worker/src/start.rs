//! Starts a worker: opens its stores, reads them, and hands out the handle.
use crate::crew::Crew;
use crate::definition::{self, ConverterConfig};
use crate::handle::Handle;
use crate::herder::loggers::Loggers;
use crate::herder::{Address, Herder, Input, Shared};
use crate::metrics::Metrics;
use crate::settings::{self, ExactlyOnceSource, InternalTopic, Mode, Settings};
use crate::shared::CONNECT_VERSION;
use crate::store::{Entry, Log, Logs, OwnLogs, Read, local, offsets::Offsets};
use kafka::{Admin, ClientSettings, CompactedLog, GroupSettings, LogRecord, LogSettings, Member, TopicSpec};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// A running worker.
pub struct Worker {
    handle: Handle,
    inputs: mpsc::Sender<Input>,
    herder: JoinHandle<()>,
    crew: Option<Crew>,
}

/// Why a worker does not start: one sentence.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Requests and inputs that wait for the herder. Senders wait when it is full: nothing is lost.
const QUEUE: usize = 1024;
/// How long one request to Kafka may take.
const KAFKA_WAIT: Duration = Duration::from_secs(15);

impl Worker {
    /// Opens the stores and starts to read them; requests are answered once they were read to their ends.
    pub async fn start(settings: Settings, plugins: host::Plugins, address: Address) -> Result<Self, Error> {
        let (inputs, input_queue) = mpsc::channel(QUEUE);
        let (requests, request_queue) = mpsc::channel(QUEUE);
        let offsets = Arc::new(Offsets::default());
        let logs = open_logs(&settings, &inputs, &offsets).await?;
        let context: Vec<_> =
            settings.metrics_context.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let log_level = settings.log.level.clone();
        let shared = Arc::new(Shared {
            framework: framework(&settings, &plugins),
            metrics: Metrics::new(&context),
            settings: Arc::new(settings),
            plugins,
            offsets,
            logs,
            own_offsets: OwnLogs::default(),
            cluster_id: OnceLock::new(),
            is_ready: AtomicBool::new(false),
            lease: OnceLock::new(),
            session_key: Mutex::default(),
            counts: Mutex::default(),
            loggers: Loggers::new(&log_level),
        });
        let (caught_up, is_caught_up) = oneshot::channel();
        tokio::spawn(read_logs(Arc::clone(&shared), inputs.clone(), caught_up));
        let crew = membership(&shared, &address)?;
        let crew = crew.map(|group| Crew::start(group, Arc::clone(&shared), inputs.clone(), is_caught_up));
        tokio::spawn(ask_cluster_id(Arc::clone(&shared)));
        let herder = Herder::new(Arc::clone(&shared), inputs.clone(), address);
        let herder = tokio::spawn(herder.run(request_queue, input_queue));
        Ok(Self { handle: Handle::new(requests, shared), inputs, herder, crew })
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Returns when this worker cannot be one of its cluster, with the sentence that says why.
    pub async fn refused(&mut self) -> Error {
        match &mut self.crew {
            Some(crew) => Error(crew.refused().await),
            None => std::future::pending().await,
        }
    }

    /// Stops every task within the graceful time, stores what is durable, and ends.
    pub async fn shutdown(self) {
        let (reply, done) = oneshot::channel();
        if self.inputs.send(Input::Shutdown(reply)).await.is_ok() {
            let _ = done.await;
        }
        let _ = self.herder.await;
        if let Some(crew) = self.crew {
            crew.leave().await;
        }
    }
}

/// Tells the herder once everything that was in the logs at the start has been read.
async fn read_logs(shared: Arc<Shared>, inputs: mpsc::Sender<Input>, caught_up: oneshot::Sender<()>) {
    loop {
        let logs = &shared.logs;
        let read = async {
            tokio::try_join!(
                logs.offsets.read_to_end(),
                logs.statuses.read_to_end(),
                logs.configs.read_to_end()
            )
        };
        match read.await {
            Ok(_) => break,
            Err(reason) => tracing::warn!(reason, "reading the stores, trying again"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let _ = inputs.send(Input::CaughtUp).await;
    let _ = caught_up.send(());
}

/// How this worker becomes one of its cluster; `None` in standalone mode.
fn membership(shared: &Shared, address: &Address) -> Result<Option<GroupSettings>, Error> {
    let Mode::Distributed(group) = &shared.settings.mode else { return Ok(None) };
    Ok(Some(GroupSettings {
        client: clients(&shared.settings)?,
        group: group.id.clone(),
        topic: group.config_topic.name.clone(),
        me: Member { id: address.url.clone() },
        session_timeout: group.session_timeout,
        heartbeat_interval: group.heartbeat_interval,
        rebalance_timeout: group.rebalance_timeout,
    }))
}

async fn ask_cluster_id(shared: Arc<Shared>) {
    let Ok(client) = clients(&shared.settings) else { return };
    if client.get("bootstrap.servers").is_none() {
        return;
    }
    let Ok(admin) = Admin::open(&client, KAFKA_WAIT) else { return };
    if let Some(id) = admin.cluster_id().await {
        let _ = shared.cluster_id.set(id);
    }
}

fn clients(settings: &Settings) -> Result<ClientSettings, Error> {
    let pairs: Vec<_> =
        settings.kafka.common.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    ClientSettings::from_java(pairs).map(|(client, _)| client).map_err(|error| Error(error.message))
}

fn framework(settings: &Settings, plugins: &host::Plugins) -> definition::Worker {
    let converter = |own: &settings::Converter| ConverterConfig {
        class: own.class.clone(),
        settings: own.settings.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    };
    definition::Worker {
        key_converter: converter(&settings.converters.key),
        value_converter: converter(&settings.converters.value),
        header_converter: converter(&settings.converters.header),
        version: CONNECT_VERSION.to_owned(),
        override_policy: match &settings.kafka.override_policy {
            settings::OverridePolicy::Safe => definition::OverridePolicy::Safe,
            settings::OverridePolicy::All => definition::OverridePolicy::All,
            settings::OverridePolicy::None => definition::OverridePolicy::None,
            settings::OverridePolicy::Principal => definition::OverridePolicy::Principal,
            settings::OverridePolicy::Allowlist(keys) => definition::OverridePolicy::Allowlist(keys.clone()),
        },
        exactly_once_source: settings.exactly_once_source() == ExactlyOnceSource::Enabled,
        classes: plugins.connectors().iter().map(|connector| connector.class().to_owned()).collect(),
    }
}

async fn open_logs(
    settings: &Settings,
    inputs: &mpsc::Sender<Input>,
    offsets: &Arc<Offsets>,
) -> Result<Logs, Error> {
    let (to_configs, to_statuses, to_offsets) = (inputs.clone(), inputs.clone(), Arc::clone(offsets));
    // Readers run on the logs' own threads. A herder that is gone reads nothing any more.
    let read_config = move |read: Read| drop(to_configs.blocking_send(Input::Config(read)));
    let read_status = move |read: Read| drop(to_statuses.blocking_send(Input::Status(read)));
    let read_offset = move |read: Read| {
        let (partition, offset) = read.place.unzip();
        if let Err(reason) = to_offsets.read(read.entry) {
            tracing::warn!(log = "offset", partition, offset, reason, "skipping an unreadable record");
        }
    };
    match &settings.mode {
        Mode::Standalone { store } => {
            let database = local::open(store).map_err(Error)?;
            let log = |table, reader| {
                local::LocalLog::open(Arc::clone(&database), table, reader)
                    .map(|log| Arc::new(Log::Local(Arc::new(log))))
                    .map_err(Error)
            };
            Ok(Logs {
                configs: log("configs", Box::new(read_config))?,
                offsets: log("offsets", Box::new(read_offset))?,
                statuses: log("statuses", Box::new(read_status))?,
            })
        }
        Mode::Distributed(group) => {
            let client = clients(settings)?;
            let open = |topic: &InternalTopic, part: &str, single: bool| {
                let mut settings = log_settings(&client, topic, &format!("{}-{part}", group.id));
                if single {
                    settings.topic.partitions = 1;
                }
                // The leader writes configs in transactions, and sources their offsets: what of these was undone must
                // not be read, also when sources write in no transactions any more.
                settings.transactional = part != "statuses";
                settings
            };
            let configs = open_kafka(open(&group.config_topic, "configs", true), read_config);
            let offsets = open_kafka(open(&group.offset_topic, "offsets", false), read_offset);
            let statuses = open_kafka(open(&group.status_topic, "statuses", false), read_status);
            let (configs, offsets, statuses) = tokio::try_join!(configs, offsets, statuses)?;
            Ok(Logs { configs, offsets, statuses })
        }
    }
}

pub fn log_settings(client: &ClientSettings, topic: &InternalTopic, client_id: &str) -> LogSettings {
    LogSettings {
        client: client.clone(),
        client_id: client_id.to_owned(),
        topic: TopicSpec {
            name: topic.name.clone(),
            partitions: topic.partitions.unwrap_or(-1),
            replication: topic.replication.map_or(-1, i32::from),
            configs: topic.settings.as_map().clone(),
        },
        create: true,
        transactional: true,
        request_timeout: KAFKA_WAIT,
    }
}

async fn open_kafka(
    settings: LogSettings,
    mut reader: impl FnMut(Read) + Send + 'static,
) -> Result<Arc<Log>, Error> {
    let topic = settings.topic.name.clone();
    let take = move |record: LogRecord| {
        let entry = Entry { key: record.key, value: record.value };
        reader(Read { entry, place: Some((record.partition, record.offset)) });
    };
    match CompactedLog::open(settings, take).await {
        Ok(log) => Ok(Arc::new(Log::kafka(log))),
        Err(error) => Err(Error(format!("internal topic {topic}: {}", error.message))),
    }
}
