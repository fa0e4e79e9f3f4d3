//! The names of a new connector: its package, its library and its class.

use crate::args::Kind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    package: String,
    class: String,
    kind: Kind,
}

impl Name {
    /// What cargo, the file system and Rust all take for a name.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, String> {
        let refused =
            |expected: &str| Err(format!("{text:?} is no name for a connector: expected {expected}"));
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let is_plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !starts_well || !is_plain || text.ends_with('-') || text.contains("--") {
            return refused("small letters, digits and single dashes, such as orders-sink");
        }
        if text.len() > LENGTH_MAX {
            return refused(&format!("at most {LENGTH_MAX} characters"));
        }
        if TAKEN.contains(&text) || text.starts_with("penstock-") {
            return refused("one that Rust or Penstock does not use itself");
        }
        Ok(Self { package: text.to_owned(), class: class(text, kind), kind })
    }

    pub fn package(&self) -> &str {
        &self.package
    }

    pub fn library(&self) -> String {
        self.package.replace('-', "_")
    }

    pub fn class(&self) -> &str {
        &self.class
    }

    pub fn kind_of(&self) -> Kind {
        self.kind
    }

    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Source => "source",
            Kind::Sink => "sink",
        }
    }
}

/// `orders-sink` is `OrdersSink`, and `orders` is as well. A bare `sink` would be the trait's own name.
fn class(package: &str, kind: Kind) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let camel: String = package.split('-').map(capital).collect();
    let suffix = match kind {
        Kind::Source => "Source",
        Kind::Sink => "Sink",
    };
    if camel.ends_with(suffix) && camel != suffix { camel } else { camel + suffix }
}

/// Folder and file names have 255 bytes; this leaves room for what is put around them.
const LENGTH_MAX: usize = 64;

/// Packages that cargo refuses or that hide a crate every program needs.
const TAKEN: [&str; 51] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "while",
];

#[cfg(test)]
mod tests {
    use super::Name;
    use crate::args::Kind;

    fn check(given: &str, kind: Kind, expected: Result<(&str, &str), &str>) {
        let parsed = Name::parse(given, kind).map(|name| (name.class().to_owned(), name.library()));
        let expected = expected.map(|(class, library)| (class.to_owned(), library.to_owned()));
        match (parsed, expected) {
            (Ok(parsed), Ok(expected)) => assert_eq!(parsed, expected, "{given}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{given}: {reason}"),
            (parsed, expected) => panic!("{given}: {parsed:?} is not {expected:?}"),
        }
    }

    #[test]
    fn the_class_says_what_it_is_and_says_it_once() {
        check("orders", Kind::Sink, Ok(("OrdersSink", "orders")));
        check("orders-sink", Kind::Sink, Ok(("OrdersSink", "orders_sink")));
        check("orders-sink", Kind::Source, Ok(("OrdersSinkSource", "orders_sink")));
        check("s3-4-you", Kind::Source, Ok(("S34YouSource", "s3_4_you")));
        check("sink", Kind::Sink, Ok(("SinkSink", "sink")));
    }

    #[test]
    fn names_that_would_not_build_are_refused() {
        for bad in ["", "-a", "a-", "a--b", "A", "1a", "a_b", "a/b", "..", "é", "a b"] {
            check(bad, Kind::Sink, Err("expected small letters"));
        }
        for taken in ["fn", "core", "test", "penstock-sdk"] {
            check(taken, Kind::Sink, Err("does not use itself"));
        }
        check(&"a".repeat(65), Kind::Sink, Err("at most 64"));
    }
}
