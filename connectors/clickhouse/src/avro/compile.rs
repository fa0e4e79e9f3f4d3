//! Makes steps of a schema's types and a table's types.
use formats::avro::{Field as AvroField, Schema, Type as Avro};

use super::describe::describe;
use super::natural::natural;
use super::scalar::Scalar;
use super::step::{Field, Items, Key, Step};
use crate::binary::Unfit;
use crate::binary::prefer::{best, rank, rank_of_parts};
use crate::columns::Kind;
use crate::types::{Element, Type, Variant};

/// Compiles the types of one schema.
pub struct Compiler<'a> {
    pub schema: &'a Schema,
    /// Steps that may yet be made. A few names in a schema can stand for a tree without end.
    budget: usize,
    /// Types whose values go to a `Dynamic`, each within the one before.
    open: Vec<usize>,
}

type Compiled = Result<Step, Unfit>;

impl<'a> Compiler<'a> {
    pub fn new(schema: &'a Schema) -> Self {
        Compiler { schema, budget: STEPS_MAX, open: Vec::new() }
    }

    /// What is done with values of the type at `place` in a column of this type.
    pub fn step(&mut self, place: usize, ty: &Type) -> Compiled {
        self.budget = self.budget.saturating_sub(1);
        if self.budget == 0 {
            return Err(Unfit::new(format!("schema of more than {STEPS_MAX} steps")));
        }
        match (&self.schema.node(place).kind, ty) {
            (Avro::Null, _) => Ok(Step::Null),
            (Avro::Union(branches), _) => self.union(place, branches, ty),
            (_, Type::Geo(_, inner)) => self.step(place, inner),
            (_, Type::Variant(variant)) => self.variant(place, variant),
            (_, Type::Dynamic(_)) => self.dynamic(place),
            (
                Avro::Array(_) | Avro::Map(_) | Avro::Record(_),
                Type::Nullable(inner) | Type::LowCardinality(inner),
            ) => Ok(Step::Some(Box::new(self.step(place, inner)?))),
            (Avro::Array(_), Type::String)
            | (Avro::Map(_) | Avro::Record(_), Type::String | Type::Json(_)) => Ok(Step::Text(place)),
            (Avro::Array(items), _) => self.array(place, *items, ty),
            (Avro::Map(values), _) => self.map(place, *values, ty),
            (Avro::Record(fields), Type::Tuple(elements)) => self.record(place, fields, elements),
            (Avro::Enum(symbols), _) => self.symbols(place, symbols, ty),
            _ => match Scalar::of(self.schema.node(place)) {
                Some(scalar) if scalar.kind().fits(ty) => Ok(Step::Scalar(scalar)),
                _ => Err(self.unfit(place)),
            },
        }
    }

    /// The type at `place` in words, as what does not fit.
    pub fn unfit(&self, place: usize) -> Unfit {
        Unfit::new(describe(self.schema, place))
    }

    fn union(&mut self, place: usize, branches: &[usize], ty: &Type) -> Compiled {
        let is_null = |place: &usize| self.schema.node(*place).kind == Avro::Null;
        if let [first, second] = branches {
            match (is_null(first), is_null(second)) {
                (true, false) => return Ok(Step::Optional(0, Box::new(self.step(*second, ty)?))),
                (false, true) => return Ok(Step::Optional(1, Box::new(self.step(*first, ty)?))),
                _ => {}
            }
        }
        let steps: Result<_, _> = branches.iter().map(|branch| self.step(*branch, ty)).collect();
        // Which of its types it was would be lost in a column of one type, unless that type takes all of them.
        steps.map(Step::Union).map_err(|_| self.unfit(place))
    }

    fn variant(&mut self, place: usize, variant: &Variant) -> Compiled {
        let best = best(variant, |member| Some((self.rank(place, member), self.step(place, member).ok()?)));
        let (index, step) = best.ok_or_else(|| self.unfit(place))?;
        Ok(Step::Member(index, Box::new(step)))
    }

    fn rank(&self, place: usize, member: &Type) -> usize {
        let node = self.schema.node(place);
        match &node.kind {
            Avro::Array(_) => rank_of_parts("apms", member),
            Avro::Map(_) => rank_of_parts("mjps", member),
            Avro::Record(_) => rank_of_parts("pjms", member),
            Avro::Enum(_) => rank(Kind::Name, 0, member),
            _ => Scalar::of(node).map_or(usize::MAX, |scalar| {
                let bytes = match scalar {
                    Scalar::Int | Scalar::Float => 4,
                    Scalar::Fixed(size) => size,
                    Scalar::Timestamp(scale) | Scalar::Local(scale) => scale as usize,
                    Scalar::TimeMillis => 3,
                    Scalar::TimeMicros => 6,
                    Scalar::Long | Scalar::Double => 8,
                    _ => 0,
                };
                let is_uuid = node.logical == Some(formats::avro::Logical::Uuid);
                rank(if is_uuid { Kind::Uuid } else { scalar.kind() }, bytes, member)
            }),
        }
    }

    fn dynamic(&mut self, place: usize) -> Compiled {
        // A union of several types is a `Dynamic` again: without this, one that holds its own record would go on for ever.
        let is_open = self.open.contains(&place) || self.open.len() >= DYNAMICS_MAX;
        let ty = if is_open { Type::String } else { natural(self.schema, place, &mut self.budget) };
        self.open.push(place);
        let step = self.step(place, &ty);
        self.open.pop();
        let name = ty.to_string();
        Ok(Step::Typed(Box::new((ty, name)), Box::new(step?)))
    }

    fn array(&mut self, place: usize, items: usize, ty: &Type) -> Compiled {
        match ty {
            Type::Array(inner) => Ok(Step::Array(self.items(items, inner)?)),
            Type::Map(key, value) => {
                let Some((key_place, value_place)) = self.entry(items) else { return Err(self.unfit(place)) };
                let key = self.step(key_place, key).map_err(|unfit| unfit.within("key"))?;
                let items = self.items(value_place, value).map_err(|unfit| unfit.within("value"))?;
                Ok(Step::Entries(Box::new(key), items))
            }
            Type::Tuple(elements) => {
                let steps: Result<_, _> =
                    elements.iter().map(|element| self.step(items, &element.ty)).collect();
                Ok(Step::Places(steps?))
            }
            _ => Err(self.unfit(place)),
        }
    }

    /// Types of key and value, if the items of an array are records of these two.
    fn entry(&self, items: usize) -> Option<(usize, usize)> {
        let Avro::Record(fields) = &self.schema.node(items).kind else { return None };
        match &fields[..] {
            [key, value] if key.name == "key" && value.name == "value" => Some((key.node, value.node)),
            _ => None,
        }
    }

    fn map(&mut self, place: usize, values: usize, ty: &Type) -> Compiled {
        match ty {
            Type::Map(key, value) if Kind::Text.fits(key) && !matches!(**key, Type::Json(_)) => {
                Ok(Step::Map(self.items(values, value)?))
            }
            Type::Tuple(elements) if elements.iter().any(|element| element.name.is_some()) => {
                let mut keys = Vec::new();
                for (index, element) in elements.iter().enumerate() {
                    if let Some(name) = &element.name {
                        let step = self.step(values, &element.ty)?;
                        keys.push(Key { name: name.as_str().into(), element: index, step });
                    }
                }
                Ok(Step::Keys(keys, values))
            }
            _ => Err(self.unfit(place)),
        }
    }

    /// Fields go to the elements of their names; to a tuple without names they go by their order.
    fn record(&mut self, place: usize, fields: &[AvroField], elements: &[Element]) -> Compiled {
        let has_names = elements.iter().any(|element| element.name.is_some());
        if !has_names && fields.len() != elements.len() {
            return Err(self.unfit(place));
        }
        let mut steps = Vec::with_capacity(fields.len());
        for (order, field) in fields.iter().enumerate() {
            let is = |element: &Element| element.name.as_deref() == Some(&*field.name);
            let found = if has_names { elements.iter().position(is) } else { Some(order) };
            steps.push(match found {
                Some(index) => {
                    let step = self.step(field.node, &elements[index].ty);
                    Field::Element(index, step.map_err(|unfit| unfit.within(&field.name))?)
                }
                None => Field::Skipped(field.node),
            });
        }
        Ok(Step::Fields(steps))
    }

    fn symbols(&self, place: usize, symbols: &[String], ty: &Type) -> Compiled {
        let plain = match ty {
            Type::Nullable(inner) | Type::LowCardinality(inner) => inner,
            plain => plain,
        };
        if let Type::Enum(names) = plain {
            let number = |symbol: &String| {
                let entry = names.entries.iter().find(|(name, _)| name == symbol);
                (symbol.as_str().into(), entry.map(|(_, number)| *number))
            };
            let numbers: Vec<_> = symbols.iter().map(number).collect();
            // An enum that has nothing in common with the column's is another one.
            let knows_any = numbers.iter().any(|(_, number)| number.is_some());
            return if knows_any { Ok(Step::Numbers(numbers)) } else { Err(self.unfit(place)) };
        }
        if Kind::Name.fits(ty) {
            Ok(Step::Names(symbols.iter().map(|symbol| symbol.as_str().into()).collect()))
        } else {
            Err(self.unfit(place))
        }
    }

    fn items(&mut self, place: usize, ty: &Type) -> Result<Items, Unfit> {
        Ok(Items { step: Box::new(self.step(place, ty)?), weight: weight(ty) })
    }
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
/// `Dynamic` values within each other that keep their types.
const DYNAMICS_MAX: usize = 8;
