//! Settings of Kafka clients that a connector overrides: which are allowed, and the types of the well-known ones.

use super::Config;
use super::converters::add_prefixed;
use super::draft::{Draft, Given};
use super::policy::OverridePolicy;
use super::setting::Definition;
use super::setting::Importance::{self, High, Low, Medium};
use super::setting::Type::{self, Boolean, Int, List, Long, Password, String as Text};
use super::validate::Kind;

/// Adds each override of a client that a connector of this kind has.
pub fn add_overrides(draft: &mut Draft, kind: Kind, policy: &OverridePolicy, config: &Config) {
    for (client, shown) in
        [("producer", kind == Kind::Source), ("consumer", kind == Kind::Sink), ("admin", false)]
    {
        let prefix = format!("{client}.override");
        for (key, value) in config {
            let Some(name) = key.strip_prefix(&prefix).and_then(|k| k.strip_prefix('.')) else { continue };
            let refused = policy
                .refusal(name)
                .or_else(|| kafka::override_refusal(name, value.as_deref().unwrap_or_default()));
            if !shown && refused.is_none() {
                continue;
            }
            let mut own = definition(name);
            own.required = false;
            let given = value.as_deref().map_or(Given::Null, Given::Text);
            add_prefixed(draft, &prefix, own, given);
            if let Some(error) = refused {
                draft.refuse(key, error);
            }
        }
    }
}

fn definition(name: &str) -> Definition {
    let documentation = format!("Setting {name} of the Kafka client that this connector uses.");
    match KNOWN.iter().find(|known| known.0 == name) {
        Some(&(_, kind, default, importance)) => {
            let own = Definition::new(name, kind).about(importance, documentation);
            if default.is_empty() { own } else { own.default(default) }
        }
        None if kafka::is_secret(name) => Definition::new(name, Password).about(Medium, documentation),
        None => Definition::new(name, Text).about(Medium, documentation),
    }
}

/// Name, type, default (empty for none) and importance of what people override.
const KNOWN: [(&str, Type, &str, Importance); 28] = [
    ("acks", Text, "all", Low),
    ("auto.offset.reset", Text, "latest", Medium),
    ("batch.size", Int, "16384", Medium),
    ("bootstrap.servers", List, "", High),
    ("buffer.memory", Long, "33554432", High),
    ("client.id", Text, "", Medium),
    ("client.rack", Text, "", Low),
    ("compression.type", Text, "none", High),
    ("delivery.timeout.ms", Int, "120000", Medium),
    ("enable.idempotence", Boolean, "true", Low),
    ("fetch.max.bytes", Int, "52428800", Medium),
    ("fetch.max.wait.ms", Int, "500", Low),
    ("fetch.min.bytes", Int, "1", High),
    ("group.id", Text, "", High),
    ("heartbeat.interval.ms", Int, "3000", High),
    ("isolation.level", Text, "read_uncommitted", Medium),
    ("linger.ms", Long, "5", Medium),
    ("max.partition.fetch.bytes", Int, "1048576", High),
    ("max.poll.interval.ms", Int, "300000", Medium),
    ("max.poll.records", Int, "500", Medium),
    ("max.request.size", Int, "1048576", Medium),
    ("request.timeout.ms", Int, "30000", Medium),
    ("retries", Int, "2147483647", High),
    ("sasl.jaas.config", Password, "", Medium),
    ("sasl.mechanism", Text, "GSSAPI", Medium),
    ("security.protocol", Text, "PLAINTEXT", Medium),
    ("session.timeout.ms", Int, "45000", High),
    ("ssl.truststore.password", Password, "", High),
];
