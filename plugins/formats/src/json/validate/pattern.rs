//! Patterns as JSON Schema has them: JavaScript's, as far as they mean the same here.

use crate::{Error, Result};
use fancy_regex::{Regex, RegexBuilder};

#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    text: String,
}

impl Pattern {
    pub fn new(text: &str) -> Result<Self> {
        let mut builder = RegexBuilder::new(&translated(text));
        builder.backtrack_limit(BACKTRACKS_MAX).delegate_size_limit(SIZE_MAX);
        let regex = builder.build();
        let regex = regex
            .map_err(|_| Error::record(format!("the pattern {text:?} cannot be read, or is too large")))?;
        Ok(Self { regex, text: text.to_owned() })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// None when it would take too long to say.
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.regex.is_match(text).ok()
    }
}

/// Digits and letters of words are those of ASCII, as in JavaScript and Java.
fn translated(pattern: &str) -> String {
    let (mut out, mut rest, mut is_in_class) = (String::with_capacity(pattern.len()), pattern.chars(), false);
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => match (rest.next(), is_in_class) {
                (Some('d'), true) => out.push_str("0-9"),
                (Some('d'), false) => out.push_str("[0-9]"),
                (Some('D'), false) => out.push_str("[^0-9]"),
                (Some('w'), true) => out.push_str("A-Za-z0-9_"),
                (Some('w'), false) => out.push_str("[A-Za-z0-9_]"),
                (Some('W'), false) => out.push_str("[^A-Za-z0-9_]"),
                (Some('/'), _) => out.push('/'),
                (escaped, _) => out.extend(std::iter::once('\\').chain(escaped)),
            },
            // Within a class, these have a meaning of their own in Rust.
            '[' | '&' | '~' if is_in_class => out.extend(['\\', letter]),
            _ => {
                is_in_class = (is_in_class || letter == '[') && letter != ']';
                out.push(letter);
            }
        }
    }
    out
}

/// Only patterns that look around or refer back step back at all; the others take time in proportion to the text.
const BACKTRACKS_MAX: usize = 10_000;
/// Of a compiled pattern, in bytes.
const SIZE_MAX: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        for (pattern, yes, no) in [
            (r"^\d+$", "09", "٣"),
            (r"^[\d\-x]+$", "0-x", "a"),
            (r"^\w$", "_", "é"),
            (r"^\W\D$", "éa", "a1"),
            (r"^a\/b$", "a/b", "a-b"),
            ("^[[a&&b~~]+$", "[a&&b~~", "]"),
            ("b", "abc", "ac"),
            ("^a$", "a", "a\n"),
            (r"^(a)\1(?!b)", "aac", "aab"),
            (r"^\p{L}\u0041$", "éA", "1A"),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!((pattern.matches(yes), pattern.matches(no)), (Some(true), Some(false)), "{pattern:?}");
        }
    }
}
