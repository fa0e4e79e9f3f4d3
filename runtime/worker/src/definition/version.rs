//! Versions of plugins and the ranges of them that a config may ask for, in Maven's notation.

use std::cmp::Ordering;

/// One range: `1.2` is exactly that version, `[1.2,2.0)` and `[1.2,)` are what they look like, `latest` is any.
#[derive(Debug, PartialEq, Eq)]
pub struct Range {
    low: Option<(String, bool)>,
    high: Option<(String, bool)>,
}

impl Range {
    /// Reads a range; the error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self { low: None, high: None });
        }
        let Some((first, rest)) = text.strip_prefix(['[', '(']).map(|rest| (text.starts_with('['), rest))
        else {
            let ok = !text.is_empty() && !text.contains([']', ')', ',', '[', '(']);
            let bound = || Some((text.to_owned(), true));
            return ok.then(|| Self { low: bound(), high: bound() }).ok_or_else(|| bad(text));
        };
        let Some((inner, last)) = rest.strip_suffix([']', ')']).map(|inner| (inner, text.ends_with(']')))
        else {
            return Err(format!("Unbounded range: {text}"));
        };
        if inner.contains(['[', ']', '(', ')']) {
            return Err(bad(text));
        }
        let bound = |version: &str, inclusive| {
            let version = version.trim();
            (!version.is_empty()).then(|| (version.to_owned(), inclusive))
        };
        match inner.split_once(',') {
            None if first && last && !inner.trim().is_empty() => {
                Ok(Self { low: bound(inner, true), high: bound(inner, true) })
            }
            Some((low, high)) if !high.contains(',') => {
                Ok(Self { low: bound(low, first), high: bound(high, last) })
            }
            _ => Err(bad(text)),
        }
    }

    /// Whether a plugin has a version of the range. What Apache Kafka brings along has the version of Connect too:
    /// configs that come from a Java worker ask for that one.
    pub fn fits(&self, class: &str, own: &str, connect: &str) -> bool {
        self.contains(own) || (class.starts_with("org.apache.kafka.connect.") && self.contains(connect))
    }

    /// `4.3.1-penstock.0.1` counts as 4.3.1 too, because it answers as that does.
    pub fn contains(&self, version: &str) -> bool {
        let plain = version.split_once("-penstock").map_or(version, |(plain, _)| plain);
        self.holds(version) || self.holds(plain)
    }

    fn holds(&self, version: &str) -> bool {
        let above = self.low.as_ref().is_none_or(|(low, inclusive)| match compare(version, low) {
            Ordering::Greater => true,
            Ordering::Equal => *inclusive,
            Ordering::Less => false,
        });
        let below = self.high.as_ref().is_none_or(|(high, inclusive)| match compare(version, high) {
            Ordering::Less => true,
            Ordering::Equal => *inclusive,
            Ordering::Greater => false,
        });
        above && below
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (open, low) = match &self.low {
            Some((low, true)) => ('[', low.as_str()),
            Some((low, false)) => ('(', low.as_str()),
            None => ('(', ""),
        };
        let (high, close) = match &self.high {
            Some((high, true)) => (high.as_str(), ']'),
            Some((high, false)) => (high.as_str(), ')'),
            None => ("", ')'),
        };
        write!(f, "{open}{low},{high}{close}")
    }
}

/// The wording when a plugin is there, but not in a version that is asked for.
pub fn mismatch(class: &str, range: &Range, available: &str) -> String {
    format!(
        "Plugin {class} not found that matches the version range {range}, available versions: [{available}]"
    )
}

fn bad(text: &str) -> String {
    format!("Invalid version specification: {text}")
}

/// Numbers compare as numbers and words as words; a version with more behind it is the later one, unless that is a word.
pub fn compare(a: &str, b: &str) -> Ordering {
    let mut left = a.split(['.', '-']);
    let mut right = b.split(['.', '-']);
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => part(a, b),
            (Some(a), None) => part(a, "0"),
            (None, Some(b)) => part("0", b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn part(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        // A word is a preview: 1.0-beta comes before 1.0.
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn a_range_holds_what_it_says() {
        for (range, version, holds) in [
            ("4.3.1", "4.3.1", true),
            ("4.3.1", "4.3.2", false),
            ("[4.0,)", "4.3.1", true),
            ("[4.0,)", "3.9", false),
            ("[4.0,5.0)", "5.0.0", false),
            ("[4.0,5.0)", "5.0-beta", true),
            ("(,2]", "2.0", true),
            ("[1.10]", "1.9", false),
            ("latest", "0.1", true),
            ("4.3.1", "4.3.1-penstock.0.1.0", true),
            ("[4.0,)", "4.3.1-penstock.0.1.0", true),
            ("4.3.2", "4.3.1-penstock.0.1.0", false),
        ] {
            assert_eq!(Range::parse(range).unwrap().contains(version), holds, "{version} in {range}");
        }
    }

    #[test]
    fn a_plugin_of_kafka_has_the_version_of_connect_too() {
        let range = Range::parse("[4.0,)").unwrap();
        assert!(range.fits("org.apache.kafka.connect.file.FileStreamSinkConnector", "0.1.0", "4.3.1"));
        assert!(!range.fits("ClickHouseSink", "0.1.0", "4.3.1"));
        assert!(range.fits("ClickHouseSink", "4.1", "3.0"));
    }

    #[test]
    fn a_malformed_range_is_refused() {
        for text in ["[[", "", "[1,2,3]", "1]", "[]", "[1,2", "(1)"] {
            assert!(Range::parse(text).is_err(), "{text}");
        }
        assert_eq!(Range::parse("9.9.9").unwrap().to_string(), "[9.9.9,9.9.9]");
    }
}
