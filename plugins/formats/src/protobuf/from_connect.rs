//! Connect's schemas as Protobuf, as Confluent's converter writes them.

use super::{CONNECT_TYPE, ENUM, Options, PRECISION, TAG, UNION, UNNAMED, builtin};
use crate::connect::{self, DATE, SCALE, Schema, Shape, TIME, TIMESTAMP};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A schema as it is registered, and which of its messages is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    /// With its package.
    pub message: String,
}

/// The Protobuf schema for a schema of Connect. Equal schemas have equal texts.
pub fn from_connect(schema: &Schema, options: Options) -> Result<Written> {
    let Shape::Struct(fields) = &schema.shape else { return wrapper(schema, options) };
    let mut writing = Writing { options, imports: BTreeSet::new(), unnamed: 0 };
    let full = match &schema.name {
        Some(name) if !name.is_empty() => name.clone(),
        _ => writing.unnamed_name(),
    };
    let (package, simple) = full.rsplit_once('.').unwrap_or(("", &full));
    let package = package.split('.').map(|part| writing.identifier(part, "the schema's name"));
    let package =
        if full.contains('.') { package.collect::<Result<Vec<_>>>()?.join(".") } else { String::new() };
    let simple = writing.identifier(simple, "the schema's name")?;
    let body = writing.message(&simple, fields, 0)?;
    let mut text = "syntax = \"proto3\";\n".to_owned();
    if !package.is_empty() {
        let _ = writeln!(text, "package {package};");
    }
    text.push('\n');
    for import in &writing.imports {
        let _ = writeln!(text, "import \"{import}\";");
    }
    if !writing.imports.is_empty() {
        text.push('\n');
    }
    text.push_str(&body);
    let message = if package.is_empty() { simple } else { format!("{package}.{simple}") };
    Ok(Written { text, message })
}

/// A value that is no struct goes into one of Google's wrappers.
fn wrapper(schema: &Schema, options: Options) -> Result<Written> {
    let unsupported = || {
        let kind = schema.shape.name();
        Error::record(format!("a value of type {kind} on its own has no form in Protobuf: it takes a struct"))
    };
    let name = wrapper_name(&schema.shape).filter(|_| options.unwraps_root).ok_or_else(unsupported)?;
    Ok(Written { text: builtin::WRAPPERS.to_owned(), message: format!("google.protobuf.{name}") })
}

fn wrapper_name(shape: &Shape) -> Option<&'static str> {
    Some(match shape {
        Shape::Boolean => "BoolValue",
        Shape::Int8 | Shape::Int16 | Shape::Int32 => "Int32Value",
        Shape::Int64 => "Int64Value",
        Shape::Float32 => "FloatValue",
        Shape::Float64 => "DoubleValue",
        Shape::Text => "StringValue",
        Shape::Bytes => "BytesValue",
        Shape::Array(_) | Shape::Map(..) | Shape::Struct(_) => return None,
    })
}

struct Writing {
    options: Options,
    imports: BTreeSet<&'static str>,
    unnamed: usize,
}

/// What one message declares inside of itself, by name.
struct Inner<'a> {
    /// Of the message.
    depth: usize,
    declared: Vec<(String, Declared<'a>)>,
    text: String,
}

#[derive(PartialEq)]
enum Declared<'a> {
    Message(&'a [(String, Schema)]),
    Enum(Vec<(&'a str, i32)>),
}

impl Writing {
    fn message(&mut self, name: &str, fields: &[(String, Schema)], depth: usize) -> Result<String> {
        let indent = "  ".repeat(depth);
        let mut numbers = Numbers::of(fields);
        let (mut inner, mut body) =
            (Inner { depth, declared: Vec::new(), text: String::new() }, String::new());
        for (field, schema) in fields {
            let union = schema.name.as_deref().and_then(|name| name.strip_prefix(UNION));
            let written = match (&schema.shape, union) {
                (Shape::Struct(members), Some(union)) => self.union(union, members, &mut numbers, &mut inner),
                _ => self.field(field, schema, &mut numbers, &mut inner),
            };
            body.push_str(&written.map_err(|error| error.during(format_args!("field {field}")))?);
        }
        Ok(format!("{indent}message {name} {{\n{body}{}{indent}}}\n", inner.text))
    }

    fn union<'a>(
        &mut self,
        name: &str,
        members: &'a [(String, Schema)],
        numbers: &mut Numbers,
        inner: &mut Inner<'a>,
    ) -> Result<String> {
        let indent = "  ".repeat(inner.depth + 1);
        let name = self.identifier(name, "the union's name")?;
        let mut text = format!("{indent}oneof {name} {{\n");
        for (member, schema) in members {
            if matches!(schema.shape, Shape::Array(_) | Shape::Map(..)) {
                let kind = schema.shape.name();
                return Err(Error::record(format!(
                    "{member}: a union cannot have a member of type {kind} in Protobuf"
                )));
            }
            let kind = self.kind(member, schema, inner)?;
            let (member, number) = (self.identifier(member, "the name")?, numbers.take(schema)?);
            let _ = writeln!(text, "{indent}  {kind} {member} = {number}{};", self.extras(schema));
        }
        let _ = writeln!(text, "{indent}}}");
        Ok(text)
    }

    fn field<'a>(
        &mut self,
        name: &'a str,
        schema: &'a Schema,
        numbers: &mut Numbers,
        inner: &mut Inner<'a>,
    ) -> Result<String> {
        let indent = "  ".repeat(inner.depth + 1);
        let (label, of) = match &schema.shape {
            Shape::Array(items) => ("repeated ", &**items),
            Shape::Map(keys, values) => {
                let keys = map_key(keys)?;
                let values = self.kind(name, values, inner)?;
                let (name, number) = (self.identifier(name, "the name")?, numbers.take(schema)?);
                return Ok(format!("{indent}map<{keys}, {values}> {name} = {number};\n"));
            }
            _ => (if self.marks(schema) { "optional " } else { "" }, schema),
        };
        let kind = self.kind(name, of, inner)?;
        let (name, number) = (self.identifier(name, "the name")?, numbers.take(schema)?);
        Ok(format!("{indent}{label}{kind} {name} = {number}{};\n", self.extras(of)))
    }

    /// Whether a field says `optional`: messages need not.
    fn marks(&self, schema: &Schema) -> bool {
        let is_message = matches!(schema.shape, Shape::Struct(_)) || logical(schema).is_some();
        self.options.marks_nullables && schema.optional && !is_message && self.wrapped(schema).is_none()
    }

    /// Google's wrapper for a value that may be null, where the settings want one.
    fn wrapped(&self, schema: &Schema) -> Option<&'static str> {
        let is_wanted = self.options.wraps_nullables && schema.optional && symbols(schema).is_none();
        wrapper_name(&schema.shape).filter(|_| is_wanted && logical(schema).is_none())
    }

    fn kind<'a>(&mut self, field: &str, schema: &'a Schema, inner: &mut Inner<'a>) -> Result<String> {
        if let Some((name, import)) = logical(schema) {
            self.imports.insert(import);
            return Ok(format!(".{name}"));
        }
        if let Some(wrapper) = self.wrapped(schema) {
            self.imports.insert("google/protobuf/wrappers.proto");
            return Ok(format!(".google.protobuf.{wrapper}"));
        }
        Ok(match &schema.shape {
            Shape::Boolean => "bool",
            Shape::Int32 | Shape::Text if symbols(schema).is_some() => {
                return self.symbols(field, schema, inner);
            }
            Shape::Int8 | Shape::Int16 | Shape::Int32 => "int32",
            Shape::Int64 => "int64",
            Shape::Float32 => "float",
            Shape::Float64 => "double",
            Shape::Text => "string",
            Shape::Bytes => "bytes",
            Shape::Struct(fields) => return self.inner(field, schema, fields, inner),
            Shape::Array(_) | Shape::Map(..) => {
                let kind = schema.shape.name();
                return Err(Error::record(format!(
                    "a list or map of values of type {kind} has no form in Protobuf: put a struct in between"
                )));
            }
        }
        .to_owned())
    }

    fn inner<'a>(
        &mut self,
        field: &str,
        schema: &'a Schema,
        fields: &'a [(String, Schema)],
        inner: &mut Inner<'a>,
    ) -> Result<String> {
        let name = match &schema.name {
            Some(name) if !name.is_empty() => simple(name).to_owned(),
            _ => self.unnamed_name(),
        };
        let mut name = self.identifier(&name, "the schema's name")?;
        if name == field {
            // A message and a field cannot have one name.
            name.push_str("Message");
        }
        let (name, is_new) = inner.declare(&name, Declared::Message(fields));
        if is_new {
            let text = self.message(&name, fields, inner.depth + 1)?;
            inner.text.push_str(&text);
        }
        Ok(name)
    }

    fn symbols<'a>(&mut self, field: &str, schema: &'a Schema, inner: &mut Inner<'a>) -> Result<String> {
        let values = symbols(schema).unwrap_or_default();
        let name =
            schema.given(ENUM).or(schema.name.as_deref()).filter(|name| !name.is_empty()).unwrap_or(field);
        let mut name = self.identifier(simple(name), "the enum's name")?;
        if name == field {
            name.push_str("Enum");
        }
        let (name, is_new) = inner.declare(&name, Declared::Enum(values.clone()));
        if is_new {
            let indent = "  ".repeat(inner.depth + 1);
            let _ = writeln!(inner.text, "{indent}enum {name} {{");
            let distinct: BTreeSet<i32> = values.iter().map(|(_, number)| *number).collect();
            if distinct.len() < values.len() {
                let _ = writeln!(inner.text, "{indent}  option allow_alias = true;");
            }
            for (symbol, number) in values {
                let _ = writeln!(inner.text, "{indent}  {symbol} = {number};");
            }
            let _ = writeln!(inner.text, "{indent}}}");
        }
        Ok(name)
    }

    /// What Protobuf has no word for, behind a field's number.
    fn extras(&mut self, schema: &Schema) -> String {
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        let scale = schema.scale().map(|scale| scale.to_string());
        if let Some(scale) = &scale {
            if let Some(precision) = schema.given(PRECISION).filter(|precision| is_number(precision)) {
                parameters.push(("precision", precision));
            }
            parameters.push((SCALE, scale));
        } else if self.options.keeps_metadata
            && matches!(schema.shape, Shape::Int8 | Shape::Int16)
            && self.wrapped(schema).is_none()
        {
            parameters.push((CONNECT_TYPE, schema.shape.name()));
        }
        if parameters.is_empty() {
            return String::new();
        }
        self.imports.insert("confluent/meta.proto");
        let entries =
            parameters.iter().map(|(key, value)| format!("{{ key: \"{key}\", value: \"{value}\" }}"));
        let entries: Vec<String> = entries.collect();
        format!(" [(confluent.field_meta) = {{ params: [{}] }}]", entries.join(", "))
    }

    /// A name that Protobuf allows.
    fn identifier(&self, name: &str, what: &str) -> Result<String> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.chars().all(is_word) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Ok(name.to_owned());
        }
        if self.options.scrubs_names {
            return Ok(scrubbed(name));
        }
        Err(Error::record(format!(
            "{what} {name:?} is none that Protobuf allows: set scrub.invalid.names=true, or rename it"
        )))
    }

    fn unnamed_name(&mut self) -> String {
        self.unnamed += 1;
        format!("{UNNAMED}{}", self.unnamed)
    }
}

impl<'a> Inner<'a> {
    /// The name for a type, and whether it is new; another type of the same name gets a number behind it.
    fn declare(&mut self, name: &str, of: Declared<'a>) -> (String, bool) {
        let mut candidate = name.to_owned();
        for number in 2.. {
            match self.declared.iter().find(|(known, _)| *known == candidate) {
                Some((_, known)) if *known == of => return (candidate, false),
                Some(_) => candidate = format!("{name}{number}"),
                None => break,
            }
        }
        self.declared.push((candidate.clone(), of));
        (candidate, true)
    }
}

/// Numbers of a message's fields: the ones that they had before, and free ones for the others.
struct Numbers {
    given: BTreeSet<u32>,
    next: u32,
}

impl Numbers {
    fn of(fields: &[(String, Schema)]) -> Self {
        let mut given = BTreeSet::new();
        for (_, schema) in fields {
            given.extend(tag(schema));
            if let (Shape::Struct(members), true) =
                (&schema.shape, schema.name.as_deref().is_some_and(|name| name.starts_with(UNION)))
            {
                given.extend(members.iter().filter_map(|(_, member)| tag(member)));
            }
        }
        Self { given, next: 1 }
    }

    fn take(&mut self, schema: &Schema) -> Result<u32> {
        if let Some(tag) = tag(schema) {
            return Ok(tag);
        }
        while self.given.contains(&self.next) || RESERVED.contains(&self.next) {
            self.next += 1;
        }
        if self.next > NUMBER_MAX {
            return Err(Error::record("there is no number left for the field"));
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

fn tag(schema: &Schema) -> Option<u32> {
    let number = schema.given(TAG)?.parse().ok()?;
    ((1..=NUMBER_MAX).contains(&number) && !RESERVED.contains(&number)).then_some(number)
}

/// The message for one of Connect's logical types, and the file that has it.
fn logical(schema: &Schema) -> Option<(&'static str, &'static str)> {
    match (schema.name.as_deref()?, &schema.shape) {
        (connect::DECIMAL, Shape::Bytes) => Some(("confluent.type.Decimal", "confluent/type/decimal.proto")),
        (DATE, Shape::Int32) => Some(("google.type.Date", "google/type/date.proto")),
        (TIME, Shape::Int32) => Some(("google.type.TimeOfDay", "google/type/timeofday.proto")),
        (TIMESTAMP, Shape::Int64) => Some(("google.protobuf.Timestamp", "google/protobuf/timestamp.proto")),
        _ => None,
    }
}

/// Symbols with their numbers, zero first as Protobuf wants it; none when it cannot be an enum.
fn symbols(schema: &Schema) -> Option<Vec<(&str, i32)>> {
    schema.given(ENUM)?;
    let is_word = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut values = Vec::new();
    for (key, number) in &schema.parameters {
        let Some(symbol) = key.strip_prefix(ENUM).and_then(|rest| rest.strip_prefix('.')) else { continue };
        values.push((symbol, number.parse::<i32>().ok().filter(|_| is_word(symbol))?));
    }
    values.sort_by_key(|(_, number)| (*number != 0, *number));
    (values.first()?.1 == 0).then_some(values)
}

fn map_key(keys: &Schema) -> Result<&'static str> {
    match &keys.shape {
        Shape::Text => Ok("string"),
        Shape::Boolean => Ok("bool"),
        Shape::Int8 | Shape::Int16 | Shape::Int32 => Ok("int32"),
        Shape::Int64 => Ok("int64"),
        other => {
            Err(Error::record(format!("a map with keys of type {} has no form in Protobuf", other.name())))
        }
    }
}

/// Without the package.
fn simple(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What `scrub.invalid.names` makes of a name: each byte that does not fit becomes `_` and its two digits.
pub fn scrubbed(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => out.push(char::from(byte)),
            b' ' | b'.' | b'-' | b'*' => out.push('_'),
            other => {
                let _ = write!(out, "_{other:02X}");
            }
        }
    }
    if !out.starts_with(|c: char| c.is_ascii_alphabetic()) {
        out.insert(0, 'x');
    }
    out
}

const NUMBER_MAX: u32 = (1 << 29) - 1;
/// Numbers that Protobuf keeps to itself.
const RESERVED: std::ops::RangeInclusive<u32> = 19_000..=19_999;
