//! `HoistField`: puts a struct or map of one field around a key or value.
use crate::Result;
use crate::entries::Maker;
use crate::memo::Memo;
use crate::record::Slot;
use crate::schema::{Fields, Schema, Shape};
use crate::settings::Settings;
use std::sync::Arc;

#[derive(Debug)]
pub struct HoistField {
    field: String,
    schemas: Memo<Arc<Schema>>,
}

impl HoistField {
    pub fn open(settings: &Settings<'_>) -> Self {
        Self { field: settings.required("field").to_owned(), schemas: Memo::default() }
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        let field = &self.field;
        let outer = match &slot.schema {
            None => None,
            Some(inner) => {
                let make = |inner: &Arc<Schema>| {
                    let mut fields = Fields::default();
                    fields.add(field, Arc::clone(inner))?;
                    Ok(Schema::plain(Shape::Struct(fields), false))
                };
                Some(Arc::clone(self.schemas.get(inner, make)?))
            }
        };
        slot.replace(|value, out| {
            let mut maker = Maker::new(out, outer.is_some());
            maker.entry(field, value);
            maker.finish()
        })?;
        if let Some(outer) = outer {
            slot.set_schema(outer);
        }
        Ok(())
    }
}
