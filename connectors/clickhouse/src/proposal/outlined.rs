//! What a Protobuf message says of fields, as if all values that it allows had been met.
use formats::protobuf::{Absent, Field, Known, Label, Outline, Type as Proto};

use super::declared::Rows;
use super::facts::{DEPTH_MAX, Facts};
use crate::protobuf::{self, Moment};
use crate::shape::{Events, Shape};
use crate::types::Type;

/// What the rows of a message have in common. `room` is what may still be remembered of the sample.
pub fn rows((outline, counts_enums): (&Outline, bool), shape: &Shape, room: &mut usize) -> Rows {
    let is_change = shape.upserts.as_ref().is_some_and(|upserts| upserts.events == Events::Debezium);
    let place = if is_change { image(outline) } else { Some(0) };
    let Some(place) = place else { return Rows::Nothing };
    let facts = Reading { outline, counts_enums, room, open: Vec::new() }.object(place);
    if facts.objects.is_some() { Rows::Fields(facts) } else { Rows::Nothing }
}

/// The row in a change event.
fn image(outline: &Outline) -> Option<usize> {
    let message = outline.messages.first()?;
    let named = |name: &str| message.fields.iter().find(|field| &*field.name == name);
    match named("after").or_else(|| named("before"))?.of {
        Proto::Message(place) => Some(place),
        _ => None,
    }
}

struct Reading<'a> {
    outline: &'a Outline,
    counts_enums: bool,
    room: &'a mut usize,
    /// The messages around this one.
    open: Vec<usize>,
}

impl Reading<'_> {
    fn field(&mut self, field: &Field) -> Facts {
        let facts = self.held(field.label, field.of);
        Facts { nulls: u32::from(field.absent == Absent::Null), ..facts }
    }

    fn held(&mut self, label: Label, of: Proto) -> Facts {
        let mut facts = Facts::default();
        match (label, of) {
            (Label::List, of) => facts.items = Some(Box::new(self.held(Label::One, of))),
            (Label::Map, of) => match protobuf::entry(self.outline, of) {
                Some([_, value]) => facts.values = Some(Box::new(self.held(Label::One, value.of))),
                None => facts.is_vast = true,
            },
            (Label::One, Proto::Message(place)) => return self.message(place),
            (Label::One, Proto::Enum(_)) if !self.counts_enums => {
                facts.declared = Some(Type::LowCardinality(Box::new(Type::String)));
            }
            (Label::One, of) => facts.declared = Some(protobuf::scalar_type(of, self.counts_enums)),
        }
        facts
    }

    fn message(&mut self, place: usize) -> Facts {
        if let Some(moment) = Moment::of(self.outline, place) {
            return Facts { declared: Some(protobuf::moment_type(moment)), ..Facts::default() };
        }
        let known = self.outline.messages[place].known;
        if matches!(known, Some(Known::Struct | Known::Value | Known::ListValue)) {
            return Facts { declared: Some(Type::String), ..Facts::default() };
        }
        self.object(place)
    }

    fn object(&mut self, place: usize) -> Facts {
        let room = self.room.checked_sub(1);
        // What contains itself, or is without end, becomes JSON text.
        if room.is_none() || self.open.contains(&place) || self.open.len() > DEPTH_MAX {
            return Facts { is_vast: true, ..Facts::default() };
        }
        *self.room = room.unwrap_or_default();
        self.open.push(place);
        let mut facts = Facts::default();
        let objects = facts.objects.get_or_insert_default();
        (objects.count, objects.is_declared) = (1, true);
        for field in &self.outline.messages[place].fields {
            let inner = self.field(field);
            match objects.enter(&field.name, self.room) {
                Some(field) => field.facts = inner,
                None => facts.is_vast = true,
            }
        }
        self.open.pop();
        facts
    }
}
