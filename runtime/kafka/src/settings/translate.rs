//! Translates Java's client keys into librdkafka's.

use super::login::{self, Map, Tokens};
use super::{Untranslated, known, rules, tls};
use crate::Error;

enum Rule {
    /// librdkafka has the same key with the same values.
    Same,
    /// A number under librdkafka's name for it, kept in librdkafka's bounds.
    Bounded(&'static str, i64, i64),
    /// Needs more than one key, or another form of value.
    Special,
    LeaveOut(&'static str),
    Refuse(&'static str),
}

pub(super) fn translate(given: &Map) -> Result<(Map, Vec<Untranslated>, Tokens), Error> {
    let (mut out, mut left_out) = (Map::new(), Vec::new());
    for (key, value) in given {
        match rule(key) {
            Rule::Same => drop(out.insert(key.clone(), value.clone())),
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
    let tokens = login::translate(given, &mut out, &mut left_out)?;
    tls::translate(given, &mut out, &mut left_out)?;
    level_of_compression(given, &mut out);
    left_out.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((out, left_out, tokens))
}

fn rule(key: &str) -> Rule {
    if let Some((_, name, low, high)) = rules::BOUNDED.iter().find(|(java, ..)| *java == key) {
        return Rule::Bounded(name, *low, *high);
    }
    if let Some((_, reason)) = rules::LEFT_OUT.iter().find(|(keys, _)| keys.contains(&key)) {
        return Rule::LeaveOut(reason);
    }
    match key {
        _ if rules::SPECIAL.contains(&key) || tls::has(key) || key.starts_with("sasl.") => Rule::Special,
        _ if rules::JAVA_CODE.contains(&key) => {
            Rule::Refuse("it names Java code that decides about security, which cannot run here")
        }
        _ if key.starts_with("metrics.") => Rule::LeaveOut(rules::OBSERVES),
        // The token endpoint's own, for there is no other request by HTTPS.
        "https.ca.pem" | "https.ca.location" => Rule::Special,
        _ if known::scope(key).is_some() => Rule::Same,
        _ => Rule::LeaveOut("no client knows this key"),
    }
}

fn special(key: &str, value: &str, out: &mut Map) -> Result<(), Error> {
    let refuse = |expected: &str| Err(Error::config(format!("{key}: expected {expected}, got \"{value}\"")));
    let (name, value) = match key {
        "buffer.memory" => match value.trim().parse::<i64>() {
            Ok(bytes) => ("queue.buffering.max.kbytes", (bytes / 1024).clamp(1, i32::MAX.into()).to_string()),
            Err(_) => return refuse("a number of bytes"),
        },
        "security.protocol" | "isolation.level" | "group.protocol" => (key, value.to_lowercase()),
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
