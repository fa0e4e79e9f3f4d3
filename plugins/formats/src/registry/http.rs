//! Requests to a registry: the first address that answers counts, within limits of time and size.

use super::Settings;
use crate::{Error, Result};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http};

#[derive(Debug)]
pub struct Client {
    agent: Agent,
    roots: Vec<String>,
    headers: Vec<(&'static str, String)>,
    /// The address that answered last.
    preferred: AtomicUsize,
}

/// What one address said.
enum Answer {
    Said(Result<Value>),
    /// The next address may know better.
    Away(String),
}

impl Client {
    pub fn open(settings: &Settings) -> Result<Self> {
        let agent = Agent::config_builder()
            .tls_config(tls(settings)?)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_global(Some(REQUEST_MAX))
            .max_redirects(3)
            .proxy(None)
            .user_agent("penstock")
            .build()
            .new_agent();
        let (roots, headers) = (settings.roots.clone(), settings.headers.clone());
        Ok(Self { agent, roots, headers, preferred: AtomicUsize::new(0) })
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.ask(|root| {
            let request = self.agent.get(format!("{root}{path}")).header("accept", ACCEPT);
            self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value)).call()
        })
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        self.ask(|root| {
            let request = self.agent.post(format!("{root}{path}")).header("accept", ACCEPT);
            let request = request.header("content-type", "application/vnd.schemaregistry.v1+json");
            self.headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, value))
                .send(&body)
        })
    }

    fn ask(
        &self,
        send: impl Fn(&str) -> std::result::Result<http::Response<Body>, ureq::Error>,
    ) -> Result<Value> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut reasons = Vec::new();
        for turn in 0..self.roots.len() {
            let place = (first + turn) % self.roots.len();
            let Some(root) = self.roots.get(place) else { continue };
            match send(root).map_or_else(|error| Answer::Away(error.to_string()), answer) {
                Answer::Said(said) => {
                    self.preferred.store(place, Ordering::Relaxed);
                    return said;
                }
                Answer::Away(reason) => reasons.push(format!("{root}: {reason}")),
            }
        }
        Err(Error::away(format!("the schema registry gives no answer: {}", reasons.join(", "))))
    }
}

fn answer(mut response: http::Response<Body>) -> Answer {
    let status = response.status().as_u16();
    let bytes = match response.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec() {
        Ok(bytes) => bytes,
        Err(ureq::Error::BodyExceedsLimit(limit)) => {
            return Answer::Said(Err(Error::record(format!(
                "the registry's answer is larger than {limit} bytes"
            ))));
        }
        Err(error) => return Answer::Away(error.to_string()),
    };
    let body: Option<Value> = serde_json::from_slice(&bytes).ok();
    let said = body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str).unwrap_or_default();
    let said: String = said.chars().take(MESSAGE_MAX).collect();
    match status {
        200..=299 => match body {
            Some(body) => Answer::Said(Ok(body)),
            None => Answer::Away("an answer that is no JSON: is it a registry?".to_owned()),
        },
        401 | 403 => Answer::Said(Err(Error::config(format!(
            "the schema registry does not let this worker in (HTTP {status}): {said}"
        )))),
        408 | 425 | 429 | 500.. => Answer::Away(format!("HTTP {status}: {said}")),
        404 if body.is_none() => Answer::Said(Err(Error::record("HTTP 404: the registry has no such path"))),
        _ => Answer::Said(Err(Error::record(format!("HTTP {status}: {said}")))),
    }
}

fn tls(settings: &Settings) -> Result<TlsConfig> {
    let mut tls = TlsConfig::builder();
    if let Some(text) = &settings.authorities {
        let (certificates, _) = items(text, "truststore")?;
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    if let Some(text) = &settings.identity {
        let (chain, key) = items(text, "keystore")?;
        let key = key.ok_or_else(|| Error::config("schema.registry.ssl.keystore: has no private key"))?;
        tls = tls.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(tls.build())
}

type Items = (Vec<Certificate<'static>>, Option<ureq::tls::PrivateKey<'static>>);

fn items(text: &str, store: &str) -> Result<Items> {
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in parse_pem(text.as_bytes()) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(PemItem::PrivateKey(found)) => key = Some(found),
            Ok(_) => {}
            Err(_) => return Err(Error::config(format!("schema.registry.ssl.{store}: is no PEM"))),
        }
    }
    if certificates.is_empty() {
        return Err(Error::config(format!("schema.registry.ssl.{store}: has no certificate")));
    }
    Ok((certificates, key))
}

const ACCEPT: &str = "application/vnd.schemaregistry.v1+json, application/json";
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Of one request to one address: tasks wait for it, and a stop waits for tasks.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// The largest schemas of people have hundreds of kilobytes.
const BODY_BYTES_MAX: u64 = 16 << 20;
const MESSAGE_MAX: usize = 500;
