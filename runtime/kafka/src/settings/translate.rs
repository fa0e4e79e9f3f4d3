//! Translates Java's client keys into librdkafka's, one rule a key.

use std::collections::BTreeMap;

use super::{Untranslated, jaas, known, tls};
use crate::Error;

type Map = BTreeMap<String, String>;

enum Rule {
    /// librdkafka has the same key with the same values.
    Same,
    /// Another name, the same values.
    To(&'static str),
    /// Another name, and a number that has to stay in bounds.
    Bounded(&'static str, i64, i64),
    /// Needs more than one key, or another form of value.
    Special,
    LeaveOut(&'static str),
    Refuse(&'static str),
}

pub(super) fn translate(given: &Map) -> Result<(Map, Vec<Untranslated>), Error> {
    let (mut out, mut left_out) = (Map::new(), Vec::new());
    for (key, value) in given {
        match rule(key) {
            Rule::Same => drop(out.insert(key.clone(), value.clone())),
            Rule::To(name) => drop(out.insert(name.into(), value.clone())),
            Rule::Bounded(name, low, high) => {
                let number: i64 = value
                    .trim()
                    .parse()
                    .map_err(|_| Error::config(format!("{key}: expected a whole number, got \"{value}\"")))?;
                out.insert(name.into(), number.clamp(low, high).to_string());
            }
            Rule::Special => special(key, value, &mut out)?,
            Rule::LeaveOut(reason) => left_out.push(Untranslated { key: key.clone(), reason }),
            Rule::Refuse(reason) => return Err(Error::config(format!("{key}: {reason}"))),
        }
    }
    tls::translate(given, &mut out)?;
    level_of_compression(given, &mut out);
    Ok((out, left_out))
}

fn rule(key: &str) -> Rule {
    const SERIALIZERS: &str = "converters do this";
    const JAVA: &str = "it names Java code that only reports or observes";
    const JVM: &str = "it tunes Java's own implementation";
    match key {
        "fetch.max.wait.ms" => Rule::To("fetch.wait.max.ms"),
        "receive.buffer.bytes" => Rule::Bounded("socket.receive.buffer.bytes", 0, 100_000_000),
        "send.buffer.bytes" => Rule::Bounded("socket.send.buffer.bytes", 0, 100_000_000),
        "request.timeout.ms" => Rule::Bounded("socket.timeout.ms", 10, 300_000),
        "metadata.max.age.ms" => Rule::Bounded("topic.metadata.refresh.interval.ms", 1_000, 3_600_000),
        "fetch.min.bytes" => Rule::Bounded("fetch.min.bytes", 1, 100_000_000),
        "fetch.max.bytes" => Rule::Bounded("fetch.max.bytes", 1, 2_147_482_000),
        "max.partition.fetch.bytes" => Rule::Bounded("max.partition.fetch.bytes", 1, 1_000_000_000),
        "max.poll.interval.ms" => Rule::Bounded("max.poll.interval.ms", 1, 86_400_000),
        "session.timeout.ms" => Rule::Bounded("session.timeout.ms", 1, 3_600_000),
        "heartbeat.interval.ms" => Rule::Bounded("heartbeat.interval.ms", 1, 3_600_000),
        "connections.max.idle.ms" => Rule::Bounded("connections.max.idle.ms", 0, i32::MAX.into()),
        "retry.backoff.ms" => Rule::Bounded("retry.backoff.ms", 1, 300_000),
        "retry.backoff.max.ms" => Rule::Bounded("retry.backoff.max.ms", 1, 300_000),
        "reconnect.backoff.ms" => Rule::Bounded("reconnect.backoff.ms", 0, 3_600_000),
        "reconnect.backoff.max.ms" => Rule::Bounded("reconnect.backoff.max.ms", 0, 3_600_000),
        "socket.connection.setup.timeout.ms" => {
            Rule::Bounded("socket.connection.setup.timeout.ms", 1_000, i32::MAX.into())
        }
        "max.request.size" => Rule::Bounded("message.max.bytes", 1_000, 1_000_000_000),
        "batch.size" => Rule::Bounded("batch.size", 1, i32::MAX.into()),
        "delivery.timeout.ms" => Rule::Bounded("delivery.timeout.ms", 1, i32::MAX.into()),
        "linger.ms" => Rule::Bounded("linger.ms", 0, 900_000),
        "max.in.flight.requests.per.connection" => {
            Rule::Bounded("max.in.flight.requests.per.connection", 1, 1_000_000)
        }
        "buffer.memory"
        | "security.protocol"
        | "sasl.jaas.config"
        | "partition.assignment.strategy"
        | "auto.offset.reset"
        | "sasl.mechanism"
        | "partitioner.class"
        | "partitioner.ignore.keys"
        | "isolation.level"
        | "group.protocol" => Rule::Special,
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => Rule::Special,
        _ if is_of_tls(key) => Rule::Special,
        "key.serializer" | "value.serializer" | "key.deserializer" | "value.deserializer" => {
            Rule::LeaveOut(SERIALIZERS)
        }
        "enable.auto.commit" | "auto.commit.interval.ms" => {
            Rule::LeaveOut("offsets are committed after the write")
        }
        "max.poll.records" => Rule::LeaveOut("batches are cut by rows, bytes and age"),
        "max.block.ms" => Rule::LeaveOut("sending never blocks here"),
        "group.id" | "group.instance.id" => Rule::LeaveOut("the worker names its groups and members"),
        "interceptor.classes" | "metric.reporters" | "auto.include.jmx.reporter" => Rule::LeaveOut(JAVA),
        "default.api.timeout.ms" | "exclude.internal.topics" | "metadata.max.idle.ms" => Rule::LeaveOut(JVM),
        "partitioner.adaptive.partitioning.enable" | "partitioner.availability.timeout.ms" => {
            Rule::LeaveOut(JVM)
        }
        "socket.connection.setup.timeout.max.ms" | "ssl.enabled.protocols" | "ssl.protocol" => {
            Rule::LeaveOut(JVM)
        }
        "ssl.provider" | "ssl.keymanager.algorithm" | "ssl.trustmanager.algorithm" => Rule::LeaveOut(JVM),
        "ssl.secure.random.implementation" => Rule::LeaveOut(JVM),
        "sasl.login.callback.handler.class"
        | "sasl.login.class"
        | "sasl.client.callback.handler.class"
        | "ssl.engine.factory.class"
        | "security.providers" => {
            Rule::Refuse("it names Java code that decides about security, which cannot run here")
        }
        _ if key.starts_with("metrics.") => Rule::LeaveOut(JAVA),
        _ if key.starts_with("sasl.kerberos.") => Rule::LeaveOut("Kerberos is not part of this build"),
        _ if key.starts_with("sasl.login.") => Rule::LeaveOut("only Kerberos and OAuth log in again"),
        _ if key.starts_with("sasl.oauthbearer.") => Rule::Refuse("OAUTHBEARER is not part of this build"),
        _ if known::scope(key).is_some() => Rule::Same,
        _ => Rule::LeaveOut("no client knows this key"),
    }
}

fn is_of_tls(key: &str) -> bool {
    key.starts_with("ssl.truststore.")
        || key.starts_with("ssl.keystore.")
        || ["ssl.key.password", "ssl.endpoint.identification.algorithm", "ssl.cipher.suites"].contains(&key)
}

fn special(key: &str, value: &str, out: &mut Map) -> Result<(), Error> {
    let refuse = |expected: &str| Err(Error::config(format!("{key}: expected {expected}, got \"{value}\"")));
    let (name, value) = match key {
        "buffer.memory" => match value.trim().parse::<i64>() {
            Ok(bytes) => ("queue.buffering.max.kbytes", (bytes / 1024).clamp(1, i32::MAX.into()).to_string()),
            Err(_) => return refuse("a number of bytes"),
        },
        "security.protocol" | "isolation.level" | "group.protocol" => (key, value.to_lowercase()),
        "sasl.mechanism" => match value {
            "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => (key, value.to_owned()),
            _ => return refuse("PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
        },
        "sasl.jaas.config" => {
            let login = jaas::parse(value)?;
            out.insert("sasl.username".into(), login.username);
            ("sasl.password", login.password)
        }
        "auto.offset.reset" => match value.to_lowercase().as_str() {
            known @ ("earliest" | "latest") => (key, known.to_owned()),
            "none" => (key, "error".to_owned()),
            _ => return refuse("earliest, latest or none"),
        },
        "partition.assignment.strategy" => (key, assignors(value)?),
        "partitioner.class" => match value.rsplit('.').next() {
            Some("" | "DefaultPartitioner" | "UniformStickyPartitioner") => return Ok(()),
            _ => return refuse("Kafka's default partitioner, others are Java code"),
        },
        "partitioner.ignore.keys" if value == "true" => ("partitioner", "random".to_owned()),
        // Handled together with the keys they depend on.
        _ => return Ok(()),
    };
    out.insert(name.to_owned(), value);
    Ok(())
}

/// Java's default list mixes both protocols, which means the eager one until the list is cleaned up.
fn assignors(value: &str) -> Result<String, Error> {
    let mut names = Vec::new();
    for class in value.split(',').map(str::trim).filter(|class| !class.is_empty()) {
        names.push(match class.rsplit('.').next().unwrap_or_default() {
            "RangeAssignor" | "range" => "range",
            "RoundRobinAssignor" | "roundrobin" => "roundrobin",
            "CooperativeStickyAssignor" | "cooperative-sticky" => "cooperative-sticky",
            _ => {
                return Err(Error::config(format!(
                    "partition.assignment.strategy: expected RangeAssignor, RoundRobinAssignor or \
                     CooperativeStickyAssignor, got \"{class}\""
                )));
            }
        });
    }
    if names.iter().any(|name| *name != "cooperative-sticky") {
        names.retain(|name| *name != "cooperative-sticky");
    }
    Ok(names.join(","))
}

fn level_of_compression(given: &Map, out: &mut Map) {
    let codec = given.get("compression.type").map_or("none", String::as_str);
    if let Some(level) = given.get(&format!("compression.{codec}.level")) {
        out.insert("compression.level".into(), level.clone());
    }
}
