//! Tables for samples and schemas, and what is said of input that makes none.
use super::*;

fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().copied().collect()
}

fn asked(pairs: &[(&str, &str)], input: &str) -> serde_json::Value {
    let answer = ask("table", &config(pairs), input).unwrap().unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn refused(pairs: &[(&str, &str)], input: &str, expected: &str) {
    let error = ask("table", &config(pairs), input).unwrap_err();
    assert_eq!(error.message(), expected, "{input}");
}

#[test]
fn a_sample_of_records_makes_a_table() {
    let input = r#"{"topic":"orders","records":[
        {"key":"k","value":{"id":1,"at":"2024-05-06T07:08:09Z","\"":[true]}},
        {"value":"{\"id\":2,\"note\":null}"}, {"value":null}]}"#;
    let answer = asked(&[("database", "shop"), ("topic2TableMap", "orders=o")], input);
    assert_eq!(answer["table"], "shop.o");
    let statement = answer["statement"].as_str().unwrap();
    assert!(statement.starts_with("CREATE TABLE IF NOT EXISTS `shop`.`o` ("), "{statement}");
    let columns = answer["columns"].as_array().unwrap();
    let ty = |name: &str| columns.iter().find(|column| column["name"] == name).map(|column| &column["type"]);
    assert_eq!(ty("id"), Some(&"Int64".into()), "{columns:?}");
    assert_eq!(ty("\""), Some(&"Array(Bool)".into()));
    assert!(ty("_offset").is_some());
    for column in columns {
        assert!(statement.contains(column["type"].as_str().unwrap()), "{statement}");
    }
}

#[test]
fn a_schema_makes_a_table_and_topics_name_it() {
    let schema = r#"{"type":"record","name":"O","fields":[{"name":"id","type":"long"},{"name":"s","type":["null","string"]}]}"#;
    for input in [format!("{{\"schema\":{schema}}}"), serde_json::json!({"schema": schema}).to_string()] {
        let answer = asked(&[("topics", "o,p"), ("tableOrderBy", "id")], &input);
        assert!(answer["statement"].as_str().unwrap().ends_with("ORDER BY (id)"), "{answer}");
        let has = |name: &str, ty: &str| {
            answer["columns"].as_array().unwrap().contains(&serde_json::json!({"name": name, "type": ty}))
        };
        assert!(has("id", "Int64") && has("s", "Nullable(String)"), "{answer}");
    }
}

/// The columns of an answer, but those that every table has.
fn columns(answer: &serde_json::Value) -> String {
    let columns = answer["columns"].as_array().unwrap().iter();
    let text = columns
        .map(|column| format!("{} {}", column["name"].as_str().unwrap(), column["type"].as_str().unwrap()));
    text.filter(|text| !text.starts_with('_')).collect::<Vec<_>>().join(", ")
}

const PROTO: &str = r#"syntax = "proto3"; package shop; import "money.proto"; import "google/protobuf/timestamp.proto";
    message First { int32 a = 1; message Inner { string in = 1; } }
    message Order { int64 id = 1; optional double share = 2; repeated string tags = 3; E state = 4; Price price = 5;
      google.protobuf.Timestamp at = 6; map<string, uint32> counts = 7; }
    enum E { OPEN = 0; }"#;

fn proto(more: &serde_json::Value) -> String {
    let price = "syntax = \"proto3\"; package shop; message Price { int64 units = 1; string currency = 2; }";
    let mut input = serde_json::json!({"topic": "t", "schema": PROTO, "schemaType": "PROTOBUF",
        "references": [{"name": "money.proto", "schema": price}]});
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input.to_string()
}

#[test]
fn a_message_makes_a_table() {
    let order = "id Int64, share Nullable(Float64), tags Array(String), state LowCardinality(String), \
        price Tuple(`units` Int64, `currency` String), at Nullable(DateTime64(6, 'UTC')), counts Map(String, UInt32)";
    for name in ["Order", "shop.Order"] {
        let answer = asked(&[], &proto(&serde_json::json!({"message": name})));
        assert_eq!(columns(&answer), order);
        assert!(answer["statement"].as_str().unwrap().contains("`counts` Map(String, UInt32)"), "{answer}");
    }
    assert_eq!(columns(&asked(&[], &proto(&serde_json::json!({})))), "a Int32");
    assert_eq!(columns(&asked(&[], &proto(&serde_json::json!({"message": "First.Inner"})))), "in String");
    // The converter says it as well, and what becomes of enums.
    let converter = ("value.converter", "io.confluent.connect.protobuf.ProtobufConverter");
    let input = proto(&serde_json::json!({"schemaType": null, "message": "Order"}));
    let answer = asked(&[converter, ("value.converter.int.for.enums", "true")], &input);
    assert_eq!(columns(&answer), order.replace("LowCardinality(String)", "Int32"));
    let flat = asked(&[("flattenSeparator", "_")], &proto(&serde_json::json!({"message": "Order"})));
    assert!(columns(&flat).contains("price_units Nullable(Int64)"), "{flat}");
}

#[test]
fn schemas_that_make_no_table_are_told_why() {
    let told = |more: serde_json::Value, expected: &str| {
        let error = ask("table", &config(&[]), &proto(&more)).unwrap_err();
        assert!(error.message().starts_with(expected), "{error}");
    };
    told(serde_json::json!({"message": "Nobody"}), "input.message: the schema has no message Nobody");
    told(serde_json::json!({"schemaType": "XML"}), "input.schemaType: expected AVRO or PROTOBUF, got XML");
    told(serde_json::json!({"schema": "message {"}), "input.schema: Protobuf schema: ");
    told(
        serde_json::json!({"schema": "syntax = \"proto3\";"}),
        "input.schema: the Protobuf schema has no message",
    );
    told(serde_json::json!({"references": []}), "input.schema: Protobuf schema: ");
    told(serde_json::json!({"references": 7}), "input: expected a list of references at byte ");
    told(serde_json::json!({"references": [{"nam": ""}]}), "input: expected name or schema at byte ");
    told(serde_json::json!({"schemaType": "AVRO", "message": "Order"}), "input.message: only Protobuf has");
}

#[test]
fn an_avro_schema_may_refer_to_others() {
    let inner = r#"{"type":"record","name":"I","fields":[{"name":"x","type":"int"}]}"#;
    let outer = r#"{"type":"record","name":"O","fields":[{"name":"i","type":"I"}]}"#;
    let input =
        serde_json::json!({"topic": "t", "schema": outer, "references": [{"name": "I", "schema": inner}]});
    assert_eq!(columns(&asked(&[], &input.to_string())), "i Tuple(`x` Int32)");
}

#[test]
fn converters_say_what_values_and_keys_are() {
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let input =
        r#"{"topic":"t","records":[{"key":{"id":7},"value":{"schema":null,"payload":{"id":7,"n":1}}}]}"#;
    let names = |pairs: &[(&str, &str)]| -> Vec<String> {
        let answer = asked(pairs, input);
        let name = |column: &serde_json::Value| column["name"].as_str().unwrap().to_owned();
        answer["columns"].as_array().unwrap().iter().map(name).filter(|name| !name.starts_with('_')).collect()
    };
    assert_eq!(names(&[("value.converter", json)]), ["id", "n"]);
    assert_eq!(
        names(&[("value.converter", json), ("value.converter.schemas.enable", "false")]),
        ["schema", "payload"]
    );
    let upserts = [
        ("value.converter", json),
        ("key.converter", json),
        ("key.converter.schemas.enable", "false"),
        ("upsertMode", "tombstones"),
    ];
    let statement = asked(&upserts, input)["statement"].as_str().unwrap().to_owned();
    assert!(statement.contains("ReplacingMergeTree") && statement.contains("ORDER BY (`id`)"), "{statement}");
}

#[test]
fn input_that_makes_no_table_is_told_what_is_expected() {
    let either = input::NOTHING;
    refused(&[], "null", either);
    refused(&[("topics", "t"), ("value.converter", "JsonConverter")], "null", either);
    refused(&[], "7", "input: expected an object at byte 0 of 7");
    refused(&[], r#"{"topic":"t","records":[{"value":{"a":1}}],"schema":"\"int\""}"#, either);
    refused(&[], "{}", either);
    refused(&[], r#"{"records":[],"topic":"t"}"#, either);
    refused(&[], r#"{"records":[{"value":{"a":1}}]}"#, "input.topic: expected a topic, as topics names none");
    refused(&[], r#"{"records":7}"#, "input: expected a list of records at byte 11 of {\"records\":7}");
    refused(
        &[],
        r#"{"recrods":7}"#,
        "input: expected topic, records, schema, schemaType, message or references at byte 11 of {\"recrods\":7}",
    );
    refused(
        &[],
        r#"{"topic":"t","records":[{"value":"no JSON"}]}"#,
        "input: no record has a field that a column could be made of",
    );
    refused(
        &[("tableCreation", "maybe")],
        r#"{"topic":"t","records":[{"value":{"a":1}}]}"#,
        "tableCreation: expected off or create, got \"maybe\"",
    );
    refused(
        &[("insertFormat", "csv")],
        r#"{"topic":"t","records":[{"value":{"a":1}}]}"#,
        "insertFormat: lines of cells have no names and types to go by",
    );
    assert_eq!(ask("weather", &config(&[]), "null").unwrap(), None);
}
