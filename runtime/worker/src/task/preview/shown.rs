//! Records as JSON for a person.
use crate::converter::{self, Converter, base64};
use crate::providers::Scrubber;
use crate::task::sink::Stage;
use crate::transform::{Raw, Reshaped, plain_json};
use cluster::Failure;
use kafka::Message;
use penstock_sdk::abi::{KIND_BYTES, KIND_FLAT, KIND_NULL};
use serde_json::{Map, Value, json};

/// Longer texts are cut.
const TEXT_MAX: usize = 16 << 10;
/// More headers are left out.
const HEADERS_MAX: usize = 100;

/// Writes structured values, with memory of its own, and references where secrets were.
pub struct Shown<'a> {
    json: Converter,
    written: Vec<u8>,
    scrubber: &'a Scrubber,
}

impl<'a> Shown<'a> {
    pub fn new(scrubber: &'a Scrubber) -> Result<Self, Failure> {
        Ok(Self { json: plain_json()?, written: Vec::new(), scrubber })
    }

    /// What is told of one record: `after` is null when nothing is delivered of it.
    pub fn entry(&self, before: Value, after: Option<Value>, error: Option<(Stage, &str)>) -> Value {
        let mut entry = Map::new();
        entry.insert("before".to_owned(), before);
        entry.insert("after".to_owned(), after.unwrap_or_default());
        if let Some((stage, reason)) = error {
            let message = self.scrubber.text(reason);
            entry.insert("error".to_owned(), json!({ "stage": stage.name(), "message": message }));
        }
        entry.into()
    }

    /// `place` is a partition and an offset in it.
    pub fn record(
        &mut self,
        record: &Reshaped<'_>,
        place: Option<(i32, i64)>,
        timestamp_ms: Option<i64>,
    ) -> Value {
        let headers = record.headers.iter().take(HEADERS_MAX);
        let headers = headers.map(
            |(name, value)| json!({ "name": self.text(name), "value": value.map(|value| self.bytes(value)) }),
        );
        let headers: Vec<Value> = headers.collect();
        json!({
            "topic": self.text(record.topic),
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
            (_, Some(own)) => self.bytes(own),
        }
    }

    /// As plain JSON; one that has none is told by why.
    fn flat(&mut self, flat: &[u8], schema: Option<&str>) -> Value {
        self.written.clear();
        let written = match self.json.to_bytes(converter::Value::Flat(flat), schema, &mut self.written) {
            Ok(Some(range)) => &self.written[range],
            Ok(None) => return Value::Null,
            Err(error) => return json!({ "error": self.text(&error.to_string()) }),
        };
        let short = Some(written).filter(|text| text.len() <= TEXT_MAX);
        let Some(mut value) = short.and_then(|text| serde_json::from_slice(text).ok()) else {
            return self.bytes(written);
        };
        self.scrubber.record(&mut value);
        value
    }

    /// Text where it is any.
    fn bytes(&self, bytes: &[u8]) -> Value {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(_) if bytes.len() > TEXT_MAX => {
                json!({ "base64": self.scrubber.text(&base64::text(&bytes[..TEXT_MAX])), "bytes": bytes.len() })
            }
            Err(_) => json!({ "base64": self.scrubber.text(&base64::text(bytes)) }),
        }
    }

    /// What is cut is scrubbed before, while secrets are whole.
    fn text(&self, text: &str) -> Value {
        let text = self.scrubber.text(text);
        if text.len() <= TEXT_MAX {
            return text.into();
        }
        let end = (0..=TEXT_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        format!("{}… ({} bytes)", &text[..end], text.len()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Secret;

    fn scrubber() -> Scrubber {
        let secret = Secret { reference: "${env:A}".to_owned(), value: "canary-1".to_owned() };
        Scrubber::new(vec![secret])
    }

    #[test]
    fn text_is_text_and_other_bytes_are_base64() {
        let scrubber = scrubber();
        let shown = Shown::new(&scrubber).unwrap();
        assert_eq!(shown.bytes("größer".as_bytes()), json!("größer"));
        assert_eq!(shown.bytes(&[0xff, 0]), json!({ "base64": "/wA=" }));
        let long = format!("{}ß", "x".repeat(TEXT_MAX - 1));
        assert_eq!(shown.text(&long), json!(format!("{}… (16385 bytes)", "x".repeat(TEXT_MAX - 1))));
        assert_eq!(shown.bytes(&vec![0xff; 20_000])["bytes"], 20_000);
    }

    #[test]
    fn a_secret_is_a_reference_wherever_it_stands() {
        let scrubber = scrubber();
        let mut shown = Shown::new(&scrubber).unwrap();
        let key = Raw { kind: KIND_BYTES, bytes: Some(b"a canary-1"), schema: None };
        let none = Raw { kind: KIND_NULL, bytes: None, schema: None };
        let headers = vec![("canary-1", Some(b"\xffcanary-1".as_slice()))];
        let record = Reshaped { topic: "canary-1", key, value: none, headers };
        let told = shown.record(&record, None, None);
        assert_eq!((&told["topic"], &told["key"]), (&json!("${env:A}"), &json!("a ${env:A}")));
        assert_eq!(told["headers"][0]["name"], "${env:A}");
        assert!(told.to_string().matches("${env:A}").count() == 4, "{told}");
        let told = shown.entry(told, None, Some((Stage::Transformation, "no canary-1")));
        assert_eq!(told["error"]["message"], "no ${env:A}");
        // Its second half would not be known as one.
        let split = format!("{}canary-1", "x".repeat(TEXT_MAX - 4));
        assert!(!shown.text(&split).to_string().contains("cana"));
    }

    #[test]
    fn a_record_shows_its_parts_and_what_became_of_it() {
        let raw = |kind, bytes| Raw { kind, bytes, schema: None };
        let (key, value) = (raw(KIND_NULL, None), raw(KIND_BYTES, Some(b"v".as_slice())));
        let headers = vec![("h", Some(b"1".as_slice())), ("none", None)];
        let record = Reshaped { topic: "t", key, value, headers };
        let scrubber = scrubber();
        let mut shown = Shown::new(&scrubber).unwrap();
        let before = shown.record(&record, Some((2, 7)), None);
        let headers = json!([{ "name": "h", "value": "1" }, { "name": "none", "value": null }]);
        let expected = json!({
            "topic": "t", "partition": 2, "offset": 7, "timestamp": null, "key": null, "value": "v", "headers": headers,
        });
        assert_eq!(before, expected);
        let told = shown.entry(before, None, Some((Stage::Transformation, "no")));
        assert_eq!(told["error"], json!({ "stage": "TRANSFORMATION", "message": "no" }));
        assert!(told["after"].is_null() && shown.entry(Value::Null, None, None).get("error").is_none());
    }
}
