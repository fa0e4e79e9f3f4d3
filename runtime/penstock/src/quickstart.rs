//! Shows records moving within seconds: a generator, a broker, a sink and a line a second.

mod build;
mod checkout;
mod clickhouse;
mod connectors;
mod plugins;
mod program;
mod report;
mod rest;
mod scene;
mod services;
mod stage;
mod topic;
mod watch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka::EmbeddedBroker;
use tracing::warn;
use worker::Settings;

use crate::args;
use crate::failure::Failure;
use crate::run::serve::{self, Running};
use crate::settings::{self, Flag, Sources};
use crate::signals::Signals;
use crate::{logs, terminal};
use checkout::Checkout;
use clickhouse::Server;
use connectors::Names;
use scene::{Scene, Systems};
use services::Services;
use stage::Stage;
use topic::Borrowed;

pub fn run(args: &args::Quickstart) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("penstock").build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("starting threads: {error}")))?;
    // The embedded broker cannot leave the thread that made it, so all of this stays on the main one.
    let done = runtime.block_on(until_stopped(args));
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

/// A signal ends the start as well as the show, and is no failure.
async fn until_stopped(args: &args::Quickstart) -> Result<(), Failure> {
    let signals = Signals::listen();
    let mut signals = signals.map_err(|error| Failure::Failed(format!("listening to signals: {error}")))?;
    let mut stage = Stage::default();
    let done = tokio::select! {
        done = show(args, &mut stage) => done,
        _ = signals.next() => Ok(()),
    };
    tokio::select! {
        closed = stage.close() => done.and(closed),
        signal = signals.next() => {
            Err(Failure::Failed(format!("stopped at once by a second signal, {signal}")))
        }
    }
}

async fn show(args: &args::Quickstart, stage: &mut Stage) -> Result<(), Failure> {
    let folder = stage.folder()?;
    let mut settings = worker_settings(args, &folder)?;
    // Before all that takes time: a port that is taken is found at once.
    let server = serve::open(&settings).await?;
    let bound = server.addresses().first().copied();
    let rest = rest::url(bound.ok_or_else(|| Failure::Usage("--listen: expected an address".to_owned()))?);

    let systems = prepare(args, stage, &mut settings, &folder).await?;
    let is_shared = args.kafka.is_some();
    let run = is_shared.then(run_id);
    let sink = if systems.clickhouse.is_some() { "clickhouse" } else { "file" };
    let names = Names::new(sink, run.as_deref());
    let bootstrap = match &systems.kafka {
        Some(brokers) => {
            let borrowed = Borrowed::create(brokers, &names.topic).await?;
            stage.borrowed = borrowed.filter(|_| is_shared);
            brokers.clone()
        }
        None => embedded(stage, &names.topic)?,
    };
    settings.kafka.common.set("bootstrap.servers", bootstrap);
    let output = if systems.clickhouse.is_none() { Some(stage.output()?) } else { None };
    let scene = Scene::new(rest, &names, &systems, output.as_deref());
    if let Some(table) = &scene.table {
        table.create().await?;
    }
    let running = Running::start_on(server, settings).await?;
    let handle = stage.running.insert(running).handle();
    // The sink first: joining a group takes longer than making records.
    rest::submit(&scene.rest, &scene.sink).await?;
    rest::submit(&scene.rest, &scene.source).await?;
    terminal::write(&scene.opening(&systems));
    watch::until_stopped(&handle, &scene, args.seconds).await
}

/// What takes longest on a fresh machine, at the same time: connectors are built while services are installed.
async fn prepare(
    args: &args::Quickstart,
    stage: &mut Stage,
    settings: &mut Settings,
    folder: &Path,
) -> Result<Systems, Failure> {
    let executable = std::env::current_exe();
    let executable = executable.map_err(|error| Failure::Failed(format!("finding this program: {error}")))?;
    let checkout = Checkout::find(&executable);
    let given = Systems::given(args)?;
    if args.real {
        let outside =
            || Failure::Failed("--real: works in a checkout only, this program is outside".to_owned());
        stage.services = Some(Services::of(checkout.as_ref().ok_or_else(outside)?));
    }
    let own = folder.join("plugins");
    let plugins = async {
        match args.plugin_path {
            Some(_) => Ok(settings.plugins.path.clone()),
            None => plugins::folders(checkout.as_ref(), &executable, &own).await,
        }
    };
    let (plugins, systems) = tokio::try_join!(plugins, systems(given, stage.services.as_ref()))?;
    settings.plugins.path = plugins;
    Ok(systems)
}

async fn systems(given: Systems, services: Option<&Services>) -> Result<Systems, Failure> {
    let Some(services) = services else { return Ok(given) };
    terminal::write("starting a real Kafka and a real ClickHouse\n");
    let addresses = services.up().await?;
    Ok(Systems { kafka: Some(addresses.kafka), clickhouse: Some(Server::parse(&addresses.clickhouse)?) })
}

/// Starts the broker and gives its address.
fn embedded(stage: &mut Stage, topic: &str) -> Result<String, Failure> {
    let broker = EmbeddedBroker::start(1).map_err(|error| Failure::Failed(error.to_string()))?;
    let broker = stage.broker.insert(broker);
    topic::create_embedded(broker, topic)?;
    Ok(broker.bootstrap())
}

/// Those of a standalone worker that keeps everything in `folder`. The log is quiet: the screen belongs to the
/// lines.
fn worker_settings(args: &args::Quickstart, folder: &Path) -> Result<Settings, Failure> {
    let listen = args.listen.trim();
    let listen = if listen.contains("://") { listen.to_owned() } else { format!("http://{listen}") };
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let plugins = args.plugin_path.clone().unwrap_or_else(|| text(folder.join("plugins")));
    let mut flags = vec![
        flag("--listen", "listeners", &listen),
        flag("--plugin-path", "plugin.path", &plugins),
        flag("quickstart", "penstock.data.dir", &folder.to_string_lossy()),
        flag("quickstart", "key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        flag("quickstart", "offset.flush.interval.ms", "1000"),
    ];
    let environment: Vec<_> = std::env::vars_os().filter(|(name, _)| is_about_logs(name)).collect();
    if environment.iter().all(|(name, _)| name == LOG_FORMAT) {
        flags.push(flag("quickstart", "penstock.log.level", "warn"));
    }
    let loaded = settings::load(Sources { file: None, environment, flags });
    let mut settings = loaded.settings.map_err(|problems| settings::refuse(&problems))?;
    // A task that failed is told and ends the show, it does not come back behind the reader's back.
    settings.restart.backoff = Duration::from_secs(3600);
    settings.restart.backoff_max = settings.restart.backoff;
    let mut levels = logs::start(settings.log.format).map_err(Failure::Failed)?;
    levels.set(&settings.log.level).map_err(Failure::Failed)?;
    for reason in loaded.warnings {
        warn!(%reason, "settings");
    }
    Ok(settings)
}

fn flag(name: &'static str, key: &str, value: &str) -> Flag {
    Flag { name, key: key.to_owned(), value: value.to_owned() }
}

/// What else a worker takes from the environment is meant for another one.
fn is_about_logs(name: &OsString) -> bool {
    ["PENSTOCK_LOG", "PENSTOCK_LOG_LEVEL", LOG_FORMAT].iter().any(|known| name == known)
}

const LOG_FORMAT: &str = "PENSTOCK_LOG_FORMAT";

/// Differs between runs, on this machine and on others.
fn run_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}{:x}", since.as_millis(), std::process::id())
}
