//! The way of a request through the server: read it, carry it out in time, answer.
use crate::body::{self, Held};
use crate::call::Call;
use crate::cross_origin::{CrossOrigin, Visit};
use crate::fault::Fault;
use crate::forward::Forward;
use crate::headers::Headers;
use crate::media::Content;
use crate::perform::perform;
use crate::query::Query;
use crate::routes::{Endpoint, Route};
use crate::signature::Signature;
use crate::users::Users;
use crate::{media, path, reply};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hyper::header::{HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Version};
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
    pub(crate) accepted_signatures: Vec<String>,
    pub(crate) forward: Forward,
}

/// What of the site is behind a door, and who may enter.
pub(crate) struct Entrance {
    pub(crate) site: Arc<Site>,
    pub(crate) scope: Scope,
    pub(crate) users: Option<Users>,
    pub(crate) cross_origin: Option<CrossOrigin>,
    pub(crate) headers: Headers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    WithoutAdmin,
    AdminAlone,
}

/// Connect's paths take names with any letter in them, which no pattern of the router can: all of them are its
/// fallback.
pub(crate) fn router(entrance: Entrance) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(entrance))
}

async fn answer(State(entrance): State<Arc<Entrance>>, request: Request) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let visit = entrance.cross_origin.as_ref().map(|rules| rules.visit(&parts.method, &parts.headers));
    let is_preflight = matches!(visit, Some(Visit::Preflight(_)));
    let admitted = check_scope(entrance.scope, parts.uri.path())
        .and_then(|()| admit(entrance.users.as_ref(), &parts, is_preflight));
    let response = match admitted {
        Ok(Some(asked)) => carry_out(&entrance.site, asked, &parts, body).await,
        Ok(None) => Ok(reply::unauthorized(parts.method != Method::OPTIONS)),
        Err(fault) => Err(fault),
    };
    let mut response = response.unwrap_or_else(IntoResponse::into_response);
    if let (Some(rules), Some(visit)) = (&entrance.cross_origin, visit) {
        rules.answer(visit, response.headers_mut());
    }
    entrance.headers.put(response.headers_mut());
    let (method, path, status) = (&parts.method, parts.uri.path(), response.status().as_u16());
    debug!(%method, path, status, ms = started.elapsed().as_millis(), "answered");
    response
}

/// What is wanted by whom, from the headers alone; `None` when nobody knows them.
fn admit(users: Option<&Users>, parts: &Parts, is_preflight: bool) -> Result<Option<Asked>, Fault> {
    let asked = Asked::new(parts)?;
    // Workers sign their own requests. Browsers ask beforehand without credentials, and learn methods only.
    let is_open = is_preflight || asked.is_internal();
    let is_admitted = users.is_none_or(|users| is_open || users.admit(&parts.headers));
    Ok(is_admitted.then_some(asked))
}

fn check_scope(scope: Scope, path: &str) -> Result<(), Fault> {
    let is_admin = || Ok::<_, Fault>(path::segments(path)?.first() == Some(&"admin"));
    let is_here = match scope {
        Scope::Everything => true,
        Scope::WithoutAdmin => !is_admin()?,
        Scope::AdminAlone => is_admin()?,
    };
    if is_here { Ok(()) } else { Err(Fault::framework(StatusCode::NOT_FOUND)) }
}

async fn carry_out(
    site: &Site,
    asked: Asked,
    parts: &Parts,
    body: axum::body::Body,
) -> Result<Response, Fault> {
    let signature = if asked.is_internal() {
        Some(Signature::read(&parts.headers, &site.accepted_signatures)?)
    } else {
        None
    };
    let (call, body) = asked.read(parts, body).await?;
    if let Some(signature) = signature {
        signature.verify(site.handle.session_key().as_ref(), site.handle.is_ready(), &body.bytes)?;
    }
    let started = Instant::now();
    match in_time(call, site).await {
        Err(fault) => {
            let remaining = ANSWER_TIME_MAX.saturating_sub(started.elapsed());
            let answer = site.forward.or_refuse(fault, parts, body.bytes.clone(), remaining).await;
            if answer.as_ref().is_ok_and(|response| response.status().is_success()) {
                site.handle.catch_up().await;
            }
            answer
        }
        done => done,
    }
}

async fn in_time(call: Call, site: &Site) -> Result<Response, Fault> {
    timeout(ANSWER_TIME_MAX, perform(call, site)).await.unwrap_or_else(|_| {
        Err(Fault::conflict("Cannot complete request momentarily because the worker is busy, try again"))
    })
}

/// Where a request leads, and how its body is to be read.
#[derive(Debug)]
struct Asked {
    route: Route,
    content: Content,
}

impl Asked {
    /// Everything that can be wrong with method, path and headers is found here.
    fn new(parts: &Parts) -> Result<Self, Fault> {
        check_sizes(parts)?;
        let route = Route::find(&parts.method, parts.uri.path())?;
        let Route::To(endpoint, _) = &route else { return Ok(Self { route, content: Content::Unnamed }) };
        let content = media::content(&parts.method, &parts.headers)?;
        if endpoint.answers_json() {
            media::accepts_json(&parts.headers)?;
        }
        Ok(Self { route, content })
    }

    fn is_internal(&self) -> bool {
        matches!(&self.route, Route::To(endpoint, _) if endpoint.is_internal())
    }

    /// Everything that can be wrong with query and body is found here, before the worker hears of it.
    async fn read(self, parts: &Parts, body: axum::body::Body) -> Result<(Call, Held), Fault> {
        let (endpoint, names) = match self.route {
            Route::To(endpoint, names) => (endpoint, names),
            Route::Allowed(methods) => return Ok((Call::Allowed(methods), Held::empty())),
        };
        let body = if endpoint.reads_body() { body::read(body).await? } else { Held::empty() };
        if self.content == Content::Unnamed && !body.bytes.is_empty() {
            // A body whose type nobody names cannot be read; no body needs no name.
            return Err(Fault::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let call = match endpoint {
            Endpoint::Metrics => Call::Metrics { is_openmetrics: media::accepts_openmetrics(&parts.headers) },
            endpoint => Call::new(endpoint, names, &Query::parse(parts.uri.query()), &body.bytes)?,
        };
        Ok((call, body))
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

#[cfg(test)]
mod tests;
