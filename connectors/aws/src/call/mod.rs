//! Calls to services that speak JSON: signed, bounded in time and size, each failure with its cause.
//!
//! A client for each service would take minutes to build and megabytes to ship, for a handful of requests.
mod place;
mod sign;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use penstock_sdk::{Error, Result};
use serde_json::Value;

use crate::access::{self, Access, Cause, Failure, Identity};

pub use sign::{Scope, signed};

/// How a service wants to be spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// In host names and signatures.
    pub name: &'static str,
    /// Stands before the action.
    pub target: &'static str,
    /// Of the JSON that it speaks.
    pub version: &'static str,
}

/// One service, as whoever is configured.
pub struct Service {
    protocol: Protocol,
    access: Access,
    url: String,
    region: String,
    http: Connector,
    identity: Identity,
}

impl Service {
    pub async fn open(access: &Access, protocol: Protocol) -> Result<Self> {
        let config = access::load(access).await?;
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        let own = || place::url(protocol.name, &region, access.is_fips);
        Ok(Self {
            protocol,
            access: access.clone(),
            url: access.endpoint.clone().unwrap_or_else(own),
            http: access::connector(access)?,
            identity: Identity::new(&config),
            region,
        })
    }

    /// One request, once. `action` is as policies name it, as in `dynamodb:DescribeTable`.
    pub async fn call(&self, action: &'static str, body: &Value) -> Result<Value, Failure> {
        match tokio::time::timeout(PATIENCE, self.ask(action, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::transient(action, format!("no answer in {} s", PATIENCE.as_secs()))),
        }
    }

    async fn ask(&self, action: &'static str, body: &Value) -> Result<Value, Failure> {
        let credentials = self.identity.credentials(action).await?;
        let request = self.request(action, body.to_string(), &credentials)?;
        let answer = self.http.call(request).await.map_err(|error| Failure::unanswered(action, &error))?;
        let answer = read(action, answer).await;
        if let Err(Failure { cause: Cause::Outdated, .. }) = &answer {
            self.identity.forget().await;
        }
        answer
    }

    fn request(
        &self,
        action: &'static str,
        body: String,
        credentials: &Credentials,
    ) -> Result<HttpRequest, Failure> {
        let Protocol { name, target, version } = self.protocol;
        let unfit = |reason: String| Failure { cause: Cause::Invalid, action, reason };
        let short = action.split_once(':').map_or(action, |(_, short)| short);
        let headers = [
            ("host", sign::host(&self.url).to_owned()),
            ("content-type", format!("application/x-amz-json-{version}")),
            ("x-amz-target", format!("{target}.{short}")),
        ];
        let scope = Scope { region: &self.region, service: name, at: SystemTime::now() };
        let signature = signed(&scope, credentials, (self.url.as_str(), &headers), body.as_bytes());
        let added = signature.map_err(unfit)?;
        let own = headers.iter().skip(1).map(|(name, value)| (*name, value.as_str()));
        let builder = http::Request::builder().method("POST").uri(&self.url);
        let all = own.chain(added.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let builder = all.fold(builder, |builder, (name, value)| builder.header(name, value));
        let request =
            builder.body(SdkBody::from(body)).map_err(|error| unfit(format!("aws.endpoint: {error}")))?;
        HttpRequest::try_from(request).map_err(|error| unfit(error.to_string()))
    }

    /// What a failure is to the worker: a wrong setting where waiting does not mend it. It was asked about `what`, which
    /// policies call `resource`.
    pub fn error(&self, what: &str, resource: &str, failure: &Failure) -> Error {
        self.access.verdict(failure, what, resource)
    }

    /// What policies call a part of the service.
    pub fn arn(&self, resource: &str) -> String {
        access::arn(self.protocol.name, &self.region, resource)
    }

    /// Waiting mends it.
    pub fn is_passing(&self, failure: &Failure) -> bool {
        self.access.is_passing(failure)
    }
}

async fn read(action: &'static str, mut answer: HttpResponse) -> Result<Value, Failure> {
    let status = answer.status().as_u16();
    let mut stream = ByteStream::new(answer.take_body());
    let mut body = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| Failure::unanswered(action, &error))?;
        if body.len() + part.len() > ANSWER_MAX {
            let reason = format!("an answer of more than {ANSWER_MAX} bytes");
            return Err(Failure { cause: Cause::Invalid, action, reason });
        }
        body.extend_from_slice(&part);
    }
    let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(&body) };
    if (200..300).contains(&status) {
        return value.map_err(|error| Failure::transient(action, format!("the answer is no JSON: {error}")));
    }
    let value = value.unwrap_or_default();
    let text = |names: [&str; 2]| names.into_iter().find_map(|name| value[name].as_str()).unwrap_or_default();
    // The name of a shape may have that of its model before it, and a link behind.
    let code = text(["__type", "code"]);
    let code = code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or_default();
    Err(Failure::answered(action, code, text(["message", "Message"]), status))
}

/// Of one request, connecting and reading included.
const PATIENCE: Duration = Duration::from_secs(30);
/// Far beyond what these services answer.
const ANSWER_MAX: usize = 8 << 20;
