//! `HeaderFrom`: copies or moves fields to headers.
use crate::catalog::Side;
use crate::entries::is_null;
use crate::memo::Memo;
use crate::ops::Defaults;
use crate::record::{FieldHeader, Record};
use crate::schema::{Fields, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use std::sync::Arc;

#[derive(Debug)]
pub struct HeaderFrom {
    fields: Vec<String>,
    headers: Vec<Arc<str>>,
    is_move: bool,
    takes_defaults: bool,
    plans: Memo<Plan>,
}

#[derive(Debug)]
struct Plan {
    /// Schemas of the headers.
    headers: Vec<Arc<Schema>>,
    /// What is left after a move.
    rest: Arc<Schema>,
    defaults: Defaults,
}

impl HeaderFrom {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let (fields, headers) = (settings.list("fields"), settings.list("headers"));
        if fields.len() != headers.len() {
            let (f, h) = (fields.len(), headers.len());
            return Err(Error::new(format!("headers: expected one for each of the {f} fields, got {h}")));
        }
        Ok(Self {
            fields,
            headers: headers.into_iter().map(Arc::from).collect(),
            is_move: settings.required("operation") == "move",
            takes_defaults: settings.takes_defaults(),
            plans: Memo::default(),
        })
    }

    pub fn is_move(&self) -> bool {
        self.is_move
    }

    pub fn apply(&mut self, record: &mut Record, side: Side) -> Result<()> {
        let Self { fields, headers, is_move, takes_defaults, plans } = self;
        let fields = &*fields;
        let schema = record.side(side).schema.clone();
        let plan = match &schema {
            Some(schema) => Some(plans.get(schema, |schema| plan(schema, fields, *takes_defaults))?),
            None => None,
        };
        let default_of = |field: &str| {
            let defaults = plan.map_or(&[][..], |plan| &plan.defaults);
            defaults.iter().find(|(known, _)| known == field).map(|(_, default)| default.as_slice())
        };
        let each = fields.iter().zip(headers.iter()).enumerate().map(|(place, (field, name))| FieldHeader {
            field,
            default: default_of(field),
            name,
            schema: plan.map(|plan| &plan.headers[place]),
        });
        record.copy_to_headers(side, PURPOSE, each)?;
        if !*is_move {
            return Ok(());
        }
        let slot = record.side(side);
        slot.rebuild(PURPOSE, |entries, maker| {
            for entry in entries.iter() {
                let (name, value) = entry?;
                if !fields.iter().any(|field| field == name) {
                    let value = if is_null(value) { default_of(name).unwrap_or(value) } else { value };
                    maker.entry(name, value);
                }
            }
            Ok(())
        })?;
        if let Some(plan) = plan {
            slot.set_schema(Arc::clone(&plan.rest));
        }
        Ok(())
    }
}

const PURPOSE: &str = "making headers";

fn plan(schema: &Schema, names: &[String], takes_defaults: bool) -> Result<Plan> {
    let all = schema.fields(PURPOSE)?;
    let mut rest = Fields::default();
    for (name, field) in all.iter().filter(|(name, _)| !names.iter().any(|known| known == name)) {
        rest.add(name, Arc::clone(field))?;
    }
    let header = |name: &String| {
        let missing = || Error::new(format!("field {name}: the schema has no such field"));
        all.get(name).map(Arc::clone).ok_or_else(missing)
    };
    Ok(Plan {
        headers: names.iter().map(header).collect::<Result<_>>()?,
        rest: Arc::new(schema.reshaped(Shape::Struct(rest))),
        defaults: if takes_defaults { all.defaults() } else { Vec::new() },
    })
}
