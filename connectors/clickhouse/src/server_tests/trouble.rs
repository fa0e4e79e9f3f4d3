//! What operators meet: bad records, missing tables, wrong passwords, servers that are away.
use std::net::TcpListener;

use penstock_sdk::{Error, Kind};

use super::*;

fn refusal(delivery: &mut Delivery, topic: &str, expected: &Kind) -> Error {
    let error = write(delivery, topic, &[r#"{"k":1}"#]).unwrap_err();
    assert_eq!(error.kind(), expected, "{error}");
    error
}

#[test]
fn bad_records_are_named_and_the_others_arrive() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, price Decimal(10, 2)) ENGINE = Memory");
    let records =
        [r#"{"k":1,"price":"1.5"}"#, r#"{"k":2,"price":"abc"}"#, r#"{"k":3"#, r#"{"k":4,"price":4}"#];
    let outcome = write(&mut lab.delivery(&[]), "t", &records).unwrap();
    let rejected: Vec<_> =
        outcome.rejected.into_iter().map(|(index, refusal)| (index, refusal.sentence)).collect();
    assert_eq!(
        rejected,
        [
            (1, "t-0@1: field price: string \"abc\" does not fit column price Decimal(10, 2)".to_owned()),
            (2, "t-0@2: the value is not JSON: expected \",\" or the closing bracket at byte 6".to_owned()),
        ]
    );
    assert_eq!(lab.rows("t"), ["{\"k\":1,\"price\":1.5}\n", "{\"k\":4,\"price\":4}\n"]);
}

#[test]
fn records_that_only_the_server_can_refuse_are_found_and_the_others_arrive() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k % 100 != 17) ENGINE = Memory");
    let records: Vec<_> = (0..250).map(|k| format!("{{\"k\":{k}}}")).collect();
    let outcome = write(&mut lab.delivery(&[]), "t", &records).unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|(index, _)| *index).collect();
    assert_eq!(rejected, [17, 117, 217]);
    let reason = &outcome.rejected[0].1.sentence;
    assert!(reason.starts_with("t-0@17: inserting into ") && reason.contains("code 469"), "{reason}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["247"]]);
}

#[test]
fn a_broken_materialized_view_is_not_blamed_on_a_record() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = Memory");
    lab.run("CREATE TABLE @.copy (k UInt32, gone UInt32) ENGINE = MergeTree ORDER BY k");
    lab.run("CREATE MATERIALIZED VIEW @.view TO @.copy AS SELECT k, k AS gone FROM @.t");
    lab.run("ALTER TABLE @.t RENAME COLUMN k TO q");
    let error = write(&mut lab.delivery(&[]), "t", &[r#"{"q":1}"#]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Fatal, "{error}");
}

#[test]
fn when_the_server_refuses_every_record_the_task_fails_and_rejects_none() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, CONSTRAINT c CHECK k = 0) ENGINE = Memory");
    let records: Vec<_> = (1..1000).map(|k| format!("{{\"k\":{k}}}")).collect();
    let error = write(&mut lab.delivery(&[]), "t", &records).unwrap_err();
    assert_eq!(error.kind(), &Kind::Fatal, "{error}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
}

#[test]
fn a_missing_table_fails_the_task_or_is_passed_over() {
    let lab = Lab::new();
    let error = refusal(&mut lab.delivery(&[]), "nowhere", &Kind::Config);
    assert!(error.message().contains("table nowhere does not exist in database penstock_sink_"), "{error}");
    let mut lenient = lab.delivery(&[("suppressTableExistenceException", "true")]);
    let outcome = write(&mut lenient, "nowhere", &["{}", "{}"]).unwrap();
    assert_eq!((outcome.without_table, outcome.rows), (2, 0));
    lab.run("CREATE TABLE @.nowhere (k UInt32) ENGINE = Memory");
    accept(&mut lenient, "nowhere", &["{\"k\":1}"]);
}

#[test]
fn a_batch_that_comes_again_is_not_inserted_twice_where_it_was_inserted() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.there (k UInt32) ENGINE = Memory");
    let record =
        |topic, value| Incoming { topic, partition: 3, offset: 9, value: Some(value), ..Incoming::default() };
    let records: [Incoming<'_>; 3] =
        [record("there", b"{\"k\":1}"), record("there", b"{\"k\":\"bad\"}"), record("late", b"{\"k\":2}")];
    let mut delivery = lab.delivery(&[]);
    assert!(delivery.write(&records, None).is_err());
    lab.run("CREATE TABLE @.late (k UInt32) ENGINE = Memory");
    let outcome = delivery.write(&records, None).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (2, 1));
    assert_eq!(lab.run("SELECT count() FROM @.there"), [["1"]]);
    assert_eq!(lab.run("SELECT count() FROM @.late"), [["1"]]);
}

#[test]
fn a_wrong_password_is_no_data_error_and_is_not_shown() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[("username", "default"), ("password", "w-r-o-n-g")]);
    let error = refusal(&mut delivery, "t", &Kind::Fatal);
    assert!(error.message().contains("clickhouse 127.0.0.1:"), "{error}");
    assert!(!error.message().contains("w-r-o-n-g"), "{error}");
}

#[test]
fn a_refused_login_names_its_settings() {
    let lab = Lab::new();
    let told = |settings: &[(&str, &str)]| {
        refusal(&mut lab.delivery(settings), "t", &Kind::Fatal).message().to_owned()
    };
    for (user, password) in [("default", "wrong"), ("nobody", "x"), ("writer", "")] {
        let told = told(&[("username", user), ("password", password)]);
        assert!(told.ends_with("; see username and password"), "{told}");
    }
}

#[test]
fn a_setting_that_the_server_does_not_know_is_its_sentence() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = Memory");
    let error = refusal(&mut lab.delivery(&[("clickhouseSettings", "no_such_setting=1")]), "t", &Kind::Fatal);
    assert!(error.message().contains("no_such_setting"), "{error}");
}

#[test]
fn a_server_that_is_away_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = Settings::parse(&config(&[("url", &url)])).unwrap();
    let mut delivery = Delivery::new(settings, false, patient()).unwrap();
    let error = refusal(&mut delivery, "t", &Kind::Retry { after: None });
    assert!(error.message().contains("refused"), "{error}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up_in_time_and_tried_again() {
    // The listener's backlog takes the connection; nobody reads from it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings::parse(&config(&[("url", &url), ("timeoutSeconds", "1")])).unwrap();
    let mut delivery = Delivery::new(settings, false, patient()).unwrap();
    let error = refusal(&mut delivery, "t", &Kind::Retry { after: None });
    assert!(error.message().ends_with("no answer within 1000 ms"), "{error}");
}

#[test]
fn an_insert_with_a_token_that_comes_again_is_dropped_by_the_server() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 10");
    let columns =
        [crate::decoder::Column { name: "k".into(), type_text: "UInt32".into(), has_default: false }];
    let mut decoder = crate::decoder::Decoder::new(&columns, &crate::values::Zones::utc(), false);
    decoder.append(b"{\"k\":1}").unwrap();
    let statement = format!("INSERT INTO {}.t (k) FORMAT Native", lab.database);
    for token in ["one", "one", "two"] {
        let (statement, insert) = (statement.clone(), decoder.insert());
        let sending = crate::server::Sending { statement, insert, token: Some(token.to_owned()) };
        lab.server.insert(&sending, &|| Ok(())).unwrap();
    }
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["2"]]);
}
