//! Paths to inner fields: names with dots between them, and backticks around a name that has dots itself.
use crate::{Error, Result};

/// The names on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    text: String,
    steps: Vec<String>,
}

impl FieldPath {
    /// One name as it is.
    pub fn plain(name: &str) -> Self {
        Self { text: name.to_owned(), steps: vec![name.to_owned()] }
    }

    /// Reads a path. A backtick closes a name only before a dot or at the end, and not behind a backslash.
    pub fn parse(text: &str) -> Result<Self> {
        let mut steps = Vec::new();
        let mut rest = Some(text);
        while let Some(path) = rest {
            let (step, after) = match path.strip_prefix('`') {
                Some(quoted) => quoted_step(quoted).ok_or_else(|| {
                    Error::new(format!(
                        "field: the path {text} has a backtick that no other one closes; a backslash before a \
                         backtick makes it part of the name"
                    ))
                })?,
                None => match path.split_once('.') {
                    Some((step, after)) => (step.to_owned(), Some(after)),
                    None => (path.to_owned(), None),
                },
            };
            steps.push(step);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The name up to the closing backtick, and what follows the dot behind it.
fn quoted_step(text: &str) -> Option<(String, Option<&str>)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let at = rest.find('`')?;
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let is_closing = after.is_empty() || after.starts_with('.');
        match before.strip_suffix('\\').filter(|_| is_closing) {
            Some(_) if after.is_empty() => return None,
            Some(escaped) => {
                name.push_str(escaped);
                name.push('`');
            }
            None if is_closing => {
                name.push_str(before);
                return Some((name, after.strip_prefix('.')));
            }
            None => {
                name.push_str(before);
                name.push('`');
            }
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_java_reads_it() {
        for (path, expected) in [
            ("a", vec!["a"]),
            ("a.b.c", vec!["a", "b", "c"]),
            ("`a.b`.c", vec!["a.b", "c"]),
            ("a.`b.c`", vec!["a", "b.c"]),
            ("`a`b`.c", vec!["a`b", "c"]),
            ("`a\\`.b`.c", vec!["a`.b", "c"]),
            ("a`b", vec!["a`b"]),
            ("a.", vec!["a", ""]),
            ("", vec![""]),
        ] {
            assert_eq!(FieldPath::parse(path).unwrap().steps(), expected, "{path}");
        }
        for open in ["`a", "`a.b", "`a\\`"] {
            assert!(FieldPath::parse(open).is_err(), "{open}");
        }
    }
}
