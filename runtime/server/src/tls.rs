//! Certificates of a listener and of this worker as a client of others, read anew when their files change.
mod config;
mod store;

use crate::listener::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tracing::{info, warn};
use worker::settings::Tls as Settings;

/// Often enough for a certificate that is renewed weeks before its end, and cheap: a look at two files.
pub(crate) const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// What connections use from now on; those that are open keep what they began with.
pub(crate) struct Tls {
    settings: Settings,
    server: RwLock<Option<Arc<ServerConfig>>>,
    client: RwLock<Arc<ClientConfig>>,
    seen: Mutex<Vec<Stamp>>,
}

impl Tls {
    /// For an `https` listener, and for requests to other workers.
    pub(crate) fn load(settings: &Settings) -> Result<Self, Error> {
        let seen = stamps(settings);
        let (server, client) = config::both(settings)?;
        let (server, client) = (RwLock::new(Some(server)), RwLock::new(client));
        Ok(Self { settings: settings.clone(), server, client, seen: Mutex::new(seen) })
    }

    /// For a worker without `https` listeners: others may have some all the same. Settings that were meant for
    /// Kafka's clients alone need not make sense here.
    pub(crate) fn load_client(settings: &Settings) -> Result<Self, Error> {
        let client = config::client_alone(settings).or_else(|reason| {
            info!(%reason, "other workers are trusted by public certificates only");
            config::client_alone(&Settings::default())
        })?;
        let (server, client) = (RwLock::new(None), RwLock::new(client));
        Ok(Self { settings: settings.clone(), server, client, seen: Mutex::default() })
    }

    pub(crate) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.server.read().unwrap_or_else(PoisonError::into_inner).clone().map(TlsAcceptor::from)
    }

    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files for ever. Files that make no sense yet, because only one of a pair was replaced, leave
    /// everything as it is and are read again when they change.
    pub(crate) async fn keep_current(self: Arc<Self>, interval: Duration) {
        loop {
            sleep(interval).await;
            let this = Arc::clone(&self);
            // Decrypting a key takes milliseconds, and a file may be on a slow disk.
            if tokio::task::spawn_blocking(move || this.reload()).await.is_err() {
                return;
            }
        }
    }

    fn reload(&self) {
        let now = stamps(&self.settings);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return;
        }
        *seen = now;
        match config::both(&self.settings) {
            Ok((server, client)) => {
                *self.server.write().unwrap_or_else(PoisonError::into_inner) = Some(server);
                *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
                info!("certificates were read again, new connections use them");
            }
            Err(reason) => warn!(%reason, "the changed certificates are not used, the previous ones stay"),
        }
    }
}

/// What tells one content of a file from another.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    bytes: u64,
}

fn stamps(settings: &Settings) -> Vec<Stamp> {
    let stamp = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        Stamp { path, modified, bytes: metadata.map_or(0, |metadata| metadata.len()) }
    };
    store::files(settings).map(stamp).collect()
}

#[cfg(test)]
pub(crate) mod certificates;
#[cfg(test)]
mod tests;
