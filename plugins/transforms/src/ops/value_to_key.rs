//! `ValueToKey`: makes a key of fields of the value.
use crate::entries::Maker;
use crate::memo::Memo;
use crate::ops::{Defaults, NULL, or_default};
use crate::record::Record;
use crate::schema::{Fields, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use std::sync::Arc;

#[derive(Debug)]
pub struct ValueToKey {
    fields: Vec<String>,
    takes_defaults: bool,
    plans: Memo<(Arc<Schema>, Defaults)>,
}

impl ValueToKey {
    pub fn open(settings: &Settings<'_>) -> Self {
        Self {
            fields: settings.list("fields"),
            takes_defaults: settings.takes_defaults(),
            plans: Memo::default(),
        }
    }

    pub fn apply(&mut self, record: &mut Record) -> Result<()> {
        let Self { fields, takes_defaults, plans } = self;
        let Record { key, value, .. } = record;
        let none = Vec::new();
        let (schema, defaults) = match &value.schema {
            Some(schema) => {
                let (key_schema, defaults) =
                    plans.get(schema, |schema| plan(schema, fields, *takes_defaults))?;
                (Some(Arc::clone(key_schema)), defaults)
            }
            None => (None, &none),
        };
        let entries = value.entries(PURPOSE)?;
        key.replace(|_, out| {
            let mut maker = Maker::new(out, schema.is_some());
            for field in fields.iter() {
                maker.entry(field, or_default(defaults, field, entries.get(field)?.unwrap_or(NULL)));
            }
            maker.finish()
        })?;
        key.schema = schema;
        Ok(())
    }
}

const PURPOSE: &str = "copying fields to the key";

fn plan(schema: &Schema, names: &[String], takes_defaults: bool) -> Result<(Arc<Schema>, Defaults)> {
    let value = schema.fields(PURPOSE)?;
    let mut fields = Fields::default();
    for name in names {
        let missing = || Error::new(format!("field {name}: the value's schema has no such field"));
        fields.add(name, Arc::clone(value.get(name).ok_or_else(missing)?))?;
    }
    let defaults = if takes_defaults { value.defaults() } else { Vec::new() };
    Ok((Schema::plain(Shape::Struct(fields), false), defaults))
}
