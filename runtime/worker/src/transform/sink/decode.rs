//! Reads as much of a record as its transforms and its sink need.
use super::Refused;
use crate::converter::{self, Converted, Converter};
use crate::transform::entering;
use crate::transform::schemas::Schemas;
use kafka::Message;
use std::sync::Arc;
use transforms::{Part, Schema, Touches};

/// The converters of the task.
pub struct Converters<'a> {
    pub key: &'a mut Converter,
    pub value: &'a mut Converter,
}

/// One record, decoded as far as needed.
pub struct Decoded {
    pub key: Side,
    pub value: Side,
}

/// A key or value.
pub struct Side {
    /// The record's bytes themselves where nobody has to read them.
    pub converted: Converted,
    /// Known where a transform touches this side, or the sink is given its value.
    pub schema: Option<Arc<Schema>>,
}

pub struct Decoder<'a, 'c> {
    pub converters: &'a mut Converters<'c>,
    pub touches: Touches,
    /// Whether the sink decodes by itself.
    pub is_encoded: bool,
    /// Key and value: whether such a sink gets JSON for it.
    pub is_foreign: [bool; 2],
    pub schemas: &'a mut Schemas,
}

impl Decoder<'_, '_> {
    pub fn decode(self, message: Message<'_>, out: &mut Vec<u8>) -> Result<Decoded, Refused> {
        let Touches { asks_for_tombstones, .. } = self.touches;
        let [key_is_foreign, value_is_foreign] = self.is_foreign;
        let need = |is_touched: bool, is_foreign: bool| Need {
            is_read: is_touched || is_foreign || !self.is_encoded,
            has_schema: is_touched || !self.is_encoded,
        };
        let key_need = need(self.touches.key.any(), key_is_foreign);
        let key = side(self.converters.key, message.key(), key_need, self.schemas, out);
        let key = key.map_err(|error| refused(error, Refused::Key))?;
        let need = need(self.touches.value.any(), value_is_foreign);
        if asks_for_tombstones && !need.is_read {
            let converted = null_or_bytes(self.converters.value, message.value(), out);
            return Ok(Decoded { key, value: Side { converted, schema: None } });
        }
        let value = side(self.converters.value, message.value(), need, self.schemas, out);
        Ok(Decoded { key, value: value.map_err(|error| refused(error, Refused::Value))? })
    }
}

impl Side {
    /// As it enters the transforms.
    pub fn part<'a>(&'a self, bytes: Option<&'a [u8]>, values: &'a [u8]) -> Part<'a> {
        let value = match bytes {
            None => transforms::Value::Null,
            Some(bytes) => entering(self.converted.value(bytes, values)),
        };
        Part { value, schema: self.schema.as_ref() }
    }
}

#[derive(Clone, Copy)]
struct Need {
    /// By the sink or a transform.
    is_read: bool,
    has_schema: bool,
}

fn side(
    converter: &mut Converter,
    bytes: Option<&[u8]>,
    need: Need,
    schemas: &mut Schemas,
    out: &mut Vec<u8>,
) -> Result<Side, converter::Error> {
    if !need.is_read {
        let made = if bytes.is_some() { Converted::Bytes } else { Converted::Null };
        return Ok(Side { converted: made, schema: None });
    }
    let made = converter.to_value(bytes, out)?;
    let text = if need.has_schema { converter.schema_text(bytes) } else { None };
    let schema = text.map(|text| schemas.get(text)).transpose().map_err(converter::Error::new)?;
    Ok(Side { converted: made, schema })
}

/// Whose fault it is that a side cannot be read.
fn refused(error: converter::Error, of_record: fn(String) -> Refused) -> Refused {
    if error.kind() == formats::Kind::Record { of_record(error.to_string()) } else { Refused::Nobody(error) }
}

/// Only bytes in which the word stands can be a null; what cannot be read is none, and the sink's to refuse.
fn null_or_bytes(converter: &mut Converter, bytes: Option<&[u8]>, out: &mut Vec<u8>) -> Converted {
    let Some(present) = bytes else { return Converted::Null };
    if !converter.has_nulls() || !present.windows(NULL.len()).any(|window| window == NULL) {
        return Converted::Bytes;
    }
    let start = out.len();
    let is_null = converter.to_value(bytes, out).is_ok() && out.get(start..) == Some(FLAT_NULL);
    out.truncate(start);
    if is_null { Converted::Null } else { Converted::Bytes }
}

const NULL: &[u8] = b"null";
const FLAT_NULL: &[u8] = &[penstock_sdk::flat::NULL];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::ConverterConfig;

    fn converter(class: &str, settings: &[(&str, &str)]) -> Converter {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Converter::open(&ConverterConfig { class: class.to_owned(), settings }).unwrap()
    }

    #[test]
    fn a_tombstone_is_told_without_reading_other_values() {
        let plain: &[(&str, &str)] = &[("schemas.enable", "false")];
        for (class, settings, bytes, is_null) in [
            ("JsonConverter", plain, None, true),
            ("JsonConverter", plain, Some(" null "), true),
            ("JsonConverter", plain, Some("{\"a\":null}"), false),
            ("JsonConverter", plain, Some("{\"a\":"), false),
            ("JsonConverter", plain, Some("null null"), false),
            ("JsonConverter", &[], Some("{\"schema\":null,\"payload\":null}"), true),
            (
                "JsonConverter",
                &[],
                Some("{\"schema\":{\"type\":\"int8\",\"optional\":true},\"payload\":null}"),
                true,
            ),
            ("JsonConverter", &[], Some("null"), false),
            ("StringConverter", &[], Some("null"), false),
            ("StringConverter", &[], None, true),
        ] {
            let mut out = b"kept".to_vec();
            let found = null_or_bytes(&mut converter(class, settings), bytes.map(str::as_bytes), &mut out);
            assert_eq!(found == Converted::Null, is_null, "{class} {bytes:?}");
            assert_eq!(out, b"kept");
        }
    }

    #[test]
    fn a_side_brings_the_schema_that_javas_converter_would_hand_on() {
        let need = Need { is_read: true, has_schema: true };
        let enveloped = r#"{"schema":{"type":"int8","optional":false},"payload":1}"#;
        for (class, bytes, expected) in [
            ("StringConverter", Some("a"), Some("string")),
            ("StringConverter", None, Some("string")),
            ("ByteArrayConverter", Some("a"), Some("bytes")),
            ("LongConverter", Some("12345678"), Some("int64")),
            ("JsonConverter", Some(enveloped), Some("int8")),
            ("JsonConverter", None, None),
        ] {
            let (mut schemas, mut out) = (Schemas::default(), Vec::new());
            let bytes = bytes.map(str::as_bytes);
            let read = side(&mut converter(class, &[]), bytes, need, &mut schemas, &mut out).unwrap();
            assert_eq!(read.schema.map(|schema| schema.shape.name()), expected, "{class}");
        }
    }

    #[test]
    fn nothing_is_read_that_nobody_needs() {
        let need = Need { is_read: false, has_schema: false };
        let (mut schemas, mut out) = (Schemas::default(), Vec::new());
        let read =
            side(&mut converter("JsonConverter", &[]), Some(b"{"), need, &mut schemas, &mut out).unwrap();
        assert_eq!((read.converted, out.len()), (Converted::Bytes, 0));
    }
}
