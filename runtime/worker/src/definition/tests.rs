//! Behaviour that the recorded answers do not show.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), Some((*v).to_owned()))).collect()
}

fn sink(extra: &[(&str, &str)]) -> Config {
    let mut all = config(&[("name", "n"), ("connector.class", "Some"), ("topics", "a")]);
    all.extend(config(extra));
    all
}

fn check(kind: Kind, settings: &[Definition], problems: &[Problem], config: &Config) -> Validation {
    let plugin = Plugin { kind, class: "Some", version: "1.0.0", settings, problems };
    validate(&plugin, &Worker::default(), config)
}

fn errors(validation: &Validation) -> Vec<String> {
    let of = |s: &Setting| s.value.errors.iter().map(|e| format!("{}|{e}", s.value.name)).collect::<Vec<_>>();
    validation.configs.iter().flat_map(of).collect()
}

fn value<'a>(validation: &'a Validation, name: &str) -> &'a Value {
    &validation.configs.iter().find(|s| s.value.name == name).unwrap().value
}

#[test]
fn every_type_and_rule_refuses_with_javas_words() {
    let declared = json!([
        {"name": "b", "type": "BOOLEAN"},
        {"name": "s", "type": "SHORT"},
        {"name": "l", "type": "LONG"},
        {"name": "d", "type": "DOUBLE"},
        {"name": "r", "type": "INT", "validator": {"kind": "range", "min": 1, "max": 10}},
        {"name": "f", "type": "DOUBLE", "validator": {"kind": "range", "min": 0.5, "max": null}},
        {"name": "o", "validator": {"kind": "one_of", "values": ["x", "Y"]}},
        {"name": "i", "validator": {"kind": "one_of", "values": ["x", "Y"], "case_sensitive": false}},
        {"name": "e", "validator": {"kind": "non_empty"}},
        {"name": "p", "validator": {"kind": "regex", "pattern": "[a-z]+"}},
    ]);
    let settings = parse("some", declared.to_string().as_bytes()).unwrap();
    for (name, given, error) in [
        ("b", "TRUE", ""),
        ("b", "yes", "Expected value to be either true or false"),
        ("s", "-32768", ""),
        ("s", "40000", "Not a number of type SHORT"),
        ("l", "9223372036854775808", "Not a number of type LONG"),
        ("d", "1e3", ""),
        ("d", "1,5", "Not a number of type DOUBLE"),
        ("r", "10", ""),
        ("r", "11", "Value must be no more than 10"),
        ("r", "0", "Value must be at least 1"),
        ("f", "0.5", ""),
        ("f", "0.25", "Value must be at least 0.5"),
        ("f", "NaN", "Value must be at least 0.5"),
        ("o", "Y", ""),
        ("o", "y", "String must be one of: x, Y"),
        ("i", "y", ""),
        ("i", "z", "String must be one of (case insensitive): x, Y"),
        ("e", " ", "String must be non-empty"),
        ("p", "abc", ""),
        ("p", "abc1", "Value must match the pattern [a-z]+"),
    ] {
        let answer = check(Kind::Sink, &settings, &[], &sink(&[(name, given)]));
        let shown = if error.is_empty() {
            vec![]
        } else {
            let given = given.trim();
            vec![format!("{name}|Invalid value {given} for configuration {name}: {error}")]
        };
        assert_eq!(errors(&answer), shown, "{name}={given}");
    }
}

#[test]
fn a_secret_is_never_shown() {
    let declared = json!([{"name": "password", "type": "PASSWORD", "default": "d3fault",
                           "validator": {"kind": "regex", "pattern": "[0-9]+"}}]);
    let settings = parse("some", declared.to_string().as_bytes()).unwrap();
    for config in [sink(&[("password", "hunter2")]), sink(&[])] {
        let answer = check(Kind::Sink, &settings, &[], &config);
        let text = serde_json::to_string(&answer).unwrap() + &answer.refusal().unwrap();
        assert!(!text.contains("hunter2") && !text.contains("d3fault"), "{text}");
        assert_eq!(value(&answer, "password").value.as_deref(), Some("[hidden]"));
    }
}

#[test]
fn a_bad_declaration_names_plugin_and_setting() {
    for (json, part) in [
        ("{", "plugin p: declared settings are not a JSON array of objects"),
        ("{}", "plugin p: declared settings are not"),
        ("[1]", "setting number 1: "),
        (r#"[{"type":"INT"}]"#, "setting number 1: missing field `name`"),
        (r#"[{"name":""}]"#, "a name is not empty"),
        (r#"[{"name":"a","type":"MAP"}]"#, "setting a: unknown variant `MAP`"),
        (r#"[{"name":"a","type":"INT","default":"x"}]"#, "setting a: default: Invalid value x"),
        (r#"[{"name":"a","default":{}}]"#, "setting a: default: expected a string"),
        (r#"[{"name":"a"},{"name":"a"}]"#, "setting a: declared twice"),
        (r#"[{"name":"a","validator":{"kind":"magic"}}]"#, "setting a: unknown variant `magic`"),
        (
            r#"[{"name":"a","validator":{"kind":"regex","pattern":"("}}]"#,
            "setting a: validator: invalid regex",
        ),
    ] {
        let error = parse("p", json.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("plugin p: ") && error.contains(part), "{json}: {error}");
    }
}

#[test]
fn a_plugins_problem_stands_at_its_setting_once() {
    let settings = parse("p", br#"[{"name":"host","required":true},{"name":"port","type":"INT"}]"#).unwrap();
    let problem =
        |setting: &str, sentence: &str| Problem { setting: setting.into(), sentence: sentence.into() };
    let problems =
        [problem("host", "host: expected a value"), problem("port", "is taken"), problem("x", "odd")];
    let answer = check(Kind::Sink, &settings, &problems, &sink(&[("port", "1")]));
    assert_eq!(
        errors(&answer),
        [
            "connector.class|x: odd",
            "host|Missing required configuration \"host\" which has no default value.",
            "port|is taken",
        ]
    );
}

#[test]
fn unknown_keys_are_no_errors_and_name_the_nearest() {
    let config = sink(&[
        ("task.max", "1"),
        ("zzzzzz", "1"),
        ("consumer.override.client.id", "1"),
        ("topic.creation.x", "1"),
    ]);
    let answer = check(Kind::Sink, &[], &[], &config);
    assert_eq!(answer.error_count, 0);
    let unknown: Vec<_> = answer.unknown.iter().map(|(k, n)| (k.as_str(), n.as_deref())).collect();
    assert_eq!(unknown, [("task.max", Some("tasks.max")), ("zzzzzz", None), ("topic.creation.x", None)]);
}

#[test]
fn the_size_of_batches_is_known_where_there_is_a_sink() {
    let key = "penstock.batch.rows.max";
    let unknown = |kind, pairs: &[(&str, &str)]| {
        let answer = check(kind, &[], &[], &sink(pairs));
        answer.unknown.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(unknown(Kind::Sink, &[(key, "1")]), Vec::<String>::new());
    assert_eq!(unknown(Kind::Sink, &[("penstock.batch.rows", "1")]), ["penstock.batch.rows"]);
    assert!(unknown(Kind::Source, &[(key, "1")]).contains(&key.to_owned()));
    let of_pipe = unknown(Kind::Pipe, &[(key, "1"), ("sink.penstock.batch.rows.max", "1")]);
    assert!(of_pipe.contains(&key.to_owned()) && !of_pipe.iter().any(|key| key.starts_with("sink.")));
}

#[test]
fn what_a_pipes_source_may_leave_out_is_known_to_it() {
    let config = sink(&[("source.errors.tolerance", "all")]);
    for (kind, is_known) in [(Kind::Pipe, true), (Kind::Source, false), (Kind::Sink, false)] {
        let answer = check(kind, &[], &[], &config);
        let is_unknown = answer.unknown.iter().any(|(key, _)| key == "source.errors.tolerance");
        assert_eq!(is_unknown, !is_known, "{kind:?}");
    }
}

#[test]
fn overrides_are_held_to_the_workers_policy() {
    let settings = [];
    for (policy, key, refused) in [
        ("Safe", "consumer.override.group.id", false),
        ("Safe", "consumer.override.bootstrap.servers", true),
        ("Safe", "consumer.override.x", true),
        ("All", "consumer.override.group.id", false),
        ("All", "consumer.override.bootstrap.servers", false),
        ("None", "consumer.override.group.id", true),
        ("None", "admin.override.client.id", true),
        ("Principal", "consumer.override.sasl.mechanism", false),
        ("Principal", "consumer.override.group.id", true),
        ("Allowlist", "consumer.override.max.poll.records", false),
        ("Allowlist", "producer.override.acks", true),
    ] {
        let worker = Worker {
            override_policy: OverridePolicy::parse(policy, vec!["max.poll.records".to_owned()]).unwrap(),
            ..Worker::default()
        };
        let plugin =
            Plugin { kind: Kind::Sink, class: "Some", version: "1", settings: &settings, problems: &[] };
        let answer = validate(&plugin, &worker, &sink(&[(key, "1")]));
        assert_eq!(answer.error_count, usize::from(refused), "{policy} {key}: {:?}", errors(&answer));
    }
}

#[test]
fn no_policy_lets_a_connector_run_code_or_read_files() {
    let allowed = vec!["plugin.library.paths".to_owned(), "sasl.jaas.config".to_owned()];
    for policy in [OverridePolicy::Safe, OverridePolicy::All, OverridePolicy::Allowlist(allowed)] {
        for client in ["producer", "consumer", "admin"] {
            for (name, value) in [
                ("plugin.library.paths", "/tmp/evil.so"),
                ("ssl.keystore.location", "/etc/shadow"),
                ("sasl.login.callback.handler.class", "some.Handler"),
                ("sasl.jaas.config", "com.sun.security.auth.module.JndiLoginModule required x=hunter2;"),
            ] {
                let worker = Worker { override_policy: policy.clone(), ..Worker::default() };
                let plugin =
                    Plugin { kind: Kind::Sink, class: "Some", version: "1", settings: &[], problems: &[] };
                let key = format!("{client}.override.{name}");
                let answer = validate(&plugin, &worker, &sink(&[(&key, value)]));
                let errors = errors(&answer);
                assert_eq!(errors.len(), 1, "{policy:?} {key}: {errors:?}");
                assert!(errors[0].starts_with(&key) && !errors[0].contains("hunter2"), "{errors:?}");
            }
        }
    }
}

#[test]
fn the_refusal_has_connects_form() {
    let answer = check(Kind::Sink, &[], &[], &sink(&[("tasks.max", "0")]));
    assert_eq!(
        answer.refusal().unwrap(),
        "Connector configuration is invalid and contains the following 1 error(s):\n\
         Invalid value 0 for configuration tasks.max: Value must be at least 1\n\
         You can also find the above list of errors at the endpoint \
         `/connector-plugins/{connectorType}/config/validate`"
    );
    assert_eq!(check(Kind::Sink, &[], &[], &sink(&[])).refusal(), None);
}

#[test]
fn control_characters_in_a_name_are_counted_out() {
    let answer = check(Kind::Sink, &[], &[], &sink(&[("name", "a\u{7}\u{7f}b")]));
    assert_eq!(
        errors(&answer),
        [
            "name|Invalid value a\u{7}\u{7f}b for configuration name: String may not contain control sequences but \
          had the following ASCII chars: 7, 127"
        ]
    );
}

#[test]
fn the_runtime_reads_defaults_and_what_is_set() {
    let worker = Worker::default();
    let plain = ConnectorConfig::parse(Kind::Sink, &sink(&[]), &worker).unwrap();
    assert_eq!((plain.tasks_max, plain.tasks_max_enforce), (1, true));
    assert!(matches!(&plain.topics, Topics::Listed(topics) if topics == &["a"]));
    assert_eq!(plain.errors.retry_timeout, Some(Duration::ZERO));
    assert_eq!(plain.errors.retry_delay_max, Duration::from_secs(60));
    assert_eq!(plain.dead_letters, None);
    assert_eq!(plain.value_converter, worker.value_converter);

    let set = sink(&[
        ("tasks.max", " 4 "),
        ("errors.tolerance", "all"),
        ("errors.retry.timeout", "-1"),
        ("errors.deadletterqueue.topic.name", "dead"),
        ("value.converter", "JsonConverter"),
        ("value.converter.schemas.enable", "false"),
        ("key.converter.ignored", "without a class of its own"),
        ("consumer.override.max.poll.records", "7"),
    ]);
    let set = ConnectorConfig::parse(Kind::Sink, &set, &worker).unwrap();
    assert_eq!((set.tasks_max, set.errors.tolerance, set.errors.retry_timeout), (4, Tolerance::All, None));
    assert_eq!(set.dead_letters.map(|d| (d.topic, d.replication_factor)), Some(("dead".to_owned(), 3)));
    assert_eq!(set.value_converter.class, "org.apache.kafka.connect.json.JsonConverter");
    assert_eq!(set.value_converter.settings["schemas.enable"], "false");
    assert_eq!(set.key_converter, worker.key_converter);
    assert_eq!(set.consumer["max.poll.records"], "7");
}

#[test]
fn a_wrong_value_is_named_to_the_runtime_too() {
    for (key, given) in [
        ("tasks.max", "0"),
        ("tasks.max", "x"),
        ("errors.tolerance", "some"),
        ("topics.regex", "b.*"),
        ("errors.log.enable", "maybe"),
        ("name", ""),
    ] {
        let error =
            ConnectorConfig::parse(Kind::Sink, &sink(&[(key, given)]), &Worker::default()).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn a_source_says_where_its_transactions_end_and_where_its_offsets_are() {
    let parsed = |extra: &[(&str, &str)]| {
        let mut all = config(&[("name", "n"), ("connector.class", "Some")]);
        all.extend(config(extra));
        let parsed = ConnectorConfig::parse(Kind::Source, &all, &Worker::default());
        parsed.map(|config| (config.transactions, config.offsets_topic)).map_err(|error| error.to_string())
    };
    let check =
        |given: &[(&str, &str)], expected| assert_eq!(parsed(given).unwrap().0, expected, "{given:?}");
    check(&[], Transactions::Poll);
    check(&[("transaction.boundary", " Poll ")], Transactions::Poll);
    check(&[("transaction.boundary", "INTERVAL")], Transactions::Interval(None));
    check(&[("transaction.boundary", "connector")], Transactions::Connector);
    let interval = [("transaction.boundary", "interval"), ("transaction.boundary.interval.ms", "250")];
    check(&interval, Transactions::Interval(Some(Duration::from_millis(250))));
    assert!(parsed(&[("transaction.boundary", "never")]).unwrap_err().contains("transaction.boundary"));
    let own = parsed(&[("offsets.storage.topic", "mine")]).unwrap().1;
    assert_eq!((own.as_deref(), parsed(&[]).unwrap().1), (Some("mine"), None));
}

#[test]
fn the_first_group_that_takes_a_topic_creates_it() {
    let source = |extra: &[(&str, &str)]| {
        let mut all = config(&[("name", "n"), ("connector.class", "Some")]);
        all.extend(config(extra));
        ConnectorConfig::parse(Kind::Source, &all, &Worker::default())
    };
    let parsed = source(&[
        ("topic.creation.default.replication.factor", "-1"),
        ("topic.creation.default.partitions", "2"),
        ("topic.creation.default.cleanup.policy", "compact"),
        ("topic.creation.groups", "logs, all"),
        ("topic.creation.logs.include", "log-.*,trace"),
        ("topic.creation.logs.exclude", "log-x"),
        ("topic.creation.logs.partitions", "9"),
        ("topic.creation.all.include", ".*-x"),
        ("topic.creation.all.replication.factor", "3"),
    ])
    .unwrap();
    let creation = parsed.topic_creation.unwrap();
    let of = |topic: &str| {
        let new = creation.topic(topic);
        (new.partitions, new.replication_factor, new.settings.len())
    };
    assert_eq!(of("log-1"), (9, -1, 0));
    assert_eq!(of("a-log-1"), (2, -1, 1));
    assert_eq!(of("log-x"), (2, 3, 0));
    assert!(source(&[]).unwrap().topic_creation.is_none());
    for (key, given) in [("replication.factor", "0"), ("partitions", "-7"), ("include", "(")] {
        let key = format!("topic.creation.default.{key}");
        assert!(source(&[(&key, given)]).unwrap_err().to_string().contains(&key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_config_gets_an_answer(
        pairs in prop::collection::vec(("[a-z.*(]{0,12}|topics|topics.regex|transforms|tasks.max|key.converter|\
                                         connector.plugin.version|transforms.a.type", ".{0,12}"), 0..12),
    ) {
        let config: Config = pairs.into_iter().map(|(k, v)| (k, Some(v))).collect();
        for kind in [Kind::Source, Kind::Sink] {
            let answer = check(kind, &[], &[], &config);
            prop_assert_eq!(answer.error_count > 0, answer.refusal().is_some());
            let _ = ConnectorConfig::parse(kind, &config, &Worker::default());
        }
    }

    #[test]
    fn any_declaration_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[{\"a-z:,}\\]]{0,40}") {
        let _ = parse("p", &bytes);
        let _ = parse("p", text.as_bytes());
    }
}
