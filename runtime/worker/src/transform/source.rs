//! Transforms the records of a source before they are converted.
use super::Pipeline;
use crate::definition::Tolerance;
use crate::task::{TaskSpec, failure};
use cluster::Failure;
use penstock_sdk::Record;
use penstock_sdk::abi::{KIND_FLAT, KIND_NULL, KIND_TEXT};
use std::ops::Range;
use std::sync::Arc;
use transforms::{Given, Header, Part, Schema, Slot, Value, Verdict};

/// The transforms of one source task.
pub struct Reshaper {
    pipeline: Pipeline,
    /// Values of headers that transforms made.
    arena: Vec<u8>,
    values: Vec<Option<Range<usize>>>,
}

/// What a source's record is made of on its way to Kafka; borrowed from the plugin or from the transforms.
pub struct Reshaped<'a> {
    pub topic: &'a str,
    pub key: Raw<'a>,
    pub value: Raw<'a>,
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

/// A key or value as the plugin's boundary has it, and its schema.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    pub kind: u8,
    pub bytes: Option<&'a [u8]>,
    pub schema: Option<&'a str>,
}

impl Reshaper {
    /// `None` when no transform is configured.
    pub fn open(spec: &TaskSpec) -> Result<Option<Self>, Failure> {
        let opened = Pipeline::open(spec)?;
        Ok(opened.map(|pipeline| Self { pipeline, arena: Vec::new(), values: Vec::new() }))
    }

    /// Passes one record through the transforms; `None` when they leave it out. An error is a sentence.
    pub fn reshape<'a>(&'a mut self, record: Record<'a>) -> Result<Option<Reshaped<'a>>, String> {
        let Self { pipeline: Pipeline { chain, schemas, headers }, arena, values } = self;
        let plain = Reshaped::plain(record);
        let touches = chain.touches();
        let mut schema = |is_touched: bool, raw: Raw<'_>| {
            raw.schema.filter(|_| is_touched).map(|text| schemas.get(text)).transpose()
        };
        let key_schema = schema(touches.key.any(), plain.key)?;
        let value_schema = schema(touches.value.any(), plain.value)?;
        let names: Vec<&str> =
            if touches.headers { plain.headers.iter().map(|(name, _)| *name).collect() } else { Vec::new() };
        let given = Given {
            topic: plain.topic,
            partition: (record.partition() >= 0).then(|| record.partition()),
            offset: None,
            timestamp_ms: record.timestamp_ms(),
            key: plain.key.part(key_schema.as_ref())?,
            value: plain.value.part(value_schema.as_ref())?,
            headers: &names,
        };
        let changed = match chain.apply(&given) {
            Ok(Verdict::Kept(changed)) => changed,
            Ok(Verdict::Dropped) => return Ok(None),
            Err(failed) => return Err(failed.reason),
        };
        let mut reshaped = plain;
        if changed.has_new_topic {
            reshaped.topic = &changed.topic;
        }
        reshaped.key.take(&changed.key);
        reshaped.value.take(&changed.value);
        if changed.has_new_headers {
            arena.clear();
            values.clear();
            for header in &changed.headers {
                values.push(match header {
                    Header::Given(_) => None,
                    Header::Made { value, .. } => headers.write(changed, value, arena)?,
                });
            }
            let own = std::mem::take(&mut reshaped.headers);
            let made = changed.headers.iter().zip(values.iter()).filter_map(|(header, value)| match header {
                Header::Given(at) => own.get(*at).copied(),
                Header::Made { name, .. } => {
                    Some((&**name, value.clone().and_then(|range| arena.get(range))))
                }
            });
            reshaped.headers = made.collect();
        }
        Ok(Some(reshaped))
    }
}

impl<'a> Reshaped<'a> {
    /// The record as the plugin gave it.
    pub fn plain(record: Record<'a>) -> Self {
        let raw = |(kind, bytes), schema| Raw { kind, bytes, schema };
        Self {
            topic: record.topic(),
            key: raw(record.raw_key(), record.key_schema()),
            value: raw(record.raw_value(), record.value_schema()),
            headers: record.headers().collect(),
        }
    }
}

impl<'a> Raw<'a> {
    fn part<'s>(&self, schema: Option<&'s Arc<Schema>>) -> Result<Part<'s>, String>
    where
        'a: 's,
    {
        let value = match (self.kind, self.bytes) {
            (KIND_NULL, _) | (_, None) => Value::Null,
            (KIND_TEXT, Some(bytes)) => Value::Text(
                std::str::from_utf8(bytes).map_err(|_| "a text of the connector is not UTF-8".to_owned())?,
            ),
            (KIND_FLAT, Some(bytes)) => Value::Flat(bytes),
            (_, Some(bytes)) => Value::Bytes(bytes),
        };
        Ok(Part { value, schema })
    }

    fn take(&mut self, slot: &'a Slot) {
        if slot.is_changed() {
            let schema = slot.schema.as_ref().map(|schema| schema.text());
            *self = Self { kind: KIND_FLAT, bytes: Some(slot.value()), schema };
        }
    }
}

/// Deals with a source's record that cannot go on: the task fails, or the record is counted, logged and left out.
pub fn refuse(spec: &TaskSpec, topic: &str, reason: &str) -> Result<(), Failure> {
    spec.metrics.rejected.inc();
    if spec.connector.errors.tolerance == Tolerance::None {
        let sentence =
            format!("a record for {topic}: {reason}: set errors.tolerance=all to go on without such records");
        return Err(failure("DataException", &sentence, true));
    }
    if spec.connector.errors.log {
        tracing::error!(topic, reason, "rejected a record");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::ConverterConfig;
    use host::{Assembly, Item};
    use transforms::Step;

    fn reshaper(steps: &[(&str, &[(&str, &str)])], header_converter: &str) -> Reshaper {
        let step = |(class, settings): &(&str, &[(&str, &str)])| Step {
            alias: "t".into(),
            class: format!("org.apache.kafka.connect.transforms.{class}"),
            settings: settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            condition: None,
        };
        let steps: Vec<Step> = steps.iter().map(step).collect();
        let config = ConverterConfig { class: header_converter.to_owned(), ..ConverterConfig::default() };
        let pipeline = Pipeline::new(&steps, &config).unwrap();
        Reshaper { pipeline, arena: Vec::new(), values: Vec::new() }
    }

    fn item<'a>(value: host::Value<'a>, value_schema: Option<&'a str>) -> Item<'a> {
        Item {
            topic: "lines",
            partition: -1,
            offset: 0,
            timestamp_ms: Some(17),
            key: host::Value::Null,
            value,
            key_schema: None,
            value_schema,
        }
    }

    #[test]
    fn topic_and_headers_change_while_the_value_stays_where_it_is() {
        let steps: &[(&str, &[(&str, &str)])] = &[
            ("RegexRouter", &[("regex", "l(.*)"), ("replacement", "p$1")]),
            ("InsertHeader", &[("header", "n"), ("value.literal", "5")]),
            ("DropHeaders", &[("headers", "old")]),
        ];
        for (converter, expected) in [
            ("SimpleHeaderConverter", "5"),
            ("JsonConverter", r#"{"schema":{"type":"int8","optional":false},"payload":5}"#),
        ] {
            let mut opened = reshaper(steps, converter);
            let mut assembly = Assembly::new();
            let mut builder = assembly.begin();
            builder
                .push(&item(host::Value::Text("one"), None))
                .header("old", None)
                .header("kept", Some(b"k"));
            let batch = builder.finish();
            let record = batch.view().records().next().unwrap();
            let bytes = record.raw_value().1.unwrap();
            let reshaped = opened.reshape(record).unwrap().unwrap();
            assert_eq!((reshaped.topic, reshaped.value.kind), ("pines", KIND_TEXT));
            assert!(std::ptr::eq(reshaped.value.bytes.unwrap(), bytes), "the value was copied");
            let headers = [("kept", Some(b"k".as_slice())), ("n", Some(expected.as_bytes()))];
            assert_eq!(reshaped.headers, headers);
        }
    }

    #[test]
    fn a_value_that_changes_brings_its_schema() {
        let mut reshaper = reshaper(&[("HoistField$Value", &[("field", "line")])], "SimpleHeaderConverter");
        let mut assembly = Assembly::new();
        let mut builder = assembly.begin();
        let schema = r#"{"type":"string","optional":false}"#;
        builder.push(&item(host::Value::Text("one"), Some(schema)));
        builder.push(&item(host::Value::Text("two"), None));
        let batch = builder.finish();
        let mut records = batch.view().records();
        let typed = reshaper.reshape(records.next().unwrap()).unwrap().unwrap();
        let expected = r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"line"}],"optional":false}"#;
        assert_eq!((typed.value.kind, typed.value.schema), (KIND_FLAT, Some(expected)));
        let value = penstock_sdk::flat::Value::parse(typed.value.bytes.unwrap()).unwrap();
        assert_eq!(value.to_string(), "Struct{line=one}");
        let plain = reshaper.reshape(records.next().unwrap()).unwrap().unwrap();
        assert_eq!(plain.value.schema, None);
    }

    #[test]
    fn a_record_is_left_out_or_refused() {
        let mut assembly = Assembly::new();
        let mut builder = assembly.begin();
        builder.push(&item(host::Value::Text("one"), None));
        let batch = builder.finish();
        let record = batch.view().records().next().unwrap();
        let converter = "SimpleHeaderConverter";
        assert!(reshaper(&[("Filter", &[])], converter).reshape(record).unwrap().is_none());
        let mut refusing = reshaper(&[("Flatten$Value", &[])], converter);
        let reason = refusing.reshape(record).err().unwrap();
        assert!(reason.starts_with("transforms.t: flattening"), "{reason}");
        let mut unreadable = reshaper(&[("Flatten$Value", &[])], converter);
        let mut assembly = Assembly::new();
        let mut builder = assembly.begin();
        builder.push(&item(host::Value::Text("one"), Some("{")));
        let batch = builder.finish();
        assert!(unreadable.reshape(batch.view().records().next().unwrap()).is_err());
    }
}
