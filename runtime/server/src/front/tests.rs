//! Requests of every kind against the reading side, in memory.
use super::*;
use axum::body::Body;
use http_body_util::BodyExt;
use hyper::header::CONTENT_TYPE;
use proptest::prelude::*;

fn request(method: &str, target: &str, content_type: Option<&str>, body: &[u8]) -> Request {
    let mut request = Request::builder().method(method).uri(target).header("Host", "x");
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    request.body(Body::from(body.to_vec())).unwrap()
}

async fn read(request: Request) -> Result<Call, Fault> {
    let (parts, body) = request.into_parts();
    Asked::new(&parts)?.read(&parts, body).await.map(|(call, _)| call)
}

async fn refused(request: Request) -> (u16, Option<String>, String) {
    let response = read(request).await.unwrap_err().into_response();
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error_code"], status);
    (status, content_type, body["message"].as_str().unwrap().to_owned())
}

#[test]
fn admin_has_a_door_of_its_own_where_settings_say_so() {
    let check = |scope, path, expected: Option<u16>| {
        let outcome = check_scope(scope, path).err().map(|fault| fault.status.as_u16());
        assert_eq!(outcome, expected, "{scope:?} {path}");
    };
    for path in ["/admin/loggers", "/admin/loggers/a%2Fb/", "/admin;x=y/loggers"] {
        check(Scope::Everything, path, None);
        check(Scope::WithoutAdmin, path, Some(404));
        check(Scope::AdminAlone, path, None);
    }
    for path in ["/", "/connectors", "/connectors/admin", "/administrator", "/Admin/loggers"] {
        check(Scope::Everything, path, None);
        check(Scope::WithoutAdmin, path, None);
        check(Scope::AdminAlone, path, Some(404));
    }
    check(Scope::AdminAlone, "//", Some(400));
}

/// What an entrance with users answers before anybody reads the body: whether the request is let in.
fn is_admitted(method: &str, target: &str, headers: &[(&'static str, &'static str)]) -> bool {
    let users = Users::new([("alice".to_owned(), "secret".to_owned())]).unwrap();
    let mut request = request(method, target, None, b"");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (parts, _) = request.into_parts();
    admit(Some(&users), &parts, false).unwrap().is_some()
}

#[test]
fn users_are_asked_for_everything_but_what_workers_sign() {
    let alice = ("Authorization", "Basic YWxpY2U6c2VjcmV0");
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/metrics"),
        ("POST", "/connectors"),
        ("DELETE", "/connectors/x"),
        ("OPTIONS", "/connectors"),
        ("GET", "/connectors/x/tasks"),
        ("POST", "/connectors/x/tasks/0/restart"),
    ] {
        assert!(!is_admitted(method, target, &[]), "{method} {target}");
        assert!(!is_admitted(method, target, &[("Authorization", "Basic eDp5")]), "{method} {target}");
        assert!(is_admitted(method, target, &[alice]), "{method} {target}");
    }
    assert!(is_admitted("POST", "/connectors/x/tasks", &[]));
    assert!(is_admitted("PUT", "/connectors/x/fence", &[]));
}

#[tokio::test]
async fn bodies_nobody_reads_are_ignored() {
    for (method, target) in [
        ("PUT", "/connectors/x/pause"),
        ("PUT", "/connectors/x/resume"),
        ("PUT", "/connectors/x/stop"),
        ("POST", "/connectors/x/restart"),
        ("POST", "/connectors/x/tasks/0/restart"),
        ("PUT", "/connectors/x/topics/reset"),
        ("DELETE", "/connectors/x"),
    ] {
        for (content_type, body) in
            [(None, ""), (None, "{}"), (Some("application/json"), "null"), (Some("application/json"), "\"\"")]
        {
            let outcome = read(request(method, target, content_type, body.as_bytes())).await;
            assert!(outcome.is_ok(), "{method} {target} {body}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn refusals_have_the_headers_and_words_of_java() {
    let framework = |status: u16, words: &str| (status, None, format!("HTTP {status} {words}"));
    let json = Some("application/json");
    let check = async |request: Request, expected: (u16, Option<String>, String)| {
        let target = format!("{} {}", request.method(), request.uri());
        assert_eq!(refused(request).await, expected, "{target}");
    };
    check(request("GET", "/nope", None, b""), framework(404, "Not Found")).await;
    check(request("POST", "/nope", Some("text/plain"), b"x"), framework(404, "Not Found")).await;
    check(request("PUT", "/connectors", json, b"{}"), framework(405, "Method Not Allowed")).await;
    let text = Some("text/plain");
    check(request("POST", "/connectors", text, b"{}"), framework(415, "Unsupported Media Type")).await;
    check(request("PUT", "/connectors/x/pause", text, b"x"), framework(415, "Unsupported Media Type")).await;
    let unnamed = (415, json.map(str::to_owned), "HTTP 415 Unsupported Media Type".to_owned());
    check(request("POST", "/connectors", None, b"{}"), unnamed).await;
    let empty = (400, json.map(str::to_owned), "body: empty, expected a JSON object".to_owned());
    check(request("POST", "/connectors", None, b""), empty).await;
    let task = (404, json.map(str::to_owned), "HTTP 404 Not Found".to_owned());
    check(request("GET", "/connectors/x/tasks/abc/status", None, b""), task).await;
    let mut html = request("GET", "/", None, b"");
    html.headers_mut().insert("Accept", "text/html".parse().unwrap());
    check(html, framework(406, "Not Acceptable")).await;
}

#[tokio::test]
async fn sizes_have_their_limits() {
    let long = format!("/connectors/{}", "x".repeat(9000));
    assert_eq!(refused(request("GET", &long, None, b"")).await.0, 414);
    let mut padded = request("GET", "/", None, b"");
    padded.headers_mut().insert("X-Pad", "x".repeat(20_000).parse().unwrap());
    assert_eq!(refused(padded).await.0, 431);
    let large = vec![b' '; body::BYTES_MAX + 1];
    assert_eq!(refused(request("POST", "/connectors", Some("application/json"), &large)).await.0, 413);
}

#[tokio::test]
async fn only_http_1_1_needs_a_host() {
    let bare = |version, target: &str| {
        let mut request = request("GET", target, None, b"");
        request.headers_mut().remove("Host");
        *request.version_mut() = version;
        request
    };
    assert_eq!(refused(bare(Version::HTTP_11, "/")).await.0, 400);
    assert!(read(bare(Version::HTTP_10, "/")).await.is_ok());
    assert!(read(bare(Version::HTTP_11, "http://x/")).await.is_ok());
}

#[tokio::test]
async fn metrics_are_no_json_and_need_no_accept() {
    let mut prometheus = request("GET", "/metrics", None, b"");
    prometheus.headers_mut().insert("Accept", "text/plain".parse().unwrap());
    assert!(matches!(read(prometheus).await, Ok(Call::Metrics { is_openmetrics: false })));
    let mut prometheus = request("GET", "/metrics", None, b"");
    prometheus.headers_mut().insert("Accept", "application/openmetrics-text".parse().unwrap());
    assert!(matches!(read(prometheus).await, Ok(Call::Metrics { is_openmetrics: true })));
}

/// Reads it to the end; a refusal has to be a client's fault in Connect's shape.
fn survives(request: Request) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let Err(fault) = runtime.block_on(read(request)) else { return Ok(()) };
    prop_assert!((400..500).contains(&fault.status.as_u16()), "{fault:?}");
    prop_assert!(fault.message.len() < 1000, "{fault:?}");
    let body = runtime.block_on(fault.into_response().into_body().collect()).unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    prop_assert!(body["error_code"].is_u64() && body["message"].is_string());
    Ok(())
}

/// Bodies near to valid ones, which bytes at random never are.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(":".to_owned()),
        Just(",".to_owned()),
        Just("null".to_owned()),
        Just("\"name\"".to_owned()),
        Just("\"config\"".to_owned()),
        Just("\"initial_state\"".to_owned()),
        "-?[0-9]{1,30}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?",
        "\"\\PC{0,10}\"",
        "\"\\\\u[0-9a-f]{4}\"",
    ];
    proptest::collection::vec(token, 0..20).prop_map(|tokens| tokens.concat())
}

const READERS: [(&str, &str); 4] = [
    ("POST", "/connectors"),
    ("PUT", "/connectors/x/config"),
    ("PATCH", "/connectors/x/config"),
    ("PUT", "/connector-plugins/x/config/validate"),
];

proptest! {
    #[test]
    fn any_bytes_as_body_are_answered(
        (method, target) in proptest::sample::select(READERS.to_vec()),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        survives(request(method, target, Some("application/json"), &body))?;
    }

    #[test]
    fn anything_like_json_as_body_is_answered(
        (method, target) in proptest::sample::select(READERS.to_vec()),
        body in nearly_json(),
    ) {
        survives(request(method, target, Some("application/json"), body.as_bytes()))?;
    }

    #[test]
    fn any_path_is_answered(
        method in proptest::sample::select(vec!["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"]),
        start in proptest::sample::select(vec!["/", "/connectors/", "/connectors/x/tasks/", "/connector-plugins/"]),
        rest in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        // What is no URI at all is refused by the HTTP library before it comes here.
        let target = [start.as_bytes(), &rest].concat();
        let Ok(uri) = hyper::Uri::try_from(target) else { return Ok(()) };
        let mut request = request(method, "/", None, b"");
        *request.uri_mut() = uri;
        survives(request)?;
    }

    #[test]
    fn any_query_and_headers_are_answered(
        query in "[ -~&&[^#\"<>\\\\^`{|} ]]{0,60}",
        accept in proptest::collection::vec(any::<u8>(), 0..40),
        content_type in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut request = request("POST", &format!("/connectors/x/restart?{query}"), None, b"");
        for (name, value) in [("Accept", accept), ("Content-Type", content_type)] {
            if let Ok(value) = hyper::header::HeaderValue::from_bytes(&value) {
                request.headers_mut().insert(name, value);
            }
        }
        survives(request)?;
    }
}
