//! Makes steps of a schema's types and a table's types.
use formats::protobuf::{Absent, Field, Known, Label, Outline, Symbols, Type as Proto};

use super::describe::describe;
use super::natural;
use super::notes::{Notes, Wanted};
use super::run::Run;
use super::scalar::{Moment, Scalar, entry};
use super::step::{Entry, Fields, Items, Key, Name, Names, Part, Step};
use super::text::{self, Texts};
use super::wire::Wire;
use crate::binary::Unfit;
use crate::binary::prefer::{best, rank, rank_of_parts};
use crate::columns::{Column, Kind};
use crate::types::{Element, Type, Variant};
use crate::values::Zones;

/// What a field holds: one value or many of a type.
pub type Held = (Label, Proto);

/// Compiles the messages of one schema.
pub struct Compiler<'a> {
    pub outline: &'a Outline,
    pub texts: &'a Texts,
    /// Enums are numbers.
    pub counts_enums: bool,
    /// Steps that may yet be made. A few names in a schema can stand for a tree without end.
    budget: usize,
}

type Compiled = Result<Step, Unfit>;

impl<'a> Compiler<'a> {
    pub fn new(outline: &'a Outline, texts: &'a Texts, counts_enums: bool) -> Self {
        Compiler { outline, texts, counts_enums, budget: STEPS_MAX }
    }

    /// What is done with a field's values in a column of this type, and without them.
    pub fn part(&mut self, field: &Field, ty: &Type) -> Result<Part, Unfit> {
        let step = self.step((field.label, field.of), ty)?;
        let absent = match (&step, &field.absent) {
            // A list that is not there is no list of the wrong length.
            (Step::Places(..), Absent::Empty) => Absent::Null,
            (step, absent) => self.settled(step, absent, ty),
        };
        Ok(Part { step, absent })
    }

    /// What is done with values in a column of this type.
    pub fn step(&mut self, held: Held, ty: &Type) -> Compiled {
        self.budget = self.budget.saturating_sub(1);
        if self.budget == 0 {
            return Err(Unfit::new(format!("schema of more than {STEPS_MAX} steps")));
        }
        match (held.0, ty) {
            (_, Type::Geo(_, inner)) => self.step(held, inner),
            (_, Type::Variant(variant)) => self.variant(held, variant),
            (_, Type::Dynamic(_)) => self.dynamic(held),
            (Label::One, _) => self.single(held, ty),
            (_, Type::Nullable(inner) | Type::LowCardinality(inner)) => {
                Ok(Step::Some(Box::new(self.step(held, inner)?)))
            }
            (_, Type::String) | (Label::Map, Type::Json(_)) => Ok(self.text(held)),
            (Label::List, Type::Array(inner)) => Ok(Step::List(self.items(held.1, inner)?)),
            (Label::List, Type::Tuple(elements)) => {
                let each = elements.iter().map(|element| self.step((Label::One, held.1), &element.ty));
                Ok(Step::Places(each.collect::<Result<_, _>>()?, self.packed(held.1)))
            }
            (Label::Map, Type::Map(key, value)) => self.map(held, key, value),
            (Label::Map, Type::Tuple(elements)) => self.keys(held, elements),
            _ => Err(self.unfit(held)),
        }
    }

    /// What is held in words, as what does not fit.
    pub fn unfit(&self, held: Held) -> Unfit {
        Unfit::new(describe(self.outline, held.0, held.1))
    }

    fn single(&mut self, held: Held, ty: &Type) -> Compiled {
        match (held.1, Scalar::of(held.1)) {
            (_, Some(scalar)) if scalar.kind().fits(ty) => Ok(Step::Scalar(scalar)),
            (Proto::Enum(place), _) => self.symbols(held, place, ty),
            (Proto::Message(place), _) => self.message(held, place, ty),
            _ => Err(self.unfit(held)),
        }
    }

    fn message(&mut self, held: Held, place: usize, ty: &Type) -> Compiled {
        if let Type::Tuple(elements) = ty {
            return self.record(held, place, elements);
        }
        if let Some(moment) = Moment::of(self.outline, place).and_then(|moment| moment.fitted(ty)) {
            return Ok(Step::Moment(moment));
        }
        let known = self.outline.messages.get(place).and_then(|message| message.known);
        match (known, ty) {
            (Some(Known::Any), _) => Err(self.unfit(held)),
            (_, Type::Nullable(inner) | Type::LowCardinality(inner)) => {
                Ok(Step::Some(Box::new(self.step(held, inner)?)))
            }
            (None | Some(Known::Struct | Known::Value | Known::ListValue), Type::String) => {
                Ok(self.text(held))
            }
            (None | Some(Known::Struct), Type::Json(_)) => Ok(self.text(held)),
            (Some(Known::Value), Type::Json(_)) => Ok(Step::Object(text::Value::new(held.0, held.1))),
            _ => Err(self.unfit(held)),
        }
    }

    #[allow(clippy::unused_self, reason = "it stands beside the other ways")]
    fn text(&self, held: Held) -> Step {
        Step::Text(text::Value::new(held.0, held.1))
    }

    fn variant(&mut self, held: Held, variant: &Variant) -> Compiled {
        let best = best(variant, |member| Some((self.rank(held, member), self.step(held, member).ok()?)));
        let (index, step) = best.ok_or_else(|| self.unfit(held))?;
        Ok(Step::Member(index, Box::new(step)))
    }

    fn rank(&self, held: Held, member: &Type) -> usize {
        let moment = |place| Moment::of(self.outline, place);
        match (held, Scalar::of(held.1)) {
            ((Label::List, _), _) => rank_of_parts("apms", member),
            ((Label::Map, _), _) => rank_of_parts("mjps", member),
            (_, Some(scalar)) => rank(scalar.kind(), scalar.width(), member),
            ((_, Proto::Message(place)), _) => match moment(place) {
                Some(moment) => rank(moment.kind(), moment.width(), member),
                None => rank_of_parts("pjms", member),
            },
            _ => rank(if self.counts_enums { Kind::Int } else { Kind::Name }, 0, member),
        }
    }

    fn dynamic(&mut self, held: Held) -> Compiled {
        let ty = natural::of(self.outline, held, self.counts_enums, &mut self.budget);
        let step = self.step(held, &ty)?;
        let name = ty.to_string();
        Ok(Step::Typed(Box::new((ty, name)), Box::new(step)))
    }

    fn items(&mut self, of: Proto, ty: &Type) -> Result<Items, Unfit> {
        let step = Box::new(self.step((Label::One, of), ty)?);
        Ok(Items { step, packed: self.packed(of), weight: weight(ty) })
    }

    #[allow(clippy::unused_self, reason = "it stands beside the other ways")]
    fn packed(&self, of: Proto) -> Option<Wire> {
        match of {
            Proto::Enum(_) => Some(Wire::Varint),
            of => Scalar::of(of).map(Scalar::wire).filter(|wire| *wire != Wire::Sized),
        }
    }

    fn map(&mut self, held: Held, key: &Type, value: &Type) -> Compiled {
        let [key_field, value_field] = entry(self.outline, held.1).ok_or_else(|| self.unfit(held))?;
        // JSON as a key is none that a table can have.
        if matches!(key, Type::Json(_)) {
            return Err(self.unfit(held));
        }
        let weight = weight(key).saturating_add(weight(value));
        let key = self.entry_part(key_field, key).map_err(|unfit| unfit.within("key"))?;
        let value = self.entry_part(value_field, value).map_err(|unfit| unfit.within("value"))?;
        Ok(Step::Map(Box::new(Entry { wanted: entry_wanted(), key, value, weight })))
    }

    /// Keys and values have to be written for each entry.
    fn entry_part(&mut self, field: &Field, ty: &Type) -> Result<Part, Unfit> {
        let step = self.step((field.label, field.of), ty)?;
        Ok(Part { step, absent: field.absent.clone() })
    }

    fn keys(&mut self, held: Held, elements: &[Element]) -> Compiled {
        let fields = entry(self.outline, held.1).filter(|[key, _]| key.of == Proto::Text);
        let has_names = elements.iter().any(|element| element.name.is_some());
        let [_, value] = fields.filter(|_| has_names).ok_or_else(|| self.unfit(held))?;
        let mut keys = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            if let Some(name) = &element.name {
                let value = self.entry_part(value, &element.ty)?;
                keys.push(Key { name: name.as_str().into(), element: index, wanted: entry_wanted(), value });
            }
        }
        Ok(Step::Keys(keys))
    }

    /// Fields go to the elements of their names; to a tuple without names they go by their order.
    fn record(&mut self, held: Held, place: usize, elements: &[Element]) -> Compiled {
        let fields = &self.outline.messages[place].fields;
        let has_names = elements.iter().any(|element| element.name.is_some());
        if !has_names && fields.len() != elements.len() {
            return Err(self.unfit(held));
        }
        let mut parts = Vec::with_capacity(fields.len());
        for (order, field) in fields.iter().enumerate() {
            let is = |element: &Element| element.name.as_deref() == Some(&*field.name);
            let found = if has_names { elements.iter().position(is) } else { Some(order) };
            let part = match found {
                Some(index) => {
                    let part = self.part(field, &elements[index].ty);
                    Some((index, part.map_err(|unfit| unfit.within(&field.name))?))
                }
                None => None,
            };
            parts.push((field, part));
        }
        let parts = needed(parts);
        let wanted =
            Wanted::new(&parts.iter().map(|(field, _)| (field.number, field.union)).collect::<Vec<_>>());
        Ok(Step::Fields(Fields { wanted, parts: parts.into_iter().map(|(_, part)| part).collect() }))
    }

    fn symbols(&self, held: Held, place: usize, ty: &Type) -> Compiled {
        let symbols = &self.outline.enums[place];
        let plain = match ty {
            Type::Nullable(inner) | Type::LowCardinality(inner) => inner,
            plain => plain,
        };
        let is_number = self.counts_enums || !Kind::Name.fits(ty);
        match plain {
            _ if is_number && Kind::Int.fits(ty) => Ok(Step::Scalar(Scalar::Number)),
            Type::Enum(column) => {
                let number = |name: &str| {
                    column.entries.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
                };
                let names = names(symbols, number);
                // An enum that has nothing in common with the column's is another one.
                let knows_any = names.values.iter().any(|name| name.column.is_some());
                if knows_any { Ok(Step::Numbers(names)) } else { Err(self.unfit(held)) }
            }
            _ if Kind::Name.fits(ty) => Ok(Step::Names(names(symbols, |_| None))),
            _ => Err(self.unfit(held)),
        }
    }

    /// What a missing value stands for, if the column's own filling is something else.
    fn settled(&self, step: &Step, absent: &Absent, ty: &Type) -> Absent {
        if matches!(absent, Absent::Null | Absent::Refused) {
            return absent.clone();
        }
        let (mut filled, mut written) = (Column::new(ty, &Zones::utc()), Column::new(ty, &Zones::utc()));
        filled.fill(1);
        let mut notes = Notes::default();
        let put = Run::new(&[], &mut notes, self.texts).absent(&mut written, step, absent);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        filled.pieces(0, &mut one);
        written.pieces(0, &mut other);
        if put.is_ok() && one == other { Absent::Null } else { absent.clone() }
    }
}

impl Moment {
    /// How the message goes into a column of this type.
    fn fitted(self, ty: &Type) -> Option<Self> {
        let as_number = match self {
            Moment::Timestamp => Some(Moment::Millis),
            Moment::Span => Some(Moment::Seconds),
            Moment::TimeOfDay => Some(Moment::MillisOfDay),
            _ => None,
        };
        let plain = match ty {
            Type::Nullable(inner) | Type::LowCardinality(inner) => inner,
            plain => plain,
        };
        let is_number = matches!(
            plain,
            Type::Int(_)
                | Type::UInt(_)
                | Type::BFloat16
                | Type::Float32
                | Type::Float64
                | Type::Decimal { .. }
        );
        let moment = if is_number { as_number.unwrap_or(self) } else { self };
        moment.kind().fits(ty).then_some(moment)
    }
}

/// The fields that go somewhere, and those that a `oneof` needs to tell which of its members is there; by number.
pub fn needed<T>(parts: Vec<(&Field, Option<T>)>) -> Vec<(&Field, Option<T>)> {
    let unions: Vec<_> =
        parts.iter().filter(|(_, part)| part.is_some()).filter_map(|(field, _)| field.union).collect();
    let is_needed = |(field, part): &(&Field, Option<T>)| {
        part.is_some() || field.union.is_some_and(|union| unions.contains(&union))
    };
    let mut needed: Vec<_> = parts.into_iter().filter(is_needed).collect();
    needed.sort_by_key(|(field, _)| field.number);
    needed
}

pub fn entry_wanted() -> Wanted {
    Wanted::new(&[(1, None), (2, None)])
}

fn names(symbols: &Symbols, column: impl Fn(&str) -> Option<i16>) -> Names {
    let name =
        |(number, text): &(i32, Box<str>)| Name { number: *number, text: text.clone(), column: column(text) };
    Names { name: symbols.name.clone(), values: symbols.values.iter().map(name).collect() }
}

/// Bytes that a value of this type takes at least, or nearly.
fn weight(ty: &Type) -> usize {
    match ty {
        Type::Tuple(elements) => elements.iter().map(|element| weight(&element.ty)).sum::<usize>().max(1),
        Type::FixedString(width) | Type::Int(width) | Type::UInt(width) => *width,
        Type::Nullable(inner) | Type::LowCardinality(inner) | Type::Geo(_, inner) => 1 + weight(inner),
        Type::Decimal { precision, .. } => crate::values::decimal::width(*precision),
        _ => 8,
    }
}

const STEPS_MAX: usize = 200_000;
