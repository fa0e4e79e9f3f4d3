//! The client against a registry on loopback: what it asks, what it keeps, and which kind an error has.

use super::fake::Fake;
use super::*;

fn registry(urls: &str, more: &[(&str, &str)]) -> Registry {
    let settings = Settings::parse(&|key| match key {
        "schema.registry.url" => Some(urls),
        key => more.iter().find(|(known, _)| *known == key).map(|(_, value)| *value),
    });
    Registry::open(&settings.unwrap()).unwrap()
}

/// An address that nobody answers at.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_schema_is_asked_for_once_with_the_credentials() {
    let fake = Fake::default();
    fake.answer("GET /schemas/ids/7", 200, r#"{"schema":"\"string\""}"#);
    let user = [("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", "me:pw")];
    let registry = registry(&fake.start(), &user);
    for _ in 0..3 {
        let schema = registry.schema(7).unwrap();
        assert_eq!((schema.format, schema.text.as_str()), (Format::Avro, "\"string\""));
    }
    assert_eq!(fake.count("GET /schemas/ids/7 Basic bWU6cHc="), 1);
}

#[test]
fn references_come_before_those_that_need_them() {
    let fake = Fake::default();
    let with = |name: &str, of: &str| {
        format!(r#"{{"id":9,"schema":"{name}","schemaType":"PROTOBUF","references":[{of}]}}"#)
    };
    let to = |name: &str| format!(r#"{{"name":"{name}","subject":"s {name}","version":1}}"#);
    fake.answer("GET /schemas/ids/1", 200, &with("root", &format!("{},{}", to("a"), to("b"))));
    fake.answer("GET /subjects/s%20a/versions/1", 200, &with("A", &to("b")));
    fake.answer("GET /subjects/s%20b/versions/1", 200, &with("B", ""));
    let schema = registry(&fake.start(), &[]).schema(1).unwrap();
    let names: Vec<_> = schema.references.iter().map(|r| (r.name.as_str(), r.text.as_str())).collect();
    assert_eq!(names, [("b", "B"), ("a", "A")]);
    assert_eq!(schema.format, Format::Protobuf);
}

#[test]
fn references_that_go_round_end() {
    let fake = Fake::default();
    let to = |name: &str| {
        format!(r#"{{"schema":"x","references":[{{"name":"{name}","subject":"{name}","version":1}}]}}"#)
    };
    fake.answer("GET /schemas/ids/1", 200, &to("a"));
    fake.answer("GET /subjects/a/versions/1", 200, &to("b"));
    fake.answer("GET /subjects/b/versions/1", 200, &to("a"));
    assert_eq!(registry(&fake.start(), &[]).schema(1).unwrap().references.len(), 2);
    let endless = Fake::default();
    endless.answer("GET /schemas/ids/1", 200, &to("r0"));
    for level in 0..100 {
        endless.answer(&format!("GET /subjects/r{level}/versions/1"), 200, &to(&format!("r{}", level + 1)));
    }
    let error = registry(&endless.start(), &[]).schema(1).unwrap_err();
    assert!(error.kind() == Kind::Record && error.message().contains("nested deeper"), "{error}");
}

#[test]
fn an_error_is_of_the_record_of_the_settings_or_of_the_time() {
    let fake = Fake::default();
    for (id, status, body) in [
        (1, 404, r#"{"error_code":40403,"message":"Schema 1 not found"}"#),
        (2, 401, "{}"),
        (3, 503, "<html>"),
        (4, 200, "<html>"),
        (5, 200, r#"{"schema":"x","schemaType":"THRIFT"}"#),
        (6, 422, r#"{"message":"wrong"}"#),
        (7, 429, "{}"),
    ] {
        fake.answer(&format!("GET /schemas/ids/{id}"), status, body);
    }
    let registry = registry(&fake.start(), &[]);
    for (id, kind) in [
        (1, Kind::Record),
        (2, Kind::Config),
        (3, Kind::Away),
        (4, Kind::Away),
        (5, Kind::Record),
        (6, Kind::Record),
        (7, Kind::Away),
    ] {
        let error = registry.schema(id).unwrap_err();
        assert_eq!(error.kind(), kind, "{id}: {error}");
        assert!(error.message().starts_with(&format!("schema {id}: ")), "{error}");
    }
}

#[test]
fn another_address_answers_when_one_does_not() {
    let fake = Fake::default();
    fake.answer("GET /schemas/ids/1", 200, r#"{"schema":"x"}"#);
    let registry = registry(&format!("{},{}", nobody(), fake.start()), &[]);
    assert_eq!(registry.schema(1).unwrap().text, "x");
    assert_eq!(registry.schema(2).unwrap_err().kind(), Kind::Record);
}

#[test]
fn a_registry_that_is_away_says_so_and_stops_nothing_that_is_known() {
    let fake = Fake::default();
    fake.answer("GET /schemas/ids/1", 200, r#"{"schema":"x"}"#);
    fake.answer("GET /subjects/s/versions/latest", 200, r#"{"id":1,"schema":"x"}"#);
    let registry = registry(&fake.start(), &[]);
    assert_eq!(registry.version("s", "latest").unwrap().id, 1);
    fake.answers.lock().unwrap().clear();
    fake.answer("GET /subjects/s/versions/latest", 503, "");
    fake.answer("GET /schemas/ids/2", 503, "");
    assert_eq!(registry.version("s", "latest").unwrap().id, 1);
    assert_eq!(registry.schema(2).unwrap_err().kind(), Kind::Away);
    fake.answer("GET /schemas/ids/2", 200, r#"{"schema":"y"}"#);
    assert_eq!(registry.schema(2).unwrap().text, "y");
}

#[test]
fn a_schema_is_registered_once() {
    let fake = Fake::default();
    fake.answer("POST /subjects/t-value/versions", 200, r#"{"id":3}"#);
    fake.answer("POST /subjects/bad/versions", 409, r#"{"message":"incompatible"}"#);
    let registry = registry(&fake.start(), &[]);
    for _ in 0..2 {
        assert_eq!(registry.register("t-value", Format::Json, "{}").unwrap(), 3);
    }
    assert_eq!(fake.count(r#"POST /subjects/t-value/versions  {"schema":"{}","schemaType":"JSON"}"#), 1);
    let error = registry.register("bad", Format::Avro, "{}").unwrap_err();
    assert!(error.kind() == Kind::Record && error.message().contains("incompatible"), "{error}");
    assert_eq!(registry.find("none", Format::Avro, "{}").unwrap_err().kind(), Kind::Record);
}

#[test]
fn an_answer_without_end_is_refused() {
    let fake = Fake::default();
    fake.answer("GET /schemas/ids/1", 200, &" ".repeat(17 << 20));
    let error = registry(&fake.start(), &[]).schema(1).unwrap_err();
    assert!(error.kind() == Kind::Record && error.message().contains("larger"), "{error}");
}

#[test]
fn the_process_shares_what_is_known() {
    let fake = Fake::default();
    fake.answer("GET /schemas/ids/1", 200, r#"{"schema":"x"}"#);
    let url = fake.start();
    let pinned = format!("{url}/subjects/s");
    let of = |url: &str| {
        Settings::parse(&|key| (key == "schema.registry.url").then_some(url))
            .map(|s| Registry::shared(&s))
            .unwrap()
            .unwrap()
    };
    assert!(Arc::ptr_eq(&of(&url), &of(&pinned)));
    assert!(!Arc::ptr_eq(&of(&url), &of(&nobody())));
}
