//! Reads borrowed memory of the contract. The worker keeps it alive for the call that passed it.
use crate::{Config, Fields, Scalar};

/// Text of a batch; what is not UTF-8 reads as empty, which no worker sends.
pub(crate) fn text<'a>(raw: abi::Str) -> &'a str {
    // SAFETY: the worker keeps everything that a batch points at alive during the call.
    unsafe { raw.text() }.unwrap_or("")
}

pub(crate) fn bytes<'a>(raw: abi::Bytes) -> Option<&'a [u8]> {
    // SAFETY: as in `text`.
    unsafe { raw.slice() }
}

pub(crate) fn headers<'a>(record: &abi::Record) -> &'a [abi::Header] {
    // SAFETY: as in `text`.
    unsafe { abi::array(record.headers, record.headers_len as usize) }
}

pub(crate) fn config(raw: abi::Pairs) -> Config {
    // SAFETY: as in `text`.
    let pairs = unsafe { abi::array(raw.ptr, raw.len) };
    pairs.iter().map(|pair| (text(pair.key), text(pair.value))).collect()
}

pub(crate) fn fields(raw: abi::Fields) -> Fields {
    // SAFETY: as in `text`.
    let fields = unsafe { abi::array(raw.ptr, raw.len) };
    fields.iter().map(|field| (text(field.name).to_owned(), scalar(field))).collect()
}

fn scalar(field: &abi::Field) -> Scalar {
    match field.kind {
        abi::FIELD_BOOLEAN => Scalar::Boolean(field.integer != 0),
        abi::FIELD_INTEGER => Scalar::Integer(field.integer),
        abi::FIELD_FLOAT => Scalar::Float(field.float),
        abi::FIELD_TEXT => Scalar::Text(text(field.text).to_owned()),
        _ => Scalar::Null,
    }
}

pub(crate) fn raw_field<'a>(name: &'a str, value: &'a Scalar) -> abi::Field {
    let mut field = abi::Field {
        name: abi::Str::new(name),
        kind: abi::FIELD_NULL,
        integer: 0,
        float: 0.0,
        text: abi::Str::new(""),
    };
    match value {
        Scalar::Null => {}
        Scalar::Boolean(value) => (field.kind, field.integer) = (abi::FIELD_BOOLEAN, i64::from(*value)),
        Scalar::Integer(value) => (field.kind, field.integer) = (abi::FIELD_INTEGER, *value),
        Scalar::Float(value) => (field.kind, field.float) = (abi::FIELD_FLOAT, *value),
        Scalar::Text(value) => (field.kind, field.text) = (abi::FIELD_TEXT, abi::Str::new(value)),
    }
    field
}
