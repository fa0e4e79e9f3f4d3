//! Reads Java's `.properties` text.
//!
//! Our own reader, because the `java-properties` crate refuses what Java reads: a backslash in a comment
//! (`# C:\users`) and characters beyond the basic plane. A test keeps both readers equal on the rest.

use std::iter::Peekable;
use std::str::Chars;

/// Every key with its value in the order of the text; a key may come twice.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut lines = Lines { text: text.chars().peekable(), number: 0 };
    let mut pairs = Vec::new();
    while let Some((number, line)) = lines.next_logical() {
        let (key, value) = split(&line);
        let read = |part| unescape(part).map_err(|reason| format!("line {number}: {reason}"));
        pairs.push((read(key)?, read(value)?));
    }
    Ok(pairs)
}

/// A line of the text after continuations are joined; comments and blank lines are skipped.
struct Lines<'a> {
    text: Peekable<Chars<'a>>,
    number: usize,
}

impl Lines<'_> {
    fn next_logical(&mut self) -> Option<(usize, Vec<char>)> {
        let mut line = Vec::new();
        let mut start = 0;
        while self.text.peek().is_some() {
            let is_first = line.is_empty();
            let continues = self.append_natural(&mut line);
            if is_first {
                start = self.number;
            }
            if !continues && !line.is_empty() {
                return Some((start, line));
            }
        }
        (!line.is_empty()).then_some((start, line))
    }

    /// Appends one line without its indentation, and says whether it ends in a lone backslash.
    fn append_natural(&mut self, line: &mut Vec<char>) -> bool {
        self.number += 1;
        while self.text.next_if(|c| is_blank(*c)).is_some() {}
        let is_comment = line.is_empty() && self.text.peek().is_some_and(|c| matches!(c, '#' | '!'));
        let mut is_escaped = false;
        while let Some(c) = self.text.next() {
            if matches!(c, '\n' | '\r') {
                if c == '\r' {
                    self.text.next_if_eq(&'\n');
                }
                break;
            }
            if !is_comment {
                line.push(c);
                is_escaped = c == '\\' && !is_escaped;
            }
        }
        if is_escaped {
            line.pop();
        }
        is_escaped
    }
}

/// The key ends at the first bare `=`, `:` or blank; one separator and the blanks around it are dropped.
fn split(line: &[char]) -> (&[char], &[char]) {
    let mut is_escaped = false;
    let mut key_end = line.len();
    for (at, c) in line.iter().enumerate() {
        if !is_escaped && (matches!(c, '=' | ':') || is_blank(*c)) {
            key_end = at;
            break;
        }
        is_escaped = *c == '\\' && !is_escaped;
    }
    let (key, rest) = line.split_at(key_end);
    let rest = skip_blanks(rest);
    let rest = if matches!(rest.first(), Some('=' | ':')) { &rest[1..] } else { rest };
    (key, skip_blanks(rest))
}

fn skip_blanks(text: &[char]) -> &[char] {
    let blanks = text.iter().take_while(|c| is_blank(**c)).count();
    &text[blanks..]
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Java writes a character beyond the basic plane as two escapes, so text is collected as UTF-16.
fn unescape(text: &[char]) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.iter().copied();
    while let Some(c) = chars.next() {
        let meant = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    units.push(hex(chars.by_ref().take(4))?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    Ok(String::from_utf16_lossy(&units))
}

fn hex(digits: impl Iterator<Item = char>) -> Result<u16, String> {
    let digits: String = digits.collect();
    let is_hex = digits.len() == 4 && digits.chars().all(|c| c.is_ascii_hexdigit());
    let refused = || "expected four hexadecimal digits after \\u".to_owned();
    if is_hex { u16::from_str_radix(&digits, 16).map_err(|_| refused()) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    fn check(given: &str, expected: &[(&str, &str)]) {
        let pairs = parse(given).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, expected, "{given:?}");
    }

    #[test]
    fn separators_and_blanks_around_them_belong_to_nobody() {
        check("a=1\nb : 2\nc 3\nd\t=\t4\n", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
        check("  a==b\nempty=\nbare", &[("a", "=b"), ("empty", ""), ("bare", "")]);
        check("a\\=b=c\na\\ b=c\na\\:b:c", &[("a=b", "c"), ("a b", "c"), ("a:b", "c")]);
        check("key = value kept to the end  ", &[("key", "value kept to the end  ")]);
    }

    #[test]
    fn a_backslash_joins_lines_and_drops_the_indentation() {
        check("a=1,\\\n    2,\\\r\n\t3\nb=4", &[("a", "1,2,3"), ("b", "4")]);
        check("a=1\\\\\nb=2", &[("a", "1\\"), ("b", "2")]);
        check("a=1\\\n\nb=2", &[("a", "1"), ("b", "2")]);
        check("a=1\\", &[("a", "1")]);
        check("a=1\\\n#2", &[("a", "1#2")]);
    }

    #[test]
    fn comments_are_skipped_whatever_they_contain() {
        check("# C:\\users\\\n! b=1\n  # c\nd=2 # no comment", &[("d", "2 # no comment")]);
        check("\u{feff}", &[("\u{feff}", "")]);
    }

    #[test]
    fn escapes_give_the_character_they_name() {
        check("a=\\u00e9\\t\\q\\n", &[("a", "é\tq\n")]);
        check("a=\\ud83d\\ude00 = 😀 é", &[("a", "😀 = 😀 é")]);
        assert_eq!(parse("a=1\nb=\\u12").unwrap_err(), "line 2: expected four hexadecimal digits after \\u");
        assert_eq!(parse("b=\\u+123").unwrap_err(), "line 1: expected four hexadecimal digits after \\u");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>(), dense in "[ab=:#!\\\\u0\r\n \t]{0,40}") {
            let _ = parse(&text);
            let _ = parse(&dense);
        }

        #[test]
        fn plain_texts_read_as_another_implementation_reads_them(
            lines in prop::collection::vec("[ab.=: \\\\]{0,12}", 0..6)
        ) {
            // The other reader leaves Java's way at a line of nothing but a backslash, and drops a last
            // line that ends in one.
            prop_assume!(lines.iter().all(|line| line.trim_start_matches(' ') != "\\"));
            let text = lines.join("\n") + "\nend=1";
            let mut expected = Vec::new();
            java_properties::PropertiesIter::new(text.as_bytes())
                .read_into(|key, value| expected.push((key, value)))
                .unwrap();
            prop_assert_eq!(parse(&text).unwrap(), expected);
        }
    }
}
