//! What a sink's offsets may look like, in Connect's words.
use super::{Wanted, parse};
use crate::api::OffsetChange;
use serde_json::{Value, json};

fn change(partition: &Value, offset: &Value) -> OffsetChange {
    OffsetChange { partition: partition.as_object().cloned(), offset: offset.as_object().cloned() }
}

#[test]
fn numbers_may_be_texts_and_other_fields_are_ignored() {
    let check = |partition: Value, offset: Value, expected: Option<i64>| {
        let wanted = parse(&[change(&partition, &offset)]).unwrap();
        assert_eq!(wanted, Wanted::from([(("t".to_owned(), 0), expected)]), "{partition} {offset}");
    };
    let place = json!({"kafka_topic": "t", "kafka_partition": 0});
    check(place.clone(), json!({"kafka_offset": 7}), Some(7));
    check(place.clone(), json!({"kafka_offset": "7", "x": 1}), Some(7));
    check(json!({"kafka_topic": "t", "kafka_partition": "0", "x": 1}), json!({"kafka_offset": -1}), Some(-1));
    check(place, json!(null), None);
}

#[test]
fn the_last_of_two_for_one_partition_counts() {
    let place = json!({"kafka_topic": "t", "kafka_partition": 3});
    let twice = [change(&place, &json!({"kafka_offset": 1})), change(&place, &json!({"kafka_offset": 2}))];
    assert_eq!(parse(&twice).unwrap(), Wanted::from([(("t".to_owned(), 3), Some(2))]));
}

#[test]
fn wrong_shapes_have_connect_s_sentences() {
    let check = |partition: Value, offset: Value, expected: &str| {
        let refusal = parse(&[change(&partition, &offset)]).unwrap_err();
        assert_eq!((refusal.status(), refusal.to_string().as_str()), (400, expected));
    };
    let place = json!({"kafka_topic": "t", "kafka_partition": 0});
    let some = json!({"kafka_offset": 1});
    let keys =
        "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'";
    check(json!(null), some.clone(), "The partition for a sink connector offset cannot be null or missing");
    check(json!({"kafka_partition": 0}), some.clone(), keys);
    check(json!({"filename": "x"}), some.clone(), keys);
    check(
        json!({"kafka_topic": null, "kafka_partition": 0}),
        some.clone(),
        "Kafka topic names must be valid strings and may not be null",
    );
    check(
        json!({"kafka_topic": "t", "kafka_partition": null}),
        some.clone(),
        "Kafka partitions must be valid numbers and may not be null",
    );
    for bad in [json!("x"), json!(1.5), json!(3_000_000_000_i64), json!(true)] {
        let shown = bad.as_str().map_or_else(|| bad.to_string(), str::to_owned);
        let sentence = format!(
            "Failed to parse the following Kafka partition value in the provided offsets: '{shown}'. Partition \
             values for sink connectors need to be integers."
        );
        check(json!({"kafka_topic": "t", "kafka_partition": bad}), some.clone(), &sentence);
    }
    check(
        place.clone(),
        json!({"x": 1}),
        "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
    );
    for bad in [json!("x"), json!(1.5), json!(null)] {
        let shown = bad.as_str().map_or_else(|| bad.to_string(), str::to_owned);
        let sentence = format!(
            "Failed to parse the following Kafka offset value in the provided offsets: '{shown}'. Offset values for \
             sink connectors need to be integers."
        );
        check(place.clone(), json!({"kafka_offset": bad}), &sentence);
    }
}
