//! What a writer's schema says of fields, as if all values that it allows had been met.
use formats::avro::{Schema, Type as Avro};

use super::facts::{DEPTH_MAX, Facts};
use crate::avro;
use crate::shape::{Events, Shape};
use crate::types::Type;

/// What holds a record's fields.
pub enum Rows {
    /// A record of the schema.
    Fields(Facts),
    /// A map: only the values name the fields.
    Names,
    /// Nothing that has fields.
    Nothing,
}

/// What the rows of a schema have in common. `room` is what may still be remembered of the sample.
pub fn rows(schema: &Schema, shape: &Shape, room: &mut usize) -> Rows {
    let is_change = shape.upserts.as_ref().is_some_and(|upserts| upserts.events == Events::Debezium);
    let place = if is_change { image(schema) } else { Some(schema.root_place()) };
    let Some(place) = place else { return Rows::Nothing };
    let branches = match &schema.node(place).kind {
        Avro::Union(branches) => branches.as_slice(),
        _ => &[place],
    };
    let kinds = || branches.iter().map(|branch| &schema.node(*branch).kind);
    if kinds().any(|kind| matches!(kind, Avro::Map(_))) {
        return Rows::Names;
    }
    let mut reading = Reading { schema, room, open: Vec::new() };
    let mut rows = Facts::default();
    for branch in branches.iter().filter(|branch| matches!(schema.node(**branch).kind, Avro::Record(_))) {
        let facts = reading.facts(*branch);
        rows.merge(facts, reading.room);
    }
    if rows.objects.is_some() { Rows::Fields(rows) } else { Rows::Nothing }
}

/// The row in a change event.
fn image(schema: &Schema) -> Option<usize> {
    let Avro::Record(fields) = &schema.root().kind else { return None };
    let named = |name: &str| fields.iter().find(|field| field.name == name);
    named("after").or_else(|| named("before")).map(|field| field.node)
}

struct Reading<'a> {
    schema: &'a Schema,
    room: &'a mut usize,
    /// The types around this one.
    open: Vec<usize>,
}

impl Reading<'_> {
    fn facts(&mut self, place: usize) -> Facts {
        let room = self.room.checked_sub(1);
        // What contains itself, or is without end, becomes JSON text.
        if room.is_none() || self.open.contains(&place) || self.open.len() > DEPTH_MAX {
            return Facts { is_vast: true, ..Facts::default() };
        }
        *self.room = room.unwrap_or_default();
        self.open.push(place);
        let facts = self.within(place);
        self.open.pop();
        facts
    }

    fn within(&mut self, place: usize) -> Facts {
        let schema = self.schema;
        let mut facts = Facts::default();
        match &schema.node(place).kind {
            Avro::Null => facts.nulls = 1,
            Avro::Array(items) => facts.items = Some(Box::new(self.facts(*items))),
            Avro::Map(values) => facts.values = Some(Box::new(self.facts(*values))),
            Avro::Record(fields) => {
                let objects = facts.objects.get_or_insert_default();
                (objects.count, objects.is_declared) = (1, true);
                for field in fields {
                    let inner = self.facts(field.node);
                    match objects.enter(&field.name, self.room) {
                        Some(field) => field.facts = inner,
                        None => facts.is_vast = true,
                    }
                }
            }
            Avro::Union(branches) => return self.union(branches),
            Avro::Enum(_) => facts.declared = Some(Type::LowCardinality(Box::new(Type::String))),
            _ => facts.declared = Some(scalar(schema, place)),
        }
        facts
    }

    fn union(&mut self, branches: &[usize]) -> Facts {
        let mut all = Facts::default();
        let mut has_parts = false;
        let mut others = 0;
        for branch in branches {
            let facts = self.facts(*branch);
            others += usize::from(facts.nulls == 0);
            has_parts |= facts.nulls == 0 && facts.declared.is_none();
            all.merge(facts, self.room);
        }
        // Which of its types a value had would be lost in a column of one type, but not in text.
        all.is_vast |= has_parts && others > 1;
        all
    }
}

/// Points in time are those of a clock in UTC, whatever zone the server is in.
fn scalar(schema: &Schema, place: usize) -> Type {
    match avro::scalar_type(schema, place) {
        Type::DateTime64(scale, None) if avro::is_instant(schema.node(place)) => {
            Type::DateTime64(scale, Some("UTC".to_owned()))
        }
        ty => ty,
    }
}

/// The type that holds the values of both.
pub fn join(one: Type, other: Type) -> Type {
    let is_number = |ty: &Type| matches!(ty, Type::Int(_) | Type::Float32 | Type::Float64);
    match (one, other) {
        (one, other) if one == other => one,
        (Type::Int(one), Type::Int(other)) => Type::Int(one.max(other)),
        (one, other) if is_number(&one) && is_number(&other) => Type::Float64,
        (Type::Decimal { precision, scale }, Type::Decimal { precision: digits, scale: places }) => {
            let scale_both = scale.max(places);
            let precision = scale_both + (precision - scale).max(digits - places);
            if precision > DIGITS_MAX { Type::String } else { Type::Decimal { precision, scale: scale_both } }
        }
        (Type::DateTime64(one, zone), Type::DateTime64(other, same)) if zone == same => {
            Type::DateTime64(one.max(other), zone)
        }
        (Type::Time64(one), Type::Time64(other)) => Type::Time64(one.max(other)),
        _ => Type::String,
    }
}

/// The most that a `Decimal` has.
const DIGITS_MAX: usize = 76;
