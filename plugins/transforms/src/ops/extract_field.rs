//! `ExtractField`: puts the value of one field in the place of the whole key or value.
use crate::entries::{Entries, is_null, kind};
use crate::field_path::FieldPath;
use crate::memo::Memo;
use crate::ops::NULL;
use crate::record::Slot;
use crate::schema::Schema;
use crate::settings::Settings;
use crate::{Error, Result};
use penstock_sdk::flat::MAP;
use std::sync::Arc;

#[derive(Debug)]
pub struct ExtractField {
    path: FieldPath,
    takes_defaults: bool,
    /// For each schema, those of the fields along the path.
    schemas: Memo<Vec<Arc<Schema>>>,
}

impl ExtractField {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let (field, version) = (settings.required("field"), settings.required("field.syntax.version"));
        Ok(Self {
            path: if version.eq_ignore_ascii_case("V2") {
                FieldPath::parse(field)?
            } else {
                FieldPath::plain(field)
            },
            takes_defaults: settings.takes_defaults(),
            schemas: Memo::default(),
        })
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        let path = &self.path;
        let along = match slot.schema.clone() {
            Some(schema) => Some(self.schemas.get(&schema, |schema| along(schema, path))?),
            None => None,
        };
        let takes_defaults = self.takes_defaults;
        slot.replace(|value, out| {
            let mut current = value;
            for (depth, step) in path.steps().iter().enumerate() {
                if is_null(current) {
                    break;
                }
                let found = entries(current, along.is_some())?.get(step)?.unwrap_or(NULL);
                let default = along.and_then(|along| along[depth].default.as_deref());
                current = match default {
                    Some(default) if takes_defaults && is_null(found) => default,
                    _ => found,
                };
            }
            out.extend_from_slice(current);
            Ok(())
        })?;
        if let Some(last) = along.and_then(|along| along.last()) {
            slot.set_schema(Arc::clone(last));
        }
        Ok(())
    }
}

fn entries(value: &[u8], has_schema: bool) -> Result<Entries<'_>> {
    let found = if has_schema && value.first() == Some(&MAP) { None } else { Entries::of(value)? };
    found.ok_or_else(|| {
        let expected = if has_schema { "a struct" } else { "a map" };
        Error::new(format!("extracting a field: expected {expected}, got {}", kind(value)))
    })
}

fn along(schema: &Arc<Schema>, path: &FieldPath) -> Result<Vec<Arc<Schema>>> {
    let mut found: Vec<Arc<Schema>> = Vec::new();
    for step in path.steps() {
        let inner = found.last().unwrap_or(schema).field(step);
        let missing = || Error::new(format!("field {}: the schema has no such field", path.text()));
        found.push(Arc::clone(inner.ok_or_else(missing)?));
    }
    Ok(found)
}
