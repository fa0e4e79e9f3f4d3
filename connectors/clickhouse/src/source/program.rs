//! What is done with the bytes of a type: compiled once, then run for every row.
use crate::types::{Element, Enum, Type};
use crate::values::decimal;

/// How values come that Connect has no plain type for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Forms {
    /// `UInt64` and the integers of 128 and 256 bits.
    pub integers: Exact,
    pub decimals: Exact,
}

/// A form that keeps every digit, or that of a smaller type.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Exact {
    #[default]
    Text,
    /// Connect's `Decimal`.
    Logical,
    /// `int64` or `float64`: a value that does not fit is an error for the first, and is rounded for the second.
    Machine,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Boolean,
    /// 1, 2, 4 or 8 bytes.
    Signed(usize),
    /// 1, 2 or 4 bytes.
    Unsigned(usize),
    Wide {
        bytes: usize,
        is_signed: bool,
        form: Exact,
    },
    Decimal {
        bytes: usize,
        precision: usize,
        scale: usize,
        form: Exact,
    },
    BFloat16,
    Float32,
    Float64,
    Text,
    Bytes,
    FixedText(usize),
    FixedBytes(usize),
    Date,
    Date32,
    DateTime,
    DateTime64(u32),
    Time,
    Time64(u32),
    Uuid,
    Ipv4,
    Ipv6,
    Enum(Enum),
    Nullable(Box<Node>),
    Array(Box<Node>),
    Map(Box<Node>, Box<Node>),
    Tuple(Vec<Field>),
    /// Two coordinates.
    Point,
}

/// A part of a tuple, or a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub node: Node,
}

/// The program of a type. Types that have no bytes of their own here, as `Variant`, are asked for as text.
pub fn compile(ty: &Type, forms: Forms) -> Node {
    let inner = |ty: &Type| Box::new(compile(ty, forms));
    match ty {
        Type::Bool => Node::Boolean,
        Type::Int(bytes @ 1..=8) => Node::Signed(*bytes),
        Type::UInt(bytes @ 1..=4) => Node::Unsigned(*bytes),
        Type::Int(bytes) => Node::Wide { bytes: *bytes, is_signed: true, form: forms.integers },
        Type::UInt(bytes) => Node::Wide { bytes: *bytes, is_signed: false, form: forms.integers },
        Type::Decimal { precision, scale } => Node::Decimal {
            bytes: decimal::width(*precision),
            precision: *precision,
            scale: *scale,
            form: forms.decimals,
        },
        Type::BFloat16 => Node::BFloat16,
        Type::Float32 => Node::Float32,
        Type::Float64 => Node::Float64,
        Type::String | Type::Json(_) | Type::Dynamic(_) | Type::Variant(_) => Node::Text,
        Type::FixedString(bytes) => Node::FixedText(*bytes),
        Type::Date => Node::Date,
        Type::Date32 => Node::Date32,
        Type::DateTime(_) => Node::DateTime,
        Type::DateTime64(scale, _) => Node::DateTime64(*scale),
        Type::Time => Node::Time,
        Type::Time64(scale) => Node::Time64(*scale),
        Type::Uuid => Node::Uuid,
        Type::Ipv4 => Node::Ipv4,
        Type::Ipv6 => Node::Ipv6,
        Type::Enum(names) => Node::Enum(names.clone()),
        Type::Nullable(ty) => Node::Nullable(inner(ty)),
        Type::LowCardinality(ty) => compile(ty, forms),
        Type::Array(ty) => Node::Array(inner(ty)),
        Type::Map(key, value) => Node::Map(inner(key), inner(value)),
        Type::Tuple(elements) => Node::Tuple(fields(elements, forms)),
        Type::Geo("Point", _) => Node::Point,
        Type::Geo(_, ty) => shape(ty, forms),
    }
}

/// Shapes are arrays of shapes down to points, which their types do not name.
fn shape(ty: &Type, forms: Forms) -> Node {
    match ty {
        Type::Array(inner) => Node::Array(Box::new(shape(inner, forms))),
        Type::Tuple(_) => Node::Point,
        other => compile(other, forms),
    }
}

fn fields(elements: &[Element], forms: Forms) -> Vec<Field> {
    let field = |(index, element): (usize, &Element)| Field {
        // A name may not begin with a digit where schemas are Avro's.
        name: element.name.clone().unwrap_or_else(|| format!("_{}", index + 1)),
        node: compile(&element.ty, forms),
    };
    elements.iter().enumerate().map(field).collect()
}

impl Node {
    /// Text becomes bytes, at any depth.
    #[must_use]
    pub fn binary(self) -> Self {
        let inner = |node: Box<Node>| Box::new(node.binary());
        match self {
            Node::Text => Node::Bytes,
            Node::FixedText(bytes) => Node::FixedBytes(bytes),
            Node::Nullable(node) => Node::Nullable(inner(node)),
            Node::Array(node) => Node::Array(inner(node)),
            // Keys stay text: that is what names the values.
            Node::Map(key, value) => Node::Map(key, inner(value)),
            Node::Tuple(fields) => Node::Tuple(
                fields.into_iter().map(|field| Field { node: field.node.binary(), ..field }).collect(),
            ),
            other => other,
        }
    }

    /// Bytes of a value, where all have as many.
    pub fn width(&self) -> Option<usize> {
        Some(match self {
            Node::Boolean => 1,
            Node::Signed(bytes)
            | Node::Unsigned(bytes)
            | Node::Wide { bytes, .. }
            | Node::Decimal { bytes, .. }
            | Node::FixedText(bytes)
            | Node::FixedBytes(bytes) => *bytes,
            Node::BFloat16 | Node::Date => 2,
            Node::Float32 | Node::Date32 | Node::DateTime | Node::Time | Node::Ipv4 => 4,
            Node::Float64 | Node::DateTime64(_) | Node::Time64(_) => 8,
            Node::Uuid | Node::Ipv6 | Node::Point => 16,
            Node::Enum(names) => names.width,
            Node::Tuple(fields) => {
                return fields.iter().try_fold(0, |sum, field| Some(sum + field.node.width()?));
            }
            Node::Text | Node::Bytes | Node::Nullable(_) | Node::Array(_) | Node::Map(..) => return None,
        })
    }
}
