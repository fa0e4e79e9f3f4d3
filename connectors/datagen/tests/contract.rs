//! The contract battery over the built library.
use testkit::{Battery, SourceBattery};

/// Fields that are the same whenever a record is made again; the default ones hold the present time.
const FIELDS: &str = "id:sequence,name:string(3..30),price:decimal(0..1000,2),uid:uuid,active:boolean";

fn datagen(fields: &str) -> SourceBattery {
    Battery::source(testkit::library("penstock-datagen"))
        .class("DatagenSource")
        .setting("topic", "orders")
        .setting("fields", fields)
        // Records are due five milliseconds after each other, so the task is found waiting when it is to end.
        .setting("rate", "200")
}

#[test]
fn json_text_keeps_the_contract() {
    datagen(FIELDS)
        .setting("format", "json")
        .setting("batch.records.max", "7")
        .refuses("fields", "id:sequense", "column 4: expected one of boolean")
        .refuses("format", "xml", "format: expected one of struct, json")
        .refuses("rate", "-1", "rate")
        .refuses("batch.records.max", "0", "batch.records.max: expected 1..=100000, got 0")
        .run();
}

#[test]
fn structured_values_keep_the_contract() {
    datagen(FIELDS)
        .setting("format", "struct")
        .setting("key.field", "uid")
        .setting("seed", "-7")
        .setting("total", "500")
        .identify(|record| {
            assert!(record.value_schema().is_some_and(|schema| schema.contains("\"field\":\"uid\"")));
            format!("{} {}", record.key().display(), record.value().display())
        })
        .refuses("key.field", "nope", "key.field: expected a name of fields, got \"nope\"")
        .run();
}

#[test]
fn the_default_record_goes_on_where_it_stood() {
    datagen("")
        .setting("format", "json")
        .identify(|record| {
            let text = record.value().display().into_owned();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value.as_object().map(serde_json::Map::len), Some(10), "{text}");
            value["id"].to_string()
        })
        .run();
}
