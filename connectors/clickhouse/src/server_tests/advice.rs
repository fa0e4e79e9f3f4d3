//! What a person is told of tables while a configuration is validated.
use serde_json::Value;

use super::*;
use crate::binary::fake::Fake;
use crate::question::ask;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

fn told(lab: &Lab, settings: &[(&str, &str)]) -> Vec<String> {
    let config = config(settings).with("database", &lab.database).with("topics", "s");
    let answer = ask("advice", &config, "null").unwrap().unwrap();
    let answer: Vec<Value> = serde_json::from_str(&answer).unwrap();
    assert!(answer.iter().all(|advice| advice["setting"] == "topics"), "{answer:?}");
    answer.iter().map(|advice| advice["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_table_that_is_missing_is_told_with_the_statement_that_makes_it() {
    let lab = Lab::new();
    let registry = Fake::start();
    registry.register(r#"{"type":"record","name":"S","fields":[{"name":"k","type":"long"}]}"#);
    let avro = [("value.converter", AVRO), ("value.converter.schema.registry.url", registry.address())];
    let missing =
        format!("table s does not exist in database {}, or the user may not see its columns", lab.database);
    let statement = format!("CREATE TABLE IF NOT EXISTS `{}`.`s` (", lab.database);

    let [sentence] = <[String; 1]>::try_from(told(&lab, &avro)).unwrap();
    assert!(sentence.starts_with(&missing) && sentence.contains(&statement), "{sentence}");
    assert!(sentence.contains("`k` Int64"), "{sentence}");
    assert_eq!(told(&lab, &[("value.converter", JSON)]), [missing.as_str()], "no schema, no statement");
    let away = [avro[0], ("value.converter.schema.registry.url", "http://127.0.0.1:1")];
    assert_eq!(told(&lab, &away), [missing.as_str()], "a registry that is away");
    assert!(told(&lab, &[avro[0], avro[1], ("tableCreation", "create")]).is_empty(), "it will be made");
    assert!(
        told(&lab, &[avro[0], avro[1], ("url", "http://127.0.0.1:1")]).is_empty(),
        "a server that is away"
    );
    assert!(told(&lab, &[avro[0], avro[1], ("tableCreation", "maybe")]).is_empty(), "wrong settings");

    // What the statement makes is a table that nothing more is said of.
    let (_, made) = sentence.split_once("would run ").unwrap();
    lab.run(made);
    assert!(told(&lab, &avro).is_empty());
}

#[test]
fn a_question_without_records_takes_what_the_registry_has() {
    let asked_at = |registry: &Fake| -> Config {
        [("value.converter", AVRO), ("value.converter.schema.registry.url", registry.address())]
            .into_iter()
            .collect()
    };
    let unknown = ask("table", &asked_at(&Fake::start()), r#"{"topic":"s"}"#).unwrap_err();
    assert!(unknown.message().starts_with("value.converter: subject s-value, version latest"), "{unknown}");
    let registry = Fake::start();
    registry.register(r#"{"type":"record","name":"S","fields":[{"name":"k","type":"int"}]}"#);
    let config = asked_at(&registry);
    let address = format!("{}/subjects/s/versions/1", registry.address());
    let other = config.clone().with("value.converter.schema.registry.url", address);
    for (config, topic) in [(&config, "s"), (&other, "t")] {
        let answer = ask("table", config, &format!("{{\"topic\":\"{topic}\"}}")).unwrap().unwrap();
        assert!(answer.contains("`k` Int32"), "{answer}");
    }
}
