//! Records as JSON for a person.
use crate::converter::{self, Converter, base64};
use crate::transform::{Raw, Reshaped, plain_json};
use cluster::Failure;
use kafka::Message;
use penstock_sdk::abi::{KIND_BYTES, KIND_FLAT, KIND_NULL};
use serde_json::{Map, Value, json};

/// Longer texts are cut.
const TEXT_MAX: usize = 16 << 10;
/// More headers are left out.
const HEADERS_MAX: usize = 100;

/// Writes structured values, with memory of its own.
pub struct Shown {
    json: Converter,
    written: Vec<u8>,
}

/// What is told of one record: `after` is null when nothing is delivered of it.
pub fn entry(before: Value, after: Option<Value>, error: Option<(&str, &str)>) -> Value {
    let mut entry = Map::new();
    entry.insert("before".to_owned(), before);
    entry.insert("after".to_owned(), after.unwrap_or_default());
    if let Some((stage, message)) = error {
        entry.insert("error".to_owned(), json!({ "stage": stage, "message": message }));
    }
    entry.into()
}

impl Shown {
    pub fn new() -> Result<Self, Failure> {
        Ok(Self { json: plain_json()?, written: Vec::new() })
    }

    /// `place` is a partition and an offset in it.
    pub fn record(
        &mut self,
        record: &Reshaped<'_>,
        place: Option<(i32, i64)>,
        timestamp_ms: Option<i64>,
    ) -> Value {
        let headers = record.headers.iter().take(HEADERS_MAX);
        let headers: Vec<Value> =
            headers.map(|(name, value)| json!({ "name": cut(name), "value": value.map(bytes) })).collect();
        json!({
            "topic": record.topic,
            "partition": place.map(|(partition, _)| partition),
            "offset": place.map(|(_, offset)| offset),
            "timestamp": timestamp_ms,
            "key": self.value(record.key),
            "value": self.value(record.value),
            "headers": headers,
        })
    }

    /// A record as Kafka has it.
    pub fn message(&mut self, message: Message<'_>) -> Value {
        let raw = |bytes: Option<_>| Raw { kind: KIND_BYTES, bytes, schema: None };
        let names = message.headers().map(|header| (header.name_text().into_owned(), header.value));
        let names: Vec<_> = names.collect();
        let headers = names.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let (key, value) = (raw(message.key()), raw(message.value()));
        let record = Reshaped { topic: message.topic(), key, value, headers };
        self.record(&record, Some((message.partition(), message.offset())), message.timestamp_ms())
    }

    fn value(&mut self, raw: Raw<'_>) -> Value {
        match (raw.kind, raw.bytes) {
            (KIND_NULL, _) | (_, None) => Value::Null,
            (KIND_FLAT, Some(flat)) => self.flat(flat, raw.schema),
            (_, Some(own)) => bytes(own),
        }
    }

    /// As plain JSON; one that has none is told by why.
    fn flat(&mut self, flat: &[u8], schema: Option<&str>) -> Value {
        self.written.clear();
        let value = converter::Value::Flat(flat);
        match self.json.to_bytes(value, schema, &mut self.written) {
            Ok(Some(range)) if range.len() <= TEXT_MAX => {
                serde_json::from_slice(&self.written[range.clone()])
                    .unwrap_or_else(|_| bytes(&self.written[range]))
            }
            Ok(Some(range)) => bytes(&self.written[range]),
            Ok(None) => Value::Null,
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

/// Text where it is any.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => cut(text).into(),
        Err(_) if bytes.len() > TEXT_MAX => {
            json!({ "base64": base64::text(&bytes[..TEXT_MAX]), "bytes": bytes.len() })
        }
        Err(_) => json!({ "base64": base64::text(bytes) }),
    }
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let end = (0..=TEXT_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}… ({} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_and_other_bytes_are_base64() {
        assert_eq!(bytes("größer".as_bytes()), json!("größer"));
        assert_eq!(bytes(&[0xff, 0]), json!({ "base64": "/wA=" }));
        let long = format!("{}ß", "x".repeat(TEXT_MAX - 1));
        assert_eq!(bytes(long.as_bytes()), json!(format!("{}… (16385 bytes)", "x".repeat(TEXT_MAX - 1))));
        assert_eq!(bytes(&vec![0xff; 20_000])["bytes"], 20_000);
    }

    #[test]
    fn a_record_shows_its_parts_and_what_became_of_it() {
        let raw = |kind, bytes| Raw { kind, bytes, schema: None };
        let (key, value) = (raw(KIND_NULL, None), raw(KIND_BYTES, Some(b"v".as_slice())));
        let headers = vec![("h", Some(b"1".as_slice())), ("none", None)];
        let record = Reshaped { topic: "t", key, value, headers };
        let before = Shown::new().unwrap().record(&record, Some((2, 7)), None);
        let headers = json!([{ "name": "h", "value": "1" }, { "name": "none", "value": null }]);
        let expected = json!({
            "topic": "t", "partition": 2, "offset": 7, "timestamp": null, "key": null, "value": "v", "headers": headers,
        });
        assert_eq!(before, expected);
        let told = entry(before, None, Some(("TRANSFORMATION", "no")));
        assert_eq!(told["error"], json!({ "stage": "TRANSFORMATION", "message": "no" }));
        assert!(told["after"].is_null() && entry(Value::Null, None, None).get("error").is_none());
    }
}
