//! Decides by the headers whether a request's body can be read and its answer be understood.
use crate::fault::{Fault, excerpt};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode};

/// What `Content-Type` says about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Json,
    Unnamed,
}

/// Refuses a content type other than JSON's, whether or not anybody wants the body, as Java does.
pub(crate) fn content(method: &Method, headers: &HeaderMap) -> Result<Content, Fault> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Content::Unnamed) };
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(Content::Unnamed);
    }
    let value = String::from_utf8_lossy(value.as_bytes());
    let kind = essence(&value);
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(Content::Json);
    }
    match kind.split_once('/') {
        Some((kind, subtype)) if !kind.is_empty() && !subtype.is_empty() => {
            Err(Fault::framework(StatusCode::UNSUPPORTED_MEDIA_TYPE))
        }
        _ => {
            let value = excerpt(&value);
            Err(Fault::invalid(format!("Content-Type: expected application/json, got {value}")))
        }
    }
}

/// Refuses to answer in JSON when the client takes none.
pub(crate) fn accepts_json(headers: &HeaderMap) -> Result<(), Fault> {
    let mut ranges = accepted(headers).peekable();
    let any = ["application/json", "application/*", "*/*", "*"];
    if ranges.peek().is_none() || ranges.any(|range| any.contains(&range.as_str())) {
        return Ok(());
    }
    Err(Fault::framework(StatusCode::NOT_ACCEPTABLE))
}

/// Whether the client names the newer text format of metrics.
pub(crate) fn accepts_openmetrics(headers: &HeaderMap) -> bool {
    accepted(headers).any(|range| range == "application/openmetrics-text")
}

/// Media ranges of all `Accept` headers, in lower case, except those that are ruled out by `q=0`.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(ACCEPT).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let ranges = values.flat_map(|value| value.split(',').map(str::to_owned).collect::<Vec<_>>());
    ranges.filter(|range| !range.trim().is_empty() && !is_ruled_out(range)).map(|range| {
        let range = essence(&range);
        range.to_ascii_lowercase()
    })
}

fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or(value).trim()
}

fn is_ruled_out(range: &str) -> bool {
    let weights = range.split(';').skip(1).filter_map(|parameter| parameter.trim().strip_prefix("q="));
    weights.map(str::parse::<f32>).any(|weight| weight == Ok(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(name: &hyper::header::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn json_is_accepted_in_every_form_clients_ask_for_it() {
        let check = |accept: &[&'static str], expected: bool| {
            assert_eq!(accepts_json(&headers(&ACCEPT, accept)).is_ok(), expected, "{accept:?}");
        };
        check(&[], true);
        check(&[""], true);
        check(&["application/json"], true);
        check(&["application/json; charset=utf-8"], true);
        check(&["Application/JSON"], true);
        check(&["*/*"], true);
        check(&["application/*"], true);
        check(&["text/html, image/gif, *; q=.2, */*; q=.2"], true);
        check(&["text/html", "application/json"], true);
        check(&["text/html"], false);
        check(&["text/plain"], false);
        check(&["garbage"], false);
        check(&["text/html, application/json;q=0"], false);
    }

    #[test]
    fn bodies_have_to_be_json_or_unnamed() {
        let check = |kind: &[&'static str], expected: Result<Content, u16>| {
            let content = content(&Method::POST, &headers(&CONTENT_TYPE, kind));
            assert_eq!(content.map_err(|fault| fault.status.as_u16()), expected, "{kind:?}");
        };
        check(&[], Ok(Content::Unnamed));
        check(&["application/json"], Ok(Content::Json));
        check(&["application/json; charset=utf-8"], Ok(Content::Json));
        check(&["APPLICATION/json"], Ok(Content::Json));
        check(&["text/plain"], Err(415));
        check(&["application/x-www-form-urlencoded"], Err(415));
        check(&["application/xml"], Err(415));
        check(&["garbage"], Err(400));
        check(&["/json"], Err(400));
        check(&[""], Err(400));
    }

    #[test]
    fn a_read_has_no_body_to_name() {
        let content = content(&Method::GET, &headers(&CONTENT_TYPE, &["text/plain"]));
        assert_eq!(content, Ok(Content::Unnamed));
    }

    #[test]
    fn prometheus_gets_the_format_it_names() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert!(accepts_openmetrics(&headers(&ACCEPT, &[prometheus])));
        assert!(!accepts_openmetrics(&headers(&ACCEPT, &["*/*"])));
    }
}
