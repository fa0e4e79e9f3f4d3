//! Protobuf messages in Connect's terms, as Confluent's converter maps them.

use super::program::{Slot, View, Width, is_nullable, is_wrapper, layout, members, meta, view, width};
use super::{ENUM, Message, Options, PRECISION, TAG, UNION};
use crate::connect::{self, Shape};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

impl Message {
    /// The schema in Connect's terms; `None` when a message contains itself, which these cannot say.
    pub fn to_connect(&self, options: Options) -> Option<connect::Schema> {
        let mut mapping = Mapping { options, open: Vec::new(), budget: SCHEMAS_MAX };
        let root = &self.descriptor;
        if options.unwraps_root && is_wrapper(root) {
            let value = root.get_field(1)?;
            return Some(connect::Schema { parameters: Vec::new(), ..mapping.single(&value)? });
        }
        mapping.message(root)
    }
}

struct Mapping {
    options: Options,
    /// The messages around the one that is mapped.
    open: Vec<String>,
    /// What may yet be made, as a name stands for a whole tree.
    budget: usize,
}

impl Mapping {
    fn message(&mut self, message: &MessageDescriptor) -> Option<connect::Schema> {
        let full = message.full_name();
        if self.open.iter().any(|open| open == full) {
            return None;
        }
        self.open.push(full.to_owned());
        let mut fields = Vec::new();
        for (name, slot) in layout(message, self.options) {
            let schema = match slot {
                Slot::Field(field) => self.field(&field)?,
                Slot::Union(union) => {
                    let members = members(&union);
                    let members =
                        members.iter().map(|member| Some((member.name().to_owned(), self.field(member)?)));
                    let shape = Shape::Struct(members.collect::<Option<_>>()?);
                    connect::Schema::new(shape).named(format!("{UNION}{}", union.name())).optional()
                }
            };
            fields.push((name, schema));
        }
        self.open.pop();
        Some(connect::Schema::new(Shape::Struct(fields)).named(self.name(full, message.name())))
    }

    fn field(&mut self, field: &FieldDescriptor) -> Option<connect::Schema> {
        let kind = field.kind();
        let mut schema = match (&kind, field.is_list()) {
            (Kind::Message(entry), _) if field.is_map() => self.map(entry)?,
            (_, true) => {
                let items = self.single(field)?.optional();
                connect::Schema::new(Shape::Array(Box::new(items)))
            }
            _ => self.single(field)?,
        };
        let says_nothing = !self.options.marks_nullables && !self.options.wraps_nullables;
        let is_in_union = field.containing_oneof().is_some_and(|union| !union.is_synthetic());
        schema.optional = says_nothing
            || is_in_union
            || is_nullable(field)
            || field.is_list()
            || matches!(kind, Kind::Message(_) | Kind::Enum(_));
        Some(schema.parameter(TAG, field.number().to_string()))
    }

    fn map(&mut self, entry: &MessageDescriptor) -> Option<connect::Schema> {
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let shape = Shape::Map(Box::new(self.field(&key)?), Box::new(self.field(&value)?));
        let name = entry.name();
        Some(connect::Schema::new(shape).named(snake(name.strip_suffix("Entry").unwrap_or(name))))
    }

    /// One value of a field.
    fn single(&mut self, field: &FieldDescriptor) -> Option<connect::Schema> {
        self.budget = self.budget.checked_sub(1)?;
        Some(connect::Schema::new(match field.kind() {
            Kind::Bool => Shape::Boolean,
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => match width(field) {
                Width::Int8 => Shape::Int8,
                Width::Int16 => Shape::Int16,
                Width::Int32 => Shape::Int32,
            },
            Kind::Uint32
            | Kind::Fixed32
            | Kind::Int64
            | Kind::Uint64
            | Kind::Sint64
            | Kind::Fixed64
            | Kind::Sfixed64 => Shape::Int64,
            Kind::Float => Shape::Float32,
            Kind::Double => Shape::Float64,
            Kind::String => Shape::Text,
            Kind::Bytes => Shape::Bytes,
            Kind::Enum(of) => return Some(self.symbols(&of)),
            Kind::Message(message) => return self.viewed(field, &message),
        }))
    }

    fn viewed(&mut self, field: &FieldDescriptor, message: &MessageDescriptor) -> Option<connect::Schema> {
        Some(match view(field, message, self.options) {
            View::Struct => return self.message(message),
            View::Wrapped => {
                let value = message.get_field(1)?;
                return self.single(&value);
            }
            View::Timestamp => connect::Schema::logical(Shape::Int64, connect::TIMESTAMP),
            View::Date => connect::Schema::logical(Shape::Int32, connect::DATE),
            View::Time => connect::Schema::logical(Shape::Int32, connect::TIME),
            View::Decimal { scale } => {
                let decimal = connect::Schema::decimal(scale);
                match meta(field, "precision") {
                    Some(precision) => decimal.parameter(PRECISION, precision),
                    None => decimal,
                }
            }
        })
    }

    fn symbols(&self, of: &EnumDescriptor) -> connect::Schema {
        let name = self.name(of.full_name(), of.name());
        let shape = if self.options.counts_enums { Shape::Int32 } else { Shape::Text };
        let plain = connect::Schema::new(shape).named(name.clone()).parameter(ENUM, name);
        of.values().fold(plain, |schema, value| {
            schema.parameter(format!("{ENUM}.{}", value.name()), value.number().to_string())
        })
    }

    fn name(&self, full: &str, simple: &str) -> String {
        if self.options.is_enhanced { full.to_owned() } else { simple.to_owned() }
    }
}

/// A name in camel case as fields are named.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A few messages that each name the one before twice stand for a tree without end.
const SCHEMAS_MAX: usize = 100_000;
