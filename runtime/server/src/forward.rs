//! Passes a request on to the worker that has to carry it out, and its answer back.
use crate::fault::Fault;
use crate::query::Query;
use crate::signature;
use crate::tls::Tls;
use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::StatusCode;
use hyper::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use tracing::debug;

/// A machine that is gone answers nothing; waiting longer would use up the time of the whole request.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Shorter than the other worker waits for the next request.
const IDLE_TIME_MAX: Duration = Duration::from_secs(20);
const IDLE_CONNECTIONS_MAX: usize = 8;
/// The status of a connector with thousands of failed tasks and their traces stays below this.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

const SENT: [HeaderName; 5] =
    [CONTENT_TYPE, ACCEPT, AUTHORIZATION, signature::SIGNATURE, signature::ALGORITHM];
const RELAYED: [HeaderName; 4] = [CONTENT_TYPE, LOCATION, RETRY_AFTER, ALLOW];

type Connections = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How often a request may still be passed on: twice in all, so that two workers that take each other for the
/// leader do not send it round for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hop {
    First,
    Second,
    None,
}

impl Hop {
    /// A client says nothing about it; the first worker says true and the second false.
    pub(crate) fn of(query: &Query) -> Self {
        match query.first("forward") {
            None => Self::First,
            Some(_) if query.is_true("forward") => Self::Second,
            Some(_) => Self::None,
        }
    }
}

pub(crate) struct Forward {
    tls: Arc<Tls>,
    /// Made anew when the certificates change.
    connections: Mutex<(Arc<ClientConfig>, Connections)>,
}

impl Forward {
    pub(crate) fn new(tls: Arc<Tls>) -> Self {
        let config = tls.client();
        let connections = Mutex::new((Arc::clone(&config), connect(&config)));
        Self { tls, connections }
    }

    /// Asks the worker that would carry out what `fault` refuses here; a fault that names none stays, as does
    /// every one when the request came far enough. `remaining` is left of the time for the whole answer.
    pub(crate) async fn or_refuse(
        &self,
        fault: Fault,
        parts: &Parts,
        body: Bytes,
        remaining: Duration,
    ) -> Result<Response, Fault> {
        let Some(url) = fault.elsewhere() else { return Err(fault) };
        let hop = Hop::of(&Query::parse(parts.uri.query()));
        let Some(target) = target(url, parts, hop) else { return Err(fault) };
        let mut request = Request::builder().method(&parts.method).uri(&target);
        for name in SENT {
            if let Some(value) = parts.headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let request = request.body(Full::new(body)).map_err(|error| unreachable_worker(url, &error))?;
        let answer = async {
            let response = self.connections().request(request).await;
            relay(response.map_err(|error| unreachable_worker(url, &error))?, url).await
        };
        timeout(remaining, answer).await.unwrap_or_else(|error| Err(unreachable_worker(url, &error)))
    }

    fn connections(&self) -> Connections {
        let current = self.tls.client();
        let mut held = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&held.0, &current) {
            *held = (Arc::clone(&current), connect(&current));
        }
        held.1.clone()
    }
}

/// Connect's own words, which clients look for.
const NO_LEADER: &str = "Cannot complete request momentarily due to no known leader URL, likely because a \
                         rebalance was underway.";

fn connect(config: &ClientConfig) -> Connections {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIME_MAX));
    let https = HttpsConnectorBuilder::new().with_tls_config(config.clone());
    let https = https.https_or_http().enable_http1().wrap_connector(http);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .build(https)
}

/// The same path and query at the other worker; `None` when the request came far enough.
fn target(url: &str, parts: &Parts, hop: Hop) -> Option<String> {
    let forward = match hop {
        Hop::First => "true",
        Hop::Second => "false",
        Hop::None => return None,
    };
    let query = parts.uri.query().unwrap_or_default();
    let is_kept = |part: &&str| !part.is_empty() && part.split('=').next() != Some("forward");
    let own = format!("forward={forward}");
    let query: Vec<_> = query.split('&').filter(is_kept).chain([own.as_str()]).collect();
    Some(format!("{}{}?{}", url.trim_end_matches('/'), parts.uri.path(), query.join("&")))
}

async fn relay(response: hyper::Response<hyper::body::Incoming>, url: &str) -> Result<Response, Fault> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
        debug!(%error, url, "the answer of another worker broke off");
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "The answer of the leader broke off or is too large")
    })?;
    let mut response = Response::new(Body::from(body.to_bytes()));
    *response.status_mut() = parts.status;
    for name in RELAYED {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

/// A leader that cannot be asked is one that nobody knows: clients try again until there is another.
fn unreachable_worker(url: &str, reason: &dyn std::error::Error) -> Fault {
    let cause = reason.source().map(ToString::to_string);
    debug!(%reason, cause, url, "another worker cannot be asked");
    Fault::conflict(NO_LEADER)
}

#[cfg(test)]
mod tests;
