//! The sink's settings, parsed and checked against each other.
use penstock_sdk::{Config, Error, Problem, Result};

use super::queue::Rules;
use crate::access::{self, Access};
use crate::kinesis::settings::Name;

/// What the sink works with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub stream: Name,
    pub access: Access,
    pub rules: Rules,
    pub tombstones: Tombstones,
    pub hash_key_header: Option<String>,
    pub record_bytes_max: usize,
    pub requests_max: usize,
}

/// What becomes of a record without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tombstones {
    Fail,
    Skip,
    Empty,
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let stream = Name::parse(config.required(STREAM)?)
            .map_err(|reason| Error::config(format!("{STREAM}: {reason}")))?;
        let number =
            |key: &str, default: usize| config.parsed(key).map(|value| value.unwrap_or(default).max(1));
        let word = |key: &str| config.get(key).map(str::trim).unwrap_or_default().to_ascii_lowercase();
        let record_bytes_max = number("kinesis.record.bytes.max", 1 << 20)?;
        let packed = number("kinesis.aggregation.bytes.max", 50 << 10)?.min(record_bytes_max);
        Ok(Self {
            access: Access::parse(config, stream.region())?,
            stream,
            rules: Rules {
                keeps_order: word("kinesis.order") != "none",
                packed_bytes: config.flag("kinesis.aggregation", false)?.then_some(packed),
                request_bytes: number("kinesis.request.bytes.max", 5 << 20)?,
            },
            tombstones: match word("kinesis.tombstones").as_str() {
                "skip" => Tombstones::Skip,
                "empty" => Tombstones::Empty,
                _ => Tombstones::Fail,
            },
            hash_key_header: config.parsed(HASH_KEY_HEADER)?,
            record_bytes_max,
            requests_max: number("kinesis.requests.max", 4)?,
        })
    }
}

/// What is wrong with them.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = access::problems(config);
    if let Ok(stream) = config.required(STREAM)
        && let Err(message) = Name::parse(stream)
    {
        found.push(Problem { setting: STREAM.into(), message });
    }
    found
}

pub const STREAM: &str = "kinesis.stream";
pub const HASH_KEY_HEADER: &str = "kinesis.explicit.hash.key.header";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        [(STREAM, "orders")].iter().chain(pairs).copied().collect()
    }

    #[test]
    fn order_is_kept_and_nothing_packed_unless_it_is_said() {
        let settings = Settings::parse(&config(&[])).unwrap();
        assert!(settings.rules.keeps_order);
        assert_eq!((settings.rules.packed_bytes, settings.tombstones), (None, Tombstones::Fail));
        let other =
            [("kinesis.order", "NONE"), ("kinesis.aggregation", "true"), ("kinesis.tombstones", "empty")];
        let settings = Settings::parse(&config(&other)).unwrap();
        assert!(!settings.rules.keeps_order);
        assert_eq!((settings.rules.packed_bytes, settings.tombstones), (Some(51_200), Tombstones::Empty));
    }

    #[test]
    fn what_is_packed_is_no_larger_than_a_record_may_be() {
        let small = [("kinesis.aggregation", "true"), ("kinesis.record.bytes.max", "2048")];
        assert_eq!(Settings::parse(&config(&small)).unwrap().rules.packed_bytes, Some(2048));
    }

    #[test]
    fn a_wrong_stream_is_named() {
        let error = Settings::parse(&config(&[]).with(STREAM, "a b")).unwrap_err();
        assert!(error.message().starts_with("kinesis.stream: expected the name of a stream"), "{error}");
    }
}
