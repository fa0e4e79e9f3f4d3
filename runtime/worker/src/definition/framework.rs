//! The settings that every connector has, whatever its plugin declares.

use super::setting::Importance::{High, Low, Medium};
use super::setting::Type::{Boolean, Class, Int, List, Long, Short, String as Text};
use super::setting::{Definition, Width};
use super::validate::{Kind, Worker};
use super::validator::{Bound, Validator};
use crate::converter;

/// All settings of the framework for a kind of connector, in the order in which clients see them.
pub fn settings(kind: Kind, version: &str, worker: &Worker) -> Vec<Definition> {
    let mut all = identity(version);
    all.extend(converters(worker));
    all.extend(aliases());
    all.extend(errors());
    all.extend(match kind {
        Kind::Source => source(),
        Kind::Sink => sink(),
        Kind::Pipe => pipe(),
    });
    all
}

fn identity(version: &str) -> Vec<Definition> {
    let mut plugin_version = Definition::new("connector.plugin.version", Text)
        .default(version)
        .about(Medium, "Version, or range of versions, of the plugin that runs this connector.")
        .placed(COMMON, 3, Width::Medium)
        .titled("Connector version");
    plugin_version.recommended = vec![version.to_owned()];
    vec![
        Definition::new("name", Text)
            .required()
            .checked(Validator::ConnectorName)
            .about(High, "Name of the connector, which no other connector of this cluster may have.")
            .placed(COMMON, 1, Width::Medium)
            .titled("Connector name"),
        Definition::new("connector.class", Text)
            .required()
            .about(High, "Plugin that runs the connector, by its class name or a shorter alias.")
            .placed(COMMON, 2, Width::Long)
            .titled("Connector class"),
        plugin_version,
        Definition::new("tasks.max", Int)
            .default("1")
            .checked(Validator::at_least(1))
            .about(High, "Upper limit for the number of tasks that share the work of this connector.")
            .placed(COMMON, 4, Width::Short)
            .titled("Tasks max"),
        Definition::new("tasks.max.enforce", Boolean)
            .default("true")
            .about(Low, "Whether a connector that plans more tasks than tasks.max fails.")
            .placed(COMMON, 5, Width::Short)
            .titled("Enforce tasks max"),
    ]
}

fn converters(worker: &Worker) -> Vec<Definition> {
    let of = |part: &str, title: &str, order: i32, class: &str, header: bool| {
        let mut class = Definition::new(format!("{part}.converter"), Class)
            .default(class)
            .about(Low, format!("Converter between the bytes of a record's {part} in Kafka and its value."))
            .placed(COMMON, order, Width::Short)
            .titled(format!("{title} converter class"));
        class.recommended = converter::Class::ALL
            .iter()
            .filter(|c| (header || c.is_for_records()) && c.is_kafkas_own())
            .map(|c| c.name().to_owned())
            .collect();
        let mut version = Definition::new(format!("{part}.converter.plugin.version"), Text)
            .default(&worker.version)
            .about(Low, format!("Version, or range of versions, of the {part} converter."))
            .placed(COMMON, order + 1, Width::Short)
            .titled(format!("{title} converter version"));
        version.recommended = vec![worker.version.clone()];
        [class, version]
    };
    let mut all = Vec::with_capacity(6);
    all.extend(of("key", "Key", 6, &worker.key_converter.class, false));
    all.extend(of("value", "Value", 8, &worker.value_converter.class, false));
    all.extend(of("header", "Header", 10, &worker.header_converter.class, true));
    all
}

fn aliases() -> Vec<Definition> {
    vec![
        Definition::new("transforms", List)
            .default("")
            .checked(Validator::Aliases)
            .about(Low, "Names of the transforms that each record passes, in this order.")
            .placed("Transforms", 12, Width::Long)
            .titled("Transforms"),
        Definition::new("predicates", List)
            .default("")
            .checked(Validator::Aliases)
            .about(Low, "Names of the conditions that transforms can be bound to.")
            .placed("Predicates", 13, Width::Long)
            .titled("Predicates"),
        Definition::new("config.action.reload", Text)
            .default("restart")
            .checked(Validator::one_of(&["none", "restart"]))
            .about(
                Low,
                "What happens when a secret that the config refers to expires. Files, folders and variables never \
                 do, so nothing happens by itself: a restart of the tasks reads them anew.",
            )
            .placed(COMMON, 14, Width::Medium)
            .titled("Reload Action"),
    ]
}

fn errors() -> Vec<Definition> {
    vec![
        Definition::new("errors.retry.timeout", Long)
            .default("0")
            .about(Medium, "Milliseconds during which a failed step is tried again; -1 never gives up.")
            .placed(ERRORS, 1, Width::Medium)
            .titled("Retry Timeout for Errors"),
        Definition::new("errors.retry.delay.max.ms", Long)
            .default("60000")
            .about(Medium, "Longest pause between two tries, to which the growing pauses are cut.")
            .placed(ERRORS, 2, Width::Medium)
            .titled("Maximum Delay Between Retries for Errors"),
        Definition::new("errors.tolerance", Text)
            .default("none")
            .checked(Validator::one_of(&["none", "all"]))
            .about(Medium, "Whether a bad record fails its task (none) or is left out (all).")
            .placed(ERRORS, 3, Width::Short)
            .titled("Error Tolerance"),
        Definition::new("errors.log.enable", Boolean)
            .default("false")
            .about(Medium, "Whether errors of single records are logged even when they are tolerated.")
            .placed(ERRORS, 4, Width::Short)
            .titled("Log Errors"),
        Definition::new("errors.log.include.messages", Boolean)
            .default("false")
            .about(Medium, "Whether such a log line also says which record it was.")
            .placed(ERRORS, 5, Width::Short)
            .titled("Log Error Details"),
    ]
}

fn source() -> Vec<Definition> {
    vec![
        Definition::new("topic.creation.groups", List)
            .default("")
            .checked(Validator::Aliases)
            .about(Low, "Names of the rules by which topics of this connector are created.")
            .placed("Topic Creation", 1, Width::Long)
            .titled("Topic Creation Groups"),
        Definition::new("exactly.once.support", Text)
            .default("requested")
            .checked(Validator::one_of_any_case(&["REQUIRED", "REQUESTED"]))
            .about(
                Medium,
                "Whether the connector may run without an exactly-once guarantee (requested, required).",
            )
            .placed(EXACTLY_ONCE, 2, Width::Short)
            .titled("Exactly once support"),
        Definition::new("transaction.boundary", Text)
            .default("poll")
            .checked(Validator::one_of_any_case(&["INTERVAL", "POLL", "CONNECTOR"]))
            .about(Medium, "When a transaction ends: after each poll, by time, or where the connector says.")
            .placed(EXACTLY_ONCE, 3, Width::Short)
            .titled("Transaction Boundary"),
        // Null is a value here (the worker's interval counts), so the range looks at given values alone.
        Definition::new("transaction.boundary.interval.ms", Long)
            .checked(Validator::Range { min: Some(Bound::Integer(0)), max: None })
            .about(Low, "Milliseconds between two ends of transactions that end by time.")
            .placed(EXACTLY_ONCE, 4, Width::Short)
            .titled("Transaction boundary interval"),
        Definition::new("offsets.storage.topic", Text)
            .checked(Validator::NonEmpty)
            .about(Low, "Topic for this connector's offsets, instead of the worker's.")
            .placed("offsets.topic", 1, Width::Long)
            .titled("Offsets topic"),
    ]
}

fn pipe() -> Vec<Definition> {
    let end = |name: &str, what: &str, order: i32| {
        Definition::new(name, Text)
            .required()
            .about(
                High,
                format!("Plugin at this end of the pipe, {what}; its settings begin with the same word."),
            )
            .placed(COMMON, order, Width::Long)
    };
    let mut all = vec![
        end("source.connector.class", "a source", 15).titled("Source class"),
        end("sink.connector.class", "a sink", 16).titled("Sink class"),
    ];
    all.extend(dead_letters());
    all
}

fn sink() -> Vec<Definition> {
    let mut all = vec![
        Definition::new("topics", List)
            .default("")
            .checked(Validator::DistinctItems)
            .about(High, "Topics to read, separated by commas.")
            .placed(COMMON, 4, Width::Long)
            .titled("Topics"),
        Definition::new("topics.regex", Text)
            .default("")
            .checked(Validator::IsRegex)
            .about(High, "Pattern that the whole name of a topic has to match to be read.")
            .placed(COMMON, 4, Width::Long)
            .titled("Topics regex"),
    ];
    all.extend(dead_letters());
    all
}

fn dead_letters() -> Vec<Definition> {
    vec![
        Definition::new("errors.deadletterqueue.topic.name", Text)
            .default("")
            .about(Medium, "Topic that takes the records which could not be written; empty for none.")
            .placed(ERRORS, 6, Width::Medium)
            .titled("Dead Letter Queue Topic Name"),
        Definition::new("errors.deadletterqueue.topic.replication.factor", Short)
            .default("3")
            .about(Medium, "Copies that the dead letter topic gets when it has to be created.")
            .placed(ERRORS, 7, Width::Medium)
            .titled("Dead Letter Queue Topic Replication Factor"),
        Definition::new("errors.deadletterqueue.context.headers.enable", Boolean)
            .default("false")
            .about(Medium, "Whether dead letters carry headers that say where and why they failed.")
            .placed(ERRORS, 8, Width::Medium)
            .titled("Enable Error Context Headers"),
    ]
}

const COMMON: &str = "Common";
const ERRORS: &str = "Error Handling";
const EXACTLY_ONCE: &str = "Exactly Once Support";
