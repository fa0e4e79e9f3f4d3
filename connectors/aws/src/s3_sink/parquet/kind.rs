//! What columns there are: found out from values, or joined from schemas.
use crate::s3_sink::cell::{Cell, Look};

/// The kind of a column's values, each of which may be missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing but nulls so far.
    Unknown,
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    /// Values that have no kind in common: each as JSON's text.
    Json,
    Date,
    Time,
    Timestamp,
    Decimal {
        scale: i32,
        precision: i32,
    },
    Struct(Vec<Field>),
    List(Box<Kind>),
    /// Keys that are no structs, lists or maps.
    Map(Box<Kind>, Box<Kind>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
}

impl Kind {
    /// Becomes a kind that takes this value too. `room` is how many fields there may be more.
    pub fn absorb(&mut self, value: Cell<'_>, room: &mut usize) -> Result<(), String> {
        let look = value.look();
        match (&mut *self, look) {
            (_, Look::Null)
            | (Self::Json, _)
            | (Self::Boolean, Look::Boolean(_))
            | (Self::Int64, Look::Integer(_))
            | (Self::Float64, Look::Integer(_) | Look::Float32(_) | Look::Float64(_))
            | (Self::Text, Look::Text(_))
            | (Self::Bytes, Look::Bytes(_)) => {}
            (Self::Int32 | Self::Unknown, Look::Integer(_)) => *self = Self::Int64,
            (
                Self::Int32 | Self::Int64 | Self::Float32 | Self::Unknown,
                Look::Float32(_) | Look::Float64(_),
            )
            | (Self::Float32, Look::Integer(_)) => *self = Self::Float64,
            (Self::Unknown, Look::Boolean(_)) => *self = Self::Boolean,
            (Self::Unknown, Look::Text(_)) => *self = Self::Text,
            (Self::Unknown, Look::Bytes(_)) => *self = Self::Bytes,
            (Self::List(kind), Look::List(items)) => {
                items.into_iter().try_for_each(|item| kind.absorb(item, room))?;
            }
            (Self::Unknown, Look::List(items)) => {
                let mut kind = Self::Unknown;
                items.into_iter().try_for_each(|item| kind.absorb(item, room))?;
                *self = Self::List(Box::new(kind));
            }
            (Self::Struct(_) | Self::Unknown, look) => match members(look) {
                Some(members) => self.absorb_members(members, room)?,
                None => *self = Self::Json,
            },
            _ => *self = Self::Json,
        }
        Ok(())
    }

    fn absorb_members(&mut self, members: Vec<(&str, Cell<'_>)>, room: &mut usize) -> Result<(), String> {
        if *self == Self::Unknown {
            *self = Self::Struct(Vec::new());
        }
        let Self::Struct(fields) = self else { return Ok(()) };
        for (at, (name, value)) in members.into_iter().enumerate() {
            // Records mostly have the same fields in the same order.
            let known = match fields.get(at) {
                Some(field) if field.name == name => Some(at),
                _ => fields.iter().position(|field| field.name == name),
            };
            let known = if let Some(known) = known {
                known
            } else {
                *room =
                    room.checked_sub(1).ok_or_else(|| format!("expected at most {FIELDS_MAX} columns"))?;
                if name.is_empty() {
                    return Err("a field without a name makes no column".into());
                }
                fields.push(Field { name: name.to_owned(), kind: Self::Unknown });
                fields.len() - 1
            };
            fields[known].kind.absorb(value, room)?;
        }
        Ok(())
    }

    /// A kind that takes the values of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, other) | (other, Self::Unknown) => other,
            (left, right) if left == right => left,
            (Self::Int32, Self::Int64) | (Self::Int64, Self::Int32) => Self::Int64,
            (left, right) if left.is_number() && right.is_number() => Self::Float64,
            (Self::List(left), Self::List(right)) => Self::List(Box::new(left.join(*right))),
            (Self::Map(key, value), Self::Map(other_key, other_value)) if key == other_key => {
                Self::Map(key, Box::new(value.join(*other_value)))
            }
            (Self::Struct(mut fields), Self::Struct(others)) => {
                for other in others {
                    match fields.iter_mut().find(|field| field.name == other.name) {
                        Some(field) => {
                            field.kind = std::mem::replace(&mut field.kind, Self::Unknown).join(other.kind);
                        }
                        None => fields.push(other),
                    }
                }
                Self::Struct(fields)
            }
            _ => Self::Json,
        }
    }

    /// As it stands in a file: there are no columns of nothing.
    #[must_use]
    pub fn settled(self) -> Self {
        match self {
            Self::Unknown => Self::Text,
            Self::Struct(fields) if fields.is_empty() => Self::Json,
            Self::Struct(fields) => Self::Struct(
                fields
                    .into_iter()
                    .map(|field| Field { name: field.name, kind: field.kind.settled() })
                    .collect(),
            ),
            Self::List(kind) => Self::List(Box::new(kind.settled())),
            Self::Map(key, value) => Self::Map(key, Box::new(value.settled())),
            other => other,
        }
    }

    /// How many columns it has.
    pub fn columns(&self) -> usize {
        match self {
            Self::Struct(fields) => fields.iter().map(|field| field.kind.columns()).sum(),
            Self::List(kind) => kind.columns(),
            Self::Map(key, value) => key.columns() + value.columns(),
            _ => 1,
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Int32 | Self::Int64 | Self::Float32 | Self::Float64)
    }
}

/// The members of what has some, with texts for names.
pub fn members(look: Look<'_>) -> Option<Vec<(&str, Cell<'_>)>> {
    match look {
        Look::Struct(fields) => Some(fields),
        Look::Map(pairs) => pairs
            .into_iter()
            .map(|(key, value)| match key.look() {
                Look::Text(name) => Some((name, value)),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Of a file. A field for each key that comes along would fill the memory.
pub const FIELDS_MAX: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn kind(values: &[Json]) -> Kind {
        let (mut kind, mut room) = (Kind::Unknown, FIELDS_MAX);
        for value in values {
            kind.absorb(Cell::Json(value), &mut room).unwrap();
        }
        kind.settled()
    }

    fn check(values: &[Json], expected: &Kind) {
        let values: Vec<Json> = values.iter().map(|value| json!({"a": value})).collect();
        let fields = vec![Field { name: "a".into(), kind: expected.clone() }];
        assert_eq!(kind(&values), Kind::Struct(fields), "{values:?}");
    }

    #[test]
    fn a_column_takes_all_values_of_the_batch() {
        check(&[json!(1), json!(null)], &Kind::Int64);
        check(&[json!(1), json!(2.5)], &Kind::Float64);
        check(&[json!(u64::MAX)], &Kind::Float64);
        check(&[json!(null)], &Kind::Text);
        check(&[json!("x"), json!(1)], &Kind::Json);
        check(&[json!([]), json!([1])], &Kind::List(Box::new(Kind::Int64)));
        check(&[json!([])], &Kind::List(Box::new(Kind::Text)));
        check(&[json!({})], &Kind::Json);
        check(&[json!([1]), json!({"b": 1})], &Kind::Json);
    }

    #[test]
    fn fields_come_in_the_order_in_which_they_are_first_seen() {
        let Kind::Struct(fields) =
            kind(&[json!({"b": 1}), json!({"a": 1, "b": 2.5}), json!({"c": {"d": true}})])
        else {
            panic!("a struct")
        };
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert_eq!(Kind::Struct(fields).columns(), 3);
    }

    #[test]
    fn there_is_an_end_of_columns() {
        let (mut kind, mut room) = (Kind::Unknown, 3);
        let absorbed: Vec<bool> = (0..5)
            .map(|number| {
                let value = json!({ (format!("field {number}")): 1 });
                kind.absorb(Cell::Json(&value), &mut room).is_ok()
            })
            .collect();
        assert_eq!(absorbed, [true, true, true, false, false]);
        let nameless = json!({"": 1});
        assert!(Kind::Unknown.absorb(Cell::Json(&nameless), &mut 5).is_err());
    }

    #[test]
    fn schemas_are_joined_to_one_that_takes_both() {
        let field = |name: &str, kind: Kind| Field { name: name.into(), kind };
        let left = Kind::Struct(vec![field("a", Kind::Int32), field("b", Kind::Text)]);
        let right =
            Kind::Struct(vec![field("a", Kind::Int64), field("c", Kind::Date), field("b", Kind::Date)]);
        let expected = vec![field("a", Kind::Int64), field("b", Kind::Json), field("c", Kind::Date)];
        assert_eq!(left.join(right), Kind::Struct(expected));
        assert_eq!(Kind::Float32.join(Kind::Int32), Kind::Float64);
    }
}
