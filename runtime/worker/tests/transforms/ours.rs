//! What our transforms make of the cases, through our JSON converter.

use std::sync::Arc;

use penstock_worker::converter::{self, Converter};
use penstock_worker::definition::ConverterConfig;
use serde_json::{Value as Json, json};
use transforms::{Chain, Condition, Given, Header, Part, Record, Schema, Slot, Step, Value, Verdict};

use crate::Case;

/// In the oracle's form.
pub fn answer(case: &Case) -> Json {
    try_answer(case).unwrap_or_else(|error| json!({"error": error}))
}

fn try_answer(case: &Case) -> Result<Json, String> {
    let settings = case.settings.as_object().unwrap();
    let settings =
        settings.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
    let is_predicate = case.class.contains(".predicates.");
    let step = if is_predicate {
        let condition =
            Condition { alias: "p".into(), class: case.class.clone(), settings, is_negated: false };
        Step { alias: "t".into(), class: "Filter".into(), settings: Vec::new(), condition: Some(condition) }
    } else {
        Step { alias: "t".into(), class: case.class.clone(), settings, condition: None }
    };
    let mut chain = Chain::open(&[step]).map_err(|error| error.to_string())?;
    let (key, value) = (Side::read(&case.record["key"])?, Side::read(&case.record["value"])?);
    let names: Vec<&str> =
        case.record["headers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let given = Given {
        topic: case.record["topic"].as_str().unwrap(),
        partition: case.record["partition"].as_i64().map(|number| number as i32),
        offset: case.record["offset"].as_i64(),
        timestamp_ms: case.record["timestamp"].as_i64(),
        key: key.part(),
        value: value.part(),
        headers: &names,
    };
    match chain.apply(&given).map_err(|failed| failed.reason)? {
        Verdict::Dropped if is_predicate => Ok(json!({"holds": true})),
        Verdict::Kept(_) if is_predicate => Ok(json!({"holds": false})),
        Verdict::Dropped => Ok(json!({"dropped": true})),
        Verdict::Kept(record) => Ok(json!({
            "topic": record.topic,
            "key": key.written(&record.key)?,
            "value": value.written(&record.value)?,
            "headers": headers(record, &names)?,
        })),
    }
}

/// A key or value before the transform.
struct Side {
    flat: Option<Vec<u8>>,
    schema: Option<Arc<Schema>>,
}

impl Side {
    fn read(json: &Json) -> Result<Self, String> {
        if json.is_null() {
            return Ok(Self { flat: None, schema: None });
        }
        let has_schema = json
            .as_object()
            .is_some_and(|o| o.len() == 2 && o.contains_key("schema") && o.contains_key("payload"));
        let (mut converter, text, mut flat) = (converter(has_schema), json.to_string(), Vec::new());
        converter.to_value(Some(text.as_bytes()), &mut flat).map_err(|error| error.to_string())?;
        let schema = converter.schema_text(Some(text.as_bytes())).map(|text| Schema::parse(text).unwrap());
        Ok(Self { flat: Some(flat), schema })
    }

    fn part(&self) -> Part<'_> {
        let value = self.flat.as_deref().map_or(Value::Null, Value::Flat);
        Part { value, schema: self.schema.as_ref() }
    }

    fn written(&self, slot: &Slot) -> Result<Json, String> {
        let (flat, schema) = if slot.is_changed() {
            (Some(slot.value()), slot.schema.as_deref())
        } else {
            (self.flat.as_deref(), self.schema.as_deref())
        };
        let value = flat.map_or(converter::Value::Null, converter::Value::Flat);
        let mut out = Vec::new();
        let written = converter(schema.is_some()).to_bytes(value, schema.map(Schema::text), &mut out);
        match written.map_err(|error| error.to_string())? {
            None => Ok(Json::Null),
            Some(range) => serde_json::from_slice(&out[range]).map_err(|error| error.to_string()),
        }
    }
}

fn converter(has_schema: bool) -> Converter {
    let settings = [("schemas.enable".to_owned(), has_schema.to_string())].into_iter().collect();
    Converter::open(&ConverterConfig { class: "JsonConverter".to_owned(), settings }).unwrap()
}

fn headers(record: &Record, names: &[&str]) -> Result<Json, String> {
    let pair = |header: &Header| {
        let mut out = b"h".to_vec();
        let is_there = match header {
            Header::Given(_) => true,
            Header::Made { value, .. } => {
                out.clear();
                transforms::write_header(record.header_value(value), value.schema.as_deref(), &mut out)
                    .map_err(|e| e.to_string())?
            }
        };
        let text = is_there.then(|| String::from_utf8(out).unwrap());
        Ok(json!([header.name(names), text]))
    };
    record.headers.iter().map(pair).collect::<Result<Vec<_>, _>>().map(Json::from)
}
