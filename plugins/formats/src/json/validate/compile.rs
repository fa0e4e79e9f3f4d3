//! Makes of a schema what its values are held against.

use super::keyword::{Bound, Keyword, Limit, Properties, Type, canonical};
use super::pattern::Pattern;
use super::{Node, Validator, format, short};
use crate::json::documents::Documents;
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

pub fn compile(documents: &Documents) -> Result<Validator> {
    let mut compiling = Compiling::new(documents);
    let root = compiling.place(0, String::new(), documents.root())?;
    while let Some(waiting) = compiling.waiting.pop_front() {
        let context = |error: Error| error.during(format_args!("JSON schema: #{}", short(&waiting.pointer)));
        let keywords = compiling.keywords(&waiting).map_err(context)?;
        if let Some(node) = compiling.nodes.get_mut(waiting.place) {
            *node = Node { pointer: waiting.pointer, keywords };
        }
    }
    Ok(Validator { nodes: compiling.nodes, root })
}

/// What an edition of JSON Schema does otherwise than others.
#[derive(Debug, Clone, Copy)]
struct Draft {
    /// Up to 7: beside `$ref` nothing counts, and formats are checked.
    is_old: bool,
}

struct Compiling<'a> {
    documents: &'a Documents,
    draft: Draft,
    nodes: Vec<Node>,
    /// By document and pointer: a schema may be used in many places, and in itself.
    places: HashMap<(usize, String), usize>,
    waiting: VecDeque<Waiting<'a>>,
    /// By their text: schemas repeat them.
    patterns: HashMap<&'a str, Arc<Pattern>>,
}

struct Waiting<'a> {
    place: usize,
    document: usize,
    pointer: String,
    schema: &'a Value,
}

impl<'a> Compiling<'a> {
    fn new(documents: &'a Documents) -> Self {
        let named = documents.root().get("$schema").and_then(Value::as_str).unwrap_or_default();
        let is_old = !["2019-09", "2020-12", "/next/"].iter().any(|new| named.contains(new));
        Self {
            documents,
            draft: Draft { is_old },
            nodes: Vec::new(),
            places: HashMap::new(),
            waiting: VecDeque::new(),
            patterns: HashMap::new(),
        }
    }

    fn place(&mut self, document: usize, pointer: String, schema: &'a Value) -> Result<usize> {
        let key = (document, pointer);
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        if self.nodes.len() >= SCHEMAS_MAX {
            return Err(Error::record("JSON schema: it is too large"));
        }
        let place = self.nodes.len();
        self.nodes.push(Node::default());
        self.waiting.push_back(Waiting { place, document, pointer: key.1.clone(), schema });
        self.places.insert(key, place);
        Ok(place)
    }

    fn inner(&mut self, of: &Waiting<'a>, more: &str, schema: &'a Value) -> Result<usize> {
        self.place(of.document, format!("{}/{more}", of.pointer), schema)
    }

    fn pattern(&mut self, text: &'a str) -> Result<Arc<Pattern>> {
        if let Some(pattern) = self.patterns.get(text) {
            return Ok(Arc::clone(pattern));
        }
        if self.patterns.len() >= PATTERNS_MAX {
            return Err(Error::record(format!("the schema has more than {PATTERNS_MAX} patterns")));
        }
        let pattern = Arc::new(Pattern::new(text)?);
        self.patterns.insert(text, Arc::clone(&pattern));
        Ok(pattern)
    }

    fn keywords(&mut self, of: &Waiting<'a>) -> Result<Vec<Keyword>> {
        let object = match of.schema {
            Value::Bool(true) => return Ok(Vec::new()),
            Value::Bool(false) => return Ok(vec![Keyword::Nothing]),
            Value::Object(object) => object,
            _ => return Err(Error::record("a schema is an object, true or false")),
        };
        let mut keywords = Vec::new();
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let (part, target) = self.documents.resolve(of.document, reference)?;
            keywords.push(Keyword::All(vec![self.place(part.document, part.pointer, target)?]));
            if self.draft.is_old {
                return Ok(keywords);
            }
        }
        for (name, value) in object {
            keywords.extend(plain(name, value, object, self.draft)?);
            keywords.extend(self.composed(of, name, value)?);
        }
        keywords.extend(self.items(of, object)?);
        keywords.extend(self.properties(of, object)?);
        // What is quickly said comes first.
        keywords.sort_by_key(|keyword| {
            matches!(
                keyword,
                Keyword::Properties(_)
                    | Keyword::Items { .. }
                    | Keyword::All(_)
                    | Keyword::Any(_)
                    | Keyword::One(_)
            )
        });
        Ok(keywords)
    }

    /// Keywords that have schemas or patterns, which are made once.
    fn composed(&mut self, of: &Waiting<'a>, name: &str, value: &'a Value) -> Result<Option<Keyword>> {
        let list = |compiling: &mut Self| -> Result<Vec<usize>> {
            let members = value.as_array().ok_or_else(|| wrong(name, "an array of schemas"))?;
            let members = members.iter().enumerate();
            members.map(|(at, member)| compiling.inner(of, &format!("{name}/{at}"), member)).collect()
        };
        Ok(Some(match name {
            "allOf" => Keyword::All(list(self)?),
            "anyOf" => Keyword::Any(list(self)?),
            "oneOf" => Keyword::One(list(self)?),
            "pattern" => {
                let text = value.as_str().ok_or_else(|| wrong(name, "a string"))?;
                Keyword::Pattern(self.pattern(text)?)
            }
            "not" => Keyword::Not(self.inner(of, name, value)?),
            "propertyNames" => Keyword::Names(self.inner(of, name, value)?),
            "if" => {
                let mut branch =
                    |name: &str| of.schema.get(name).map(|schema| self.inner(of, name, schema)).transpose();
                let (then, otherwise) = (branch("then")?, branch("else")?);
                Keyword::If { condition: self.inner(of, name, value)?, then, otherwise }
            }
            "contains" => {
                let count =
                    |name: &str| of.schema.get(name).and_then(Value::as_u64).filter(|_| !self.draft.is_old);
                let (least, most) =
                    (count("minContains").unwrap_or(1), count("maxContains").unwrap_or(u64::MAX));
                Keyword::Contains { item: self.inner(of, name, value)?, least, most }
            }
            "dependencies" | "dependentSchemas" => {
                let all = object_of(name, value)?.iter().filter(|(_, needed)| !needed.is_array());
                let all = all.map(|(key, schema)| {
                    Ok((key.clone(), self.inner(of, &format!("{name}/{}", escaped(key)), schema)?))
                });
                Keyword::Brings(all.collect::<Result<_>>()?)
            }
            _ => return Ok(None),
        }))
    }

    fn items(&mut self, of: &Waiting<'a>, object: &'a Map<String, Value>) -> Result<Option<Keyword>> {
        let listed =
            ["items", "prefixItems"].into_iter().find_map(|name| Some((name, object.get(name)?.as_array()?)));
        let (first, rest) = match listed {
            Some((name, schemas)) => (
                schemas
                    .iter()
                    .enumerate()
                    .map(|(at, schema)| self.inner(of, &format!("{name}/{at}"), schema))
                    .collect::<Result<_>>()?,
                if name == "items" { "additionalItems" } else { "items" },
            ),
            None => (Vec::new(), "items"),
        };
        let others = object.get(rest).map(|schema| self.inner(of, rest, schema)).transpose()?;
        Ok((!first.is_empty() || others.is_some()).then_some(Keyword::Items { first, others }))
    }

    fn properties(&mut self, of: &Waiting<'a>, object: &'a Map<String, Value>) -> Result<Option<Keyword>> {
        let (mut named, mut patterns) = (HashMap::new(), Vec::new());
        if let Some(value) = object.get("properties") {
            for (name, schema) in object_of("properties", value)? {
                named.insert(name.clone(), self.inner(of, &format!("properties/{}", escaped(name)), schema)?);
            }
        }
        if let Some(value) = object.get("patternProperties") {
            for (pattern, schema) in object_of("patternProperties", value)? {
                let place = self.inner(of, &format!("patternProperties/{}", escaped(pattern)), schema)?;
                patterns.push((self.pattern(pattern)?, place));
            }
        }
        let rest = "additionalProperties";
        let others = object.get(rest).map(|schema| self.inner(of, rest, schema)).transpose()?;
        let is_empty = named.is_empty() && patterns.is_empty() && others.is_none();
        Ok((!is_empty).then_some(Keyword::Properties(Properties { named, patterns, others })))
    }
}

/// Keywords that say all that there is to them.
fn plain(name: &str, value: &Value, object: &Map<String, Value>, draft: Draft) -> Result<Option<Keyword>> {
    let count = || {
        let whole = value.as_f64().filter(|count| *count >= 0.0 && count.fract() == 0.0);
        value.as_u64().or(whole.map(|count| count as u64)).ok_or_else(|| wrong(name, "a whole number"))
    };
    let text = || value.as_str().ok_or_else(|| wrong(name, "a string"));
    Ok(Some(match name {
        "type" => Keyword::Type(types(value)?),
        "enum" => values(value.as_array().ok_or_else(|| wrong(name, "an array"))?),
        "const" => values(std::slice::from_ref(value)),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            return bound(name, value, object);
        }
        "multipleOf" => match value {
            Value::Number(number) if number.as_f64().is_some_and(|of| of > 0.0) => {
                Keyword::MultipleOf(number.clone())
            }
            _ => return Err(wrong(name, "a number above 0")),
        },
        "minLength" => Keyword::Length(Limit::Least(count()?)),
        "maxLength" => Keyword::Length(Limit::Most(count()?)),
        "minItems" => Keyword::ItemCount(Limit::Least(count()?)),
        "maxItems" => Keyword::ItemCount(Limit::Most(count()?)),
        "minProperties" => Keyword::PropertyCount(Limit::Least(count()?)),
        "maxProperties" => Keyword::PropertyCount(Limit::Most(count()?)),
        "format" if draft.is_old => {
            return Ok(format::find(text()?).map(|(name, keeps)| Keyword::Format(name, keeps)));
        }
        "uniqueItems" if *value == Value::Bool(true) => Keyword::Unique,
        // Before the fourth edition this was true or false, and people still write it.
        "required" if value.is_boolean() => return Ok(None),
        "required" => Keyword::Required(names(name, value)?),
        "dependencies" | "dependentRequired" => {
            let all = object_of(name, value)?.iter().filter(|(_, needed)| needed.is_array());
            let all = all.map(|(key, needed)| Ok((key.clone(), names(name, needed)?)));
            let needs: Vec<_> = all.collect::<Result<_>>()?;
            return Ok((!needs.is_empty()).then_some(Keyword::Needs(needs)));
        }
        "unevaluatedProperties" | "unevaluatedItems" | "$dynamicRef" | "$recursiveRef" if !draft.is_old => {
            return Err(Error::record(format!("{name} is not supported with json.fail.invalid.schema=true")));
        }
        _ => return Ok(None),
    }))
}

fn types(value: &Value) -> Result<Vec<Type>> {
    let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let all =
        all.iter().map(|of| of.as_str().and_then(Type::parse).ok_or_else(|| wrong("type", "names of types")));
    all.collect()
}

fn values(all: &[Value]) -> Keyword {
    let texts: HashSet<String> = all
        .iter()
        .map(|value| {
            let mut text = String::new();
            canonical(value, &mut text);
            text
        })
        .collect();
    let shown = all.iter().take(VALUES_SHOWN).map(Value::to_string).collect::<Vec<_>>().join(", ");
    let shown = short(&shown);
    let rest = if all.len() > VALUES_SHOWN {
        format!(" or one of {} more", all.len() - VALUES_SHOWN)
    } else {
        String::new()
    };
    let words = if all.len() == 1 { "" } else { "one of " };
    Keyword::Values(texts, format!("{words}{shown}{rest}"))
}

/// The fourth edition says beside a bound whether it is exclusive, later ones have bounds that are.
fn bound(name: &str, value: &Value, object: &Map<String, Value>) -> Result<Option<Keyword>> {
    let limit = match value {
        Value::Number(limit) => limit.clone(),
        Value::Bool(_) if name.starts_with("exclusive") => return Ok(None),
        _ => return Err(wrong(name, "a number")),
    };
    let (is_least, beside) =
        if name.ends_with("inimum") { (true, "exclusiveMinimum") } else { (false, "exclusiveMaximum") };
    let is_exclusive = name == beside || object.get(beside) == Some(&Value::Bool(true));
    Ok(Some(Keyword::Bound(Bound { limit, is_least, is_exclusive })))
}

fn names(keyword: &str, value: &Value) -> Result<Vec<String>> {
    let all = value.as_array().ok_or_else(|| wrong(keyword, "an array of names"))?;
    let all = all
        .iter()
        .map(|name| name.as_str().map(str::to_owned).ok_or_else(|| wrong(keyword, "an array of names")));
    all.collect()
}

fn object_of<'a>(keyword: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| wrong(keyword, "an object"))
}

fn wrong(keyword: &str, expected: &str) -> Error {
    Error::record(format!("{keyword}: expected {expected}"))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Far above what people write.
const SCHEMAS_MAX: usize = 100_000;
/// Each costs a few milliseconds and up to a quarter of a megabyte.
const PATTERNS_MAX: usize = 1000;
/// Of an enum, in a message.
const VALUES_SHOWN: usize = 8;
