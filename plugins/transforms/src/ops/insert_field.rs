//! `InsertField`: adds fields with what is known of a record besides its key and value.
use crate::catalog::Side;
use crate::entries::Maker;
use crate::memo::Memo;
use crate::ops::{Defaults, or_default};
use crate::record::Record;
use crate::schema::{Fields, Logical, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use penstock_sdk::flat::Writer;
use std::sync::Arc;

#[derive(Debug)]
pub struct InsertField {
    fields: Vec<Inserted>,
    takes_defaults: bool,
    plans: Memo<Plan>,
}

#[derive(Debug)]
struct Inserted {
    name: String,
    optional: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    defaults: Defaults,
}

/// What is known of the record.
struct Known<'a> {
    topic: &'a str,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp_ms: Option<i64>,
}

impl InsertField {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let static_value = settings.text("static.value");
        if settings.text("static.field").is_some() && static_value.is_none() {
            return Err(Error::new("static.value: expected a value for static.field, there is none"));
        }
        let whats = [
            ("topic.field", What::Topic),
            ("partition.field", What::Partition),
            ("offset.field", What::Offset),
            ("timestamp.field", What::Timestamp),
            ("static.field", What::Static(static_value.unwrap_or_default().to_owned())),
        ];
        let inserted = |(key, what)| {
            let spec = settings.text(key)?;
            let (name, optional) = match (spec.strip_suffix('!'), spec.strip_suffix('?')) {
                (Some(name), _) => (name, false),
                (None, Some(name)) => (name, true),
                (None, None) => (spec, true),
            };
            Some(Inserted { name: name.to_owned(), optional, what })
        };
        let fields: Vec<_> = whats.into_iter().filter_map(inserted).collect();
        if fields.is_empty() {
            return Err(Error::new(
                "expected at least one of topic.field, partition.field, offset.field, \
                                   timestamp.field and static.field",
            ));
        }
        Ok(Self { fields, takes_defaults: settings.takes_defaults(), plans: Memo::default() })
    }

    pub fn apply(&mut self, record: &mut Record, side: Side) -> Result<()> {
        let Record { topic, partition, offset, timestamp_ms, key, value, .. } = record;
        let slot = if side == Side::Key { key } else { value };
        if slot.is_null() {
            return Ok(());
        }
        let known = Known { topic, partition: *partition, offset: *offset, timestamp_ms: *timestamp_ms };
        let Some(schema) = slot.schema.clone() else {
            return slot.rebuild(PURPOSE, |entries, maker| {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    // A field that is there already gets another value.
                    if !self.fields.iter().any(|field| field.name == name && field.is_known(&known)) {
                        maker.entry(name, value);
                    }
                }
                self.fields.iter().try_for_each(|field| field.write(&known, maker, false))
            });
        };
        let plan = self.plans.get(&schema, |schema| plan(schema, &self.fields, self.takes_defaults))?;
        slot.rebuild(PURPOSE, |entries, maker| {
            if plan.defaults.is_empty() {
                maker.all(entries)?;
            } else {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    maker.entry(name, or_default(&plan.defaults, name, value));
                }
            }
            self.fields.iter().try_for_each(|field| field.write(&known, maker, true))
        })?;
        slot.set_schema(Arc::clone(&plan.schema));
        Ok(())
    }
}

const PURPOSE: &str = "inserting fields";

impl Inserted {
    fn is_known(&self, known: &Known<'_>) -> bool {
        match &self.what {
            What::Topic | What::Offset | What::Static(_) => true,
            What::Partition => known.partition.is_some(),
            What::Timestamp => known.timestamp_ms.is_some(),
        }
    }

    fn write(&self, known: &Known<'_>, maker: &mut Maker<'_>, has_schema: bool) -> Result<()> {
        if !self.is_known(known) {
            if has_schema && !self.optional {
                let name = &self.name;
                return Err(Error::new(format!(
                    "field {name}: the record has none, and the field is required"
                )));
            }
            if has_schema {
                Writer::new(maker.name(&self.name)).null();
            }
            return Ok(());
        }
        let mut writer = Writer::new(maker.name(&self.name));
        match &self.what {
            What::Topic => writer.text(known.topic),
            What::Partition => writer.int32(known.partition.unwrap_or_default()),
            What::Timestamp => writer.int64(known.timestamp_ms.unwrap_or_default()),
            What::Static(text) => writer.text(text),
            What::Offset => match known.offset {
                Some(offset) => writer.int64(offset),
                None => {
                    return Err(Error::new("offset.field: a record on its way to Kafka has no offset yet"));
                }
            },
        }
        Ok(())
    }

    fn schema(&self) -> Arc<Schema> {
        match self.what {
            What::Topic | What::Static(_) => Schema::plain(Shape::Text, self.optional),
            What::Partition => Schema::plain(Shape::Int32, self.optional),
            What::Offset => Schema::plain(Shape::Int64, self.optional),
            What::Timestamp => Schema::logical_type(Logical::Timestamp, self.optional),
        }
    }
}

fn plan(schema: &Schema, inserted: &[Inserted], takes_defaults: bool) -> Result<Plan> {
    let mut fields: Fields = schema.fields(PURPOSE)?.clone();
    let defaults = if takes_defaults { fields.defaults() } else { Vec::new() };
    for field in inserted {
        fields.add(&field.name, field.schema())?;
    }
    Ok(Plan { schema: Arc::new(schema.reshaped(Shape::Struct(fields))), defaults })
}
