//! Infers the type of a JSON value, as the server does for the values of a `Dynamic` column.
use std::collections::BTreeMap;

use super::{Element, Type};
use crate::json::{Cursor, Fault};
use crate::values::calendar::Civil;

/// The type of the next value, which is stepped over. It is not `null`.
pub fn infer(json: &mut Cursor<'_>) -> Result<Type, Fault> {
    Ok(found(json)?.into_type())
}

/// What is known of a value, or of all elements of an array together.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    shape: Shape,
    /// Some of them are NULL.
    null: bool,
    /// Arrays of different types became one.
    widened: bool,
}

impl From<Shape> for Found {
    fn from(shape: Shape) -> Self {
        Found { shape, null: false, widened: false }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// There was no value but `null`.
    Unknown,
    Bool,
    Int {
        negative: bool,
    },
    UInt,
    Float,
    Text,
    Date,
    DateTime,
    DateTime64,
    Array(Box<Found>),
    Object(BTreeMap<String, Found>),
    /// Integers that only a float would hold together.
    Wide,
    /// Arrays whose elements no single type holds, though one holds those of each array. The server keeps them apart,
    /// unless it meets an array that is mixed in itself.
    Apart,
    /// Values that no single type holds.
    Mixed,
}

fn found(json: &mut Cursor<'_>) -> Result<Found, Fault> {
    let at = json.position();
    let shape = match json.peek() {
        b'{' => object(json, at)?,
        b'[' => array(json, at)?,
        b'"' => text(&json.string()?),
        b'-' | b'0'..=b'9' => number(json.number()?),
        b't' | b'f' => {
            json.skip()?;
            Shape::Bool
        }
        _ => {
            json.literal("null")?;
            return Ok(Found { null: true, ..Shape::Unknown.into() });
        }
    };
    Ok(shape.into())
}

/// The server has no tuple with a name that is empty, that comes twice or that is its own name for NULLs.
fn object(json: &mut Cursor<'_>, at: usize) -> Result<Shape, Fault> {
    json.enter()?;
    let mut fields = BTreeMap::new();
    let mut more = json.any(b'}')?;
    while more {
        let name = json.string()?.into_owned();
        json.expect(b':', "\":\"")?;
        let value = found(json)?;
        if name.is_empty() || name == "null" || fields.insert(name, value).is_some() {
            return Err(Fault::Misfit { at });
        }
        more = json.more(b'}')?;
    }
    Ok(Shape::Object(fields))
}

fn array(json: &mut Cursor<'_>, at: usize) -> Result<Shape, Fault> {
    json.enter()?;
    let mut elements = Found::from(Shape::Unknown);
    let mut count = 0;
    let mut more = json.any(b']')?;
    while more {
        elements = elements.join(found(json)?);
        count += 1;
        more = json.more(b']')?;
    }
    // Every element gets a value for each name that any of them has, so short text could become long columns.
    if count * elements.size() > SPREAD_MAX * (json.position() - at) {
        return Err(Fault::Misfit { at });
    }
    // Beside NULL the server makes arrays no wider.
    let is_widened = std::mem::take(&mut elements.widened);
    if elements.null && is_widened && !elements.is_mixed() {
        elements.shape = Shape::Apart;
    }
    Ok(Shape::Array(Box::new(elements)))
}

fn number(raw: &str) -> Shape {
    if raw.contains(['.', 'e', 'E']) {
        Shape::Float
    } else if raw.parse::<i64>().is_ok() {
        Shape::Int { negative: raw.starts_with('-') }
    } else if raw.parse::<u64>().is_ok() {
        Shape::UInt
    } else {
        Shape::Text
    }
}

/// Only ISO 8601 with separators is a time here: digits alone stay text, as for the server.
fn text(text: &str) -> Shape {
    let is_iso = matches!(text.as_bytes(), [_, _, _, _, b'-' | b'/', ..]) && !text.contains(',');
    let Some(civil) = Some(text).filter(|_| is_iso).and_then(Civil::parse) else {
        return Shape::Text;
    };
    let seconds = civil.days * 86_400 + civil.seconds - civil.offset.unwrap_or(0);
    if !text.contains([':', ' ']) && u16::try_from(civil.days).is_ok() {
        Shape::Date
    } else if text.contains(':') && !text.contains('.') && u32::try_from(seconds).is_ok() {
        Shape::DateTime
    } else if NANOS_SECONDS.contains(&seconds) {
        Shape::DateTime64
    } else {
        Shape::Text
    }
}

impl Found {
    fn join(self, other: Found) -> Found {
        let widens = match (&self.shape, &other.shape) {
            (Shape::Array(left), Shape::Array(right)) => !left.is_like(right),
            _ => false,
        };
        let widened = self.widened || other.widened || widens;
        Found { null: self.null || other.null, widened, shape: self.shape.join(other.shape) }
    }

    /// Whether both have one type.
    fn is_like(&self, other: &Found) -> bool {
        let alike = match (&self.shape, &other.shape) {
            (Shape::Int { .. }, Shape::Int { .. }) => true,
            (Shape::Array(left), Shape::Array(right)) => left.is_like(right),
            (left, right) => left == right,
        };
        alike && self.null == other.null
    }

    /// Whether these are arrays of values of any type.
    fn is_mixed(&self) -> bool {
        matches!(&self.shape, Shape::Array(inner) if inner.shape == Shape::Mixed)
    }

    /// The number of values that an element of this kind has at least.
    fn size(&self) -> usize {
        match &self.shape {
            Shape::Object(fields) => fields.values().map(Found::size).sum::<usize>().max(1),
            _ => 1,
        }
    }

    fn into_type(self) -> Type {
        let plain = match self.shape {
            Shape::Unknown | Shape::Text => Type::String,
            Shape::Bool => Type::Bool,
            Shape::Int { .. } => Type::Int(8),
            Shape::UInt => Type::UInt(8),
            Shape::Float => Type::Float64,
            Shape::Date => Type::Date,
            Shape::DateTime => Type::DateTime(None),
            Shape::DateTime64 => Type::DateTime64(9, None),
            // These hold NULL themselves or have no NULL.
            Shape::Wide | Shape::Apart | Shape::Mixed => return Type::Dynamic("Dynamic".into()),
            Shape::Array(elements) => return Type::Array(Box::new(elements.into_type())),
            Shape::Object(fields) if fields.is_empty() => return Type::String,
            Shape::Object(fields) => {
                let element = |(name, value): (_, Found)| Element { name: Some(name), ty: value.into_type() };
                return Type::Tuple(fields.into_iter().map(element).collect());
            }
        };
        if self.null { Type::Nullable(Box::new(plain)) } else { plain }
    }
}

impl Shape {
    /// Whether one type holds all values.
    fn is_one(&self) -> bool {
        !matches!(self, Shape::Wide | Shape::Apart | Shape::Mixed)
    }

    fn join(self, other: Shape) -> Shape {
        use Shape::{
            Apart, Array, Bool, Date, DateTime, DateTime64, Float, Int, Mixed, Object, Text, UInt, Unknown,
            Wide,
        };
        match (self, other) {
            (Unknown, known) | (known, Unknown) => known,
            (Int { negative: left }, Int { negative: right }) => Int { negative: left || right },
            (Int { negative: true } | Wide, UInt)
            | (UInt, Int { negative: true } | Wide)
            | (Wide, Int { .. } | Bool)
            | (Int { .. } | Bool, Wide) => Wide,
            (UInt, Int { .. } | UInt | Bool) | (Int { .. } | Bool, UInt) => UInt,
            (Float, Int { .. } | UInt | Wide | Bool) | (Int { .. } | UInt | Wide | Bool, Float) => Float,
            (number @ Int { .. }, Bool) | (Bool, number @ Int { .. }) => number,
            (Text | Bool, Date | DateTime | DateTime64)
            | (Date | DateTime | DateTime64, Text | Bool)
            | (Text, Bool)
            | (Bool, Text) => Text,
            (Date | DateTime | DateTime64, DateTime64) | (DateTime64, Date | DateTime) => DateTime64,
            (Date, DateTime) | (DateTime, Date) => DateTime,
            (Object(fields), Text) | (Text, Object(fields)) if fields.is_empty() => Text,
            (Array(left), Array(right)) => {
                let was_one = left.shape.is_one() && right.shape.is_one();
                let joined = left.join(*right);
                if was_one && !joined.shape.is_one() { Apart } else { Array(Box::new(joined)) }
            }
            (Apart, Array(mixed)) | (Array(mixed), Apart) if mixed.shape == Mixed => Array(mixed),
            (Apart, Array(_)) | (Array(_), Apart) => Apart,
            (Object(mut fields), Object(others)) => {
                for (name, value) in others {
                    let joined = match fields.remove(&name) {
                        Some(known) => known.join(value),
                        None => value,
                    };
                    fields.insert(name, joined);
                }
                Object(fields)
            }
            (left, right) if left == right => left,
            _ => Mixed,
        }
    }
}

/// Values that an array of objects may become for each byte of its text.
const SPREAD_MAX: usize = 16;
/// Seconds since 1970 whose nanoseconds fit 64 bits.
const NANOS_SECONDS: std::ops::Range<i64> = -9_223_372_036..9_223_372_036;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let ty = infer(&mut Cursor::new(json)).map(|ty| ty.to_string());
        assert_eq!(ty.as_deref(), Ok(expected), "{json}");
    }

    #[test]
    fn elements_of_an_array_agree_on_a_type() {
        check("[1, null, 2.5]", "Array(Nullable(Float64))");
        check("[18446744073709551615, true, 1]", "Array(UInt64)");
        check("[1, \"a\", true]", "Array(Dynamic)");
        check("[true, \"a\"]", "Array(String)");
        check("[{\"b\": 1}, {\"a\": [null]}]", "Array(Tuple(`a` Array(Nullable(String)), `b` Int64))");
        check("[\"2020-01-01\", \"2020-01-01 00:00:00\"]", "Array(DateTime)");
        check("[-1, 18446744073709551615]", "Array(Dynamic)");
        check("[-1, 18446744073709551615, true, 1.5]", "Array(Float64)");
        check("[1.5, -1, 18446744073709551615]", "Array(Float64)");
        check("[-1, 18446744073709551615, \"a\"]", "Array(Dynamic)");
    }

    #[test]
    fn arrays_that_no_type_holds_together_are_kept_apart() {
        check("[[0], [1.5]]", "Array(Array(Float64))");
        check("[[0], [\"\"]]", "Array(Dynamic)");
        check("[[0], [\"\"], []]", "Array(Dynamic)");
        check("[[-1], [18446744073709551615]]", "Array(Dynamic)");
        check("[[[0]], [[\"\"]]]", "Array(Dynamic)");
        check("[[0], [[1]]]", "Array(Dynamic)");
        check("[[0], [\"\"], 1]", "Array(Dynamic)");
        // One that is mixed in itself has a type that holds the others.
        check("[[0], [1, \"a\"]]", "Array(Array(Dynamic))");
        check("[[1, \"a\"], [[1]]]", "Array(Array(Dynamic))");
        check("[[0], [\"\"], [1, \"a\"]]", "Array(Array(Dynamic))");
        check("[[[0], [\"\"]], [[0]]]", "Array(Array(Dynamic))");
        // Beside NULL they have to be the same.
        check("[[1], null, [-1]]", "Array(Array(Int64))");
        check("[null, []]", "Array(Array(String))");
        check("[[true], null, []]", "Array(Dynamic)");
        check("[[], null, [true]]", "Array(Dynamic)");
        check("[[1], null, [1.5]]", "Array(Dynamic)");
        check("[[1], null, [null]]", "Array(Dynamic)");
        check("[[1, \"a\"], null, []]", "Array(Array(Dynamic))");
    }

    #[test]
    fn short_text_does_not_become_long_columns() {
        let objects: Vec<_> = (0..2000).map(|name| format!("{{\"{name}\":1}}")).collect();
        let bomb = format!("[{}]", objects.join(","));
        assert!(matches!(infer(&mut Cursor::new(&bomb)), Err(Fault::Misfit { at: 0 })));
        check(&format!("[{}]", vec!["{\"a\":1}"; 2000].join(",")), "Array(Tuple(`a` Int64))");
    }

    #[test]
    fn names_that_no_tuple_has_do_not_fit() {
        for json in ["{\"\":1}", "{\"null\":1}", "{\"a\":1,\"a\":2}"] {
            assert!(matches!(infer(&mut Cursor::new(json)), Err(Fault::Misfit { at: 0 })), "{json}");
        }
    }
}
