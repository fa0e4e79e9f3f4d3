//! Columns that records lack take the column's DEFAULT, whatever mix of records a batch has.
use super::*;

const TABLE: &str = "(k UInt32, soft String DEFAULT concat('k', toString(k)), number Int32 DEFAULT 42, \
    small LowCardinality(String) DEFAULT 'lc', nullable Nullable(String) DEFAULT 'n', list Array(UInt8) DEFAULT [1, 2], \
    pair Tuple(x UInt8, y String) DEFAULT (7, 'seven'), lcn LowCardinality(Nullable(String)) DEFAULT 'lcn', \
    day Date32, plain UInt8, choice Enum8('b' = 2, 'a' = 1), given String EPHEMERAL 'ee', derived String DEFAULT concat(given, '!'), \
    made UInt64 MATERIALIZED k + 1, other UInt64 ALIAS k + 2, code FixedString(2) DEFAULT 'zz', \
    kind Enum8('x' = 1, 'y' = 2) DEFAULT 'y', price Decimal(10, 2) DEFAULT 9.99) ENGINE = MergeTree ORDER BY k";

fn check(records: &[String]) {
    let lab = Lab::new();
    for table in ["ours", "theirs"] {
        lab.run(&format!("CREATE TABLE @.{table} {TABLE}"));
    }
    accept(&mut lab.delivery(&[]), "ours", records);
    let columns = "k, soft, number, small, nullable, list, pair, lcn, day, plain, choice, given, derived, code, kind, price";
    lab.run(&format!("INSERT INTO @.theirs ({columns}) FORMAT JSONEachRow\n{}", records.join("\n")));
    assert_eq!(lab.rows("ours"), lab.rows("theirs"), "{records:?}");
    assert_eq!(
        lab.run("SELECT k, made FROM @.ours ORDER BY k"),
        lab.run("SELECT k, made FROM @.theirs ORDER BY k")
    );
}

#[test]
fn every_mix_of_present_and_missing_fields_gets_the_same_defaults_as_by_the_servers_parser() {
    let fields = [
        r#""soft":"s""#,
        r#""number":1"#,
        r#""small":"q""#,
        r#""nullable":null"#,
        r#""nullable":"x""#,
        r#""list":[9]"#,
        r#""pair":{"x":1,"y":"one"}"#,
        r#""lcn":null"#,
        r#""given":"g""#,
        r#""code":"c""#,
        r#""kind":"x""#,
        r#""price":1.5"#,
    ];
    let mut records: Vec<_> =
        fields.iter().enumerate().map(|(k, field)| format!("{{\"k\":{k},{field}}}")).collect();
    records.push("{\"k\":100}".into());
    records.push(format!(
        "{{\"k\":101,{}}}",
        [fields[0], fields[3], fields[5], fields[6], fields[7], fields[8]].join(",")
    ));
    records.push("{\"k\":102}".into());
    check(&records);
}

#[test]
fn records_that_all_lack_a_column_get_its_default() {
    check(&["{\"k\":1}".into(), "{\"k\":2,\"unknown\":{}}".into()]);
}

#[test]
fn records_that_all_have_every_column_keep_their_values() {
    let all = r#""soft":"s","number":1,"small":"q","nullable":null,"list":[9],"pair":{"x":1,"y":"o"},"lcn":null,"day":"2020-02-02","plain":3,"choice":"b","given":"g","code":"c","kind":"x","price":1"#;
    check(&[format!("{{\"k\":1,{all}}}"), format!("{{{all},\"k\":2}}")]);
}

#[test]
fn records_without_any_column_of_the_table_become_rows_of_defaults() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32 DEFAULT 5, list Array(UInt8) DEFAULT [1]) ENGINE = Memory");
    accept(&mut lab.delivery(&[]), "t", &["{}", "{\"x\":1}"]);
    assert_eq!(lab.rows("t"), ["{\"k\":5,\"list\":[1]}\n"; 2]);
}
