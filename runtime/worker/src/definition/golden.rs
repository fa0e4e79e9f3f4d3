//! Replays what a Java worker was asked and answered: same shape, same order, same values and errors.

use serde_json::{Value as Json, json};

use super::{Config, Definition, Kind, Plugin, Validation, Worker, parse, plugin_config, validate};

/// Answers of Apache Kafka Connect 4.3.1, without its documentation texts.
const RECORDED: &str = include_str!("golden.json");

/// Where we answer otherwise on purpose, or cannot answer the same.
const DIFFERENT: [(&str, &str); 2] = [
    ("validate converter plugin.version", "the recorded worker had that converter twice, and lists both"),
    ("validate connector.plugin.version missing", "the answer is complete where Java's stops half way"),
];

fn recorded() -> Json {
    serde_json::from_str(RECORDED).unwrap()
}

fn own_settings(kind: Kind) -> Vec<Definition> {
    let file = json!({"name": "file", "importance": "HIGH"});
    let declared = match kind {
        Kind::Sink | Kind::Pipe => json!([file]),
        Kind::Source => json!([
            file,
            {"name": "topic", "required": true, "importance": "HIGH", "validator": {"kind": "non_empty"}},
            {"name": "batch.size", "type": "INT", "default": 2000, "importance": "LOW"},
        ]),
    };
    parse("FileStream", declared.to_string().as_bytes()).unwrap()
}

fn worker() -> Worker {
    Worker {
        version: VERSION.to_owned(),
        classes: vec![SINK.to_owned(), SOURCE.to_owned()],
        ..Worker::default()
    }
}

fn answer(kind: Kind, body: &Json) -> Validation {
    let text = |value: &Json| match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let config: Config = body.as_object().unwrap().iter().map(|(k, v)| (k.clone(), text(v))).collect();
    let class = if kind == Kind::Sink { SINK } else { SOURCE };
    let settings = own_settings(kind);
    let plugin = Plugin { kind, class, version: VERSION, settings: &settings, problems: &[] };
    validate(&plugin, &worker(), &config)
}

/// Our answer in the recording's form: no documentation, versions masked.
fn masked(answer: &Validation) -> Json {
    let mut answer = serde_json::to_value(answer).unwrap();
    for config in answer["configs"].as_array_mut().unwrap() {
        config["definition"].as_object_mut().unwrap().shift_remove("documentation");
        let value = config["value"].as_object_mut().unwrap();
        if value["value"] == VERSION && value["name"].as_str().unwrap().ends_with(".plugin.version") {
            value["value"] = json!("<version>");
        }
        mask_versions(&mut value["recommended_values"]);
        // The recording leaves these out; `tests/conformance` compares them.
        if value["name"]
            .as_str()
            .unwrap()
            .split_once('.')
            .is_some_and(|(list, _)| list == "transforms" || list == "predicates")
        {
            value["recommended_values"] = json!([]);
        }
        for error in value["errors"].as_array_mut().unwrap() {
            let text = error.as_str().unwrap().replace("versions: [4.3.1]", "versions: [<version>]");
            *error = json!(text);
        }
    }
    answer
}

fn mask_versions(list: &mut Json) {
    for item in list.as_array_mut().unwrap().iter_mut().filter(|item| **item == VERSION) {
        *item = json!("<version>");
    }
}

/// The recorded answer to a case, put together from the kind's plain answer and what this case changed.
fn expected(recorded: &Json, case: &Json) -> Json {
    let kind = case["kind"].as_str().unwrap();
    let plain = recorded[kind]["configs"].as_array().unwrap();
    let empty = Vec::new();
    let changed = case["changed"].as_array().unwrap_or(&empty);
    let name = |entry: &Json| entry[0]["name"].clone();
    let names: Vec<Json> = match case["names"].as_array() {
        Some(names) => names.clone(),
        None => plain.iter().map(name).collect(),
    };
    let configs: Vec<Json> = names
        .iter()
        .map(|n| {
            let entry = changed.iter().chain(plain).find(|entry| &name(entry) == n).unwrap();
            json!({"definition": entry[0], "value": entry[1]})
        })
        .collect();
    let groups = if case["groups"].is_null() { &recorded[kind]["groups"] } else { &case["groups"] };
    json!({"name": case["answer_name"], "error_count": case["error_count"], "groups": groups, "configs": configs})
}

fn kind_of(case: &Json) -> Kind {
    if case["kind"] == "sink" { Kind::Sink } else { Kind::Source }
}

/// Where two answers differ first, for the failure's message.
fn difference(ours: &Json, theirs: &Json) -> Option<String> {
    for key in ["name", "error_count", "groups"] {
        if ours[key] != theirs[key] {
            return Some(format!("{key}: {} where Java has {}", ours[key], theirs[key]));
        }
    }
    let (ours, theirs) = (ours["configs"].as_array().unwrap(), theirs["configs"].as_array().unwrap());
    for (place, theirs) in theirs.iter().enumerate() {
        // Text, so that the order of keys counts.
        let (ours, theirs) = (ours.get(place).map(Json::to_string), theirs.to_string());
        if ours.as_deref() != Some(&theirs) {
            return Some(format!("{} where Java has {theirs}", ours.unwrap_or_default()));
        }
    }
    (ours.len() > theirs.len()).then(|| format!("also {}", ours[theirs.len()]))
}

#[test]
fn answers_are_those_of_a_java_worker() {
    let recorded = recorded();
    let cases = recorded["cases"].as_array().unwrap();
    let mut equal = 0;
    let mut failures = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let ours = masked(&answer(kind_of(case), &case["body"]));
        let is_different = DIFFERENT.iter().any(|(n, _)| *n == name);
        match difference(&ours, &expected(&recorded, case)) {
            None => equal += 1,
            Some(_) if is_different => {}
            Some(difference) => failures.push(format!("{name}: {difference}")),
        }
    }
    println!("{equal} of {} recorded answers are the same", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(equal + DIFFERENT.len(), cases.len(), "a case listed as different is the same by now");
}

#[test]
fn a_plugins_settings_are_listed_as_a_java_worker_lists_them() {
    for (kind, name) in [(Kind::Sink, "sink"), (Kind::Source, "source")] {
        let listed = serde_json::to_value(plugin_config(kind, VERSION, &own_settings(kind))).unwrap();
        let listed: Vec<Json> =
            listed.as_array().unwrap().iter().map(|s| json!([s["name"], s["default_value"]])).collect();
        assert_eq!(json!(listed), recorded()["plugin_config"][name]);
    }
}

const VERSION: &str = "4.3.1";
const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
