//! Reads a query string: repeated keys, any order, and nothing in it that could be an error.
use crate::path::unescape;
use std::convert::Infallible;

/// Keys and values in their order. Parameters nobody asks for are ignored.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        Self(
            parts
                .map(|part| {
                    let (key, value) = part.split_once('=').unwrap_or((part, ""));
                    (decode(key), decode(value))
                })
                .collect(),
        )
    }

    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(each, _)| each == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn first(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// Java's reading of a boolean: `true` in any case, and everything else is false.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.first(key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// `+` is a blank here, and an escape that is none stands for itself.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let Ok(bytes) = unescape(text.as_bytes(), |_| Ok::<_, Infallible>(()));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_keep_their_order() {
        let query = Query::parse(Some("expand=info&x=y&expand=status&&=&expand="));
        assert_eq!(query.all("expand").collect::<Vec<_>>(), ["info", "status", ""]);
    }

    #[test]
    fn escapes_are_decoded_and_broken_ones_kept() {
        let query = Query::parse(Some("a%20b=c+d%2B&x=%zz&y=%ff&z"));
        assert_eq!(query.first("a b"), Some("c d+"));
        assert_eq!(query.first("x"), Some("%zz"));
        assert_eq!(query.first("y"), Some("\u{fffd}"));
        assert_eq!(query.first("z"), Some(""));
        assert_eq!(Query::parse(None).first("z"), None);
    }

    #[test]
    fn booleans_are_true_in_any_case_and_in_no_other_words() {
        let check = |query, expected| assert_eq!(Query::parse(Some(query)).is_true("f"), expected, "{query}");
        check("f=true", true);
        check("f=True", true);
        check("f=TRUE", true);
        check("f=false", false);
        check("f=1", false);
        check("f=yes", false);
        check("f", false);
        check("", false);
    }
}
