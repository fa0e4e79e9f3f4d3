//! What the operator says of tables that are to be created.
use std::fmt;

/// Engine and clauses. Expressions are the operator's SQL, and become part of the statement as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    pub engine: Option<Engine>,
    pub order_by: Option<String>,
    pub partition_by: Option<String>,
    pub ttl: Option<String>,
    /// Where statements run, if not on one server.
    pub cluster: Option<String>,
    /// They are created, and not only proposed.
    pub creates: bool,
    /// The table must keep tokens, and the places of its records.
    pub exactly_once: bool,
    /// Objects become JSON, even where all have the same fields.
    pub objects_as_json: bool,
}

/// The engine of a table, with its arguments as they were given.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    pub family: Family,
    pub is_replicated: bool,
    pub arguments: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    Merge,
    Replacing,
    Summing,
    Aggregating,
    Null,
}

impl Engine {
    pub const MERGE: Engine = Engine { family: Family::Merge, is_replicated: false, arguments: None };
    pub const REPLACING: Engine = Engine { family: Family::Replacing, ..Engine::MERGE };

    /// Reads `ReplicatedReplacingMergeTree` or `SummingMergeTree(amount)`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, arguments) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => (name, Some(rest.trim_end().strip_suffix(')')?)),
        };
        let name = name.trim();
        let (is_replicated, plain) = match name.strip_prefix("Replicated") {
            Some(plain) => (true, plain),
            None => (false, name),
        };
        let (_, family) = FAMILIES.iter().find(|(known, _)| *known == plain)?;
        if *family == Family::Null && (is_replicated || arguments.is_some()) {
            return None;
        }
        Some(Engine { family: *family, is_replicated, arguments: arguments.map(str::to_owned) })
    }

    /// Rows of one key are made one, so it has to be said what the key is.
    pub fn sums_up(&self) -> bool {
        matches!(self.family, Family::Summing | Family::Aggregating)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FAMILIES.iter().find(|(_, family)| *family == self.family).map_or("", |(name, _)| name);
        write!(out, "{}{name}", if self.is_replicated { "Replicated" } else { "" })?;
        match &self.arguments {
            Some(arguments) => write!(out, "({arguments})"),
            None => Ok(()),
        }
    }
}

const FAMILIES: &[(&str, Family)] = &[
    ("MergeTree", Family::Merge),
    ("ReplacingMergeTree", Family::Replacing),
    ("SummingMergeTree", Family::Summing),
    ("AggregatingMergeTree", Family::Aggregating),
    ("Null", Family::Null),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_read_with_their_arguments() {
        for text in [
            "MergeTree",
            "ReplicatedReplacingMergeTree",
            "SummingMergeTree((a, b))",
            "Null",
            "ReplicatedMergeTree('/a/{uuid}', '{replica}')",
        ] {
            assert_eq!(Engine::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "Log", "mergetree", "Null(1)", "ReplicatedNull", "MergeTree(", "MergeTree(a) x"] {
            assert_eq!(Engine::parse(text), None, "{text}");
        }
    }
}
