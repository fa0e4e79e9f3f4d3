//! Reads borrowed memory of the contract, for this SDK and for the host.
//!
//! Only for values that the other side passed in the call that is going on: it keeps the memory alive until then.
use crate::{Batch, Config, Fields, Scalar};

/// The records of a raw batch.
///
/// # Safety
/// The batch and all that it points at stay valid as long as the answer is used.
pub unsafe fn batch(raw: &abi::Batch) -> Batch<'_> {
    // SAFETY: the caller vouches for the arrays.
    unsafe {
        Batch {
            records: abi::array(raw.records, raw.records_len),
            topics: abi::array(raw.topics, raw.topics_len),
            schemas: abi::array(raw.schemas, raw.schemas_len),
        }
    }
}

/// Text of a batch; what is not UTF-8 reads as empty, which no worker sends.
pub fn text<'a>(raw: abi::Str) -> &'a str {
    // SAFETY: the worker keeps everything that a batch points at alive during the call.
    unsafe { raw.text() }.unwrap_or("")
}

pub fn bytes<'a>(raw: abi::Bytes) -> Option<&'a [u8]> {
    // SAFETY: as in `text`.
    unsafe { raw.slice() }
}

pub fn headers<'a>(record: &abi::Record) -> &'a [abi::Header] {
    // SAFETY: as in `text`.
    unsafe { abi::array(record.headers, record.headers_len as usize) }
}

pub fn config(raw: abi::Pairs) -> Config {
    // SAFETY: as in `text`.
    let pairs = unsafe { abi::array(raw.ptr, raw.len) };
    pairs.iter().map(|pair| (text(pair.key), text(pair.value))).collect()
}

pub fn fields(raw: abi::Fields) -> Fields {
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

pub fn raw_field<'a>(name: &'a str, value: &'a Scalar) -> abi::Field {
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
