//! What is done with the values of a field: its type in the schema and a type of a column, taken together.
use formats::protobuf::Absent;

use super::notes::Wanted;
use super::scalar::{Moment, Scalar};
use super::text;
use super::wire::Wire;
use crate::types::Type;

#[derive(Debug)]
pub enum Step {
    Scalar(Scalar),
    /// A message that is one value.
    Moment(Moment),
    /// An enum as text.
    Names(Names),
    /// An enum as the number that the column has for each name; none where it does not know the name.
    Numbers(Names),
    /// A value with parts that is not NULL, in a column that could be.
    Some(Box<Step>),
    List(Items),
    /// A list of few values that are the elements of a tuple.
    Places(Vec<Step>, Option<Wire>),
    Map(Box<Entry>),
    /// A map whose keys name the elements of a tuple.
    Keys(Vec<Key>),
    /// A message in a tuple.
    Fields(Fields),
    /// A member of a `Variant`.
    Member(usize, Box<Step>),
    /// A type of a `Dynamic` and its name.
    Typed(Box<(Type, String)>, Box<Step>),
    /// The value becomes JSON text.
    Text(text::Value),
    /// As `Text`, in a column that takes objects only, of a value that need not be one.
    Object(text::Value),
}

/// The values of an enum, in the order of their numbers.
#[derive(Debug)]
pub struct Names {
    pub name: Box<str>,
    pub values: Vec<Name>,
}

#[derive(Debug)]
pub struct Name {
    pub number: i32,
    pub text: Box<str>,
    /// The number that the column has for it.
    pub column: Option<i16>,
}

/// What many values go through.
#[derive(Debug)]
pub struct Items {
    pub step: Box<Step>,
    /// Numbers may come many at once.
    pub packed: Option<Wire>,
    /// Bytes that one of them takes in a column at least: what a record may claim is bounded by it.
    pub weight: usize,
}

/// Key and value of a map.
#[derive(Debug)]
pub struct Entry {
    pub wanted: Wanted,
    pub key: Part,
    pub value: Part,
    pub weight: usize,
}

/// A key that is the name of an element.
#[derive(Debug)]
pub struct Key {
    pub name: Box<str>,
    pub element: usize,
    pub wanted: Wanted,
    pub value: Part,
}

/// The fields of a message that go somewhere, in the order of their numbers.
#[derive(Debug)]
pub struct Fields {
    pub wanted: Wanted,
    /// With the element that each goes to. A member of a `oneof` may be there for the others only.
    pub parts: Vec<Option<(usize, Part)>>,
}

/// A value that may not be there.
#[derive(Debug)]
pub struct Part {
    pub step: Step,
    /// `Null` also where the column's own filling says the same.
    pub absent: Absent,
}

impl Names {
    pub fn find(&self, number: i32) -> Option<&Name> {
        // Most enums count from 0.
        let near = usize::try_from(number).ok().and_then(|at| self.values.get(at));
        near.filter(|name| name.number == number).or_else(|| {
            let found = self.values.binary_search_by_key(&number, |name| name.number).ok()?;
            self.values.get(found)
        })
    }

    /// A number without a name, named the way Java names it.
    pub fn unknown(&self, number: i32) -> String {
        format!("UNKNOWN_ENUM_VALUE_{}_{number}", self.name)
    }
}
