//! `MaskField`: hides the values of fields behind zero, nothing or a replacement of their type.
use crate::entries::kind;
use crate::memo::Memo;
use crate::ops::{Defaults, NULL, or_default};
use crate::record::Slot;
use crate::schema::{Logical, Schema};
use crate::settings::Settings;
use crate::{Error, Result, decimal};
use penstock_sdk::flat::{self, Writer};
use std::sync::Arc;

#[derive(Debug)]
pub struct MaskField {
    fields: Vec<String>,
    replacement: Option<Replacement>,
    takes_defaults: bool,
    plans: Memo<Plan>,
}

/// A replacement read as everything that it can stand for.
#[derive(Debug)]
struct Replacement {
    text: String,
    integer: Option<i64>,
    float: Option<f64>,
}

#[derive(Debug)]
struct Plan {
    defaults: Defaults,
    /// What is special about a masked field.
    logical: Vec<(String, Logical)>,
}

impl MaskField {
    pub fn open(settings: &Settings<'_>) -> Self {
        let replacement = settings.text("replacement").map(|text| {
            let float = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            let integer = text.trim().parse::<i64>().ok().or(float.map(|number| number as i64));
            Replacement { text: text.to_owned(), integer, float }
        });
        Self {
            fields: settings.list("fields"),
            replacement,
            takes_defaults: settings.takes_defaults(),
            plans: Memo::default(),
        }
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        let Self { fields, replacement, takes_defaults, plans } = self;
        let (fields, replacement) = (&*fields, replacement.as_ref());
        let is_masked = |name: &str| fields.iter().any(|field| field == name);
        let Some(schema) = slot.schema.clone() else {
            return slot.rebuild(PURPOSE, |entries, maker| {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    if is_masked(name) {
                        mask(name, value, None, replacement, maker.name(name))?;
                    } else {
                        maker.entry(name, value);
                    }
                }
                // As in Java, a masked field is there afterwards even if it was not before.
                for name in fields {
                    if entries.get(name)?.is_none() {
                        maker.entry(name, NULL);
                    }
                }
                Ok(())
            });
        };
        let plan = plans.get(&schema, |schema| plan(schema, fields, *takes_defaults))?;
        slot.rebuild(PURPOSE, |entries, maker| {
            for entry in entries.iter() {
                let (name, value) = entry?;
                let value = or_default(&plan.defaults, name, value);
                if is_masked(name) {
                    let logical =
                        plan.logical.iter().find(|(known, _)| known == name).map(|(_, logical)| *logical);
                    mask(name, value, logical, replacement, maker.name(name))?;
                } else {
                    maker.entry(name, value);
                }
            }
            Ok(())
        })?;
        slot.set_schema(schema);
        Ok(())
    }
}

const PURPOSE: &str = "masking fields";

fn plan(schema: &Arc<Schema>, masked: &[String], takes_defaults: bool) -> Result<Plan> {
    let fields = schema.fields(PURPOSE)?;
    let special = |name: &String| Some((name.clone(), fields.get(name)?.logical()?));
    Ok(Plan {
        defaults: if takes_defaults { fields.defaults() } else { Vec::new() },
        logical: masked.iter().filter_map(special).collect(),
    })
}

fn mask(
    name: &str,
    value: &[u8],
    logical: Option<Logical>,
    replacement: Option<&Replacement>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let refuse = |why: &str| Error::new(format!("field {name}: {} {why}", kind(value)));
    if let Some(replacement) = replacement {
        return replace(value, logical, replacement, out)
            .ok_or_else(|| refuse(&format!("cannot be replaced by {}", replacement.text)));
    }
    let mut writer = Writer::new(out);
    match flat::Value::parse(value)? {
        flat::Value::Null => writer.null(),
        flat::Value::Boolean(_) => writer.boolean(false),
        flat::Value::Int8(_) => writer.int8(0),
        flat::Value::Int16(_) => writer.int16(0),
        flat::Value::Int32(_) => writer.int32(0),
        flat::Value::Int64(_) => writer.int64(0),
        flat::Value::Float32(_) => writer.float32(0.0),
        flat::Value::Float64(_) => writer.float64(0.0),
        flat::Value::Text(_) => writer.text(""),
        flat::Value::Bytes(_) if matches!(logical, Some(Logical::Decimal(_))) => writer.bytes(&[0]),
        flat::Value::Array(_) => writer.array(|_| 0),
        flat::Value::Map(_) => writer.map(|_| 0),
        flat::Value::Bytes(_) | flat::Value::Struct(_) => return Err(refuse("cannot be masked")),
    }
    Ok(())
}

/// `None` if the replacement is nothing of the value's type.
fn replace(value: &[u8], logical: Option<Logical>, by: &Replacement, out: &mut Vec<u8>) -> Option<()> {
    let mut writer = Writer::new(out);
    match (flat::Value::parse(value).ok()?, logical) {
        (flat::Value::Null, _) => writer.null(),
        (flat::Value::Bytes(_), Some(Logical::Decimal(scale))) => {
            writer.bytes(&decimal::unscaled(&by.text, scale)?);
        }
        (flat::Value::Int8(_), None) => writer.int8(by.integer? as i8),
        (flat::Value::Int16(_), None) => writer.int16(by.integer? as i16),
        (flat::Value::Int32(_), None) => writer.int32(by.integer? as i32),
        (flat::Value::Int64(_), None) => writer.int64(by.integer?),
        (flat::Value::Float32(_), None) => writer.float32(by.float? as f32),
        (flat::Value::Float64(_), None) => writer.float64(by.float?),
        (flat::Value::Text(_), None) => writer.text(&by.text),
        // Among others dates and times: they are numbers here, and none in what the user sees.
        _ => return None,
    }
    Some(())
}
