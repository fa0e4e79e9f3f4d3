//! The way of a request through the server: read it, carry it out in time, answer.
use crate::call::Call;
use crate::fault::Fault;
use crate::media::Content;
use crate::perform::perform;
use crate::query::Query;
use crate::routes::Route;
use crate::{body, media};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hyper::header::{HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::{StatusCode, Version};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::debug;
use worker::Handle;

/// Java's web server takes 8 KiB of request line and headers; tokens of some clients are longer than that.
const TARGET_BYTES_MAX: usize = 8 * 1024;
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// For one answer. A single question to the worker is bounded by the worker; a list asks many.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// What the answers are made with.
pub(crate) struct Site {
    /// `http://host:port`, without a slash at the end.
    pub(crate) advertised: String,
    pub(crate) handle: Handle,
}

/// Connect's paths take names with any letter in them, which no pattern of the router can: all of them are its
/// fallback.
pub(crate) fn router(site: Site) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(site))
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = match read(request).await {
        Ok(call) => in_time(call, &site).await,
        Err(fault) => Err(fault),
    };
    let response = response.unwrap_or_else(IntoResponse::into_response);
    debug!(%method, path, status = response.status().as_u16(), ms = started.elapsed().as_millis(), "answered");
    response
}

async fn in_time(call: Call, site: &Site) -> Result<Response, Fault> {
    timeout(ANSWER_TIME_MAX, perform(call, site)).await.unwrap_or_else(|_| {
        let message = "Cannot complete request momentarily because the worker is busy, try again";
        Err(Fault::new(StatusCode::CONFLICT, message))
    })
}

/// Everything that can be wrong with a request is found here, before the worker hears of it.
async fn read(request: Request) -> Result<Call, Fault> {
    let (parts, body) = request.into_parts();
    check_sizes(&parts)?;
    let (endpoint, names) = match Route::find(&parts.method, parts.uri.path())? {
        Route::To(endpoint, names) => (endpoint, names),
        Route::Allowed(methods) => return Ok(Call::Allowed(methods)),
    };
    let content = media::content(&parts.method, &parts.headers)?;
    if endpoint.answers_json() {
        media::accepts_json(&parts.headers)?;
    }
    let body = if endpoint.reads_body() { named(content, body::read(body).await?)? } else { Bytes::new() };
    match Call::new(endpoint, names, &Query::parse(parts.uri.query()), &body)? {
        Call::Metrics { .. } => {
            Ok(Call::Metrics { is_openmetrics: media::accepts_openmetrics(&parts.headers) })
        }
        call => Ok(call),
    }
}

fn check_sizes(parts: &Parts) -> Result<(), Fault> {
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_BYTES_MAX) {
        let message = format!("path: expected at most {TARGET_BYTES_MAX} bytes, got more");
        return Err(Fault::new(StatusCode::URI_TOO_LONG, message));
    }
    if header_bytes(&parts.headers) > HEADER_BYTES_MAX {
        let message = format!("headers: expected at most {HEADER_BYTES_MAX} bytes, got more");
        return Err(Fault::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message));
    }
    let is_named = parts.headers.contains_key(HOST) || parts.uri.host().is_some();
    if parts.version >= Version::HTTP_11 && !is_named {
        return Err(Fault::invalid("Host: missing, expected the header that HTTP/1.1 demands"));
    }
    Ok(())
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// A body whose type nobody names cannot be read; no body needs no name.
fn named(content: Content, body: Bytes) -> Result<Bytes, Fault> {
    match content {
        Content::Unnamed if !body.is_empty() => Err(Fault::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
        Content::Unnamed | Content::Json => Ok(body),
    }
}

#[cfg(test)]
mod tests;
