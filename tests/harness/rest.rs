//! Speaks to a worker's REST interface as any Connect client does.

use serde_json::Value;
use std::time::Duration;
use ureq::http::Request;
use ureq::tls::TlsConfig;

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Null when the answer has no body; a string when it is no JSON.
    pub body: Value,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// All values of a header, in their order, joined by commas; empty when it is absent.
    pub fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(each, _)| each.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The answer's body, when it has the status that was expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "unexpected answer: {}", self.body);
        self.body
    }
}

#[derive(Debug, Clone)]
pub struct Rest {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, String)>,
}

impl Rest {
    pub fn new(base: &str) -> Self {
        Self::secure(base, TlsConfig::default())
    }

    /// For an `https` address, with certificates of a test's own.
    pub fn secure(base: &str, tls: TlsConfig) -> Self {
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    /// The same worker, asked with one header more.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut more = self.clone();
        more.headers.push((name.to_owned(), value.to_owned()));
        more
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(body)).unwrap_or_else(|error| panic!("PUT {path}: {error}"))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }

    /// The way to ask a worker that may be away.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, ureq::Error> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let mut response = match body {
            Some(Value::Null) => self.agent.run(request.body(String::new())?)?,
            Some(body) => {
                self.agent.run(request.header("Content-Type", "application/json").body(body.to_string())?)?
            }
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let text = response.body_mut().with_config().limit(1 << 28).read_to_string()?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        Ok(Answer { status, body, headers })
    }
}
