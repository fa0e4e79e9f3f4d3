//! Wires plugins, worker and server, waits for a signal, and drains.

use std::time::Duration;

use host::{Discovery, Plugins, Trial};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{info, warn};
use worker::settings::Listener;
use worker::{Handle, Settings, Worker};

use super::address::{self, Address};
use crate::failure::Failure;
use crate::signals::Signals;

/// Returns once the worker has drained after a signal.
pub fn until_stopped(settings: Settings) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("penstock").build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("starting threads: {error}")))?;
    let done = runtime.block_on(async {
        let mut signals =
            Signals::listen().map_err(|error| Failure::Failed(format!("listening to signals: {error}")))?;
        let mut running = Running::start(settings).await?;
        tokio::select! {
            signal = signals.next() => info!(signal, "stopping"),
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
        let listeners = bind(&settings.rest.listeners).await?;
        Self::start_on(listeners, settings).await
    }

    /// For whoever bound the listeners of these settings earlier.
    pub async fn start_on(listeners: Vec<TcpListener>, settings: Settings) -> Result<Self, Failure> {
        let address = address(&settings, &listeners)?;
        let plugins = discover(&settings).await?;
        let address_file = settings.address_file.clone();
        let me = worker::Address { authority: address.authority(), url: address.url() };
        let worker = Worker::start(settings, plugins, me).await.map_err(failed)?;

        let (stop_server, stopped) = oneshot::channel::<()>();
        let serving = server::serve(listeners, address.url(), worker.handle(), async {
            // A sender that is gone means the same as one that spoke.
            let _ = stopped.await;
        });
        let server = tokio::spawn(async {
            if let Err(reason) = serving.await {
                tracing::error!(%reason, "serving REST ended");
            }
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

/// A port that is taken is a sentence that names it.
pub async fn bind(listeners: &[Listener]) -> Result<Vec<TcpListener>, Failure> {
    let mut bound = Vec::new();
    for listener in listeners {
        bound.push(server::bind(&address::bind_url(listener)).await.map_err(failed)?);
    }
    Ok(bound)
}

fn address(settings: &Settings, listeners: &[TcpListener]) -> Result<Address, Failure> {
    let (Some(listener), Some(bound)) = (settings.rest.listeners.first(), listeners.first()) else {
        return Err(Failure::Usage("listeners: expected at least one address".to_owned()));
    };
    let bound = bound.local_addr().map_err(failed)?;
    Ok(Address::of(&settings.rest.advertised, listener, bound))
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
