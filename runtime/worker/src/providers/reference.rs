//! Finds references in a value, exactly where Java's pattern `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}` finds them.

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    Text(&'a str),
    Reference(Reference<'a>),
}

/// `${provider:path:key}`; the path is empty when there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference<'a> {
    /// As it was written, braces included.
    pub text: &'a str,
    pub provider: &'a str,
    pub path: &'a str,
    pub key: &'a str,
}

/// The value in pieces, which make it up again when they are put together.
pub fn parts(value: &str) -> Vec<Part<'_>> {
    let (mut parts, mut text_from, mut search_from) = (Vec::new(), 0, 0);
    while let Some(start) = value[search_from..].find("${").map(|at| search_from + at) {
        let Some(end) = value[start..].find('}').map(|at| start + at + 1) else { break };
        search_from = end;
        let Some(reference) = inside(&value[start..end]) else { continue };
        if text_from < start {
            parts.push(Part::Text(&value[text_from..start]));
        }
        parts.push(Part::Reference(reference));
        text_from = end;
    }
    if text_from < value.len() {
        parts.push(Part::Text(&value[text_from..]));
    }
    parts
}

/// The first colon ends the provider, the second one the path; all others belong to the key.
fn inside(text: &str) -> Option<Reference<'_>> {
    let (provider, rest) = text.strip_prefix("${")?.strip_suffix('}')?.split_once(':')?;
    let (path, key) = rest.split_once(':').unwrap_or(("", rest));
    Some(Reference { text, provider, path, key })
}

#[cfg(test)]
mod tests {
    use super::{Part, parts};
    use proptest::prelude::*;

    /// References as `provider|path|key`, between the texts around them.
    fn check(value: &str, expected: &[&str]) {
        let shown: Vec<_> = parts(value)
            .iter()
            .map(|part| match part {
                Part::Text(text) => (*text).to_owned(),
                Part::Reference(r) => format!("{}|{}|{}", r.provider, r.path, r.key),
            })
            .collect();
        assert_eq!(shown, expected, "{value:?}");
    }

    #[test]
    fn a_reference_has_a_provider_perhaps_a_path_and_a_key() {
        check("${file:/a/b.properties:key}", &["file|/a/b.properties|key"]);
        check("${env:HOME}", &["env||HOME"]);
        check("${a:b:c:d:e}", &["a|b|c:d:e"]);
        check("${a::c}", &["a||c"]);
        check("${:}", &["||"]);
        check("${::}", &["||"]);
        check("${a:b:}", &["a|b|"]);
        check("${ a : b }", &[" a || b "]);
        check("${a:b\nc}", &["a||b\nc"]);
    }

    #[test]
    fn several_stand_in_one_value_with_text_between() {
        check("x${a:b}y${c:d:e}", &["x", "a||b", "y", "c|d|e"]);
        check("${a:b}${a:c}", &["a||b", "a||c"]);
        check("jdbc://${e:U}:${e:P}@h", &["jdbc://", "e||U", ":", "e||P", "@h"]);
    }

    #[test]
    fn what_is_no_reference_is_text() {
        for text in ["", "$", "${", "${}", "${a}", "${a:b", "$a:b}", "{a:b}", "$ {a:b}"] {
            check(text, if text.is_empty() { &[] } else { std::slice::from_ref(&text) });
        }
    }

    #[test]
    fn braces_do_not_nest() {
        check("${a:${b:c}}", &["a|${b|c", "}"]);
        check("${a${b:c}", &["a${b||c"]);
        check("${a}${b:c}", &["${a}", "b||c"]);
        check("$${a:b}", &["$", "a||b"]);
        check("${a${b}:c}", &["${a${b}:c}"]);
    }

    proptest! {
        #[test]
        fn the_pieces_make_the_value_and_are_where_javas_pattern_matches(
            dense in "[${}:ab\n]{0,60}", free in any::<String>()
        ) {
            let java = regex::Regex::new(r"\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}").unwrap();
            for value in [dense, free] {
                let parts = parts(&value);
                let whole: String = parts.iter().map(|part| match part {
                    Part::Text(text) => *text,
                    Part::Reference(reference) => reference.text,
                }).collect();
                prop_assert_eq!(&whole, &value);
                let found: Vec<_> = parts.iter().filter_map(|part| match part {
                    Part::Reference(r) => Some((r.text, r.provider, r.path, r.key)),
                    Part::Text(_) => None,
                }).collect();
                let group = |c: &regex::Captures<'_>, n| c.get(n).map_or(String::new(), |m| m.as_str().to_owned());
                let expected: Vec<_> = java.captures_iter(&value)
                    .map(|c| (group(&c, 0), group(&c, 1), group(&c, 3), group(&c, 4))).collect();
                let expected: Vec<_> = expected.iter()
                    .map(|(a, b, c, d)| (a.as_str(), b.as_str(), c.as_str(), d.as_str())).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
