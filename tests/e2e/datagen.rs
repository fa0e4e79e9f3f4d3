//! The data generator: as many records as asked for, at the rate asked for, the same for the same seed.

use penstock_tests::poll::until_calm;
use penstock_tests::{Kafka, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub fn datagen(topic: &str, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "Datagen",
        "tasks.max": "1",
        "topic": topic,
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

pub fn total(kafka: &Kafka, topic: &str) -> i64 {
    kafka.ends(topic).iter().sum()
}

#[test]
fn a_seed_and_a_total_give_the_same_records_every_time() {
    let kafka = Kafka::shared();
    let mut worker = Worker::distributed().start();
    let generate = |seed: &str| -> Vec<String> {
        let topic = unique("generated");
        kafka.create_topic(&topic, 1);
        let fields = "id:sequence,name:string(8..16),price:decimal(1..1000,2),country:choice(DE|FR)";
        worker.create(&topic, &datagen(&topic, &[("fields", fields), ("total", "500"), ("seed", seed)]));
        until("500 records", SOON, || total(&kafka, &topic) >= 500);
        let ended =
            until_calm("the generator to end", Duration::from_secs(1), SOON, || total(&kafka, &topic));
        assert_eq!(ended, 500, "the total is exact");
        kafka.read(&topic).iter().map(|record| record.text().to_owned()).collect()
    };
    let (first, again, other) = (generate("7"), generate("7"), generate("8"));
    assert_eq!(first, again);
    assert_ne!(first, other);
    for text in &first {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(value.as_object().is_some_and(|fields| fields.len() == 4), "{text}");
    }
    worker.stop();
}

#[test]
fn the_rate_is_kept() {
    let kafka = Kafka::shared();
    let topic = unique("paced");
    kafka.create_topic(&topic, 1);
    let mut worker = Worker::distributed().start();
    worker.create(&topic, &datagen(&topic, &[("rate", "100")]));
    until("the first record", SOON, || total(&kafka, &topic) > 0);
    let (start, before) = (Instant::now(), total(&kafka, &topic));
    until("300 more records", SOON, || total(&kafka, &topic) >= before + 300);
    // Never faster than asked for; how much slower is the machine's affair.
    let rate = (total(&kafka, &topic) - before) as f64 / start.elapsed().as_secs_f64();
    assert!(rate < 150.0, "{rate} records a second, where 100 were asked for");
    worker.stop();
}
