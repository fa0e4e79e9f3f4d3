//! Validates every transform and predicate as a Java worker was asked to: same settings, order, values and errors.

use serde_json::{Value as Json, json};

use super::{Config, Kind, Plugin, Worker, validate};

/// Answers of Apache Kafka Connect 4.3.1, without its documentation texts and without the lists of classes.
const RECORDED: &str = include_str!("transforms_golden.json");

const VERSION: &str = "4.3.1";

fn answer(given: &Json) -> (usize, Json) {
    let mut config: Config = [("connector.class", "S"), ("name", "v"), ("topics", "a")]
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
        .into_iter()
        .collect();
    for (key, value) in given.as_object().unwrap() {
        config.insert(key.clone(), value.as_str().map(str::to_owned));
    }
    let worker = Worker { version: VERSION.to_owned(), ..Worker::default() };
    let plugin = Plugin { kind: Kind::Sink, class: "S", version: "1", settings: &[], problems: &[] };
    let answer = validate(&plugin, &worker, &config);
    let all = serde_json::to_value(&answer.configs).unwrap();
    let own = all.as_array().unwrap().iter().filter(|setting| {
        let name = setting["value"]["name"].as_str().unwrap();
        name.starts_with("transforms.") || name.starts_with("predicates.")
    });
    let masked = own.map(|setting| {
        let (mut definition, mut value) = (setting["definition"].clone(), setting["value"].clone());
        definition.as_object_mut().unwrap().remove("documentation");
        value.as_object_mut().unwrap().remove("recommended_values");
        if definition["name"].as_str().unwrap().ends_with(".plugin.version") {
            definition.as_object_mut().unwrap().remove("default_value");
            if value["value"] == VERSION {
                value["value"] = json!("<version>");
            }
        }
        let text =
            json!([definition, value]).to_string().replace("versions: [4.3.1]", "versions: [<version>]");
        serde_json::from_str(&text).unwrap()
    });
    (answer.error_count, masked.collect::<Vec<Json>>().into())
}

#[test]
fn transforms_are_validated_as_by_a_java_worker() {
    let recorded: Json = serde_json::from_str(RECORDED).unwrap();
    let mut failures = Vec::new();
    for case in recorded.as_array().unwrap() {
        let (error_count, settings) = answer(&case["config"]);
        let (ours, theirs) = (settings.as_array().unwrap(), case["settings"].as_array().unwrap());
        let different =
            (0..ours.len().max(theirs.len())).find(|place| ours.get(*place) != theirs.get(*place));
        if let Some(place) = different {
            let shown = |list: &[Json]| list.get(place).map(Json::to_string).unwrap_or_default();
            failures.push(format!("{}:\n  ours {}\n  java {}", case["name"], shown(ours), shown(theirs)));
        } else if case["error_count"] != error_count {
            failures.push(format!(
                "{}: {error_count} errors where Java has {}",
                case["name"], case["error_count"]
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_classes_to_choose_from_are_offered() {
    let worker = Worker::default();
    let plugin = Plugin { kind: Kind::Sink, class: "S", version: "1", settings: &[], problems: &[] };
    let config: Config = [("transforms", "t"), ("predicates", "p")]
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
        .into_iter()
        .collect();
    let answer = validate(&plugin, &worker, &config);
    let offered = |name: &str| {
        let setting = answer.configs.iter().find(|setting| setting.value.name == name).unwrap();
        setting.value.recommended_values.len()
    };
    assert_eq!((offered("transforms.t.type"), offered("predicates.p.type")), (26, 3));
}
