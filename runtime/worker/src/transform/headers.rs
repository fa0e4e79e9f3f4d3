//! Headers that transforms made, written as the header converter writes them.
use crate::converter::{Class, Converter, Value};
use std::ops::Range;
use transforms::{HeaderValue, Record};

/// The header converter of a connector.
pub struct HeaderWriter(Converter);

impl HeaderWriter {
    pub fn new(converter: Converter) -> Self {
        Self(converter)
    }

    /// Appends a header's value; `None` is a header without one.
    pub fn write(
        &mut self,
        record: &Record,
        header: &HeaderValue,
        out: &mut Vec<u8>,
    ) -> Result<Option<Range<usize>>, String> {
        let value = record.header_value(header);
        if self.0.class() == Class::SimpleHeader {
            let start = out.len();
            let written = transforms::write_header(value, header.schema.as_deref(), out);
            return match written {
                Ok(is_there) => Ok(is_there.then_some(start..out.len())),
                Err(error) => {
                    out.truncate(start);
                    Err(error.to_string())
                }
            };
        }
        let schema = header.schema.as_deref().map(transforms::Schema::text);
        self.0.to_bytes(Value::Flat(value), schema, out).map_err(|error| error.to_string())
    }
}
