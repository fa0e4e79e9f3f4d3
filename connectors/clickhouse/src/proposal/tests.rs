//! Samples and settings, and the statements that they come to.
use super::*;
use crate::incoming::Incoming;
use crate::shape::{KeyForm, Mapping, path};

fn name() -> Name {
    Name { database: "d".into(), table: "t`x".into() }
}

fn propose(values: &[&str], keys: &[&str], shape: &Shape, wishes: &Wishes) -> Result<Proposal, String> {
    let record = |(index, value): (usize, &&'static str)| Incoming {
        value: Some(value.as_bytes()),
        key: keys.get(index).map(|_| b"".as_slice()),
        ..Incoming::default()
    };
    let values: Vec<&'static str> = values.iter().map(|value| &*value.to_string().leak()).collect();
    let keys: Vec<&'static str> = keys.iter().map(|key| &*key.to_string().leak()).collect();
    let mut records: Vec<_> = values.iter().enumerate().map(record).collect();
    for (record, key) in records.iter_mut().zip(&keys) {
        record.key = Some(key.as_bytes());
    }
    let sample = Sample::read(records.iter(), shape, 1000).unwrap();
    Proposal::make(&name(), &sample, shape, wishes)
}

fn check(values: &[&str], shape: &Shape, wishes: &Wishes, expected: &str) {
    let statement = propose(values, &[], shape, wishes).unwrap().statement;
    assert_eq!(statement, expected, "{values:?}");
}

const PLACES: &str =
    "`_topic` LowCardinality(String), `_partition` Int32, `_offset` Int64, `_timestamp` DateTime64(3)";

fn table(columns: &str, rest: &str) -> String {
    format!("CREATE TABLE IF NOT EXISTS `d`.`t\\`x` ({columns}) ENGINE = {rest}")
}

fn with(column: &str) -> String {
    table(&format!("{PLACES}, {column}"), "MergeTree ORDER BY (`_topic`, `_partition`, `_offset`)")
}

#[test]
fn fields_become_columns_in_the_order_in_which_they_are_met() {
    let (shape, wishes) = (Shape::default(), Wishes::default());
    check(&[r#"{"b":1,"a":"x"}"#], &shape, &wishes, &with("`b` Int64, `a` String"));
    check(
        &[r#"{"a":1}"#, r#"{"a":null,"b":true}"#, "no JSON", "[1]"],
        &shape,
        &wishes,
        &with("`a` Nullable(Int64), `b` Nullable(Bool)"),
    );
    check(&[r#"{"a":null}"#], &shape, &wishes, &with("`a` Nullable(String)"));
    check(&[r#"{"_topic":1,"_offset":2,"a":[1]}"#], &shape, &wishes, &with("`a` Array(Int64)"));
    check(&[r#"{"a.b":[1],"a.c":2}"#], &shape, &wishes, &with("`a.b` String, `a.c` Int64"));
    let few: Vec<_> = (0..30).map(|number| format!("{{\"a\":\"{}\"}}", number % 2)).collect();
    let few: Vec<_> = few.iter().map(String::as_str).collect();
    check(&few, &shape, &wishes, &with("`a` LowCardinality(String)"));
    let advice = propose(&few, &[], &shape, &wishes).unwrap().advice;
    assert!(advice[1].contains("30 values were of 2 texts"), "{advice:?}");
}

#[test]
fn names_that_no_column_can_have_are_left_out_and_told() {
    let long = "x".repeat(200);
    let value = format!(r#"{{"":1,"{long}":1,"_row_exists":1,"a":{{"b":1}},"a.b":2,"ok":1}}"#);
    let proposal = propose(&[&value], &[], &Shape::default(), &Wishes::default()).unwrap();
    assert_eq!(proposal.statement, with("`a` Tuple(`b` Int64), `ok` Int64"));
    assert_eq!(proposal.advice.len(), 5, "{:?}", proposal.advice);
}

#[test]
fn a_table_has_a_thousand_columns_at_most() {
    let fields: Vec<_> = (0..3000).map(|number| format!("\"f{number}\":1")).collect();
    let value = format!("{{{}}}", fields.join(","));
    let proposal = propose(&[&value], &[], &Shape::default(), &Wishes::default()).unwrap();
    assert_eq!(proposal.columns.len(), COLUMNS_MAX);
    assert!(proposal.advice.last().unwrap().contains("beyond 1000 columns"), "{:?}", proposal.advice);
}

#[test]
fn mapping_and_flattening_are_respected() {
    let mapping = |from: &str, to: &str| Mapping { path: path(from).unwrap(), column: to.into() };
    let shape = Shape {
        separator: Some("_".into()),
        map: vec![mapping("user.id", "uid"), mapping("_key", "the_key"), mapping("gone.x", "y")],
        ..Shape::default()
    };
    let values =
        [r#"{"user":{"id":1,"name":"a"},"x":{"y":{"z":1}},"m":{}}"#, r#"{"user":{"id":2},"x":null}"#];
    let columns = "`the_key` Nullable(String), `user_name` Nullable(String), `x_y_z` Nullable(Int64), `m` JSON, \
                   `uid` Int64, `y` Nullable(String)";
    check(&values, &shape, &Wishes::default(), &with(columns));
    let shape = Shape { map: vec![mapping("a.b", "c")], ..Shape::default() };
    check(&[r#"{"a":{"b":1}}"#], &shape, &Wishes::default(), &with("`c` Int64"));
    check(
        &[r#"{"a":{"b":1,"d":2}}"#],
        &shape,
        &Wishes::default(),
        &with("`a` Tuple(`b` Int64, `d` Int64), `c` Int64"),
    );
}

#[test]
fn the_operators_clauses_are_part_of_the_statement_as_they_are() {
    let wishes = Wishes {
        creates: true,
        engine: Engine::parse("ReplicatedSummingMergeTree((n, m))"),
        order_by: Some("a, lower(b)".into()),
        partition_by: Some("toYYYYMM(at)".into()),
        ttl: Some("at + INTERVAL 1 DAY".into()),
        cluster: Some("c`1".into()),
        exactly_once: false,
        objects_as_json: true,
    };
    let value = r#"{"a":1,"b":"x","at":"2020-01-01","n":1,"o":{"x":1}}"#;
    let statement = propose(&[value, "{}"], &[], &Shape::default(), &wishes).unwrap().statement;
    assert_eq!(
        statement,
        "CREATE TABLE IF NOT EXISTS `d`.`t\\`x` ON CLUSTER `c\\`1` (`a` Int64, `b` String, `at` Date, `n` Int64, `o` JSON) \
         ENGINE = ReplicatedSummingMergeTree((n, m)) PARTITION BY toYYYYMM(at) ORDER BY (a, lower(b)) \
         TTL at + INTERVAL 1 DAY"
    );
    let exact = Wishes { exactly_once: true, ..Wishes::default() };
    let statement = propose(&[value], &[], &Shape::default(), &exact).unwrap().statement;
    assert!(statement.ends_with(" SETTINGS non_replicated_deduplication_window = 10000"), "{statement}");
    let null = Wishes { engine: Engine::parse("Null"), ..Wishes::default() };
    let expected = table(&format!("{PLACES}, `a` Int64"), "Null");
    check(&["{\"a\":1}"], &Shape::default(), &null, &expected);
}

fn upserts(events: crate::shape::Events) -> Shape {
    Shape {
        upserts: Some(Upserts {
            events,
            version: Version::Offset,
            version_column: None,
            deleted_column: None,
            key_column: None,
            key: KeyForm::Text,
        }),
        ..Shape::default()
    }
}

#[test]
fn upserts_are_sorted_by_the_fields_of_the_keys() {
    let shape = upserts(crate::shape::Events::States);
    let wishes = Wishes::default();
    let rest = "ReplacingMergeTree(`_version`, `_deleted`) ORDER BY (`id`)";
    let columns = format!("{PLACES}, `id` Int64, `n` Nullable(String), `_version` UInt64, `_deleted` UInt8");
    let made = |values: &[&str], keys: &[&str]| propose(values, keys, &shape, &wishes);
    let values = [r#"{"id":7,"n":"x"}"#, r#"{"id":8}"#];
    assert_eq!(made(&values, &["7", "8"]).unwrap().statement, table(&columns, rest));
    assert_eq!(made(&values, &["{\"id\":7}", "{\"id\":8}"]).unwrap().statement, table(&columns, rest));
    assert!(made(&values, &["x", "y"]).unwrap_err().starts_with("tableOrderBy: "));
    assert!(made(&values, &[]).unwrap_err().starts_with("tableOrderBy: "));
    let lacking = made(&["{\"n\":1}"], &["{\"id\":1}"]).unwrap_err();
    assert_eq!(lacking, "records are told apart by id, which none of them has as a field");
    let events = upserts(crate::shape::Events::Debezium);
    let event = r#"{"op":"d","before":{"id":1},"after":null}"#;
    let statement = propose(&[event], &["{\"id\":1}"], &events, &wishes).unwrap().statement;
    assert!(statement.contains("`id` Int64"), "{statement}");
}

#[test]
fn what_sums_up_must_be_told_what_it_keeps_apart() {
    let wishes = Wishes { engine: Engine::parse("AggregatingMergeTree"), ..Wishes::default() };
    let made = |wishes: &Wishes| propose(&[r#"{"k":"x","n":1}"#], &[], &Shape::default(), wishes);
    assert!(made(&wishes).unwrap_err().starts_with("tableOrderBy: "));
    let wishes = Wishes { order_by: Some("k".into()), ..wishes };
    let columns = "`k` String, `n` SimpleAggregateFunction(anyLast, Int64)";
    assert_eq!(made(&wishes).unwrap().statement, table(columns, "AggregatingMergeTree ORDER BY (k)"));
}
