//! Answers to requests that were carried out: status, headers and body as Connect sends them.
use crate::path;
use axum::body::Body;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use serde_json::Value;

const JSON: &str = "application/json";

pub(crate) fn json(document: &Value) -> Response {
    json_as(StatusCode::OK, document)
}

pub(crate) fn json_as(status: StatusCode, document: &Value) -> Response {
    text_as(status, JSON, document.to_string())
}

/// 201, and where to find it.
pub(crate) fn created(advertised: &str, name: &str, document: &Value) -> Response {
    let response = json_as(StatusCode::CREATED, document);
    with(response, LOCATION, &format!("{advertised}/connectors/{}", path::encode(name)))
}

/// A status alone.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(crate) fn text(content_type: &str, body: String) -> Response {
    text_as(StatusCode::OK, content_type, body)
}

/// To somebody who is no user. Connect's words are no JSON, whatever it calls them.
pub(crate) fn unauthorized(is_json: bool) -> Response {
    let content_type = if is_json { JSON } else { "text/plain" };
    text_as(StatusCode::UNAUTHORIZED, content_type, "User cannot access the resource.".to_owned())
}

/// The answer to `OPTIONS`.
pub(crate) fn allowed(methods: &[&str]) -> Response {
    with(text("text/plain", methods.join(", ")), ALLOW, &methods.join(","))
}

fn text_as(status: StatusCode, content_type: &str, body: String) -> Response {
    let mut response = with(Response::new(Body::from(body)), CONTENT_TYPE, content_type);
    *response.status_mut() = status;
    response
}

/// Leaves the header out when its value cannot be one, as an advertised address from settings may be.
fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_creation_says_where_to_find_it() {
        let response = created("http://10.0.0.1:8083", "g sp", &json!({}));
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()[LOCATION], "http://10.0.0.1:8083/connectors/g%20sp");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn an_empty_answer_has_no_content_type() {
        let response = empty(StatusCode::ACCEPTED);
        assert_eq!((response.status(), response.headers().len()), (StatusCode::ACCEPTED, 0));
    }

    #[test]
    fn options_answers_in_header_and_body() {
        let response = allowed(&["OPTIONS", "PUT"]);
        assert_eq!(response.headers()[ALLOW], "OPTIONS,PUT");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
    }
}
