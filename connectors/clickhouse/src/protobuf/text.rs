//! Writes values as JSON text, for columns that keep whole objects.
use formats::protobuf::{Absent, Field, Known, Label, Outline, Type};

use super::keys::Replaced;
use super::notes::{Chain, Notes, Wanted};
use super::scalar::{self, Moment, Scalar};
use super::step::{Name, Names};
use super::wire::{self, Wire};
use crate::binary::{Fault, Taken, text};
use crate::columns::Given;
use crate::json::DEPTH_MAX;

/// For each message of a schema, how its values are written.
#[derive(Debug)]
pub struct Texts {
    messages: Vec<Message>,
    enums: Vec<Names>,
}

/// What is written: one value, or the values of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    pub label: Label,
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Scalar(Scalar),
    /// The place of the enum.
    Names(usize),
    /// The place of the message; for a map, that of its entries.
    Message(usize),
    Null,
}

#[derive(Debug)]
struct Message {
    form: Form,
    wanted: Wanted,
    /// In the order of their numbers.
    fields: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Object,
    Moment(Moment),
    /// The value of whatever field there is, or this text.
    Inner(&'static str),
}

#[derive(Debug)]
struct Part {
    /// With quotes and colon.
    name: Box<[u8]>,
    value: Value,
    /// The text of a field that is not there; `None` leaves it out.
    absent: Option<Box<[u8]>>,
}

/// Where bytes come from: a record, and the values of a field in it.
type Source<'a> = (&'a [u8], &'a mut Notes, Chain);

impl Texts {
    pub fn new(outline: &Outline) -> Self {
        let enums = outline.enums.iter().map(|symbols| {
            let name =
                |(number, text): &(i32, Box<str>)| Name { number: *number, text: text.clone(), column: None };
            Names { name: symbols.name.clone(), values: symbols.values.iter().map(name).collect() }
        });
        let mut texts = Texts { messages: Vec::new(), enums: enums.collect() };
        texts.messages = (0..outline.messages.len()).map(|place| texts.message(outline, place)).collect();
        texts
    }

    /// Appends the text of these values, and takes the bytes that it has off the budget.
    pub fn write(&self, value: Value, from: Source<'_>, out: &mut Vec<u8>, budget: &mut usize) -> Taken<()> {
        let (body, notes, chain) = from;
        let start = out.len();
        let limit = start.saturating_add(*budget);
        Writing { texts: self, body, notes, out, limit }.values(value, chain, DEPTH_MAX)?;
        *budget = budget.saturating_sub(out.len() - start);
        Ok(())
    }

    fn message(&self, outline: &Outline, place: usize) -> Message {
        let message = &outline.messages[place];
        let form = match (message.known, Moment::of(outline, place)) {
            (_, Some(moment)) => Form::Moment(moment),
            (Some(Known::Struct), _) => Form::Inner("{}"),
            (Some(Known::ListValue), _) => Form::Inner("[]"),
            (Some(Known::Value), _) => Form::Inner("null"),
            _ => Form::Object,
        };
        let mut fields: Vec<&Field> = message.fields.iter().collect();
        fields.sort_by_key(|field| field.number);
        let numbers: Vec<_> = fields.iter().map(|field| (field.number, field.union)).collect();
        let part = |field: &&Field| {
            let mut value = Value::of(field);
            if message.known == Some(Known::Value) && field.number == NULL_VALUE {
                value.of = Of::Null;
            }
            let mut name = Vec::new();
            text::quoted(&field.name, &mut name);
            name.push(b':');
            Part { name: name.into(), value, absent: self.absent(value, &field.absent) }
        };
        Message { form, wanted: Wanted::new(&numbers), fields: fields.iter().map(part).collect() }
    }

    fn absent(&self, value: Value, absent: &Absent) -> Option<Box<[u8]>> {
        let mut out = Vec::new();
        match (absent, value.of) {
            (Absent::Null | Absent::Refused, _) => return None,
            (Absent::Empty, _) if value.label == Label::List => out.extend_from_slice(b"[]"),
            (Absent::Empty, _) => out.extend_from_slice(b"{}"),
            (Absent::Enum(number), Of::Names(place)) => self.name(place, *number, &mut out),
            (absent, _) => text::given(&scalar::absent(absent)?, &mut out),
        }
        Some(out.into())
    }

    fn name(&self, place: usize, number: i32, out: &mut Vec<u8>) {
        let Some(names) = self.enums.get(place) else { return };
        match names.find(number) {
            Some(name) => text::quoted(&name.text, out),
            None => text::quoted(&names.unknown(number), out),
        }
    }
}

impl Value {
    pub fn of(field: &Field) -> Self {
        Value::new(field.label, field.of)
    }

    pub fn new(label: Label, ty: Type) -> Self {
        let of = match (ty, Scalar::of(ty)) {
            (_, Some(scalar)) => Of::Scalar(scalar),
            (Type::Enum(place), _) => Of::Names(place),
            (Type::Message(place), _) => Of::Message(place),
            _ => Of::Null,
        };
        Value { label, of }
    }
}

struct Writing<'a> {
    texts: &'a Texts,
    body: &'a [u8],
    notes: &'a mut Notes,
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Writing<'_> {
    fn values(&mut self, value: Value, chain: Chain, depth: u32) -> Taken<()> {
        match value.label {
            Label::One => self.value(value.of, chain, depth),
            Label::List => self.list(value.of, chain, depth),
            Label::Map => self.map(value.of, chain, depth),
        }
    }

    fn value(&mut self, of: Of, chain: Chain, depth: u32) -> Taken<()> {
        if self.out.len() > self.limit {
            return Err(Fault::broken("the value becomes too large as text"));
        }
        match of {
            Of::Message(place) => return self.message(place, chain, depth),
            Of::Null => self.out.extend_from_slice(b"null"),
            Of::Scalar(scalar) => {
                let payload = self.notes.last(chain).ok_or_else(wire::cut)?;
                text::given(&scalar.given(payload, self.body)?, self.out);
            }
            Of::Names(place) => {
                let payload = self.notes.last(chain).ok_or_else(wire::cut)?;
                if let Given::Int(number) = Scalar::Number.given(payload, self.body)? {
                    self.texts.name(place, number as i32, self.out);
                }
            }
        }
        Ok(())
    }

    fn message(&mut self, place: usize, chain: Chain, depth: u32) -> Taken<()> {
        let depth = depth.checked_sub(1).ok_or_else(wire::too_deep)?;
        let texts = self.texts;
        let message = texts.messages.get(place).ok_or_else(wire::cut)?;
        if let Form::Moment(moment) = message.form {
            let mut digits = [0; 16];
            let given = moment.given((self.notes, chain), self.body, &mut digits)?;
            text::given(&given, self.out);
            return Ok(());
        }
        let frame = self.notes.open(self.body, &message.wanted, chain)?;
        let there = |writing: &Self, place: usize| {
            Some(writing.notes.values(frame, place)).filter(|chain| !chain.is_empty())
        };
        if let Form::Inner(nothing) = message.form {
            let found = (0..message.fields.len()).find_map(|place| Some((place, there(self, place)?)));
            match found {
                Some((place, chain)) => self.values(message.fields[place].value, chain, depth)?,
                None => self.out.extend_from_slice(nothing.as_bytes()),
            }
            self.notes.close(frame);
            return Ok(());
        }
        self.out.push(b'{');
        let start = self.out.len();
        for (place, part) in message.fields.iter().enumerate() {
            let chain = there(self, place);
            if chain.is_none() && part.absent.is_none() {
                continue;
            }
            if self.out.len() > start {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&part.name);
            match (chain, &part.absent) {
                (Some(chain), _) => self.values(part.value, chain, depth)?,
                (None, Some(absent)) => self.out.extend_from_slice(absent),
                (None, None) => {}
            }
        }
        self.out.push(b'}');
        self.notes.close(frame);
        Ok(())
    }

    fn list(&mut self, of: Of, chain: Chain, depth: u32) -> Taken<()> {
        let wire = match of {
            Of::Scalar(scalar) => scalar.wire(),
            Of::Names(_) | Of::Null => Wire::Varint,
            Of::Message(_) => Wire::Sized,
        };
        self.out.push(b'[');
        let start = self.out.len();
        let mut rest = chain;
        while let Some((payload, one)) = self.notes.next(&mut rest) {
            if wire == Wire::Sized || payload.wire != Wire::Sized {
                self.comma(start);
                self.value(of, one, depth)?;
                continue;
            }
            let mut numbers = self.body.get(payload.range()).ok_or_else(wire::cut)?;
            while !numbers.is_empty() {
                self.comma(start);
                let number = self.notes.push(wire::packed(wire, &mut numbers)?)?;
                self.value(of, number, depth)?;
                self.notes.pop();
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn map(&mut self, of: Of, chain: Chain, depth: u32) -> Taken<()> {
        let Of::Message(place) = of else { return Err(wire::cut()) };
        let depth = depth.checked_sub(1).ok_or_else(wire::too_deep)?;
        let texts = self.texts;
        let message = texts.messages.get(place).ok_or_else(wire::cut)?;
        let [key, value] = &message.fields[..] else { return Err(wire::cut()) };
        let replaced = Replaced::find(self.notes, chain, self.body)?;
        self.out.push(b'{');
        let start = self.out.len();
        let (mut rest, mut at) = (chain, 0);
        while let Some((_, one)) = self.notes.next(&mut rest) {
            at += 1;
            if replaced.has(at - 1) {
                continue;
            }
            let frame = self.notes.open(self.body, &message.wanted, one)?;
            self.comma(start);
            self.key(key, self.notes.values(frame, 0))?;
            self.out.push(b':');
            match (self.notes.values(frame, 1), value.value.of) {
                (values, Of::Message(_)) => self.values(value.value, values, depth)?,
                (values, _) if !values.is_empty() => self.values(value.value, values, depth)?,
                _ => self.out.extend_from_slice(value.absent.as_deref().unwrap_or(b"null")),
            }
            self.notes.close(frame);
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Names are text in JSON, also where they are numbers.
    fn key(&mut self, key: &Part, values: Chain) -> Taken<()> {
        let Of::Scalar(scalar) = key.value.of else { return Err(wire::cut()) };
        let start = self.out.len();
        if let Some(payload) = self.notes.last(values) {
            text::given(&scalar.given(payload, self.body)?, self.out);
        } else {
            self.out.extend_from_slice(key.absent.as_deref().unwrap_or_default());
        }
        if self.out.get(start) != Some(&b'"') {
            self.out.insert(start, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }

    fn comma(&mut self, start: usize) {
        if self.out.len() > start {
            self.out.push(b',');
        }
    }
}

/// The field of Google's `Value` that says null.
const NULL_VALUE: u32 = 1;
