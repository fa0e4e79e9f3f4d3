//! Requests to S3, signed, sent, and sent again where that may help.
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::Format;
use bytes::{Bytes, BytesMut};
use penstock_sdk::{Error, Result};

use super::{place, xml};
use crate::access::{self, Access, Cause, Failure, Identity};

/// One request, as often as it is sent.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    method: &'static str,
    action: &'static str,
    key: Option<&'a str>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl<'a> Request<'a> {
    pub fn new(method: &'static str, action: &'static str, key: Option<&'a str>) -> Self {
        Self { method, action, key, query: Vec::new(), headers: Vec::new(), body: Bytes::new() }
    }

    pub fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, place::value(value)));
        self
    }

    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    fn url(&self, base: &str) -> String {
        let mut url = format!("{base}/{}", self.key.map(place::path).unwrap_or_default());
        for (at, (name, value)) in self.query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(value);
        }
        url
    }
}

/// The way to one bucket.
#[derive(Debug)]
pub struct Sender {
    bucket: String,
    access: Access,
    connector: Connector,
    identity: Identity,
    /// The service knows better than the settings where a bucket is.
    region: Mutex<String>,
}

impl Sender {
    pub async fn open(bucket: &str, access: &Access) -> Result<Self> {
        if !place::is_bucket(bucket) {
            return Err(Error::config(format!("expected the name of a bucket, got {bucket:?}")));
        }
        let config = access::load(access).await?;
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        Ok(Self {
            bucket: bucket.into(),
            connector: access::connector(access)?,
            identity: Identity::new(&config),
            region: Mutex::new(region),
            access: access.clone(),
        })
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    pub fn access(&self) -> &Access {
        &self.access
    }

    pub fn region(&self) -> String {
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An answer that is a success.
    pub async fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut tried = 0;
        loop {
            match self.once(request).await {
                Err(failure) => self.pause(&mut tried, failure).await?,
                done => return done,
            }
        }
    }

    /// The same, as text that is not too long.
    pub async fn text(&self, request: &Request<'_>) -> Result<String, Failure> {
        let mut tried = 0;
        loop {
            let failure = match self.once(request).await {
                Ok(answer) => match answer.into_body(request.action).text().await {
                    Err(failure) => failure,
                    done => return done,
                },
                Err(failure) => failure,
            };
            self.pause(&mut tried, failure).await?;
        }
    }

    /// Waits before another try of what may go well then, and hands any other failure back.
    pub async fn pause(&self, tried: &mut u32, failure: Failure) -> Result<(), Failure> {
        *tried += 1;
        match failure.cause {
            Cause::Throttled | Cause::Transient if *tried < ATTEMPTS => {}
            Cause::Outdated if *tried < ATTEMPTS && self.access.is_renewed() => self.identity.forget().await,
            _ => return Err(failure),
        }
        tokio::time::sleep(PAUSE.mul_f64(f64::from(1 << *tried) * (0.5 + fastrand::f64()))).await;
        Ok(())
    }

    async fn once(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let answer = self.signed(request).await?;
        let elsewhere = answer.header("x-amz-bucket-region").map(str::to_owned);
        if let (301 | 307 | 400, Some(region)) = (answer.status, elsewhere)
            && region != self.region()
        {
            *self.region.lock().unwrap_or_else(PoisonError::into_inner) = region;
            return self.signed(request).await?.success(request.action).await;
        }
        answer.success(request.action).await
    }

    async fn signed(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let action = request.action;
        let identity = self.identity.credentials(action).await?.into();
        let ready = build(request, &self.access, &self.bucket, &self.region(), &identity);
        let ready = ready.map_err(|reason| Failure { cause: Cause::Invalid, action, reason })?;
        match tokio::time::timeout(ANSWER_MAX, self.connector.call(ready)).await {
            Ok(Ok(response)) => Ok(Answer::new(response)),
            Ok(Err(error)) => Err(Failure::unanswered(action, &error)),
            Err(_) => Err(Failure::transient(action, "no answer in time")),
        }
    }
}

fn build(
    request: &Request<'_>,
    access: &Access,
    bucket: &str,
    region: &str,
    identity: &aws_smithy_runtime_api::client::identity::Identity,
) -> Result<HttpRequest, String> {
    let url = request.url(&place::base(bucket, access, region));
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    // A key is a name, not a path.
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let parameters = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?;
    let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable =
        SignableRequest::new(request.method, url.as_str(), headers, SignableBody::Bytes(&request.body));
    let signable = signable.map_err(|error| error.to_string())?;
    let signature = sign(signable, &parameters.into()).map_err(|error| error.to_string())?;
    let mut ready = http::Request::builder().method(request.method).uri(url.as_str());
    if request.body.is_empty() && matches!(request.method, "PUT" | "POST") {
        ready = ready.header("content-length", "0");
    }
    for (name, value) in &request.headers {
        ready = ready.header(*name, value);
    }
    for (name, value) in signature.output().headers() {
        ready = ready.header(name, value);
    }
    let ready = ready.body(SdkBody::from(request.body.clone())).map_err(|error| error.to_string())?;
    HttpRequest::try_from(ready).map_err(|error| error.to_string())
}

/// What came back, before its content.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    response: HttpResponse,
}

impl Answer {
    fn new(response: HttpResponse) -> Self {
        Self { status: response.status().as_u16(), response }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)
    }

    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_default().trim_matches('"').to_owned()
    }

    pub fn modified_ms(&self) -> Option<i64> {
        let time = DateTime::from_str(self.header("last-modified")?, Format::HttpDate).ok()?;
        time.to_millis().ok()
    }

    pub fn into_body(mut self, action: &'static str) -> Body {
        Body { action, stream: ByteStream::new(self.response.take_body()) }
    }

    async fn success(self, action: &'static str) -> Result<Self, Failure> {
        let status = self.status;
        if (200..300).contains(&status) {
            return Ok(self);
        }
        let text = self.into_body(action).text().await.unwrap_or_default();
        let (code, message) = xml::failure(&text);
        Err(Failure::answered(action, &code, &message, status))
    }
}

/// The content of an answer, as it comes.
#[derive(Debug)]
pub struct Body {
    action: &'static str,
    stream: ByteStream,
}

impl Body {
    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match tokio::time::timeout(SILENCE_MAX, self.stream.try_next()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(Failure::unanswered(self.action, &error)),
            Err(_) => Err(Failure::transient(self.action, "an answer stood still")),
        }
    }

    /// All of it, if that is not too much.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await? {
            if whole.len() + chunk.len() > bytes_max {
                let reason = format!("expected at most {bytes_max} bytes, got more");
                return Err(Failure { cause: Cause::Invalid, action: self.action, reason });
            }
            if whole.is_empty() {
                whole.reserve(self.stream.size_hint().1.map_or(0, |more| more as usize).min(bytes_max));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    async fn text(self) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&self.collect(TEXT_MAX).await?).into_owned())
    }
}

/// A thousand keys of a kilobyte, each byte encoded.
const TEXT_MAX: usize = 8 << 20;
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);
/// Until an answer begins. A part of an object is sent meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Between two pieces of an answer.
const SILENCE_MAX: Duration = Duration::from_secs(30);
