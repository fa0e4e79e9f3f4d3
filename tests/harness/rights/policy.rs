//! A policy as IAM reads it, out of a page of the documentation, so that page and tests cannot drift apart.
//!
//! It knows what the documented policies use, and refuses to read anything else: statements that allow, stars and question
//! marks in actions and resources, and conditions by `StringLike` and `StringEquals`.

use serde_json::Value;
use std::collections::BTreeMap;

/// What somebody may do.
#[derive(Debug, Clone)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    /// Stars and question marks count.
    is_like: bool,
    key: String,
    values: Vec<String>,
}

/// Something that a request needs to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub action: String,
    pub resource: String,
    /// What conditions look at.
    pub keys: BTreeMap<String, String>,
}

impl Policy {
    /// The first JSON below a heading of a page, with its example's names replaced by real ones.
    #[track_caller]
    pub fn documented(page: &str, heading: &str, names: &[(&str, &str)]) -> Self {
        let (_, below) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
        let (_, json) = below.split_once("\n```json\n").expect("JSON below the heading");
        let (json, _) = json.split_once("\n```\n").expect("an end of the JSON");
        let replaced = names.iter().fold(json.to_owned(), |json, (from, to)| {
            assert!(json.contains(from), "{from} is not in the policy below {heading}");
            json.replace(from, to)
        });
        Self::parse(&replaced)
    }

    #[track_caller]
    pub fn parse(json: &str) -> Self {
        let mut document: Value = serde_json::from_str(json).expect("a policy in JSON");
        assert_eq!(document["Version"], "2012-10-17", "the version says how a policy is read");
        let statements = document["Statement"].take();
        Self { statements: each(&statements, Clone::clone).iter().map(statement).collect() }
    }

    /// The same without some actions.
    #[must_use]
    pub fn without(mut self, actions: &[&str]) -> Self {
        for action in actions {
            let before = self.rights().len();
            for statement in &mut self.statements {
                statement.actions.retain(|known| known != action);
            }
            assert!(self.rights().len() < before, "{action} is not in the policy");
        }
        self
    }

    /// Every action of every statement, with the statement's place.
    pub fn rights(&self) -> Vec<(usize, String)> {
        let of = |(at, statement): (usize, &Statement)| {
            statement.actions.iter().map(|action| (at, action.clone())).collect::<Vec<_>>()
        };
        self.statements.iter().enumerate().flat_map(of).collect()
    }

    /// The rights by which this is allowed; none if it is not.
    pub fn allowing(&self, asked: &Asked) -> Vec<(usize, String)> {
        let fits = |(at, action): &(usize, String)| {
            let statement = &self.statements[*at];
            glob(&action.to_lowercase(), &asked.action.to_lowercase())
                && statement.resources.iter().any(|resource| glob(resource, &asked.resource))
                && statement.conditions.iter().all(|condition| condition.holds(asked))
        };
        self.rights().into_iter().filter(fits).collect()
    }
}

impl Condition {
    fn holds(&self, asked: &Asked) -> bool {
        let Some(given) = asked.keys.get(&self.key) else { return false };
        self.values.iter().any(|value| if self.is_like { glob(value, given) } else { value == given })
    }
}

fn statement(given: &Value) -> Statement {
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    let all = given.as_object().expect("a statement");
    let other = all.keys().find(|key| !known.contains(&key.as_str()));
    assert_eq!(other, None, "this element is not read here");
    assert_eq!(given["Effect"], "Allow", "a policy that denies is not read here");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut conditions = Vec::new();
    for (operator, pairs) in given["Condition"].as_object().into_iter().flatten() {
        assert!(["StringLike", "StringEquals"].contains(&operator.as_str()), "{operator} is not read here");
        for (key, values) in pairs.as_object().expect("a condition") {
            let (key, values) = (key.clone(), each(values, text));
            conditions.push(Condition { is_like: operator == "StringLike", key, values });
        }
    }
    Statement { actions: each(&given["Action"], text), resources: each(&given["Resource"], text), conditions }
}

/// One or several of something.
fn each<T>(given: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    match given {
        Value::Array(all) => all.iter().map(read).collect(),
        one => vec![read(one)],
    }
}

/// A star stands for any text, a question mark for one byte of it.
fn glob(pattern: &str, text: &str) -> bool {
    fn bytes(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=text.len()).any(|skipped| bytes(rest, &text[skipped..])),
            (Some((b'?', rest)), Some((_, left))) => bytes(rest, left),
            (Some((one, rest)), Some((other, left))) => one == other && bytes(rest, left),
            (Some(_) | None, _) => false,
        }
    }
    bytes(pattern.as_bytes(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Asked, Policy, glob};

    const PAGE: &str = r#"
## Rights

Words.

```json
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": "arn:aws:s3:::in/orders/*"},
  {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ["arn:aws:s3:::in"],
   "Condition": {"StringLike": {"s3:prefix": ["orders/*", "a?c"]}}}]}
```
"#;

    fn is_allowed(policy: &Policy, action: &str, resource: &str, prefix: Option<&str>) -> bool {
        let keys = prefix.map(|prefix| ("s3:prefix".to_owned(), prefix.to_owned())).into_iter().collect();
        !policy.allowing(&Asked { action: action.into(), resource: resource.into(), keys }).is_empty()
    }

    #[test]
    fn what_a_page_allows_is_allowed_and_nothing_else() {
        let policy = Policy::documented(PAGE, "## Rights", &[("s3:::in", "s3:::real")]);
        assert!(is_allowed(&policy, "s3:GetObject", "arn:aws:s3:::real/orders/a/b", None));
        assert!(is_allowed(&policy, "S3:getobject", "arn:aws:s3:::real/orders/", None));
        assert!(!is_allowed(&policy, "s3:GetObject", "arn:aws:s3:::in/orders/a", None));
        assert!(!is_allowed(&policy, "s3:DeleteObject", "arn:aws:s3:::real/orders/a", None));
        assert!(!is_allowed(&policy, "s3:PutObject", "arn:aws:s3:::real/other/a", None));
        assert!(is_allowed(&policy, "s3:ListBucket", "arn:aws:s3:::real", Some("orders/2026/")));
        assert!(is_allowed(&policy, "s3:ListBucket", "arn:aws:s3:::real", Some("abc")));
        assert!(!is_allowed(&policy, "s3:ListBucket", "arn:aws:s3:::real", Some("")));
        assert!(!is_allowed(&policy, "s3:ListBucket", "arn:aws:s3:::real", None));
        let less = policy.without(&["s3:Get*"]);
        assert!(!is_allowed(&less, "s3:GetObject", "arn:aws:s3:::real/orders/a", None));
        assert_eq!(less.rights(), [(0, "s3:PutObject".to_owned()), (1, "s3:ListBucket".to_owned())]);
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text) in [("*", ""), ("a*c", "abbc"), ("a*b*c", "a/b/b/c"), ("?b", "ab")] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a*c", "ab"), ("?", ""), ("ab", "a")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    #[should_panic(expected = "is not read here")]
    fn what_is_not_known_is_refused() {
        Policy::parse(
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "a", "Resource": "*"}}"#,
        );
    }
}
