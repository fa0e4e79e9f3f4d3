//! What the values of one field have in common, gathered over all records of a sample.
use std::collections::HashMap;

use super::declared::join;
use super::numbers::Numbers;
use super::texts::Texts;
use crate::json::{Cursor, Fault};
use crate::types::Type;

/// Kinds of values that were met, each with what is to be known of it.
#[derive(Debug, Default)]
pub struct Facts {
    pub nulls: u32,
    pub bools: u32,
    pub numbers: Option<Box<Numbers>>,
    pub texts: Option<Box<Texts>>,
    /// The elements of all arrays together.
    pub items: Option<Box<Facts>>,
    pub objects: Option<Box<Objects>>,
    /// The type that a schema gives to values without parts. A dictionary stands for names that it lists.
    pub declared: Option<Type>,
    /// The values of all maps that a schema knows.
    pub values: Option<Box<Facts>>,
    /// Parts were passed over: too deep, or beyond what a sample may hold in memory.
    pub is_vast: bool,
}

/// Objects under one name.
#[derive(Debug, Default)]
pub struct Objects {
    pub count: u32,
    /// In the order in which they were met.
    pub fields: Vec<Field>,
    places: HashMap<Box<str>, usize>,
    /// An object had a name twice.
    pub repeats: bool,
    /// A schema has the names, so they are no data.
    pub is_declared: bool,
}

#[derive(Debug)]
pub struct Field {
    pub name: Box<str>,
    pub facts: Facts,
    /// Objects that have it.
    pub seen: u32,
    last: u32,
}

impl Facts {
    /// Takes the next value in. `room` is what may still be remembered of the sample.
    pub fn read(&mut self, json: &mut Cursor<'_>, depth: usize, room: &mut usize) -> Result<(), Fault> {
        match json.peek() {
            b'{' if depth < DEPTH_MAX => return self.object(json, depth, room),
            b'[' if depth < DEPTH_MAX => return self.array(json, depth, room),
            b'{' | b'[' => {
                self.is_vast = true;
                json.skip()?;
            }
            b'"' => self.texts.get_or_insert_default().add(&json.string()?),
            b'-' | b'0'..=b'9' => self.numbers.get_or_insert_default().add(json.number()?),
            b'n' => {
                json.literal("null")?;
                self.nulls += 1;
            }
            _ => {
                json.skip()?;
                self.bools += 1;
            }
        }
        Ok(())
    }

    fn array(&mut self, json: &mut Cursor<'_>, depth: usize, room: &mut usize) -> Result<(), Fault> {
        let items = self.items.get_or_insert_default();
        json.enter()?;
        let mut more = json.any(b']')?;
        while more {
            items.read(json, depth + 1, room)?;
            more = json.more(b']')?;
        }
        Ok(())
    }

    fn object(&mut self, json: &mut Cursor<'_>, depth: usize, room: &mut usize) -> Result<(), Fault> {
        let objects = self.objects.get_or_insert_default();
        objects.count += 1;
        json.enter()?;
        let mut more = json.any(b'}')?;
        while more {
            let name = json.string()?;
            json.expect(b':', "\":\"")?;
            if let Some(field) = objects.enter(&name, room) {
                field.facts.read(json, depth + 1, room)?;
            } else {
                self.is_vast = true;
                json.skip()?;
            }
            more = json.more(b'}')?;
        }
        Ok(())
    }

    /// Whether every value was an object, or null.
    pub fn is_object(&self) -> bool {
        self.objects.is_some() && self.kinds() == 1
    }

    /// How many kinds of values there were, null aside.
    pub fn kinds(&self) -> usize {
        [
            self.bools > 0,
            self.numbers.is_some(),
            self.texts.is_some(),
            self.items.is_some(),
            self.objects.is_some(),
            self.declared.is_some(),
            self.values.is_some(),
        ]
        .iter()
        .filter(|is_there| **is_there)
        .count()
    }

    /// Whether the server's JSON type takes it: it refuses a path that comes twice, which names with dots can make,
    /// and numbers beyond a `Float64`.
    pub fn fits_json(&self) -> bool {
        let objects = self.objects.as_ref().is_none_or(|objects| {
            !objects.repeats
                && objects.fields.iter().all(|field| {
                    !field.name.contains('.') && !field.name.is_empty() && field.facts.fits_json()
                })
        });
        let numbers = self.numbers.as_ref().is_none_or(|numbers| !numbers.is_infinite);
        let parts = self.items.iter().chain(&self.values);
        objects && numbers && !self.is_vast && parts.into_iter().all(|inner| inner.fits_json())
    }

    /// Takes in what a schema says. `room` is what may still be remembered of the sample.
    pub fn merge(&mut self, other: Facts, room: &mut usize) {
        self.nulls += other.nulls;
        self.is_vast |= other.is_vast;
        self.declared = match (self.declared.take(), other.declared) {
            (Some(one), Some(other)) => Some(join(one, other)),
            (one, other) => one.or(other),
        };
        for (mine, other) in [(&mut self.items, other.items), (&mut self.values, other.values)] {
            if let Some(other) = other {
                mine.get_or_insert_default().merge(*other, room);
            }
        }
        let Some(other) = other.objects else { return };
        let objects = self.objects.get_or_insert_default();
        objects.count += 1;
        objects.is_declared |= other.is_declared;
        for field in other.fields {
            match objects.enter(&field.name, room) {
                Some(mine) => mine.facts.merge(field.facts, room),
                None => self.is_vast = true,
            }
        }
    }
}

impl Objects {
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.places.get(name).map(|&place| &self.fields[place])
    }

    /// Whether all objects have all names.
    pub fn are_alike(&self) -> bool {
        !self.repeats && self.fields.iter().all(|field| field.seen == self.count)
    }

    /// The field of this name in the object at hand. `None` if there is no room for another name.
    pub fn enter(&mut self, name: &str, room: &mut usize) -> Option<&mut Field> {
        let place = if let Some(&place) = self.places.get(name) {
            place
        } else {
            *room = room.checked_sub(1 + name.len() / NAME_SHARE)?;
            self.places.insert(name.into(), self.fields.len());
            self.fields.push(Field { name: name.into(), facts: Facts::default(), seen: 0, last: 0 });
            self.fields.len() - 1
        };
        let field = &mut self.fields[place];
        if field.last == self.count {
            self.repeats = true;
        } else {
            field.last = self.count;
            field.seen += 1;
        }
        Some(field)
    }
}

/// Arrays and objects below this are text to a table that is made for them.
pub const DEPTH_MAX: usize = 9;
/// Names that one sample may hold: each takes some hundred bytes.
pub const ROOM: usize = 20_000;
/// Bytes of a long name that count like another name.
const NAME_SHARE: usize = 64;
