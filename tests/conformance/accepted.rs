//! The differences that are accepted, each with its reason.

use crate::replayed::{Agreement, Difference, Replayed, Request};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Accepted {
    /// Group and number of a request: its name and the reason.
    requests: BTreeMap<(String, u32), (String, String)>,
    /// Why a 400 stands where Java leaks a 500.
    refused: Option<String>,
    /// Kinds of values: kind, pattern and reason.
    values: Vec<(String, String, String)>,
}

impl Accepted {
    /// Lines of group, number, name and reason; a kind and a pattern in place of number and name for `exact`.
    pub fn parse(list: &str) -> Self {
        let mut accepted = Self::default();
        for line in list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let parts: Vec<&str> = line.split('\t').collect();
            let &[group, number, name, reason] = parts.as_slice() else {
                panic!("expected group, number, name and reason: {line:?}")
            };
            assert!(reason.len() > 10, "a difference needs a reason: {line:?}");
            match group {
                "refused" => accepted.refused = Some(reason.to_owned()),
                "exact" => accepted.values.push((number.to_owned(), name.to_owned(), reason.to_owned())),
                _ => {
                    let key = (group.to_owned(), number.parse().expect("a request's number"));
                    let twice = accepted.requests.insert(key, (name.to_owned(), reason.to_owned()));
                    assert!(twice.is_none(), "listed twice: {line:?}");
                }
            }
        }
        accepted
    }

    /// What is wrong with a request's answer; `None` when it agrees or its differences are listed.
    pub fn objection(&self, request: &Request) -> Option<String> {
        let Request { group, number, name, agreement, differences } = request;
        if let Some((listed, _)) = self.requests.get(&(group.clone(), *number)) {
            return (listed != name)
                .then(|| format!("{group} {number} is {name:?}, and listed as {listed:?}"));
        }
        let is_refused = *agreement == Agreement::Refused && self.refused.is_some();
        if *agreement == Agreement::Exact || is_refused {
            return None;
        }
        let is_open =
            |difference: &&Difference| *agreement != Agreement::Shape || self.class(difference).is_none();
        let open = differences.iter().find(is_open)?;
        let Difference { kind, golden, got } = open;
        Some(format!("{group} {number} ({name}): {kind} {}, got {}", short(golden), short(got)))
    }

    pub fn is_listed(&self, request: &Request) -> bool {
        self.requests.contains_key(&(request.group.clone(), request.number))
            || request.agreement == Agreement::Refused
    }

    /// Listed requests that agree exactly.
    pub fn stale(&self, now: &Replayed) -> Vec<String> {
        let agrees = |(group, number): &(String, u32)| {
            now.get(group, *number).is_none_or(|request| request.agreement == Agreement::Exact)
        };
        let stale = self.requests.iter().filter(|(key, _)| agrees(key));
        stale.map(|((group, number), (name, _))| format!("{group} {number} ({name})")).collect()
    }

    /// How many requests differ for each reason.
    pub fn counts(&self, now: &Replayed) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in now.requests() {
            let listed = self.requests.get(&(request.group.clone(), request.number));
            let reasons = match (listed, request.agreement) {
                (_, Agreement::Exact) => continue,
                (Some((_, reason)), _) => vec![reason.clone()],
                (None, Agreement::Refused) => self.refused.iter().cloned().collect(),
                (None, _) => {
                    let mut reasons: Vec<_> =
                        request.differences.iter().filter_map(|one| self.class(one).cloned()).collect();
                    reasons.sort();
                    reasons.dedup();
                    reasons
                }
            };
            for reason in reasons {
                *counts.entry(reason).or_insert(0) += 1;
            }
        }
        counts
    }

    fn class(&self, difference: &Difference) -> Option<&String> {
        let fits = |(kind, pattern, _): &&(String, String, String)| {
            *kind == difference.kind && matches(pattern, &difference.golden)
        };
        self.values.iter().find(fits).map(|(.., reason)| reason)
    }
}

/// `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(first) else { return false };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().any(|at| matches(rest, &text[at..]))
}

fn short(text: &str) -> String {
    text.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Replayed, matches};

    const LIST: &str = "# comment\na\t1\tfirst\ta good reason\nrefused\t*\t*\tbetter than a 500\n\
                        exact\tvalue\t/*/documentation = *\tour own words\n";

    fn objection(outcome: &str, kind: &str, at: &str) -> Option<String> {
        let report = format!(
            r#"{{"group":"a","number":2,"differences":[{{"kind":"{kind}","at":"{at}","golden":"x","got":"y"}}]}}"#
        );
        let now = Replayed::parse(outcome, if kind.is_empty() { "" } else { &report });
        now.requests().find_map(|request| Accepted::parse(LIST).objection(request))
    }

    #[test]
    fn only_listed_differences_pass() {
        let check = |outcome: &str, kind, at, expected: Option<&str>| {
            assert_eq!(objection(outcome, kind, at).as_deref(), expected, "{outcome}");
        };
        check("a\t1\tnone\tfirst", "", "", None);
        check("a\t1\tnone\tother", "", "", Some(r#"a 1 is "other", and listed as "first""#));
        check("a\t2\texact\tsecond", "", "", None);
        check("a\t2\trefused\tsecond", "status", "", None);
        check("a\t2\tshape\tsecond", "value", "/3/documentation", None);
        check("a\t2\tshape\tsecond", "value", "/3/name", Some("a 2 (second): value /3/name = x, got y"));
        check(
            "a\t2\tshape\tsecond",
            "message",
            "/3/documentation",
            Some("a 2 (second): message /3/documentation = x, got y"),
        );
        check("a\t2\tstatus\tsecond", "shape", "/0", Some("a 2 (second): shape /0 = x, got y"));
    }

    #[test]
    fn what_agrees_by_now_is_told() {
        let now = Replayed::parse("a\t1\texact\tfirst", "");
        assert_eq!(Accepted::parse(LIST).stale(&now), ["a 1 (first)"]);
        let now = Replayed::parse("a\t1\tnone\tfirst\na\t2\trefused\tsecond", "");
        assert_eq!(Accepted::parse(LIST).stale(&now).len(), 0);
        let counts = Accepted::parse(LIST).counts(&now);
        assert_eq!(counts["a good reason"], 1);
        assert_eq!(counts["better than a 500"], 1);
    }

    #[test]
    fn patterns_have_wildcards() {
        for (pattern, text, expected) in [
            ("/*/a = *", "/12/a = x", true),
            ("/*/a = *", "/12/b = x", false),
            ("/message = Connector config * type", "/message = Connector config {ž} type", true),
            ("/message", "/message = x", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
