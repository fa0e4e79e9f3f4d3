//! Steps over values that no column wants.
use formats::avro::{Schema, Type};

use super::wire;
use crate::binary::{Fault, Taken};
use crate::json::DEPTH_MAX;

/// For each type of a schema, how its values are stepped over.
#[derive(Debug)]
pub struct Skips(Vec<Skip>);

#[derive(Debug)]
enum Skip {
    /// Values have no bytes.
    Nothing,
    Long,
    Bytes(usize),
    Sized,
    Array(usize),
    Map(usize),
    Fields(Vec<usize>),
    Union(Vec<usize>),
}

impl Skips {
    pub fn new(schema: &Schema) -> Self {
        let places = 0..schema.places();
        let mut known = vec![None; schema.places()];
        for place in places.clone() {
            is_empty(schema, place, &mut known, DEPTH_MAX);
        }
        Skips(places.map(|place| skip(schema, place, &known)).collect())
    }

    pub fn skip(&self, place: usize, rest: &mut &[u8]) -> Taken<()> {
        self.within(place, rest, DEPTH_MAX)
    }

    fn within(&self, place: usize, rest: &mut &[u8], depth: u32) -> Taken<()> {
        let skip = self.0.get(place).ok_or_else(wire::cut)?;
        let inner = || depth.checked_sub(1).ok_or_else(too_deep);
        match skip {
            Skip::Nothing => {}
            Skip::Long => drop(wire::long(rest)?),
            Skip::Bytes(count) => drop(wire::take(rest, *count)?),
            Skip::Sized => drop(wire::sized(rest)?),
            Skip::Array(items) => self.blocks(rest, |rest| self.within(*items, rest, inner()?), *items)?,
            Skip::Map(values) => {
                let entry = |rest: &mut &[u8]| {
                    wire::sized(rest)?;
                    self.within(*values, rest, inner()?)
                };
                self.blocks(rest, entry, usize::MAX)?;
            }
            Skip::Fields(fields) => {
                let depth = inner()?;
                fields.iter().try_for_each(|field| self.within(*field, rest, depth))?;
            }
            Skip::Union(branches) => {
                let chosen = wire::index(rest, branches.len(), "branch")?;
                self.within(branches[chosen], rest, inner()?)?;
            }
        }
        Ok(())
    }

    fn blocks(
        &self,
        rest: &mut &[u8],
        mut item: impl FnMut(&mut &[u8]) -> Taken<()>,
        items: usize,
    ) -> Taken<()> {
        loop {
            let (count, bytes) = wire::block(rest)?;
            match bytes {
                _ if count == 0 => return Ok(()),
                Some(bytes) => drop(wire::take(rest, bytes)?),
                // Any number of items without bytes is stepped over at once.
                None if matches!(self.0.get(items), Some(Skip::Nothing)) => {}
                None => {
                    for _ in 0..count {
                        item(rest)?;
                    }
                }
            }
        }
    }
}

#[cold]
pub fn too_deep() -> Fault {
    Fault::broken(format!("the value is nested deeper than {DEPTH_MAX}"))
}

fn skip(schema: &Schema, place: usize, known: &[Option<bool>]) -> Skip {
    let is_empty = |place: usize| known.get(place) == Some(&Some(true));
    if is_empty(place) {
        return Skip::Nothing;
    }
    match &schema.node(place).kind {
        Type::Null => Skip::Nothing,
        Type::Boolean => Skip::Bytes(1),
        Type::Int | Type::Long | Type::Enum(_) => Skip::Long,
        Type::Float => Skip::Bytes(4),
        Type::Double => Skip::Bytes(8),
        Type::Bytes | Type::String => Skip::Sized,
        Type::Fixed(size) => Skip::Bytes(*size),
        Type::Array(items) => Skip::Array(*items),
        Type::Map(values) => Skip::Map(*values),
        Type::Record(fields) => {
            Skip::Fields(fields.iter().map(|field| field.node).filter(|place| !is_empty(*place)).collect())
        }
        Type::Union(branches) => Skip::Union(branches.clone()),
    }
}

/// Whether values have no bytes. A few records that each hold the one before twice would otherwise be a tree without
/// end in no bytes at all.
fn is_empty(schema: &Schema, place: usize, known: &mut [Option<bool>], depth: u32) -> bool {
    if let Some(Some(known)) = known.get(place) {
        return *known;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    let empty = match &schema.node(place).kind {
        Type::Null => true,
        Type::Fixed(size) => *size == 0,
        Type::Record(fields) => {
            // Until it is known otherwise, a record within itself is not empty: no value of it ends.
            known[place] = Some(false);
            fields.iter().all(|field| is_empty(schema, field.node, known, depth))
        }
        _ => false,
    };
    known[place] = Some(empty);
    empty
}
