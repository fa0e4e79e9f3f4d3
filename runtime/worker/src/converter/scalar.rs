//! The converters of single numbers and booleans, big endian as Kafka's serializers write them, and of plain bytes.

use penstock_sdk::flat::{self, Writer};

use super::{Class, Error, Value};

/// Reads one scalar and appends it in the flat encoding.
pub fn read(class: Class, bytes: &[u8], arena: &mut Vec<u8>) -> Result<(), Error> {
    let mut flat = Writer::new(arena);
    match class {
        Class::Boolean => match sized(class, bytes)? {
            [0] => flat.boolean(false),
            [1] => flat.boolean(true),
            [other] => {
                return Err(Error::new(format!("BooleanConverter: expected the byte 0 or 1, got {other}")));
            }
        },
        Class::Short => flat.int16(i16::from_be_bytes(sized(class, bytes)?)),
        Class::Integer => flat.int32(i32::from_be_bytes(sized(class, bytes)?)),
        Class::Long => flat.int64(i64::from_be_bytes(sized(class, bytes)?)),
        Class::Float => flat.float32(f32::from_be_bytes(sized(class, bytes)?)),
        Class::Double => flat.float64(f64::from_be_bytes(sized(class, bytes)?)),
        Class::Avro
        | Class::ByteArray
        | Class::Json
        | Class::JsonSchema
        | Class::Protobuf
        | Class::SimpleHeader
        | Class::String => {
            unreachable!("the converter's codec is chosen by its class")
        }
    }
    Ok(())
}

/// Appends one scalar; false when it is null.
pub fn write(class: Class, value: Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
    let got = parsed(value)?;
    match (class, got) {
        (_, flat::Value::Null) => return Ok(false),
        (Class::Boolean, flat::Value::Boolean(value)) => out.push(u8::from(value)),
        (Class::Short, flat::Value::Int16(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (Class::Integer, flat::Value::Int32(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (Class::Long, flat::Value::Int64(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (Class::Float, flat::Value::Float32(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (Class::Double, flat::Value::Float64(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (class, other) => {
            let (simple, expected) = (simple(class), class.format_name());
            return Err(Error::new(format!(
                "{simple}: expected a value of type {expected}, got {}",
                kind(&other)
            )));
        }
    }
    Ok(true)
}

/// Appends bytes as they are; false when there are none.
pub fn write_bytes(value: Value<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
    match parsed(value)? {
        flat::Value::Null => return Ok(false),
        flat::Value::Bytes(bytes) => out.extend_from_slice(bytes),
        other => {
            return Err(Error::new(format!("ByteArrayConverter: expected bytes, got {}", kind(&other))));
        }
    }
    Ok(true)
}

/// The value in the flat encoding's terms, whichever way it came.
pub fn parsed(value: Value<'_>) -> Result<flat::Value<'_>, Error> {
    Ok(match value {
        Value::Null => flat::Value::Null,
        Value::Bytes(bytes) => flat::Value::Bytes(bytes),
        Value::Text(text) => flat::Value::Text(text),
        Value::Flat(bytes) => flat::Value::parse(bytes)?,
    })
}

/// The schema of what these converters read.
pub fn schema_text(class: Class) -> Option<&'static str> {
    match class {
        Class::Boolean => Some("{\"type\":\"boolean\",\"optional\":true}"),
        Class::Short => Some("{\"type\":\"int16\",\"optional\":true}"),
        Class::Integer => Some("{\"type\":\"int32\",\"optional\":true}"),
        Class::Long => Some("{\"type\":\"int64\",\"optional\":true}"),
        Class::Float => Some("{\"type\":\"float\",\"optional\":true}"),
        Class::Double => Some("{\"type\":\"double\",\"optional\":true}"),
        Class::Avro
        | Class::ByteArray
        | Class::Json
        | Class::JsonSchema
        | Class::Protobuf
        | Class::SimpleHeader
        | Class::String => None,
    }
}

/// A value's type in Connect's words.
pub fn kind(value: &flat::Value<'_>) -> &'static str {
    match value {
        flat::Value::Null => "null",
        flat::Value::Boolean(_) => "boolean",
        flat::Value::Int8(_) => "int8",
        flat::Value::Int16(_) => "int16",
        flat::Value::Int32(_) => "int32",
        flat::Value::Int64(_) => "int64",
        flat::Value::Float32(_) => "float",
        flat::Value::Float64(_) => "double",
        flat::Value::Text(_) => "string",
        flat::Value::Bytes(_) => "bytes",
        flat::Value::Array(_) => "array",
        flat::Value::Map(_) => "map",
        flat::Value::Struct(_) => "struct",
    }
}

fn sized<const N: usize>(class: Class, bytes: &[u8]) -> Result<[u8; N], Error> {
    let (simple, got) = (simple(class), bytes.len());
    bytes.try_into().map_err(|_| Error::new(format!("{simple}: expected {N} bytes, got {got}")))
}

fn simple(class: Class) -> &'static str {
    let full = class.name();
    full.rsplit('.').next().unwrap_or(full)
}
