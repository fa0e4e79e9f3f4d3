//! `SetSchemaMetadata`: another name or version for a schema.
use crate::entries::is_null;
use crate::memo::Memo;
use crate::ops::{Defaults, or_default};
use crate::record::Slot;
use crate::schema::{Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use std::sync::Arc;

#[derive(Debug)]
pub struct SetSchemaMetadata {
    name: Option<String>,
    version: Option<i64>,
    takes_defaults: bool,
    plans: Memo<(Arc<Schema>, Defaults)>,
}

impl SetSchemaMetadata {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let name = settings.text("schema.name").map(str::to_owned);
        let version = settings.integer("schema.version").map(i64::from);
        if name.is_none() && version.is_none() {
            return Err(Error::new("expected schema.name, schema.version or both"));
        }
        Ok(Self { name, version, takes_defaults: settings.takes_defaults(), plans: Memo::default() })
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        let Some(schema) = slot.schema.clone() else {
            if slot.is_null() {
                return Ok(());
            }
            return Err(Error::new("setting the schema's metadata: the record has no schema"));
        };
        let Self { name, version, takes_defaults, plans } = self;
        let (new_schema, defaults) = plans.get(&schema, |old| {
            let mut new = old.copied();
            new.name = name.clone().or(new.name);
            new.version = version.or(new.version);
            let defaults = match &old.shape {
                Shape::Struct(fields) if *takes_defaults => fields.defaults(),
                _ => Vec::new(),
            };
            Ok((Arc::new(new), defaults))
        })?;
        if !defaults.is_empty() && !is_null(slot.value()) {
            slot.rebuild("setting the schema's metadata", |entries, maker| {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    maker.entry(name, or_default(defaults, name, value));
                }
                Ok(())
            })?;
        }
        slot.set_schema(Arc::clone(new_schema));
        Ok(())
    }
}
