//! Credentials of whoever asks, kept until they are about to end.
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

use super::failure::{Cause, Failure};

/// Who asks, for requests that are signed here. Clients of one service have the like inside.
#[derive(Debug)]
pub struct Identity {
    provider: Option<SharedCredentialsProvider>,
    held: Mutex<Option<Credentials>>,
}

impl Identity {
    pub fn new(config: &SdkConfig) -> Self {
        Self { provider: config.credentials_provider(), held: Mutex::new(None) }
    }

    /// Those that are held, or new ones. Several that ask at once wait for one answer.
    pub async fn credentials(&self, action: &'static str) -> Result<Credentials, Failure> {
        let mut held = self.held.lock().await;
        if let Some(credentials) = held.as_ref().filter(|credentials| lasts(credentials)) {
            return Ok(credentials.clone());
        }
        let Some(provider) = &self.provider else {
            let reason = "no providers in chain".into();
            return Err(Failure { cause: Cause::Credentials, action, reason });
        };
        match tokio::time::timeout(PATIENCE, provider.provide_credentials()).await {
            Ok(Ok(found)) => Ok(held.insert(found).clone()),
            Ok(Err(error)) => Err(Failure::unidentified(action, &error)),
            Err(_) => Err(Failure::transient(action, "no answer to the question for credentials")),
        }
    }

    /// The service took them for outdated.
    pub async fn forget(&self) {
        self.held.lock().await.take();
    }
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|end| end > SystemTime::now() + MARGIN)
}

/// A request that is signed now may be looked at a little later.
const MARGIN: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);
