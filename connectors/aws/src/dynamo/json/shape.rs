//! Which fields an item's attributes become.
use std::collections::HashMap;

use penstock_sdk::{Config, Error, Result};

/// Names and forms of what is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Attributes within maps become fields of their own, named by their path with this between.
    pub separator: Option<String>,
    /// Names that fields have in place of their own; an empty one leaves the field out.
    pub names: HashMap<String, String>,
    /// Numbers are written as text.
    pub texts: bool,
    pub version: String,
    pub deleted: String,
}

impl Shape {
    pub fn parse(config: &Config) -> Result<Self> {
        let word = |key: &str| config.get(key).map(str::trim).filter(|word| !word.is_empty());
        let mut names = HashMap::new();
        for pair in config.list(COLUMNS) {
            let (attribute, name) = pair.split_once('=').unwrap_or_default();
            if attribute.trim().is_empty()
                || names.insert(attribute.trim().into(), name.trim().into()).is_some()
            {
                return Err(Error::config(format!(
                    "{COLUMNS}: expected pairs such as total=amount,blob= with each attribute once, got {pair:?}"
                )));
            }
        }
        Ok(Self {
            separator: config
                .get("dynamodb.flatten.separator")
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            names,
            texts: word("dynamodb.numbers") == Some("text"),
            version: word("dynamodb.version.field").unwrap_or("_version").to_owned(),
            deleted: word("dynamodb.deleted.field").unwrap_or("_is_deleted").to_owned(),
        })
    }

    /// The field of an attribute; none if it has none.
    pub fn name<'a>(&'a self, attribute: &'a str) -> Option<&'a str> {
        match self.names.get(attribute) {
            Some(name) if name.is_empty() => None,
            Some(name) => Some(name),
            None => Some(attribute),
        }
    }
}

const COLUMNS: &str = "dynamodb.columns";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_renamed_and_left_out() {
        let config: Config = [(COLUMNS, " total = amount, blob=")].into_iter().collect();
        let shape = Shape::parse(&config).unwrap();
        assert_eq!(
            [shape.name("total"), shape.name("blob"), shape.name("x")],
            [Some("amount"), None, Some("x")]
        );
        assert_eq!((shape.version.as_str(), shape.deleted.as_str()), ("_version", "_is_deleted"));
        for wrong in ["total", "=x", "a=b,a=c"] {
            let error = Shape::parse(&[(COLUMNS, wrong)].into_iter().collect()).unwrap_err();
            assert!(error.message().contains("expected pairs such as"), "{error}");
        }
    }
}
