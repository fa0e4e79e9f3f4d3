//! The transforms of a connector as its tasks open them.

use ::transforms::{Condition, Step};

use super::rules::given;
use super::value::{Typed, list, parse};
use super::{Config, Error, Type};

/// The configured transforms in their order, each with its predicate; an error names the setting that is wrong.
pub fn parse_steps(config: &Config) -> Result<Vec<Step>, Error> {
    let aliases = given(config, "transforms").map(list).unwrap_or_default();
    aliases.iter().map(|alias| step(config, alias)).collect()
}

fn step(config: &Config, alias: &str) -> Result<Step, Error> {
    let prefix = format!("transforms.{alias}.");
    let negate_key = format!("{prefix}negate");
    let is_negated = match given(config, &negate_key) {
        Some(text) => parse(&negate_key, Type::Boolean, text).map_err(Error::new)? == Typed::Boolean(true),
        None => false,
    };
    let condition = match given(config, &format!("{prefix}predicate")) {
        Some(predicate) => Some(condition(config, alias, predicate, is_negated)?),
        // A transform that is negated without a predicate applies to nothing in question: Java ignores it too.
        None => None,
    };
    Ok(Step {
        alias: alias.to_owned(),
        class: required(config, &format!("{prefix}type"))?,
        settings: below(config, &prefix),
        condition,
    })
}

fn condition(config: &Config, transform: &str, alias: &str, is_negated: bool) -> Result<Condition, Error> {
    let is_listed =
        given(config, "predicates").map(list).unwrap_or_default().iter().any(|known| known == alias);
    if !is_listed {
        let sentence = format!("transforms.{transform}.predicate: {alias} is not among the predicates");
        return Err(Error::new(sentence));
    }
    let prefix = format!("predicates.{alias}.");
    Ok(Condition {
        alias: alias.to_owned(),
        class: required(config, &format!("{prefix}type"))?,
        settings: below(config, &prefix),
        is_negated,
    })
}

fn required(config: &Config, key: &str) -> Result<String, Error> {
    given(config, key).map(str::to_owned).ok_or_else(|| {
        Error::new(format!("Missing required configuration \"{key}\" which has no default value."))
    })
}

fn below(config: &Config, prefix: &str) -> Vec<(String, String)> {
    let own = |(key, value): (&String, &Option<String>)| {
        Some((key.strip_prefix(prefix)?.to_owned(), value.clone()?))
    };
    config.iter().filter_map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect()
    }

    #[test]
    fn transforms_come_in_their_order_with_their_predicates() {
        let steps = parse_steps(&config(&[
            ("transforms", "b, a"),
            ("transforms.a.type", "Filter"),
            ("transforms.a.predicate", "p"),
            ("transforms.a.negate", "TRUE"),
            ("transforms.b.type", "RegexRouter"),
            ("transforms.b.regex", "x"),
            ("transforms.bb.regex", "y"),
            ("predicates", "p"),
            ("predicates.p.type", "HasHeaderKey"),
            ("predicates.p.name", "n"),
        ]))
        .unwrap();
        let aliases: Vec<_> = steps.iter().map(|step| (step.alias.as_str(), step.class.as_str())).collect();
        assert_eq!(aliases, [("b", "RegexRouter"), ("a", "Filter")]);
        assert!(
            steps[0].settings.contains(&("regex".to_owned(), "x".to_owned())) && steps[0].condition.is_none()
        );
        let condition = steps[1].condition.as_ref().unwrap();
        assert!(condition.is_negated && condition.alias == "p" && condition.class == "HasHeaderKey");
        assert!(condition.settings.contains(&("name".to_owned(), "n".to_owned())));
        assert_eq!(parse_steps(&config(&[])), Ok(Vec::new()));
    }

    #[test]
    fn a_transform_that_is_not_whole_is_named() {
        for (pairs, expected) in [
            (&[("transforms", "a")][..], "Missing required configuration \"transforms.a.type\""),
            (
                &[("transforms", "a"), ("transforms.a.type", "Filter"), ("transforms.a.predicate", "p")],
                "transforms.a.predicate: p is not among the predicates",
            ),
            (
                &[("transforms", "a"), ("transforms.a.type", "Filter"), ("transforms.a.negate", "maybe")],
                "Invalid value maybe for configuration transforms.a.negate",
            ),
        ] {
            let error = parse_steps(&config(pairs)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
