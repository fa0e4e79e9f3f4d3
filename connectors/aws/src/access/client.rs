//! Clients made of the settings: TLS, proxy, credentials, role.
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::config::{Credentials, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use penstock_sdk::{Error, Result};

use super::settings::{Access, Login, Proxy, Role};

/// A client of its own: with its connections, and through the proxy.
pub fn http(access: &Access) -> Result<SharedHttpClient> {
    let proxy = way(access)?;
    let connector = move |settings: Option<&_>, _: Option<&_>| through(proxy.clone(), settings.cloned());
    Ok(Builder::new().build_with_connector_fn(connector))
}

/// For requests that are signed here, without a client of one service.
pub fn connector(access: &Access) -> Result<Connector> {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_MAX).build();
    Ok(through(way(access)?, Some(settings)))
}

fn through(proxy: ProxyConfig, settings: Option<HttpConnectorSettings>) -> Connector {
    let builder = Connector::builder().proxy_config(proxy);
    let builder = match settings {
        Some(settings) => builder.connector_settings(settings),
        None => builder,
    };
    builder.tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build()
}

fn way(access: &Access) -> Result<ProxyConfig> {
    access.proxy.as_ref().map_or(Ok(ProxyConfig::from_env()), proxy)
}

fn proxy(given: &Proxy) -> Result<ProxyConfig> {
    let config = ProxyConfig::all(&given.url)
        .map_err(|error| Error::config(format!("aws.proxy: expected the URL of a proxy: {error}")))?;
    Ok(match &given.user {
        Some((user, password)) => config.with_basic_auth(user, password.reveal()),
        None => config,
    })
}

/// What every client of a service is made of. Their endpoint is not in it: it belongs to one service.
pub async fn load(access: &Access) -> Result<SdkConfig> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http(access)?)
        .retry_config(RetryConfig::standard())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_MAX)
                .operation_attempt_timeout(ATTEMPT_MAX)
                .build(),
        )
        // An answer that stands still is noticed by the readers, which know what may take long.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if access.is_fips {
        loader = loader.use_fips(true);
    }
    match &access.login {
        Login::Chain => {}
        Login::Profile(name) => loader = loader.profile_name(name),
        Login::Keys { id, secret, token } => {
            let token = token.as_ref().map(|token| token.reveal().to_owned());
            let credentials = Credentials::new(id, secret.reveal(), token, None, "settings");
            loader = loader.credentials_provider(credentials);
        }
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(Error::config(
            "aws.region: expected a region, and neither the environment nor a profile names one",
        ));
    }
    match &access.role {
        Some(role) => Ok(assume(role, config).await),
        None => Ok(config),
    }
}

async fn assume(role: &Role, config: SdkConfig) -> SdkConfig {
    let asked = match &role.endpoint {
        Some(url) => config.clone().into_builder().endpoint_url(url).build(),
        None => config.clone(),
    };
    let mut builder = AssumeRoleProvider::builder(&role.arn).session_name(&role.session).configure(&asked);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id.reveal());
    }
    let provider = builder.build().await;
    let provider = aws_sdk_kinesis::config::SharedCredentialsProvider::new(provider);
    config.into_builder().credentials_provider(provider).build()
}

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Ten megabytes over a slow line take a while.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
