//! What is done with a value's bytes: a type of the schema and a type of a column, taken together.
use super::scalar::Scalar;
use super::wire;
use crate::binary::Taken;
use crate::types::Type;

#[derive(Debug)]
pub enum Step {
    /// NULL, or the zero value.
    Null,
    Scalar(Scalar),
    /// Names of an enum, as text.
    Names(Vec<Box<str>>),
    /// Names of an enum with the number that the column has for each; none where it does not know the name.
    Numbers(Vec<(Box<str>, Option<i16>)>),
    /// A value with parts that is not NULL, in a column that could be.
    Some(Box<Step>),
    Array(Items),
    /// An array of few values that are the elements of a tuple.
    Places(Vec<Step>),
    Map(Items),
    /// An array of records of key and value.
    Entries(Box<Step>, Items),
    /// Each field of a record: the element that it goes to, or the place of its type, to be stepped over.
    Fields(Vec<Field>),
    /// A map whose keys name the elements of a tuple; the other values are of the type at this place.
    Keys(Vec<Key>, usize),
    /// A union of null and one other type, and which of the two null is.
    Optional(usize, Box<Step>),
    Union(Vec<Step>),
    /// A member of a `Variant`.
    Member(usize, Box<Step>),
    /// A type of a `Dynamic` and its name.
    Typed(Box<(Type, String)>, Box<Step>),
    /// The value of the type at this place becomes JSON text.
    Text(usize),
}

impl Step {
    /// What is done with the value at hand, once it is known which type of a union it has.
    #[inline]
    pub fn chosen(&self, rest: &mut &[u8]) -> Taken<&Step> {
        let mut step = self;
        loop {
            step = match step {
                Step::Optional(null, inner) => {
                    if wire::index(rest, 2, "branch")? == *null {
                        &Step::Null
                    } else {
                        inner
                    }
                }
                Step::Union(steps) => &steps[wire::index(rest, steps.len(), "branch")?],
                chosen => return Ok(chosen),
            }
        }
    }
}

/// What many values go through.
#[derive(Debug)]
pub struct Items {
    pub step: Box<Step>,
    /// Bytes that one of them takes in a column at least: what a record may claim is bounded by it.
    pub weight: usize,
}

/// A key that is the name of an element.
#[derive(Debug)]
pub struct Key {
    pub name: Box<str>,
    pub element: usize,
    pub step: Step,
}

#[derive(Debug)]
pub enum Field {
    Element(usize, Step),
    Skipped(usize),
}
