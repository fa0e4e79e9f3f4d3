//! Java's patterns and replacements: whole matches, groups by number and by name.
use fancy_regex::{Captures, Regex, RegexBuilder};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Matches a whole text only.
    whole: Regex,
    /// Matches anywhere, as Java replaces.
    part: Regex,
}

/// Steps that a pattern may try on one text before it counts as no match.
const BACKTRACK_MAX: usize = 1_000_000;
/// Patterns come from configs: one that compiles to more is refused.
const COMPILED_BYTES_MAX: usize = 1 << 20;

impl Pattern {
    /// Compiles a pattern; the error says what is wrong in Java's form.
    pub fn compile(text: &str) -> Result<Self, String> {
        // Java's wording for the slips that people make most.
        if let Some(dangling) = text.chars().next().filter(|c| matches!(c, '*' | '+' | '?')) {
            return Err(format!("Dangling meta character '{dangling}' near index 0\n{text}\n^"));
        }
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .backtrack_limit(BACKTRACK_MAX)
                .delegate_size_limit(COMPILED_BYTES_MAX)
                .build()
        };
        let part = build(text).map_err(|error| reason(text, &error))?;
        let whole = build(&format!("^(?:{text})$")).map_err(|error| reason(text, &error))?;
        Ok(Self { whole, part })
    }

    /// Whether the whole text matches; the error says that it cannot be told.
    pub fn matches(&self, text: &str) -> Result<bool, String> {
        self.whole.is_match(text).map_err(|error| error.to_string())
    }

    fn first<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>, String> {
        self.part.captures(text).map_err(|error| error.to_string())
    }
}

fn reason(text: &str, error: &fancy_regex::Error) -> String {
    let open = unclosed(text);
    if open > 0 {
        return format!("Unclosed group near index {}\n{text}", text.chars().count());
    }
    let full = error.to_string();
    let short = full.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("{short}\n{text}")
}

/// Parentheses that are opened and not closed, outside of classes and escapes.
fn unclosed(text: &str) -> i64 {
    let (mut depth, mut in_class, mut letters) = (0, false, text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth -= 1,
            _ => {}
        }
    }
    depth
}

/// What a match is replaced by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

impl Replacement {
    /// Reads a replacement for a pattern, whose groups decide how many digits belong to a group's number.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let groups = pattern.part.captures_len();
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                '\\' => plain.push(rest.next().ok_or("a backslash at the end escapes nothing")?),
                '$' => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(reference(&mut rest, groups, pattern)?);
                }
                other => plain.push(other),
            }
        }
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// Replaces the first match in `text`; what does not match stays as it is.
    pub fn replace_first(&self, pattern: &Pattern, text: &str, out: &mut String) -> Result<(), String> {
        let Some(found) = pattern.first(text)? else {
            out.push_str(text);
            return Ok(());
        };
        let (start, end) = found.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
        out.push_str(&text[..start]);
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => out.push_str(plain),
                // A group that took no part is empty.
                Piece::Group(number) => out.push_str(found.get(*number).map_or("", |group| group.as_str())),
                Piece::Named(name) => out.push_str(found.name(name).map_or("", |group| group.as_str())),
            }
        }
        out.push_str(&text[end..]);
        Ok(())
    }
}

fn reference(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    groups: usize,
    pattern: &Pattern,
) -> Result<Piece, String> {
    if rest.next_if_eq(&'{').is_some() {
        let name: String = rest.by_ref().take_while(|letter| *letter != '}').collect();
        let is_known = pattern.part.capture_names().flatten().any(|known| known == name);
        return if is_known { Ok(Piece::Named(name)) } else { Err(format!("no group {{{name}}}")) };
    }
    let digit = |letter: Option<&char>| letter.and_then(|c| c.to_digit(10)).map(|d| d as usize);
    let mut number = digit(rest.peek()).ok_or("expected a group's number or {name} behind $")?;
    rest.next();
    if number >= groups {
        return Err(format!("no group {number}"));
    }
    // Further digits belong to the number as long as there is such a group.
    while let Some(longer) = digit(rest.peek()).map(|d| number * 10 + d).filter(|longer| *longer < groups) {
        number = longer;
        rest.next();
    }
    Ok(Piece::Group(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, replacement: &str, text: &str) -> Result<String, String> {
        let pattern = Pattern::compile(pattern)?;
        let mut out = String::new();
        Replacement::parse(replacement, &pattern)?.replace_first(&pattern, text, &mut out)?;
        Ok(out)
    }

    #[test]
    fn a_replacement_has_groups_by_number_and_name() {
        for (pattern, replacement, text, expected) in [
            ("(.*)-(.*)", "$2_$1", "a-b", "b_a"),
            ("(?<topic>[a-z]+)\\d+", "${topic}", "orders12", "orders"),
            ("(a)(b)?c", "$1$2x", "ac", "ax"),
            ("(.)", "$10", "z", "z0"),
            (".*", "\\$1\\\\", "z", "$1\\"),
            ("^(?!internal).*$", "public", "orders", "public"),
            ("(a)\\1", "$1", "aa", "a"),
            ("a|ab", "X", "ab", "Xb"),
        ] {
            assert_eq!(replaced(pattern, replacement, text).as_deref(), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn a_replacement_without_its_group_is_refused() {
        for replacement in ["$2", "$", "$x", "${no}", "\\"] {
            assert!(replaced("(.*)", replacement, "a").is_err(), "{replacement}");
        }
    }

    #[test]
    fn whole_names_match() {
        let pattern = Pattern::compile("a|b").unwrap();
        assert_eq!(pattern.matches("b"), Ok(true));
        assert_eq!(pattern.matches("ab"), Ok(false));
    }

    #[test]
    fn a_pattern_that_tries_without_end_is_given_up() {
        let pattern = Pattern::compile("(a|aa)+\\1c").unwrap();
        assert!(pattern.matches(&"a".repeat(64)).is_err());
    }
}
