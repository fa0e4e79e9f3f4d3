//! What the values of settings have to keep beyond their types, in the words that clients of Connect know.
use crate::ops;
use crate::pattern::Pattern;
use std::collections::HashSet;

/// A rule for one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Any,
    NotNull,
    NonEmpty,
    Regex,
    NonEmptyRegex,
    OneOf(&'static [&'static str]),
    OneOfAnyCase(&'static [&'static str]),
    NonEmptyList,
    DistinctItems { may_be_empty: bool },
    Casts,
    Renames,
}

/// A value as a rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed<'a> {
    /// Missing, or not of the setting's type.
    Null,
    Text(&'a str),
    List(&'a [String]),
}

impl Rule {
    /// Checks the value of the setting `name`; the error is a whole message.
    pub fn check(self, name: &str, value: Typed<'_>) -> Result<(), String> {
        let refuse =
            |why: &str| Err(format!("Invalid value {} for configuration {name}: {why}", shown(value)));
        match (self, value) {
            (Self::NotNull, Typed::Null) => refuse("entry must be non null"),
            (Self::NonEmpty | Self::NonEmptyRegex, Typed::Text("")) => refuse("String must be non-empty"),
            (Self::Regex | Self::NonEmptyRegex, Typed::Null) => {
                refuse("Invalid regex: Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null")
            }
            (Self::Regex | Self::NonEmptyRegex, Typed::Text(text)) => match Pattern::compile(text) {
                Ok(_) => Ok(()),
                Err(why) => refuse(&format!("Invalid regex: {why}")),
            },
            (Self::OneOf(words), value) if !is_one_of(words, value, |a, b| a == b) => {
                refuse(&format!("String must be one of: {}", words.join(", ")))
            }
            (Self::OneOfAnyCase(words), value) if !is_one_of(words, value, str::eq_ignore_ascii_case) => {
                refuse(&format!("String must be one of (case insensitive): {}", words.join(", ")))
            }
            (Self::NonEmptyList, Typed::Null | Typed::List([])) => refuse("Empty list"),
            (Self::DistinctItems { may_be_empty }, value) => distinct(name, value, may_be_empty),
            (Self::Casts, Typed::Null | Typed::List([])) => {
                Err("Must specify at least one field to cast.".to_owned())
            }
            (Self::Casts, Typed::List(items)) => ops::cast::parse(items).map(drop),
            (Self::Renames, Typed::List(items)) => ops::replace_field::parse_renames(items).map(drop),
            _ => Ok(()),
        }
    }
}

fn is_one_of(words: &[&str], value: Typed<'_>, is_same: impl Fn(&str, &str) -> bool) -> bool {
    matches!(value, Typed::Text(text) if words.iter().any(|word| is_same(word, text)))
}

fn distinct(name: &str, value: Typed<'_>, may_be_empty: bool) -> Result<(), String> {
    let items = match value {
        Typed::Null => return Err(format!("Configuration '{name}' values must not be null.")),
        Typed::List(items) => items,
        Typed::Text(_) => return Ok(()),
    };
    if items.is_empty() && !may_be_empty {
        return Err(format!(
            "Configuration '{name}' must not be empty. Valid values include: any non-empty value"
        ));
    }
    let mut seen = HashSet::new();
    if !items.iter().all(|item| seen.insert(item)) {
        return Err(format!("Configuration '{name}' values must not be duplicated."));
    }
    if items.iter().any(String::is_empty) {
        return Err(format!("Configuration '{name}' values must not be empty."));
    }
    Ok(())
}

fn shown(value: Typed<'_>) -> String {
    match value {
        Typed::Null => "null".to_owned(),
        Typed::Text(text) => text.to_owned(),
        Typed::List(items) => format!("[{}]", items.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn refusals_read_as_a_java_worker_words_them() {
        let null = Typed::Null;
        let cast = |items: &[&str]| Rule::Casts.check("spec", Typed::List(&list(items))).unwrap_err();
        let fields = Rule::DistinctItems { may_be_empty: false };
        for (got, expected) in [
            (
                Rule::NotNull.check("header", null).unwrap_err(),
                "Invalid value null for configuration header: entry must be non null",
            ),
            (
                Rule::NonEmptyList.check("fields", Typed::List(&[])).unwrap_err(),
                "Invalid value [] for configuration fields: Empty list",
            ),
            (
                Rule::OneOf(&["move", "copy"]).check("operation", Typed::Text("x")).unwrap_err(),
                "Invalid value x for configuration operation: String must be one of: move, copy",
            ),
            (
                Rule::OneOfAnyCase(&["V1", "V2"]).check("v", Typed::Text("v3")).unwrap_err(),
                "Invalid value v3 for configuration v: String must be one of (case insensitive): V1, V2",
            ),
            (fields.check("fields", null).unwrap_err(), "Configuration 'fields' values must not be null."),
            (
                fields.check("fields", Typed::List(&list(&["a", "a"]))).unwrap_err(),
                "Configuration 'fields' values must not be duplicated.",
            ),
            (
                Rule::Regex.check("regex", Typed::Text("a(")).unwrap_err(),
                "Invalid value a( for configuration regex: Invalid regex: Unclosed group near index 2\na(",
            ),
            (cast(&[]), "Must specify at least one field to cast."),
            (
                cast(&["a:b:c"]),
                "Invalid value [a:b:c] for configuration renames: Invalid rename mapping: a:b:c",
            ),
            (
                cast(&["foo"]),
                "Invalid value java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type.FOO for configuration Invalid type found in casting spec: foo",
            ),
            (
                cast(&["a:bytes"]),
                "Cast transformation does not support casting to BYTES; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]",
            ),
            (
                cast(&["int8", "a:int8"]),
                "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec",
            ),
        ] {
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn good_values_pass() {
        assert_eq!(Rule::Casts.check("spec", Typed::List(&list(&["a : INT8", "b:string"]))), Ok(()));
        assert_eq!(Rule::OneOfAnyCase(&["V1", "V2"]).check("v", Typed::Text("v2")), Ok(()));
        assert_eq!(Rule::NonEmpty.check("replacement", Typed::Null), Ok(()));
        assert_eq!(Rule::Renames.check("renames", Typed::List(&list(&["a:b"]))), Ok(()));
    }
}
