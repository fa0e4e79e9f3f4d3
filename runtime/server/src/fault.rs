//! A request that is refused: status, sentence, and Connect's JSON shape for both.
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use serde_json::json;
use worker::api::Refusal;

/// Connect answers refusals of its own with a content type and those of its HTTP framework without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Connect,
    Framework,
}

/// What is worth doing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remedy {
    None,
    /// The client is told to come back in a second.
    Retry,
    /// The worker at this URL would carry it out.
    Elsewhere(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    origin: Origin,
    remedy: Remedy,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), origin: Origin::Connect, remedy: Remedy::None }
    }

    /// 400: the sentence says what was wrong, where, and what was expected.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 409: right, but not now; clients try again.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self { remedy: Remedy::Retry, ..Self::new(StatusCode::CONFLICT, message) }
    }

    /// 503: the worker will be able to in a moment.
    pub(crate) fn starting(message: impl Into<String>) -> Self {
        Self { remedy: Remedy::Retry, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message) }
    }

    /// Where the request can be carried out, when that is not here.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        match &self.remedy {
            Remedy::Elsewhere(url) => Some(url),
            Remedy::None | Remedy::Retry => None,
        }
    }

    /// `HTTP 404 Not Found` and the like, without a content type.
    pub(crate) fn framework(status: StatusCode) -> Self {
        Self { origin: Origin::Framework, ..Self::plain(status) }
    }

    /// The same words, with a content type.
    pub(crate) fn plain(status: StatusCode) -> Self {
        Self::new(status, format!("HTTP {status}"))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let message = refusal.to_string();
        let remedy = match refusal {
            Refusal::Conflict(_) => Remedy::Retry,
            Refusal::Elsewhere { url } => Remedy::Elsewhere(url),
            Refusal::Invalid(_) | Refusal::NotFound(_) | Refusal::Exists(_) | Refusal::Internal(_) => {
                Remedy::None
            }
        };
        Self { remedy, ..Self::new(status, message) }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({ "error_code": self.status.as_u16(), "message": self.message }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        if self.origin == Origin::Connect {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if self.remedy != Remedy::None {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// What a client sent, short enough for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framework_faults_have_java_words_and_no_content_type() {
        let check = |status: StatusCode, message: &str| {
            let fault = Fault::framework(status);
            assert_eq!(fault.message, message);
            assert!(fault.into_response().headers().get(CONTENT_TYPE).is_none());
        };
        check(StatusCode::NOT_FOUND, "HTTP 404 Not Found");
        check(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed");
        check(StatusCode::NOT_ACCEPTABLE, "HTTP 406 Not Acceptable");
        check(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP 415 Unsupported Media Type");
    }

    #[test]
    fn the_worker_s_refusals_keep_their_status_and_words() {
        let check = |refusal: Refusal, status: u16| {
            let fault = Fault::from(refusal);
            assert_eq!((fault.status.as_u16(), fault.message.as_str()), (status, "why"));
            assert_eq!(fault.into_response().headers()[CONTENT_TYPE], "application/json");
        };
        check(Refusal::Invalid("why".into()), 400);
        check(Refusal::NotFound("why".into()), 404);
        check(Refusal::Conflict("why".into()), 409);
        check(Refusal::Exists("why".into()), 409);
        check(Refusal::Internal("why".into()), 500);
    }

    #[test]
    fn clients_are_told_to_come_back_where_that_helps() {
        let check = |refusal: Refusal, expected: bool| {
            let response = Fault::from(refusal.clone()).into_response();
            let after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(after, expected.then_some("1"), "{refusal:?}");
        };
        check(Refusal::Conflict("why".into()), true);
        check(Refusal::Elsewhere { url: "http://a:1".into() }, true);
        check(Refusal::Exists("why".into()), false);
        check(Refusal::Invalid("why".into()), false);
        check(Refusal::Internal("why".into()), false);
        let elsewhere = Fault::from(Refusal::Elsewhere { url: "http://a:1".into() });
        assert_eq!(elsewhere.elsewhere(), Some("http://a:1"));
    }

    #[test]
    fn excerpts_are_short_whatever_the_text() {
        assert_eq!(excerpt("a\"b"), r#""a\"b""#);
        assert_eq!(excerpt(&"ž".repeat(100)), format!("\"{}\"…", "ž".repeat(64)));
    }
}
