//! Tables that change, names of every kind, and the way from topics to tables.
use proptest::prelude::*;

use super::*;
use crate::types::Quoted;

#[test]
fn a_changed_table_is_noticed_by_the_next_batch() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[]);
    lab.run("CREATE TABLE @.t (k UInt32, gone String, v UInt8) ENGINE = MergeTree ORDER BY k");
    accept(&mut delivery, "t", &[r#"{"k":1,"gone":"x","v":1}"#]);
    lab.run("ALTER TABLE @.t ADD COLUMN added String DEFAULT 'd'");
    accept(&mut delivery, "t", &[r#"{"k":2,"added":"a","v":2}"#]);
    lab.run("ALTER TABLE @.t DROP COLUMN gone");
    accept(&mut delivery, "t", &[r#"{"k":3,"gone":"y","v":3}"#]);
    lab.run("ALTER TABLE @.t MODIFY COLUMN v String");
    accept(&mut delivery, "t", &[r#"{"k":4,"v":"text"}"#]);
    lab.run("DROP TABLE @.t SYNC");
    lab.run("CREATE TABLE @.t (k UInt32, w Array(String)) ENGINE = Memory");
    accept(&mut delivery, "t", &[r#"{"k":5,"w":["x"]}"#]);
    assert_eq!(lab.rows("t"), ["{\"k\":5,\"w\":[\"x\"]}\n"]);
}

#[test]
fn rows_written_before_a_change_stay_as_they_were() {
    let lab = Lab::new();
    let mut delivery = lab.delivery(&[]);
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    accept(&mut delivery, "t", &[r#"{"k":1}"#]);
    lab.run("ALTER TABLE @.t ADD COLUMN n Int8 DEFAULT -1");
    accept(&mut delivery, "t", &[r#"{"k":2}"#, r#"{"k":3,"n":3}"#]);
    assert_eq!(lab.rows("t"), ["{\"k\":1,\"n\":-1}\n", "{\"k\":2,\"n\":-1}\n", "{\"k\":3,\"n\":3}\n"]);
}

#[test]
fn topics_find_their_tables() {
    let lab = Lab::new();
    let split = format!("{}_more", lab.database);
    lab.run("CREATE DATABASE @_more");
    for table in ["@.mapped", "@.plain", "@_more.far"] {
        lab.run(&format!("CREATE TABLE {table} (k UInt32) ENGINE = Memory"));
    }
    let map = [
        ("topic2TableMap", "first=mapped,second=mapped"),
        ("enableDbTopicSplit", "true"),
        ("dbTopicSplitChar", "."),
    ];
    let mut delivery = lab.delivery(&map);
    let far = format!("{split}.far");
    let record = |topic, offset, value| Incoming {
        topic,
        partition: 0,
        offset,
        value: Some(value),
        ..Incoming::default()
    };
    let records: [Incoming<'_>; 5] = [
        record("first", 0, b"{\"k\":1}"),
        record("plain", 0, b"{\"k\":2}"),
        record(&far, 0, b"{\"k\":3}"),
        record("second", 0, b"{\"k\":4}"),
        Incoming { value: None, ..record("first", 1, b"") },
    ];
    let outcome = delivery.write(&records, None).unwrap();
    assert_eq!((outcome.rows, outcome.inserts, outcome.tombstones), (4, 3, 1));
    assert_eq!(lab.rows("mapped"), ["{\"k\":1}\n", "{\"k\":4}\n"]);
    assert_eq!(lab.rows("plain"), ["{\"k\":2}\n"]);
    assert_eq!(lab.run("SELECT k FROM @_more.far"), [["3"]]);
    lab.run("DROP DATABASE @_more");
}

#[test]
fn names_may_hold_any_character() {
    let lab = Lab::new();
    let name = r#"[a-z'"`\\ ,;(){}?=@%$.é😀\n-]{1,12}"#;
    seeded(40)
        .run(&(name, name), |(table, column)| {
            prop_assume!(column != "k");
            let (quoted, field) = (Quoted(&table, '`').to_string(), Quoted(&column, '`').to_string());
            let full = format!("{}.{quoted}", lab.database);
            let run = |sql: &str| lab.server.query(sql, &[]).unwrap();
            run(&format!("CREATE TABLE {full} (k UInt8, {field} String) ENGINE = Memory"));
            let json = format!("{{\"k\":1,{}:\"v\"}}", serde_json::to_string(&column).unwrap());
            accept(&mut lab.delivery(&[]), &table, &[&json, &json]);
            prop_assert_eq!(run(&format!("SELECT {field} FROM {full}")), [["v"], ["v"]]);
            run(&format!("DROP TABLE {full} SYNC"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_long_batch_arrives_whole() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, text String, list Array(UInt16), d Int8 DEFAULT 7) ENGINE = MergeTree ORDER BY k");
    let record = |k: usize| {
        let default = if k.is_multiple_of(2) { "" } else { ",\"d\":1" };
        format!(r#"{{"k":{k},"text":"{}","list":[{},{}]{default}}}"#, "x".repeat(k % 90), k % 65_536, k % 7)
    };
    let records: Vec<_> = (0..120_000).map(record).collect();
    accept(&mut lab.delivery(&[]), "t", &records);
    let sums = "SELECT count(), uniqExact(k), sum(length(text)), sum(list[1]), sum(list[2]), sum(d) FROM @.t";
    let (texts, firsts, seconds) = (0..120_000_u64).fold((0, 0, 0), |(texts, firsts, seconds), k| {
        (texts + k % 90, firsts + k % 65_536, seconds + k % 7)
    });
    let expected =
        ["120000", "120000", &texts.to_string(), &firsts.to_string(), &seconds.to_string(), "480000"]
            .map(String::from);
    assert_eq!(lab.run(sums), [expected]);
}
