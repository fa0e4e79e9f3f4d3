//! Tables that are created from the first records that go to them.
use penstock_sdk::Kind;

use super::*;
use crate::exact::Promise;

const CREATE: (&str, &str) = ("tableCreation", "create");

fn types(lab: &Lab, table: &str) -> String {
    let sql = format!(
        "SELECT arrayStringConcat(groupArray(name || ' ' || type), ', ') FROM \
        (SELECT * FROM system.columns WHERE database = '@' AND table = '{table}' AND name NOT LIKE '\\\\_%' ORDER BY position)"
    );
    lab.run(&sql)[0][0].clone()
}

fn tables(lab: &Lab) -> Vec<String> {
    lab.run("SHOW TABLES FROM @").into_iter().flatten().collect()
}

#[test]
fn a_missing_table_is_made_of_the_first_records() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[CREATE]);
    let values = [
        r#"{"k":1,"at":"2024-05-06T07:08:09Z","ip":"10.0.0.1","tags":["a"],"where":{"lat":1.5,"lon":2},"any":{"x":1}}"#,
        r#"{"k":2,"at":"2024-05-06T07:08:09.5Z","ip":"10.0.0.2","tags":[],"where":{"lat":0,"lon":0.5},"any":{"y":[1]},"n":null}"#,
    ];
    accept(&mut delivery, "t", &values);
    assert_eq!(
        types(&lab, "t"),
        "k Int64, at DateTime64(3, 'UTC'), ip IPv4, tags Array(String), where Tuple(lat Float64, lon Float64), any JSON, \
         n Nullable(String)"
    );
    let rows = lab
        .run("SELECT k, at, ip, where.lon, toString(any), _topic, _partition, _offset FROM @.t ORDER BY k");
    assert_eq!(rows[1][..5], ["2", "2024-05-06 07:08:09.500", "10.0.0.2", "0.5", "{\"y\":[1]}"]);
    assert_eq!(rows[1][5..], ["t", "0", "1"]);
    let notices = delivery.take_notices();
    assert_eq!((notices.len(), notices[0].event, notices[0].count), (1, "tables_created", 1));
    accept(&mut delivery, "t", &values);
    assert!(delivery.take_notices().is_empty());
}

#[test]
fn a_batch_without_a_row_makes_no_table() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[CREATE]);
    let record = |offset, value| Incoming { topic: "t", offset, value, ..Incoming::default() };
    let records = [
        record(0, Some(b"no JSON".as_slice())),
        record(1, None),
        record(2, Some(b"{}")),
        record(3, Some(b"null")),
        record(4, Some(b"\xff")),
    ];
    let outcome = delivery.write(&records, None).unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|(index, _)| *index).collect();
    assert_eq!((rejected, outcome.tombstones, outcome.rows), (vec![0, 2, 4], 2, 0));
    assert!(outcome.rejected[0].1.sentence.starts_with("t-0@0: "), "{:?}", outcome.rejected);
    assert!(outcome.rejected[1].1.sentence.contains("no field"), "{:?}", outcome.rejected);
    assert!(tables(&lab).is_empty());
    let good = [records[0].clone(), record(5, Some(b"{\"k\":1}")), records[2].clone()];
    let outcome = delivery.write(&good, None).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (2, 1));
    assert_eq!(types(&lab, "t"), "k Nullable(Int64)");
}

#[test]
fn a_missing_table_is_told_with_the_statement_that_makes_it() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[]);
    let values = ["{\"k\":1,\"v\":\"x\"}"];
    let error = write(&mut delivery, "t", &values).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    let (_, statement) = error.message().split_once("tableCreation=create would run ").expect("a statement");
    lab.run(statement);
    accept(&mut delivery, "t", &values);
    assert_eq!(types(&lab, "t"), "k Int64, v String");
    let error = write(&mut delivery, "u", &["{}"]).unwrap_err();
    assert!(!error.message().contains("CREATE TABLE"), "{error}");
    let outcome =
        write(&mut lab.delivery(&[("suppressTableExistenceException", "true")]), "u", &values).unwrap();
    assert_eq!(outcome.without_table, 1);
    let both = [CREATE, ("suppressTableExistenceException", "true")];
    accept(&mut lab.delivery(&both), "u", &values);
}

#[test]
fn tasks_that_create_a_table_at_once_share_it() {
    let lab = Lab::new();
    std::thread::scope(|scope| {
        for task in 0..4 {
            let mut delivery = lab.delivery(&[CREATE]);
            scope.spawn(move || {
                let value = |k| format!("{{\"k\":{},\"v\":\"x\"}}", task * 50 + k);
                accept(&mut delivery, "t", &(0..50).map(value).collect::<Vec<_>>());
            });
        }
    });
    assert_eq!(lab.run("SELECT count(), uniqExact(k) FROM @.t"), [["200", "200"]]);
}

#[test]
fn a_table_that_goes_is_made_anew() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[CREATE]);
    accept(&mut delivery, "t", &["{\"k\":1}"]);
    lab.run("DROP TABLE @.t SYNC");
    let error = write(&mut delivery, "t", &["{\"k\":2}"]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    accept(&mut delivery, "t", &["{\"k\":2}"]);
    assert_eq!(lab.run("SELECT k FROM @.t"), [["2"]]);
}

#[test]
fn upserts_make_a_table_that_replaces_and_deletes() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[CREATE, ("upsertMode", "tombstones")]);
    let record =
        |offset, key, value| Incoming { topic: "t", offset, key: Some(key), value, ..Incoming::default() };
    let nothing = delivery.write(&[record(0, b"1", None)], None).unwrap();
    assert_eq!((nothing.tombstones, nothing.rejected.len()), (1, 0));
    let values: [&[u8]; 3] =
        [b"{\"id\":1,\"n\":\"a\"}", b"{\"id\":2,\"n\":\"b\"}", b"{\"id\":1,\"n\":\"c\"}"];
    let records = [
        record(1, b"1", Some(values[0])),
        record(2, b"2", Some(values[1])),
        record(3, b"1", Some(values[2])),
        record(4, b"2", None),
    ];
    assert_eq!(delivery.write(&records, None).unwrap().rows, 4);
    assert_eq!(lab.run("SELECT id, n FROM @.t FINAL ORDER BY id"), [["1", "c"]]);
    let unclear = write(&mut lab.delivery(&[CREATE, ("upsertMode", "tombstones")]), "u", &["{\"id\":1}"]);
    let error = unclear.unwrap_err();
    assert_eq!(error.kind(), &Kind::Config);
    assert!(error.message().contains("tableOrderBy"), "{error}");
    let event = Incoming {
        topic: "e",
        key: Some(b"{\"id\":1}"),
        value: Some(br#"{"op":"c","before":null,"after":{"id":1,"n":"x"},"source":{"connector":"postgresql","lsn":5}}"#),
        ..Incoming::default()
    };
    let mut events = lab.delivery(&[CREATE, ("debeziumCDCEnabled", "true")]);
    assert_eq!(events.write(&[event], None).unwrap().rows, 1);
    assert_eq!(lab.run("SELECT id, n, _version FROM @.e FINAL"), [["1", "x", "5"]]);
}

#[test]
fn a_table_for_exactly_once_keeps_tokens_and_is_not_made_by_who_lost_the_task() {
    let lab = Lab::new();
    let settings = [CREATE, ("exactlyOnce", "true")];
    let value = Some(b"{\"k\":1}".as_slice());
    let records = [Incoming { topic: "t", offset: 3, value, ..Incoming::default() }];
    let age = std::time::Duration::from_secs(100_000);
    let promise = |may_send| Promise { token: "p", age, is_repeated: true, is_foreign: false, may_send };
    let error = lab.delivery(&settings).write(&records, Some(&promise(&|| false))).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    assert!(tables(&lab).is_empty());
    for _ in 0..3 {
        lab.delivery(&settings).write(&records, Some(&promise(&|| true))).unwrap();
    }
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["1"]]);
}

#[test]
fn clauses_and_engines_are_as_the_operator_says() {
    let lab = Lab::new();
    let value = r#"{"k":1,"s":"x","d":"2024-01-02","n":1.5,"u":"61f0c404-5cb3-11e7-907b-a6006ad3dba0","a":[1],"o":{"x":1},"j":{},"b":true,"l":null}"#;
    for engine in [
        "MergeTree",
        "ReplacingMergeTree(k)",
        "ReplacingMergeTree",
        "SummingMergeTree(n)",
        "AggregatingMergeTree",
        "Null",
    ] {
        let clauses = [
            ("tableOrderBy", "s, k"),
            ("tablePartitionBy", "toYYYYMM(d)"),
            ("tableTtl", "d + INTERVAL 999 YEAR"),
        ];
        let clauses = if engine == "Null" { &[][..] } else { &clauses };
        let mut delivery = lab.delivery(&[&[CREATE, ("tableEngine", engine)], clauses].concat());
        accept(&mut delivery, "t", &[value, "{\"k\":2,\"n\":1}"]);
        let made = lab.run(
            "SELECT engine, sorting_key, partition_key, engine_full FROM system.tables WHERE database = '@'",
        );
        assert_eq!(made[0][0], engine.split('(').next().unwrap());
        if engine != "Null" {
            assert_eq!((made[0][1].as_str(), made[0][2].as_str()), ("s, k", "toYYYYMM(d)"), "{engine}");
            assert!(made[0][3].contains("TTL d + "), "{made:?}");
            assert_eq!(lab.run("SELECT count() FROM @.t"), [["2"]], "{engine}");
        }
        lab.run("DROP TABLE @.t SYNC");
    }
    let wrong = [CREATE, ("tableOrderBy", "nothing")];
    let error = write(&mut lab.delivery(&wrong), "t", &[value]).unwrap_err();
    assert!(
        error.message().contains("creating table") && error.message().contains("ORDER BY (nothing)"),
        "{error}"
    );
}

#[test]
fn values_that_are_not_read_go_to_a_raw_table() {
    let lab = Lab::new();
    let outcome = write(&mut lab.delivery(&[CREATE, ("rawOnly", "true")]), "t", &["no JSON", "{"]).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (2, 0));
    assert_eq!(
        lab.run("SELECT _offset, _raw_message FROM @.t ORDER BY _offset"),
        [["0", "no JSON"], ["1", "{"]]
    );
}

#[test]
fn creating_needs_a_grant_which_is_named_with_the_statement() {
    let lab = Lab::new();
    let user = |name: &'static str| lab.delivery(&[CREATE, ("username", name), ("password", name)]);
    let error = write(&mut user("inserter"), "t", &["{\"k\":1}"]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Fatal, "{error}");
    assert!(error.message().contains("CREATE TABLE"), "{error}");
    assert!(error.message().contains("grant it, or run CREATE TABLE IF NOT EXISTS"), "{error}");
    accept(&mut user("creator"), "t", &["{\"k\":1}"]);
    accept(&mut user("inserter"), "t", &["{\"k\":2}"]);
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["2"]]);
}

#[test]
fn tables_beside_each_other_are_created_and_altered_one_by_one() {
    let lab = Lab::new();
    let settings = [CREATE, ("schemaEvolution", "widen"), ("exactlyOnce", "true")];
    for name in ["same", "grows", "wider"] {
        lab.run(&format!(
            "CREATE TABLE @.{name} (k UInt8) ENGINE = MergeTree ORDER BY tuple() \
             SETTINGS non_replicated_deduplication_window = 100"
        ));
    }
    let record =
        |topic, value: &'static str| Incoming { topic, value: Some(value.as_bytes()), ..Incoming::default() };
    let records = [
        record("same", "{\"k\":1}"),
        record("grows", "{\"k\":1,\"new\":\"x\"}"),
        record("made", "{\"k\":1}"),
        record("wider", "{\"k\":1000}"),
        record("too", "{\"v\":true}"),
    ];
    let promise = |may_send| Promise {
        token: "p",
        age: std::time::Duration::ZERO,
        is_repeated: false,
        is_foreign: false,
        may_send,
    };
    let refused = lab.delivery(&settings).write(&records, Some(&promise(&|| false))).unwrap_err();
    assert_eq!(refused.kind(), &Kind::Retry { after: None }, "{refused}");
    let columns = "SELECT table, name, type FROM system.columns \
        WHERE database = '@' AND name NOT LIKE '\\\\_%' ORDER BY table, position";
    assert_eq!(lab.run(columns), [["grows", "k", "UInt8"], ["same", "k", "UInt8"], ["wider", "k", "UInt8"]]);
    for _ in 0..2 {
        let mut delivery = lab.delivery(&settings);
        let outcome = delivery.write(&records, Some(&promise(&|| true))).unwrap();
        assert_eq!((outcome.rows, outcome.inserts, outcome.rejected.len()), (5, 5, 0));
    }
    assert_eq!(
        lab.run(columns),
        [
            ["grows", "k", "UInt8"],
            ["grows", "new", "Nullable(String)"],
            ["made", "k", "Int64"],
            ["same", "k", "UInt8"],
            ["too", "v", "Bool"],
            ["wider", "k", "UInt16"]
        ]
    );
    for name in ["same", "grows", "made", "wider", "too"] {
        assert_eq!(lab.run(&format!("SELECT count() FROM @.{name}")), [["1"]], "{name}");
    }
}
