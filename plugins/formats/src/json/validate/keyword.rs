//! What a schema says, one thing at a time.

use super::pattern::Pattern;
use super::short;
use serde_json::{Number, Value};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Places are those of schemas in the validator's list.
#[derive(Debug)]
pub enum Keyword {
    /// `false`.
    Nothing,
    Type(Vec<Type>),
    /// `enum` and `const`: the [canonical] texts of values, and how they are shown.
    Values(HashSet<String>, String),
    Bound(Bound),
    MultipleOf(Number),
    Length(Limit),
    Pattern(Arc<Pattern>),
    Format(&'static str, fn(&str) -> bool),
    ItemCount(Limit),
    Items {
        first: Vec<usize>,
        others: Option<usize>,
    },
    Contains {
        item: usize,
        least: u64,
        most: u64,
    },
    Unique,
    PropertyCount(Limit),
    Required(Vec<String>),
    Names(usize),
    Properties(Properties),
    /// Properties whose presence needs others.
    Needs(Vec<(String, Vec<String>)>),
    /// Properties whose presence brings a schema.
    Brings(Vec<(String, usize)>),
    /// `allOf` and `$ref`.
    All(Vec<usize>),
    Any(Vec<usize>),
    One(Vec<usize>),
    Not(usize),
    If {
        condition: usize,
        then: Option<usize>,
        otherwise: Option<usize>,
    },
}

/// The schemas of properties.
#[derive(Debug)]
pub struct Properties {
    pub named: HashMap<String, usize>,
    pub patterns: Vec<(Arc<Pattern>, usize)>,
    pub others: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Null,
    Boolean,
    Object,
    Array,
    Number,
    Integer,
    String,
}

/// Between two numbers, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Least(u64),
    Most(u64),
}

#[derive(Debug)]
pub struct Bound {
    pub limit: Number,
    pub is_least: bool,
    pub is_exclusive: bool,
}

impl Keyword {
    /// What is expected, for a person; `detail` is what was found to be missing or too much.
    pub fn expected(&self, detail: &str) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Type(types) => types.iter().map(|of| of.name()).collect::<Vec<_>>().join(" or "),
            Self::Values(_, shown) => shown.clone(),
            Self::Bound(bound) => bound.shown(),
            Self::MultipleOf(number) => format!("a multiple of {number}"),
            Self::Length(limit) => format!("{} characters", limit.shown()),
            Self::Pattern(pattern) => format!("a match of {}", short(pattern.text())),
            Self::Format(name, _) => format!("a text of format {name}"),
            Self::ItemCount(limit) => format!("{} items", limit.shown()),
            Self::Contains { least, most, .. } => match *most {
                u64::MAX => format!("at least {least} items that fit contains"),
                most => format!("{least} to {most} items that fit contains"),
            },
            Self::Unique => "items that differ".to_owned(),
            Self::PropertyCount(limit) => format!("{} properties", limit.shown()),
            Self::Required(_) | Self::Needs(_) => format!("the property {}", short(detail)),
            Self::Names(_) => format!("no property of the name {}", short(detail)),
            Self::Properties(_) => format!("no property {}", short(detail)),
            Self::Items { .. } | Self::Brings(_) | Self::All(_) | Self::If { .. } => {
                "what fits its schema".to_owned()
            }
            Self::Any(members) => format!("a value of one of {} schemas, and it is of none", members.len()),
            Self::One(members) => {
                format!("a value of exactly one of {} schemas, and it is of {detail}", members.len())
            }
            Self::Not(_) => "what does not fit the schema of not".to_owned(),
        }
    }
}

impl Type {
    pub fn parse(name: &str) -> Option<Self> {
        let all =
            [Self::Null, Self::Boolean, Self::Object, Self::Array, Self::Number, Self::Integer, Self::String];
        all.into_iter().find(|of| of.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Array => "array",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::String => "string",
        }
    }

    pub fn has(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Object, Value::Object(_))
            | (Self::Array, Value::Array(_))
            | (Self::Number, Value::Number(_))
            | (Self::String, Value::String(_)) => true,
            (Self::Integer, Value::Number(number)) => {
                !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => false,
        }
    }
}

impl Limit {
    pub fn keeps(self, count: usize) -> bool {
        match self {
            Self::Least(least) => count as u64 >= least,
            Self::Most(most) => count as u64 <= most,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Least(least) => format!("at least {least}"),
            Self::Most(most) => format!("at most {most}"),
        }
    }
}

impl Bound {
    pub fn keeps(&self, number: &Number) -> bool {
        match compared(number, &self.limit) {
            Ordering::Equal => !self.is_exclusive,
            Ordering::Greater => self.is_least,
            Ordering::Less => !self.is_least,
        }
    }

    fn shown(&self) -> String {
        let words = match (self.is_least, self.is_exclusive) {
            (true, false) => "at least",
            (true, true) => "more than",
            (false, false) => "at most",
            (false, true) => "less than",
        };
        format!("{words} {}", self.limit)
    }
}

fn compared(left: &Number, right: &Number) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => float(left).total_cmp(&float(right)),
    }
}

/// Whether a number is a multiple, counted in the digits of both as they are written.
pub fn is_multiple(number: &Number, of: &Number) -> bool {
    if let (Some(number), Some(of)) = (integer(number), integer(of)) {
        return of != 0 && number % of == 0;
    }
    let digits = |number: &Number| super::super::decimal::number(&number.to_string(), SCALE);
    match (digits(number), digits(of)) {
        (Some(number), Some(of)) => of != 0 && number % of == 0,
        _ => float(number) % float(of) == 0.0,
    }
}

/// A text that two values share when JSON Schema takes them for equal: numbers by their value, objects in any order.
pub fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| {
                number.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0
            });
            let _ = match whole {
                Some(whole) => write!(out, "{}", whole as i64),
                None => write!(out, "{number}"),
            };
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(properties) => {
            let mut names: Vec<&String> = properties.keys().collect();
            names.sort_unstable();
            out.push('{');
            for name in names {
                let _ = write!(out, "{name:?}:");
                canonical(&properties[name], out);
                out.push(',');
            }
            out.push('}');
        }
        Value::String(text) => {
            let _ = write!(out, "{text:?}");
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Digits behind the point that are counted exactly.
const SCALE: i64 = 18;
