//! Column types of a table as the sink writes them.
mod order;
mod parse;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt;

pub use parse::parse;
pub use shape::infer;

/// A type in the form in which the sink sends it: `LowCardinality` and `SimpleAggregateFunction` are gone,
/// because the server casts a plain column of the inner type while it inserts. It casts nothing inside a
/// `Variant`, whose members stand here to the letter.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Signed integer of this many bytes.
    Int(usize),
    /// Unsigned integer of this many bytes.
    UInt(usize),
    BFloat16,
    Float32,
    Float64,
    Bool,
    String,
    /// Sent as text, which the server parses into its JSON column. Inside a `Variant` with the type's own text.
    Json(Option<String>),
    FixedString(usize),
    Date,
    Date32,
    DateTime(Option<String>),
    DateTime64(u32, Option<String>),
    Time,
    Time64(u32),
    Uuid,
    Ipv4,
    Ipv6,
    Decimal {
        precision: usize,
        scale: usize,
    },
    Enum(Enum),
    Nullable(Box<Type>),
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Tuple(Vec<Element>),
    /// A shape on a plane, under the name that the server has for a type of numbers, arrays and tuples.
    Geo(&'static str, Box<Type>),
    /// Only inside a `Variant`.
    LowCardinality(Box<Type>),
    Variant(Variant),
    /// The type's text: with or without a limit of types.
    Dynamic(String),
}

/// The types of which a value has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `Geometry` is a `Variant` with a name of its own.
    pub name: Option<&'static str>,
    /// In the order in which the server numbers them.
    pub members: Vec<Type>,
}

/// Names and numbers of an `Enum8` or `Enum16`.
#[derive(Clone, Debug, PartialEq)]
pub struct Enum {
    /// Bytes of a value: 1 or 2.
    pub width: usize,
    /// In the order of the type's text.
    pub entries: Vec<(String, i16)>,
}

/// One element of a tuple.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub name: Option<String>,
    pub ty: Type,
}

impl Type {
    /// Whether a missing value of a column with a DEFAULT expression can be sent as NULL, which the server
    /// replaces by the expression.
    pub fn can_be_nullable(&self) -> bool {
        self.parts().is_empty() && !matches!(self, Type::Json(_) | Type::Dynamic(_))
    }

    /// Whether the server fills an omitted column with something else than zero bytes: 1900-01-01 for a
    /// `Date32`, where its own JSON parser and this sink say 1970-01-01.
    pub fn omitted_differs_from_zero(&self) -> bool {
        match self {
            Type::Date32 => true,
            Type::Tuple(elements) => elements.iter().any(|element| element.ty.omitted_differs_from_zero()),
            _ => false,
        }
    }

    /// Whether it has times that are read in the server's own zone.
    pub fn has_local_time(&self) -> bool {
        matches!(self, Type::DateTime(None) | Type::DateTime64(_, None) | Type::Dynamic(_))
            || self.parts().into_iter().any(Type::has_local_time)
    }

    /// The zone that times without an offset are read in, if the type has times and names one.
    pub fn zones(&self, found: &mut Vec<String>) {
        if let Type::DateTime(Some(zone)) | Type::DateTime64(_, Some(zone)) = self {
            found.push(zone.clone());
        }
        self.parts().into_iter().for_each(|part| part.zones(found));
    }

    /// The types that it is made of.
    fn parts(&self) -> Vec<&Type> {
        match self {
            Type::Nullable(inner)
            | Type::Array(inner)
            | Type::Geo(_, inner)
            | Type::LowCardinality(inner) => {
                vec![inner]
            }
            Type::Map(key, value) => vec![key, value],
            Type::Tuple(elements) => elements.iter().map(|element| &element.ty).collect(),
            Type::Variant(variant) => variant.members.iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// Writes the type's name as it stands in the header of a block.
impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Int(bytes) => write!(out, "Int{}", bytes * 8),
            Type::UInt(bytes) => write!(out, "UInt{}", bytes * 8),
            Type::BFloat16 => out.write_str("BFloat16"),
            Type::Float32 => out.write_str("Float32"),
            Type::Float64 => out.write_str("Float64"),
            Type::Bool => out.write_str("Bool"),
            Type::String | Type::Json(None) => out.write_str("String"),
            Type::Json(Some(text)) | Type::Dynamic(text) => out.write_str(text),
            Type::FixedString(bytes) => write!(out, "FixedString({bytes})"),
            Type::Date => out.write_str("Date"),
            Type::Date32 => out.write_str("Date32"),
            Type::DateTime(None) => out.write_str("DateTime"),
            Type::DateTime(Some(zone)) => write!(out, "DateTime({})", Quoted(zone, '\'')),
            Type::DateTime64(scale, None) => write!(out, "DateTime64({scale})"),
            Type::DateTime64(scale, Some(zone)) => write!(out, "DateTime64({scale}, {})", Quoted(zone, '\'')),
            Type::Time => out.write_str("Time"),
            Type::Time64(scale) => write!(out, "Time64({scale})"),
            Type::Uuid => out.write_str("UUID"),
            Type::Ipv4 => out.write_str("IPv4"),
            Type::Ipv6 => out.write_str("IPv6"),
            Type::Decimal { precision, scale } => write!(out, "Decimal({precision}, {scale})"),
            Type::Enum(names) => write!(out, "{names}"),
            Type::Nullable(inner) => write!(out, "Nullable({inner})"),
            Type::Array(inner) => write!(out, "Array({inner})"),
            Type::Map(key, value) => write!(out, "Map({key}, {value})"),
            Type::Tuple(elements) => list(out, "Tuple", elements),
            Type::Geo(name, _) | Type::Variant(Variant { name: Some(name), .. }) => out.write_str(name),
            Type::LowCardinality(inner) => write!(out, "LowCardinality({inner})"),
            Type::Variant(Variant { name: None, members }) => list(out, "Variant", members),
        }
    }
}

impl fmt::Display for Enum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> =
            self.entries.iter().map(|(name, value)| format!("{} = {value}", Quoted(name, '\''))).collect();
        list(out, if self.width == 1 { "Enum8" } else { "Enum16" }, &named)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(out, "{} {}", Quoted(name, '`'), self.ty),
            None => self.ty.fmt(out),
        }
    }
}

/// Text between two quotes, with a backslash before quotes and backslashes. Identifiers and literals of every
/// statement of this connector go through here and nowhere else.
pub struct Quoted<'a>(pub &'a str, pub char);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        out.write_char(self.1)?;
        for char in self.0.chars() {
            match char {
                '\\' => out.write_str("\\\\")?,
                '\0' => out.write_str("\\0")?,
                quote if quote == self.1 => write!(out, "\\{quote}")?,
                other => out.write_char(other)?,
            }
        }
        out.write_char(self.1)
    }
}

fn list<T: fmt::Display>(out: &mut fmt::Formatter<'_>, name: &str, items: &[T]) -> fmt::Result {
    write!(out, "{name}(")?;
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(out, "{comma}{item}")?;
    }
    out.write_str(")")
}
