//! What bodies of requests turn into.
use super::*;

fn pairs(config: &Properties) -> Vec<(&str, Option<&str>)> {
    config.iter().collect()
}

fn message<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> String {
    let fault = outcome.unwrap_err();
    assert_eq!(fault.status, 400);
    fault.message
}

#[test]
fn scalars_become_text_and_keys_keep_their_order() {
    let body =
        br#"{"z":"text","b":true,"a":2,"f":1.50,"big":12345678901234567890123,"n":null,"":"","u":"\u017e"}"#;
    let config = parse(body).unwrap();
    let expected = [
        ("z", Some("text")),
        ("b", Some("true")),
        ("a", Some("2")),
        ("f", Some("1.5")),
        ("big", Some("12345678901234567890123")),
        ("n", None),
        ("", Some("")),
        ("u", Some("ž")),
    ];
    assert_eq!(pairs(&config), expected);
}

#[test]
fn a_key_given_twice_has_its_last_value() {
    let config = parse(br#"{"a":"1","b":"2","a":"3"}"#).unwrap();
    assert_eq!(pairs(&config), [("a", Some("3")), ("b", Some("2"))]);
}

#[test]
fn a_broken_config_is_refused_with_place_and_expectation() {
    let check = |body: &[u8], expected: &str| assert_eq!(message(parse(body)), expected);
    check(b"", "body: empty, expected a JSON object");
    check(b" \n", "body: empty, expected a JSON object");
    check(b"\xff\xfe{}", "body: expected UTF-8, got something else at byte 0");
    check(b"null", "body: expected an object, got null");
    check(b"[]", "body: expected an object, got an array");
    check(b"\"x\"", "body: expected an object, got a string");
    check(b"1", "body: expected an object, got a number");
    check(b"true", "body: expected an object, got a boolean");
    check(b"{bad", "body: expected JSON: key must be a string at line 1 column 2");
    check(b"{} garbage", "body: expected JSON: trailing characters at line 1 column 4");
    let expectation = "expected a string, a number, a boolean or null, got";
    check(br#"{"x":{"y":"s3cret"}}"#, &format!("\"x\": {expectation} an object"));
    check(br#"{"x":[1]}"#, &format!("\"x\": {expectation} an array"));
    check(br#"{"x":1e999}"#, &format!("\"x\": {expectation} a number out of range"));
    check(br#"{"x":"\ud800"}"#, &format!("\"x\": {expectation} a string with a broken escape"));
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{{\"config\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(message(Creation::parse(deep.as_bytes())), "config: expected an object, got an array");
    let open = "[".repeat(1_000_000);
    assert!(message(parse(open.as_bytes())).starts_with("body: expected JSON: EOF while parsing a list"));
}

#[test]
fn a_creation_is_read_whole() {
    let check = |body: &str, name: &str, target: TargetState| {
        let creation = Creation::parse(body.as_bytes()).unwrap();
        assert_eq!((creation.name.as_str(), creation.target), (name, target), "{body}");
    };
    check(r#"{"name":"a","config":{}}"#, "a", TargetState::Started);
    check("\u{feff}{\"name\":\"a\",\"config\":{}}", "a", TargetState::Started);
    check(r#"{"config":{},"name":" \t a b  "}"#, "a b", TargetState::Started);
    check(r#"{"name":5,"config":{}}"#, "5", TargetState::Started);
    check(r#"{"config":{}}"#, "", TargetState::Started);
    check(r#"{"name":null,"config":{},"initial_state":null}"#, "", TargetState::Started);
    check(r#"{"name":"a","config":{},"initial_state":"RUNNING"}"#, "a", TargetState::Started);
    check(r#"{"name":"a","config":{},"initial_state":"paused"}"#, "a", TargetState::Paused);
    check(r#"{"name":"a","config":{},"initial_state":"Stopped"}"#, "a", TargetState::Stopped);
}

#[test]
fn a_broken_creation_is_refused_with_its_field() {
    let check = |body: &str, expected: &str| assert_eq!(message(Creation::parse(body.as_bytes())), expected);
    check("{}", "config: missing, expected an object");
    check(r#"{"name":"a"}"#, "config: missing, expected an object");
    check(r#"{"name":"a","config":null}"#, "config: missing, expected an object");
    check(r#"{"name":"a","config":[]}"#, "config: expected an object, got an array");
    check(r#"{"name":"a","config":"x"}"#, "config: expected an object, got a string");
    let field = "is no field, expected name, config or initial_state";
    check(r#"{"name":"a","config":{},"extra":1}"#, &format!("body: \"extra\" {field}"));
    let scalar = "expected a string, a number, a boolean or null, got";
    check(r#"{"name":{},"config":{}}"#, &format!("\"name\": {scalar} an object"));
    let states = "initial_state: expected RUNNING, PAUSED or STOPPED, got";
    check(r#"{"name":"a","config":{},"initial_state":"NOPE"}"#, &format!("{states} \"NOPE\""));
    check(r#"{"name":"a","config":{},"initial_state":""}"#, &format!("{states} \"\""));
    check(r#"{"name":"a","config":{},"initial_state":1}"#, &format!("{states} \"1\""));
}

#[test]
fn put_refuses_nulls_but_not_that_of_the_name() {
    let config = without_nulls(parse(br#"{"name":null,"a":"1"}"#).unwrap()).unwrap();
    assert_eq!(pairs(&config), [("a", Some("1"))]);
    let refused = without_nulls(parse(br#"{"topic":null}"#).unwrap());
    assert_eq!(message(refused), "Null value can not be supplied as the configuration value.");
}
