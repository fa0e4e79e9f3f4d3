//! What the values of a message become, compiled once: reader and writer follow it without looking at the schema.

use super::{CONNECT_TYPE, META, Message as Root, Options, wire};
use crate::connect::SCALE;
use crate::varint;
use penstock_sdk::flat::Writer;
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Value,
};
use std::collections::HashMap;

/// Messages lie side by side, as they may contain themselves; numbers are places in the list.
#[derive(Debug)]
pub struct Program {
    pub messages: Vec<Message>,
    /// Of the whole value.
    pub view: View,
}

/// The place of the message that a program was made for.
pub const ROOT: usize = 0;

#[derive(Debug, Default)]
pub struct Message {
    /// As Connect's struct has them.
    pub fields: Vec<Field>,
    /// By number, which is how bytes name them.
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub number: u32,
    pub slot: u32,
}

#[derive(Debug)]
pub struct Field {
    pub name: Box<str>,
    pub shape: Shape,
}

#[derive(Debug)]
pub enum Shape {
    One(Member, Absent),
    List {
        item: Member,
        is_packed: bool,
    },
    /// The place of the message that has key and value.
    Map {
        number: u32,
        entry: usize,
    },
    Union {
        bare: Box<str>,
        members: Vec<(Box<str>, Member)>,
    },
}

/// What a field that is not there stands for.
#[derive(Debug)]
pub enum Absent {
    Null,
    /// Nothing, as it has to be there.
    Refused,
    /// A value in the flat encoding. Writers leave it out when it is `implicit`.
    Value {
        flat: Vec<u8>,
        implicit: bool,
    },
}

#[derive(Debug, Clone)]
pub struct Member {
    pub number: u32,
    pub leaf: Leaf,
}

#[derive(Debug, Clone)]
pub enum Leaf {
    Number(Number),
    Text,
    Bytes,
    Enum(Symbols),
    Message { place: usize, view: View, is_group: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Boolean,
    /// `int32`, `sint32`, `sfixed32`, which are smaller for Connect where the field's options say so.
    Signed32(Form, Width),
    Uint32,
    Fixed32,
    /// `uint64` as well: Connect has no unsigned numbers, so the highest bit is the sign.
    Int64,
    Sint64,
    Fixed64,
    Float,
    Double,
}

/// How a signed integer of 32 bits lies in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Plain,
    Zigzag,
    Fixed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Int8,
    Int16,
    Int32,
}

/// What a message is for Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Struct,
    /// The value in one of Google's wrappers.
    Wrapped,
    Timestamp,
    Date,
    Time,
    Decimal {
        scale: i64,
    },
}

#[derive(Debug, Clone)]
pub struct Symbols {
    pub name: Box<str>,
    by_number: HashMap<i32, Box<str>>,
    by_name: HashMap<Box<str>, i32>,
}

impl Program {
    pub fn compile(root: &Root, options: Options) -> Self {
        let mut compiling =
            Compiling { options, messages: Vec::new(), places: HashMap::new(), waiting: Vec::new() };
        let root = &root.descriptor;
        compiling.place(root);
        while let Some((place, message)) = compiling.waiting.pop() {
            let compiled = compiling.message(&message);
            if let Some(empty) = compiling.messages.get_mut(place) {
                *empty = compiled;
            }
        }
        let view = if options.unwraps_root && is_wrapper(root) { View::Wrapped } else { View::Struct };
        Self { messages: compiling.messages, view }
    }
}

impl Message {
    /// Where a field goes; `hint` is where the next one is expected, as fields mostly come in their order.
    pub fn target(&self, number: u32, hint: &mut usize) -> Option<Target> {
        let found = match self.targets.get(*hint) {
            Some(target) if target.number == number => *hint,
            _ => self.targets.binary_search_by_key(&number, |target| target.number).ok()?,
        };
        *hint = found + 1;
        self.targets.get(found).copied()
    }
}

struct Compiling {
    options: Options,
    messages: Vec<Message>,
    places: HashMap<String, usize>,
    waiting: Vec<(usize, MessageDescriptor)>,
}

impl Compiling {
    fn place(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(place) = self.places.get(message.full_name()) {
            return *place;
        }
        let place = self.messages.len();
        self.messages.push(Message::default());
        self.places.insert(message.full_name().to_owned(), place);
        self.waiting.push((place, message.clone()));
        place
    }

    fn message(&mut self, message: &MessageDescriptor) -> Message {
        let (mut fields, mut targets) = (Vec::new(), Vec::new());
        for (slot, (name, of)) in layout(message, self.options).into_iter().enumerate() {
            let slot = slot as u32;
            let shape = match of {
                Slot::Union(union) => {
                    let members = members(&union);
                    targets.extend(members.iter().map(|member| Target { number: member.number(), slot }));
                    let members =
                        members.iter().map(|member| (member.name().into(), self.member(member))).collect();
                    Shape::Union { bare: union.name().into(), members }
                }
                Slot::Field(field) => {
                    targets.push(Target { number: field.number(), slot });
                    self.shape(&field)
                }
            };
            fields.push(Field { name: name.into(), shape });
        }
        targets.sort_by_key(|target| target.number);
        Message { fields, targets }
    }

    fn shape(&mut self, field: &FieldDescriptor) -> Shape {
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            return Shape::Map { number: field.number(), entry: self.place(&entry) };
        }
        let member = self.member(field);
        if field.is_list() {
            return Shape::List { item: member, is_packed: field.is_packed() };
        }
        let absent = absent(field, &member.leaf);
        Shape::One(member, absent)
    }

    fn member(&mut self, field: &FieldDescriptor) -> Member {
        let signed = |form| Leaf::Number(Number::Signed32(form, width(field)));
        let leaf = match field.kind() {
            Kind::Bool => Leaf::Number(Number::Boolean),
            Kind::Int32 => signed(Form::Plain),
            Kind::Sint32 => signed(Form::Zigzag),
            Kind::Sfixed32 => signed(Form::Fixed),
            Kind::Uint32 => Leaf::Number(Number::Uint32),
            Kind::Fixed32 => Leaf::Number(Number::Fixed32),
            Kind::Int64 | Kind::Uint64 => Leaf::Number(Number::Int64),
            Kind::Sint64 => Leaf::Number(Number::Sint64),
            Kind::Fixed64 | Kind::Sfixed64 => Leaf::Number(Number::Fixed64),
            Kind::Float => Leaf::Number(Number::Float),
            Kind::Double => Leaf::Number(Number::Double),
            Kind::String => Leaf::Text,
            Kind::Bytes => Leaf::Bytes,
            Kind::Enum(_) if self.options.counts_enums => {
                Leaf::Number(Number::Signed32(Form::Plain, Width::Int32))
            }
            Kind::Enum(of) => Leaf::Enum(Symbols::of(&of)),
            Kind::Message(message) => Leaf::Message {
                place: self.place(&message),
                view: view(field, &message, self.options),
                is_group: field.is_group(),
            },
        };
        Member { number: field.number(), leaf }
    }
}

/// A field of Connect's struct, which a `oneof` is as a whole.
pub enum Slot {
    Union(OneofDescriptor),
    Field(FieldDescriptor),
}

/// Fields in the order and with the names that Confluent's converter gives them: unions come first.
pub fn layout(message: &MessageDescriptor, options: Options) -> Vec<(String, Slot)> {
    let unions = message.oneofs().enumerate().filter(|(_, union)| !union.is_synthetic());
    let mut slots: Vec<(String, Slot)> = unions
        .map(|(place, union)| {
            let name = union.name();
            let name = if options.numbers_unions { format!("{name}_{place}") } else { name.to_owned() };
            (name, Slot::Union(union))
        })
        .collect();
    for field in declared(message) {
        if field.containing_oneof().is_none_or(|union| union.is_synthetic()) {
            slots.push((field.name().to_owned(), Slot::Field(field)));
        }
    }
    slots
}

/// Fields in the order of the file.
pub fn declared(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let numbers =
        message.descriptor_proto().field.iter().filter_map(|field| u32::try_from(field.number()).ok());
    numbers.filter_map(|number| message.get_field(number)).collect()
}

pub fn members(union: &OneofDescriptor) -> Vec<FieldDescriptor> {
    let parent = union.parent_message();
    let is_in =
        |field: &FieldDescriptor| field.containing_oneof().is_some_and(|of| of.name() == union.name());
    declared(parent).into_iter().filter(is_in).collect()
}

/// What a message stands for. Messages that only have the names of known ones are plain structs.
pub fn view(field: &FieldDescriptor, message: &MessageDescriptor, options: Options) -> View {
    let has = |fields: &[(u32, Kind)]| {
        fields.iter().all(|(number, kind)| {
            message.get_field(*number).is_some_and(|f| f.kind() == *kind && !f.is_list())
        })
    };
    let numbers = |count: u32| (1..=count).map(|number| (number, Kind::Int32)).collect::<Vec<_>>();
    match message.full_name() {
        "google.protobuf.Timestamp" if has(&[(1, Kind::Int64), (2, Kind::Int32)]) => View::Timestamp,
        "google.type.Date" if has(&numbers(3)) => View::Date,
        "google.type.TimeOfDay" if has(&numbers(4)) => View::Time,
        "confluent.type.Decimal" if has(&[(1, Kind::Bytes), (3, Kind::Int32)]) => {
            View::Decimal { scale: meta(field, SCALE).and_then(|scale| scale.parse().ok()).unwrap_or(0) }
        }
        _ if options.wraps_nullables && is_wrapper(message) => View::Wrapped,
        _ => View::Struct,
    }
}

/// Google's messages around one plain value.
pub fn is_wrapper(message: &MessageDescriptor) -> bool {
    let simple =
        message.full_name().strip_prefix("google.protobuf.").and_then(|name| name.strip_suffix("Value"));
    let is_known = simple.is_some_and(|name| {
        ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"].contains(&name)
    });
    let mut fields = message.fields();
    let is_plain = |field: FieldDescriptor| {
        field.number() == 1
            && field.cardinality() != Cardinality::Repeated
            && !matches!(field.kind(), Kind::Message(_))
    };
    is_known && fields.len() == 1 && fields.next().is_some_and(is_plain)
}

/// A parameter that Connect's writers left in a field's options.
pub fn meta(field: &FieldDescriptor, parameter: &str) -> Option<String> {
    let extension = field.parent_pool().get_extension_by_name(META)?;
    let options = field.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let meta = options.get_extension(&extension);
    let parameters = meta.as_message()?.get_field_by_name("params")?;
    let key = prost_reflect::MapKey::String(parameter.to_owned());
    parameters.as_map()?.get(&key)?.as_str().map(str::to_owned)
}

/// What a signed integer of 32 bits is for Connect.
pub fn width(field: &FieldDescriptor) -> Width {
    match meta(field, CONNECT_TYPE).as_deref() {
        Some("int8") => Width::Int8,
        Some("int16") => Width::Int16,
        _ => Width::Int32,
    }
}

/// Whether a field that is not there differs from one that has its type's plainest value.
pub fn is_nullable(field: &FieldDescriptor) -> bool {
    field.supports_presence()
        && !field.is_required()
        && field.field_descriptor_proto().default_value.is_none()
}

fn absent(field: &FieldDescriptor, leaf: &Leaf) -> Absent {
    if field.is_required() {
        return Absent::Refused;
    }
    // Entries of maps are written as if all of their fields had a default.
    if is_nullable(field) && !field.parent_message().is_map_entry() {
        return Absent::Null;
    }
    let mut flat = Vec::new();
    match leaf.default(&field.default_value(), &mut Writer::new(&mut flat)) {
        Some(()) => Absent::Value { flat, implicit: !field.supports_presence() },
        None => Absent::Null,
    }
}

impl Leaf {
    /// Writes a default of the schema.
    fn default(&self, value: &Value, writer: &mut Writer<'_>) -> Option<()> {
        match (self, value) {
            (Self::Text, Value::String(text)) => writer.text(text),
            (Self::Bytes, Value::Bytes(bytes)) => writer.bytes(bytes),
            (Self::Enum(symbols), Value::EnumNumber(number)) => writer.text(&symbols.text(*number)),
            (Self::Number(number), value) => return number.default(value, writer),
            _ => return None,
        }
        Some(())
    }
}

impl Number {
    pub fn wire(self) -> u32 {
        match self {
            Self::Signed32(Form::Fixed, _) | Self::Fixed32 | Self::Float => wire::FIXED32,
            Self::Fixed64 | Self::Double => wire::FIXED64,
            _ => wire::VARINT,
        }
    }

    fn default(self, value: &Value, writer: &mut Writer<'_>) -> Option<()> {
        match (self, value) {
            (Self::Boolean, Value::Bool(value)) => writer.boolean(*value),
            (Self::Signed32(_, Width::Int8), Value::I32(value)) => writer.int8(i8::try_from(*value).ok()?),
            (Self::Signed32(_, Width::Int16), Value::I32(value)) => writer.int16(i16::try_from(*value).ok()?),
            (_, Value::I32(value) | Value::EnumNumber(value)) => writer.int32(*value),
            (_, Value::U32(value)) => writer.int64(i64::from(*value)),
            (_, Value::I64(value)) => writer.int64(*value),
            (_, Value::U64(value)) => writer.int64(*value as i64),
            (_, Value::F32(value)) => writer.float32(*value),
            (_, Value::F64(value)) => writer.float64(*value),
            _ => return None,
        }
        Some(())
    }
}

impl Form {
    pub fn take(self, bits: u32) -> i32 {
        match self {
            Self::Plain | Self::Fixed => bits as i32,
            Self::Zigzag => varint::unzigzag(u64::from(bits)) as i32,
        }
    }

    pub fn put(self, value: i32) -> u64 {
        match self {
            Self::Plain => i64::from(value) as u64,
            Self::Zigzag => varint::zigzag(i64::from(value)),
            Self::Fixed => u64::from(value as u32),
        }
    }
}

impl Symbols {
    fn of(of: &EnumDescriptor) -> Self {
        let (mut by_number, mut by_name) = (HashMap::new(), HashMap::new());
        // The descriptor's own list is not in the order of the file.
        for value in &of.enum_descriptor_proto().value {
            // Of several names for a number, the first is the one that is shown.
            by_number.entry(value.number()).or_insert_with(|| value.name().into());
            by_name.insert(value.name().into(), value.number());
        }
        Self { name: of.name().into(), by_number, by_name }
    }

    /// The symbol of a number; one that the schema does not know is named the way Java names it.
    pub fn text(&self, number: i32) -> std::borrow::Cow<'_, str> {
        match self.by_number.get(&number) {
            Some(symbol) => (&**symbol).into(),
            None => format!("{UNKNOWN}{}_{number}", self.name).into(),
        }
    }

    pub fn number(&self, symbol: &str) -> Option<i32> {
        let unknown = || {
            let rest = symbol.strip_prefix(UNKNOWN)?.strip_prefix(&*self.name)?;
            rest.strip_prefix('_')?.parse().ok()
        };
        self.by_name.get(symbol).copied().or_else(unknown)
    }
}

const UNKNOWN: &str = "UNKNOWN_ENUM_VALUE_";
