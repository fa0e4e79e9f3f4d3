//! Tables that are altered for the records that come.
use penstock_sdk::{Kind, Level};

use super::*;
use crate::exact::Promise;

fn evolving<'a>(lab: &Lab, mode: &'a str, others: &[(&'a str, &'a str)]) -> Delivery {
    lab.delivery(&[&[("schemaEvolution", mode)], others].concat())
}

fn types(lab: &Lab) -> String {
    let rows = lab
        .run("SELECT name, type FROM system.columns WHERE database = '@' AND table = 't' ORDER BY position");
    rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(", ")
}

fn table(lab: &Lab, columns: &str) {
    lab.run(&format!("CREATE TABLE @.t (k UInt32, {columns}) ENGINE = MergeTree ORDER BY k"));
}

#[test]
fn add_gives_new_fields_a_column_before_the_batch_arrives() {
    let lab = Lab::new();
    table(&lab, "v String, made String MATERIALIZED 'm', other UInt8 ALIAS k");
    let mut delivery = evolving(&lab, "add", &[]);
    accept(&mut delivery, "t", &[r#"{"k":1,"v":"a","made":"x","other":1}"#]);
    let values = [
        r#"{"k":2,"n":null,"made":"x"}"#,
        r#"{"k":3,"n":5,"at":"2024-01-02T03:04:05Z","list":[1.5],"o":{"x":1}}"#,
        r#"{"k":4,"n":-5,"o":{"x":2}}"#,
    ];
    accept(&mut delivery, "t", &values);
    let expected = "k UInt32, v String, made String, other UInt8, n Nullable(Int64), \
                    at Nullable(DateTime64(3, 'UTC')), list Array(Float64), o Tuple(x Int64)";
    assert_eq!(types(&lab), expected);
    let rows = lab.run("SELECT k, toString(n), toString(list), o.x FROM @.t WHERE k != 3 ORDER BY k SETTINGS output_format_json_quote_64bit_integers = 0, format_tsv_null_representation = ''");
    assert_eq!(rows.len(), 3);
    assert_eq!(lab.run("SELECT sum(n), count(n), count() FROM @.t"), [["0", "2", "4"]]);
    let notices = delivery.take_notices();
    assert_eq!(
        (notices.len(), notices[0].event, notices[0].count, notices[0].level),
        (1, "columns_added", 4, Level::Info)
    );
    // A field that was null until now.
    accept(&mut delivery, "t", &["{\"k\":5,\"late\":null}"]);
    accept(&mut delivery, "t", &["{\"k\":6,\"late\":true}"]);
    assert_eq!(lab.run("SELECT count() FROM @.t WHERE late"), [["1"]]);
    // By the name that Java's connector has for it.
    accept(
        &mut lab.delivery(&[("auto.evolve", "true"), ("auto.evolve.struct.to.json", "true")]),
        "t",
        &["{\"k\":7,\"java\":{\"x\":1}}"],
    );
    assert!(types(&lab).ends_with("late Nullable(Bool), java JSON"), "{}", types(&lab));
}

#[test]
fn add_minds_flattened_fields_and_those_beside_mapped_ones() {
    let lab = Lab::new();
    table(&lab, "a_b Int64, city String");
    let settings = [("flattenSeparator", "_"), ("field2ColumnMap", "home.city=city")];
    let value = r#"{"k":1,"a":{"b":1,"c":{"d":2}},"home":{"city":"Ulm","zip":7},"new":{"x":"y"}}"#;
    accept(&mut evolving(&lab, "add", &settings), "t", &[value]);
    assert_eq!(lab.run("SELECT a_b, a_c_d, city, home_zip, new_x FROM @.t"), [["1", "2", "Ulm", "7", "y"]]);
    lab.run("DROP TABLE @.t SYNC");
    table(&lab, "city String");
    accept(&mut evolving(&lab, "add", &settings[1..]), "t", &[value]);
    assert_eq!(lab.run("SELECT city, home.zip, new.x FROM @.t"), [["Ulm", "7", "y"]]);
}

#[test]
fn fields_that_are_ignored_are_told_as_one_or_as_several() {
    let lab = Lab::new();
    table(&lab, "a Int64");
    let mut delivery = evolving(&lab, "add", &[]);
    let mut told = |value: &str| {
        accept(&mut delivery, "t", &[value]);
        delivery.take_notices().remove(0).sentence
    };
    let name = "n".repeat(200);
    let one = told(r#"{"k":1,"":2}"#);
    assert!(one.contains("field \"\" is ignored: "), "{one}");
    let two = told(&format!(r#"{{"k":1,"{name}":1,"{name}m":2}}"#));
    assert!(two.contains(" and one other are ignored: "), "{two}");
}

#[test]
fn hostile_records_do_not_blow_a_table_up() {
    let lab = Lab::new();
    let columns: Vec<_> = (0..989).map(|number| format!("c{number} UInt8")).collect();
    lab.run(&format!("CREATE TABLE @.t (k UInt32, {}) ENGINE = Memory", columns.join(", ")));
    let mut delivery = evolving(&lab, "add", &[]);
    let long = "n".repeat(500);
    accept(&mut delivery, "t", &[format!("{{\"k\":1,\"{long}\":1,\"\":2}}")]);
    let ignored = delivery.take_notices();
    assert_eq!((ignored[0].event, ignored[0].count, ignored[0].level), ("fields_ignored", 2, Level::Warn));
    let values: Vec<_> = (0..500).map(|number| format!("{{\"k\":{number},\"new{number}\":1}}")).collect();
    accept(&mut delivery, "t", &values);
    let counts: Vec<_> = delivery.take_notices().iter().map(|notice| (notice.event, notice.count)).collect();
    assert_eq!(counts, [("fields_ignored", 490), ("columns_added", 10)]);
    accept(&mut delivery, "t", &values);
    assert!(delivery.take_notices().is_empty());
    assert_eq!(lab.run("SELECT count() FROM system.columns WHERE database = '@'"), [["1000"]]);
}

#[test]
fn widen_makes_room_for_values_and_loses_none() {
    let lab = Lab::new();
    table(
        &lab,
        "i Int8, u UInt8, f Float32, d Decimal(5, 2), e Enum8('a' = 1), s FixedString(2), day Date, at DateTime('UTC'), \
         n Nullable(Int16), l Array(Int8), low LowCardinality(FixedString(1)), stays UUID, whole Int64 DEFAULT 7",
    );
    let mut delivery = evolving(&lab, "widen", &[]);
    let first = r#"{"k":1,"i":-5,"u":200,"f":1.5,"d":123.45,"e":"a","s":"xy","day":"2024-01-02","at":"2024-01-02 03:04:05","n":null,"l":[1],"low":"z"}"#;
    accept(&mut delivery, "t", &[first]);
    let second = r#"{"k":2,"i":40000,"u":-1,"f":1e300,"d":1234567.125,"e":"new","s":"long","day":"1920-01-01","at":"2200-01-02 03:04:05.5","n":70000,"l":[1000],"low":"more","extra":1}"#;
    accept(&mut delivery, "t", &[second]);
    assert_eq!(
        types(&lab),
        "k UInt32, i Int32, u Int16, f Float64, d Decimal(10, 3), e String, s String, day Date32, at DateTime64(3, 'UTC'), \
         n Nullable(Int32), l Array(Int16), low LowCardinality(String), stays UUID, whole Int64, extra Nullable(Int64)"
    );
    assert_eq!(
        lab.run("SELECT i, u, f, d, e, s, day, at, l, low FROM @.t ORDER BY k"),
        [
            ["-5", "200", "1.5", "123.45", "a", "xy", "2024-01-02", "2024-01-02 03:04:05.000", "[1]", "z"],
            [
                "40000",
                "-1",
                "1e300",
                "1234567.125",
                "new",
                "long",
                "1920-01-01",
                "2200-01-02 03:04:05.500",
                "[1000]",
                "more"
            ],
        ]
    );
    assert_eq!(lab.run("SELECT sum(whole) FROM @.t"), [["14"]]);
    let events: Vec<_> = delivery.take_notices().iter().map(|notice| notice.event).collect();
    assert_eq!(events.iter().filter(|event| **event == "columns_widened").count(), 11, "{events:?}");
}

#[test]
fn what_no_wider_type_holds_is_rejected_as_ever() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt8, v Int64, m UInt8, p UInt8) ENGINE = ReplacingMergeTree(m) PARTITION BY p ORDER BY k");
    let mut delivery = evolving(&lab, "widen", &[]);
    // Keys of every sort, a whole number too large for a float, text where there are numbers.
    let values =
        ["{\"k\":256}", "{\"m\":256}", "{\"p\":256}", "{\"v\":1.5}", "{\"v\":\"x\"}", "{\"k\":1,\"v\":1}"];
    let outcome = write(&mut delivery, "t", &values).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 5), "{:?}", outcome.rejected);
    assert_eq!(types(&lab), "k UInt8, v Int64, m UInt8, p UInt8");
    assert!(delivery.take_notices().is_empty());
    // With add alone, nothing is widened.
    lab.run("ALTER TABLE @.t ADD COLUMN w Int8");
    assert_eq!(write(&mut evolving(&lab, "add", &[]), "t", &["{\"w\":1000}"]).unwrap().rejected.len(), 1);
}

#[test]
fn overflow_keeps_what_has_no_column() {
    for ty in ["JSON", "String"] {
        let lab = Lab::new();
        table(&lab, &format!("_overflow {ty}, `user.name` String"));
        let mut delivery = evolving(&lab, "overflow", &[("flattenSeparator", ".")]);
        let values = [
            r#"{"k":1,"x":[1,2],"user":{"name":"ann","age":7},"n":null}"#,
            r#"{"k":2}"#,
            r#"{"k":3,"y":{"z":"\u0041"}}"#,
        ];
        accept(&mut delivery, "t", &values);
        let rows = lab.run("SELECT toString(_overflow), `user.name` FROM @.t ORDER BY k");
        let empty = if ty == "JSON" { "{}" } else { "" };
        let expected = [[r#"{"user":{"age":7},"x":[1,2]}"#, "ann"], [empty, ""], [r#"{"y":{"z":"A"}}"#, ""]];
        let plain = |text: &str| {
            text.replace("\\u0041", "A").replace(r#"{"x":[1,2],"user":{"age":7}}"#, expected[0][0])
        };
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(|text| plain(text)).collect()).collect();
        assert_eq!(rows, expected, "{ty}");
    }
    let lab = Lab::new();
    table(&lab, "v String");
    let error = write(&mut evolving(&lab, "overflow", &[("overflowColumn", "rest")]), "t", &["{\"k\":1}"])
        .unwrap_err();
    assert!(error.message().contains("ADD COLUMN `rest` JSON"), "{error}");
    let made = [("overflowColumn", "rest"), ("tableCreation", "create")];
    let mut delivery = evolving(&lab, "overflow", &made);
    accept(&mut delivery, "new", &["{\"k\":1}"]);
    accept(&mut delivery, "new", &["{\"k\":2,\"x\":1}"]);
    assert_eq!(lab.run("SELECT toString(rest) FROM @.new ORDER BY k"), [["{}"], ["{\"x\":1}"]]);
}

#[test]
fn halt_stops_at_an_unknown_field_and_names_the_statement() {
    let lab = Lab::new();
    table(&lab, "v String");
    let mut delivery = evolving(&lab, "halt", &[]);
    accept(&mut delivery, "t", &["{\"k\":1,\"new\":null}"]);
    let values = ["{\"k\":2}", "{\"k\":3,\"new\":1.5}"];
    let error = write(&mut delivery, "t", &values).unwrap_err();
    assert_eq!(error.kind(), &Kind::Fatal, "{error}");
    assert!(
        error.message().contains("field \"new\", which looks like Nullable(Float64); run ALTER TABLE"),
        "{error}"
    );
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["1"]]);
    lab.run(error.message().split_once("; run ").unwrap().1);
    accept(&mut delivery, "t", &values);
    assert_eq!(lab.run("SELECT sum(new) FROM @.t"), [["1.5"]]);
    let error = write(&mut delivery, "t", &["{\"k\":4,\"\":1}"]).unwrap_err();
    assert!(error.message().contains("can have no column for field \"\""), "{error}");
}

#[test]
fn off_alters_nothing() {
    let lab = Lab::new();
    table(&lab, "v Int8");
    let mut delivery = lab.delivery(&[]);
    let outcome = write(&mut delivery, "t", &["{\"k\":1,\"new\":1}", "{\"v\":1000}"]).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (1, 1));
    assert_eq!(types(&lab), "k UInt32, v Int8");
}

#[test]
fn tasks_that_add_columns_at_once_agree_on_them() {
    let lab = Lab::new();
    table(&lab, "v String");
    std::thread::scope(|scope| {
        for task in 0..4_u32 {
            let mut delivery = evolving(&lab, "widen", &[]);
            scope.spawn(move || {
                for round in 0..5 {
                    let k = task * 100 + round;
                    let value =
                        format!("{{\"k\":{k},\"n{round}\":{},\"own{task}\":\"x\"}}", 1_u64 << (task * 16));
                    accept(&mut delivery, "t", &[value]);
                }
            });
        }
    });
    let sums = lab.run("SELECT count(), sum(n0), sum(n4), count(own0), count(own3) FROM @.t");
    let sum = (0..4).map(|task| 1_u64 << (task * 16)).sum::<u64>().to_string();
    assert_eq!(sums, [["20".to_owned(), sum.clone(), sum, "5".to_owned(), "5".to_owned()]]);
}

#[test]
fn a_front_of_other_tables_is_not_altered() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.local (k UInt32) ENGINE = MergeTree ORDER BY k");
    lab.run("CREATE TABLE @.t AS @.local ENGINE = Distributed('default', '@', 'local')");
    let mut delivery = evolving(&lab, "add", &[]);
    let error = write(&mut delivery, "t", &["{\"k\":1,\"new\":1}"]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    assert!(error.message().contains("has the engine Distributed"), "{error}");
    assert!(error.message().contains("ADD COLUMN `new` Nullable(Int64)"), "{error}");
}

#[test]
fn altering_needs_grants_which_are_named() {
    let lab = Lab::new();
    table(&lab, "v Int8");
    let user = |name: &'static str| evolving(&lab, "widen", &[("username", name), ("password", name)]);
    for (value, grant) in
        [("{\"k\":1,\"new\":1}", "ALTER ADD COLUMN"), ("{\"k\":1,\"v\":1000}", "ALTER MODIFY COLUMN")]
    {
        let error = write(&mut user("inserter"), "t", &[value]).unwrap_err();
        assert_eq!(error.kind(), &Kind::Fatal, "{error}");
        assert!(error.message().contains(grant), "{error}");
        assert!(error.message().contains("; grant it, or run ALTER TABLE "), "{error}");
        accept(&mut user("evolver"), "t", &[value]);
    }
}

#[test]
fn a_task_that_was_lost_alters_nothing() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, v Int8) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100");
    let age = std::time::Duration::ZERO;
    let promise = |may_send| Promise { token: "p", age, is_repeated: true, is_foreign: false, may_send };
    let values = ["{\"k\":1,\"new\":1}", "{\"k\":2,\"v\":1000}"].map(|value| Some(value.as_bytes()));
    let record = |value| Incoming { topic: "t", value, ..Incoming::default() };
    for value in values {
        let mut delivery = evolving(&lab, "widen", &[("exactlyOnce", "true")]);
        let error = delivery.write(&[record(value)], Some(&promise(&|| false))).unwrap_err();
        assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    }
    assert_eq!(types(&lab), "k UInt32, v Int8");
    let records = values.map(record);
    for _ in 0..3 {
        let mut delivery = evolving(&lab, "widen", &[("exactlyOnce", "true")]);
        assert_eq!(delivery.write(&records, Some(&promise(&|| true))).unwrap().rows, 2);
    }
    assert_eq!(lab.run("SELECT count(), sum(new), sum(v) FROM @.t"), [["2", "1", "1000"]]);
}
