//! Wires plugins, worker and server, waits for a signal, and drains.

use std::sync::Arc;
use std::time::Duration;

use host::{Discovery, Plugins, Trial};
use server::{Server, Users};
use tokio::sync::oneshot;
use tracing::{info, warn};
use worker::settings::{Admin, Listener};
use worker::{Handle, Settings, Worker};

use super::address::{self, Address};
use super::connectors::{self, Named};
use super::users;
use crate::failure::Failure;
use crate::logs::Levels;
use crate::signals::Signals;

/// Returns once the worker has drained after a signal.
pub fn until_stopped(settings: Settings, connectors: Vec<Named>, levels: Levels) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("penstock").build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("starting threads: {error}")))?;
    let done = runtime.block_on(async {
        let mut signals =
            Signals::listen().map_err(|error| Failure::Failed(format!("listening to signals: {error}")))?;
        let mut running = Running::start(settings).await?;
        running.handle().on_log_levels(Arc::new(move |verbosity| levels.apply(verbosity)));
        let handle = running.handle();
        let refused = async {
            match connectors::submit(&handle, connectors).await {
                Err(failure) => failure,
                Ok(()) => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = signals.next() => info!(signal, "stopping"),
            failure = refused => {
                running.stop().await;
                return Err(failure);
            }
            reason = running.worker.refused() => {
                running.stop().await;
                return Err(failed(reason));
            }
        }
        tokio::select! {
            () = running.stop() => Ok(()),
            signal = signals.next() => {
                Err(Failure::Failed(format!("stopped at once by a second signal, {signal}")))
            }
        }
    });
    // A call that hangs inside a plugin was abandoned already: it may not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

/// A worker that answers.
pub struct Running {
    worker: Worker,
    server: tokio::task::JoinHandle<()>,
    stop_server: oneshot::Sender<()>,
}

impl Running {
    /// Binds before anything else begins: a port that is taken is found at once.
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        let server = open(&settings).await?;
        Self::start_on(server, settings).await
    }

    /// For whoever opened the server of these settings earlier.
    pub async fn start_on(server: Server, settings: Settings) -> Result<Self, Failure> {
        let address = address(&settings, &server)?;
        tell(&settings, &server);
        let plugins = discover(&settings).await?;
        let address_file = settings.address_file.clone();
        let me = worker::Address { authority: address.authority(), url: address.url() };
        let worker = Worker::start(settings, plugins, me).await.map_err(failed)?;

        let (stop_server, stopped) = oneshot::channel::<()>();
        let (url, handle) = (address.url(), worker.handle());
        let server = tokio::spawn(async move {
            // A sender that is gone means the same as one that spoke.
            let stopped = async { drop(stopped.await) };
            server.serve(&url, handle, stopped).await;
        });
        if let Some(path) = address_file {
            let written = address::write(&path, &address.url());
            written.map_err(|error| failed(format!("penstock.address.file: {}: {error}", path.display())))?;
        }
        info!(url = address.url(), "serving");
        Ok(Self { worker, server, stop_server })
    }

    pub fn handle(&self) -> Handle {
        self.worker.handle()
    }

    /// First the door, then the tasks: nobody asks for anything new while they drain.
    pub async fn stop(self) {
        let _ = self.stop_server.send(());
        let _ = self.server.await;
        self.worker.shutdown().await;
        info!("stopped");
    }
}

/// A port that is taken and a file that cannot be read are sentences that name them.
pub async fn open(settings: &Settings) -> Result<Server, Failure> {
    let users = match &settings.rest.users {
        Some(jaas) => {
            let found = users::read(jaas).map_err(Failure::Usage)?;
            Some(Users::new(found).ok_or_else(|| failed("the system gives no random numbers"))?)
        }
        None => None,
    };
    Server::open(&settings.rest, users).await.map_err(failed)
}

fn address(settings: &Settings, server: &Server) -> Result<Address, Failure> {
    let address = Address::of(&settings.rest.advertised, &settings.rest.listeners, &server.addresses());
    address.ok_or_else(|| Failure::Usage("listeners: expected at least one address".to_owned()))
}

/// Where everything is, because port 0 may be anywhere.
fn tell(settings: &Settings, server: &Server) {
    let urls = |listeners: &[Listener], bound: Vec<_>| {
        let both = listeners.iter().zip(bound);
        both.map(|(listener, bound)| address::bound_url(listener, bound)).collect::<Vec<_>>().join(",")
    };
    let listeners = urls(&settings.rest.listeners, server.addresses());
    match &settings.rest.admin {
        Admin::At(admin) => {
            let admin = urls(admin, server.admin_addresses());
            info!(listeners, admin, "listening");
        }
        Admin::Beside | Admin::Nowhere => info!(listeners, "listening"),
    }
}

/// Whatever is wrong with a file is told and is no reason not to start.
async fn discover(settings: &Settings) -> Result<Plugins, Failure> {
    let program = std::env::current_exe().map_err(failed)?;
    let discovery = Discovery {
        paths: settings.plugins.path.clone(),
        cache_dir: settings.plugins.cache_dir.clone(),
        trial: Trial::new(program),
    };
    let plugins = tokio::task::spawn_blocking(move || Plugins::discover(&discovery)).await.map_err(failed)?;
    for listed in plugins.listed() {
        let file = listed.path.display();
        if let Err(reason) = &listed.outcome {
            warn!(%file, %reason, "plugin not used");
        }
        for reason in &listed.warnings {
            warn!(%file, reason, "plugin used with a doubt");
        }
    }
    Ok(plugins)
}

fn failed(reason: impl std::fmt::Display) -> Failure {
    Failure::Failed(reason.to_string())
}
