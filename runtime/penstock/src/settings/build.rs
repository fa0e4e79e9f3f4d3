//! Makes the worker's settings from checked text, and checks what the values mean together.

use std::path::PathBuf;

use worker::Settings;
use worker::providers::Providers;
use worker::settings::{
    Converter, Converters, Delivery, ExactlyOnceSource, Group, InternalTopic, Kafka, Log, LogFormat, Mode,
    OverridePolicy, Plugins, Restart, Topics,
};

use super::keys::{self, Effect};
use super::read::Reader;
use super::rest;

pub fn settings(read: &mut Reader<'_>, providers: Providers) -> Settings {
    let data_dir = PathBuf::from(read.required("penstock.data.dir", "the worker keeps its store there"));
    Settings {
        mode: mode(read, &data_dir),
        rest: rest::rest(read),
        plugins: plugins(read, &data_dir),
        converters: converters(read),
        kafka: kafka(read),
        delivery: delivery(read),
        restart: restart(read),
        topics: Topics {
            create: read.is_true("topic.creation.enable"),
            track: read.is_true("topic.tracking.enable"),
            track_reset: read.is_true("topic.tracking.allow.reset"),
        },
        config_providers: providers,
        metrics_context: read.under("metrics.context.").as_map().clone(),
        address_file: read.name("penstock.address.file").map(PathBuf::from),
        log: log(read),
        data_dir,
    }
}

/// A group makes the worker distributed, as Java's two start scripts do by their names.
fn mode(read: &mut Reader<'_>, data_dir: &std::path::Path) -> Mode {
    let store = read.name("offset.storage.file.filename");
    if !read.raw.contains_key("group.id") {
        if read.raw.contains_key("config.storage.topic") {
            read.warn(
                "group.id",
                "absent, so this is a standalone worker and its storage topics stay unused",
            );
        }
        // A guarantee that is not kept is refused, not ignored.
        if read.is("exactly.once.source.support", "enabled") {
            let only = "disabled: a standalone worker keeps offsets in a file, which no transaction of Kafka can span";
            read.refuse("exactly.once.source.support", only);
        }
        return Mode::Standalone { store: store.map_or_else(|| data_dir.join("penstock.db"), PathBuf::from) };
    }
    if store.is_some() {
        read.warn(
            "offset.storage.file.filename",
            "without effect beside group.id, offsets are kept in Kafka",
        );
    }
    read.required("bootstrap.servers", "a distributed worker keeps its state in Kafka");
    Mode::Distributed(Box::new(group(read)))
}

fn group(read: &mut Reader<'_>) -> Group {
    let heartbeat_interval = read.millis("heartbeat.interval.ms");
    let session_timeout = read.millis("session.timeout.ms");
    if heartbeat_interval >= session_timeout {
        let limit = format!("less than session.timeout.ms, which is {}", session_timeout.as_millis());
        read.refuse("heartbeat.interval.ms", &limit);
    }
    let group = Group {
        id: read.required("group.id", "it names the cluster of workers"),
        client_id: read.name("client.id"),
        session_timeout,
        heartbeat_interval,
        rebalance_timeout: read.millis("rebalance.timeout.ms"),
        config_topic: topic(read, "config.storage.", Some(1)),
        offset_topic: topic(read, "offset.storage.", None),
        status_topic: topic(read, "status.storage.", None),
        exactly_once_source: exactly_once_source(read),
        key_ttl: read.millis("inter.worker.key.ttl.ms"),
        key_algorithm: read.name("inter.worker.key.generation.algorithm").unwrap_or_default(),
    };
    let (config, offset, status) =
        (&group.config_topic.name, &group.offset_topic.name, &group.status_topic.name);
    if !config.is_empty() && (config == offset || config == status) {
        read.refuse("config.storage.topic", "a topic of its own");
    }
    if !offset.is_empty() && offset == status {
        read.refuse("offset.storage.topic", "a topic of its own");
    }
    group
}

/// `fixed` is for the config topic, whose order only one partition keeps.
fn topic(read: &mut Reader<'_>, prefix: &str, fixed: Option<i32>) -> InternalTopic {
    let name = read.required(&format!("{prefix}topic"), "a distributed worker keeps its state there");
    let partitions_key = format!("{prefix}partitions");
    let replication_key = format!("{prefix}replication.factor");
    for key in [&partitions_key, &replication_key] {
        if read.int(key) == Some(0) {
            read.refuse(key, "a whole number from 1, or -1 for the broker's own");
        }
    }
    let settings = read.under(prefix);
    let counted = read.int(&partitions_key).and_then(|count| i32::try_from(count).ok());
    let replication = read.int(&replication_key).and_then(|count| i16::try_from(count).ok());
    InternalTopic {
        name,
        partitions: fixed.or(counted.filter(|count| *count > 0)),
        replication: replication.filter(|count| *count > 0),
        settings,
    }
}

fn exactly_once_source(read: &Reader<'_>) -> ExactlyOnceSource {
    if read.is("exactly.once.source.support", "enabled") {
        ExactlyOnceSource::Enabled
    } else if read.is("exactly.once.source.support", "preparing") {
        ExactlyOnceSource::Preparing
    } else {
        ExactlyOnceSource::Disabled
    }
}

fn plugins(read: &mut Reader<'_>, data_dir: &std::path::Path) -> Plugins {
    let path: Vec<PathBuf> = read.list("plugin.path").into_iter().map(PathBuf::from).collect();
    if path.is_empty() {
        read.warn("plugin.path", "not set, so no connector will be found");
    }
    let cache_dir = read.name("penstock.plugin.cache.dir");
    Plugins {
        path,
        cache_dir: cache_dir.map_or_else(|| data_dir.join("plugin-cache"), PathBuf::from),
        call_timeout: read.millis("penstock.call.timeout.ms"),
    }
}

fn converters(read: &Reader<'_>) -> Converters {
    Converters {
        key: converter(read, "key.converter"),
        value: converter(read, "value.converter"),
        header: converter(read, "header.converter"),
    }
}

fn converter(read: &Reader<'_>, key: &str) -> Converter {
    Converter {
        class: read.name(key).unwrap_or_default(),
        version: read.name(&format!("{key}.plugin.version")),
        settings: read.under(&format!("{key}.")),
    }
}

fn kafka(read: &mut Reader<'_>) -> Kafka {
    let is_client = |name: &str| {
        keys::find(name).is_some_and(|key| key.effect == Effect::Client)
            || matches!(name, "bootstrap.servers" | "client.id")
    };
    let common = read.raw.iter().filter(|(key, _)| is_client(key));
    Kafka {
        common: common.map(|(key, entry)| (key.clone(), entry.value.trim().to_owned())).collect(),
        producer: read.under("producer."),
        consumer: read.under("consumer."),
        admin: read.under("admin."),
        override_policy: override_policy(read),
    }
}

/// Java takes the alias as well as its own class's name.
fn override_policy(read: &mut Reader<'_>) -> OverridePolicy {
    const KEY: &str = "connector.client.config.override.policy";
    let text = read.name(KEY).unwrap_or_default();
    let simple = text.strip_prefix("org.apache.kafka.connect.connector.policy.").unwrap_or(&text);
    let alias = simple.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(simple);
    match alias {
        "Safe" => OverridePolicy::Safe,
        "All" => OverridePolicy::All,
        "None" => OverridePolicy::None,
        "Principal" => OverridePolicy::Principal,
        "Allowlist" => OverridePolicy::Allowlist(read.list("connector.client.config.override.allowlist")),
        _ => {
            read.refuse(KEY, "one of Safe, All, None, Principal, Allowlist");
            OverridePolicy::None
        }
    }
}

fn delivery(read: &Reader<'_>) -> Delivery {
    let budget = read.int("penstock.memory.budget.bytes").and_then(|bytes| u64::try_from(bytes).ok());
    Delivery {
        offset_flush_interval: read.millis("offset.flush.interval.ms"),
        offset_flush_timeout: read.millis("offset.flush.timeout.ms"),
        shutdown_timeout: read.millis("task.shutdown.graceful.timeout.ms"),
        memory_budget_bytes: budget.unwrap_or_default(),
    }
}

fn restart(read: &mut Reader<'_>) -> Restart {
    let backoff = read.millis("penstock.task.restart.backoff.ms");
    let backoff_max = read.millis("penstock.task.restart.backoff.max.ms");
    if backoff > backoff_max {
        let limit =
            format!("at most penstock.task.restart.backoff.max.ms, which is {}", backoff_max.as_millis());
        read.refuse("penstock.task.restart.backoff.ms", &limit);
    }
    Restart { backoff, backoff_max }
}

fn log(read: &mut Reader<'_>) -> Log {
    let level = read.required("penstock.log.level", "such as info or info,penstock_worker=debug");
    if let Err(expected) = crate::logs::check_level(&level) {
        read.refuse("penstock.log.level", &expected);
    }
    let format = if read.is("penstock.log.format", "json") { LogFormat::Json } else { LogFormat::Text };
    Log { format, level }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
