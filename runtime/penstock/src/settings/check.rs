//! Checks values against the type of their key, and keys against the table.

use super::keys::{self, Default, Effect, Kind};
use super::layers::{Entry, Raw};
use super::{Problem, secrets};

/// What a look at every single value found, apart from what they mean together.
#[derive(Debug, Default)]
pub struct Findings {
    pub problems: Vec<Problem>,
    pub unknown: Vec<String>,
    /// Keys that were set and do nothing here.
    pub inert: Vec<String>,
}

/// Removes what is wrong, so that whoever reads on finds valid values only.
pub fn all(raw: &mut Raw) -> Findings {
    let mut findings = Findings::default();
    raw.retain(|key, entry| one(key, entry, &mut findings));
    findings
}

fn one(key: &str, entry: &Entry, findings: &mut Findings) -> bool {
    let Some(known) = keys::find(key) else {
        return foreign(key, entry, findings);
    };
    if known.effect == Effect::Inert {
        findings.inert.push(key.to_owned());
    }
    let Err(expected) = value(known.kind, &entry.value) else {
        return true;
    };
    // Java's own default stands for absent, also written out, where it is the empty text.
    if entry.value.trim().is_empty() && known.default == Default::Unset {
        return false;
    }
    findings.problems.push(wrong(key, entry, &expected));
    false
}

/// A key under a known prefix belongs to somebody else, unless it is a slip of the pen.
fn foreign(key: &str, entry: &Entry, findings: &mut Findings) -> bool {
    if let (Some((_, _, effect)), None) = (keys::split_prefix(key), keys::slip(key)) {
        if effect == Effect::Inert {
            findings.inert.push(key.to_owned());
        }
        return true;
    }
    findings.unknown.push(format!("{key}: not a setting of a worker ({}){}", entry.origin, hint(key)));
    false
}

/// What an unknown key most likely meant, as the end of a sentence.
pub fn hint(key: &str) -> String {
    match (removed(key), keys::slip(key).or_else(|| keys::nearest(key))) {
        (Some(successor), _) => format!(", Kafka 3 replaced it by {successor}"),
        (None, Some(near)) => format!(", did you mean {near}?"),
        (None, None) => String::new(),
    }
}

/// Keys that older files still carry and that nothing near resembles.
fn removed(key: &str) -> Option<&'static str> {
    matches!(key, "rest.host.name" | "rest.port").then_some("listeners")
}

pub fn wrong(key: &str, entry: &Entry, expected: &str) -> Problem {
    let value = secrets::shown(key, &entry.value);
    Problem::of(key, &format!("expected {expected}, got {value:?} ({})", entry.origin))
}

/// Says what was expected of a value that does not fit.
pub fn value(kind: Kind, value: &str) -> Result<(), String> {
    let value = value.trim();
    match kind {
        Kind::Class if value.is_empty() || value.contains(char::is_whitespace) => {
            Err("the name of a class".to_owned())
        }
        Kind::Class | Kind::Text | Kind::Password | Kind::List => Ok(()),
        Kind::Bool => choice(&["true", "false"], value),
        Kind::Int(min, max) => match value.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(()),
            _ => Err(range(min, max)),
        },
        Kind::Decimal(min, max) => {
            let (min, max) = (min as f64 / 100.0, max as f64 / 100.0);
            let fits = value.parse::<f64>().is_ok_and(|number| (min..=max).contains(&number));
            if fits { Ok(()) } else { Err(format!("a number from {min} to {max}")) }
        }
        Kind::Choice(choices) => choice(choices, value),
    }
}

fn choice(choices: &[&str], value: &str) -> Result<(), String> {
    if choices.iter().any(|choice| choice.eq_ignore_ascii_case(value)) {
        return Ok(());
    }
    Err(format!("one of {}", choices.join(", ")))
}

fn range(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => "a whole number".to_owned(),
        (min, i64::MAX) => format!("a whole number from {min}"),
        (min, max) => format!("a whole number from {min} to {max}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{all, value};
    use crate::settings::keys::Kind;
    use crate::settings::layers::{Entry, Raw};

    fn check(kind: Kind, given: &str, expected: Result<(), &str>) {
        assert_eq!(value(kind, given), expected.map_err(str::to_owned), "{kind:?} {given:?}");
    }

    #[test]
    fn a_value_must_fit_the_type_and_range_of_its_key() {
        check(Kind::Int(0, 5), " 5 ", Ok(()));
        check(Kind::Int(0, 5), "6", Err("a whole number from 0 to 5"));
        check(Kind::Int(1, i64::MAX), "0x10", Err("a whole number from 1"));
        check(Kind::Int(i64::MIN, i64::MAX), "99999999999999999999", Err("a whole number"));
        check(Kind::Bool, "TRUE", Ok(()));
        check(Kind::Bool, "yes", Err("one of true, false"));
        check(Kind::Decimal(50, 100), "0.8", Ok(()));
        check(Kind::Decimal(50, 100), "NaN", Err("a number from 0.5 to 1"));
        check(Kind::Choice(&["SSL", "PLAINTEXT"]), "ssl", Ok(()));
        check(Kind::Choice(&["SSL", "PLAINTEXT"]), "tls", Err("one of SSL, PLAINTEXT"));
        check(Kind::Class, "", Err("the name of a class"));
    }

    fn findings(given: &[(&str, &str)]) -> (super::Findings, usize) {
        let entry = |value: &str| Entry { value: value.to_owned(), origin: "flag --set".to_owned() };
        let mut raw: Raw = given.iter().map(|(key, value)| ((*key).to_owned(), entry(value))).collect();
        (all(&mut raw), raw.len())
    }

    #[test]
    fn every_wrong_value_is_named_at_once_and_dropped() {
        let (found, kept) = findings(&[
            ("group.id", "g"),
            ("offset.flush.interval.ms", "soon"),
            ("topic.creation.enable", "maybe"),
        ]);
        let sentences: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            sentences,
            [
                "offset.flush.interval.ms: expected a whole number from 1, got \"soon\" (flag --set)",
                "topic.creation.enable: expected one of true, false, got \"maybe\" (flag --set)",
            ]
        );
        assert_eq!(kept, 1);
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one_and_never_their_value() {
        let (found, kept) = findings(&[
            ("gruop.id", "canary"),
            ("offset.storage.partition", "canary"),
            ("rest.port", "canary"),
            ("something.else", "canary"),
        ]);
        assert_eq!(
            found.unknown,
            [
                "gruop.id: not a setting of a worker (flag --set), did you mean group.id?",
                "offset.storage.partition: not a setting of a worker (flag --set), did you mean offset.storage.partitions?",
                "rest.port: not a setting of a worker (flag --set), Kafka 3 replaced it by listeners",
                "something.else: not a setting of a worker (flag --set)",
            ]
        );
        assert_eq!(kept, 0);
    }

    #[test]
    fn settings_without_effect_are_told_and_kept() {
        let (found, kept) = findings(&[
            ("plugin.discovery", "only_scan"),
            ("ssl.provider", "SunJSSE"),
            ("rest.advertised.port", ""),
        ]);
        assert_eq!(found.inert, ["plugin.discovery", "ssl.provider"]);
        assert!(found.problems.is_empty() && kept == 2, "{found:?}");
    }
}
