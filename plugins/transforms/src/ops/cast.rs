//! `Cast`: other types for fields, or for the whole key or value.
use crate::memo::Memo;
use crate::ops::cast_value::cast;
use crate::ops::{Defaults, or_default};
use crate::record::Slot;
use crate::schema::{Fields, Logical, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use std::sync::Arc;

#[derive(Debug)]
pub struct Cast {
    spec: Spec,
    takes_defaults: bool,
    plans: Memo<Plan>,
}

/// What is cast to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    Whole(Target),
    Fields(Vec<(String, Target)>),
}

/// A type that values can be cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    Text,
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    defaults: Defaults,
    /// What is special about a field that is cast, or about the whole value.
    logical: Vec<(String, Logical)>,
}

impl Cast {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let spec = parse(&settings.list("spec")).map_err(Error::new)?;
        Ok(Self { spec, takes_defaults: settings.takes_defaults(), plans: Memo::default() })
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        if slot.is_null() {
            return Ok(());
        }
        let Self { spec, takes_defaults, plans } = self;
        let schema = slot.schema.clone();
        let plan = match &schema {
            Some(schema) => Some(plans.get(schema, |schema| plan(schema, spec, *takes_defaults))?),
            None => None,
        };
        let none = (Vec::new(), Vec::new());
        let (defaults, logical) = plan.map_or((&none.0, &none.1), |plan| (&plan.defaults, &plan.logical));
        let logical_of =
            |name: &str| logical.iter().find(|(known, _)| known == name).map(|(_, logical)| *logical);
        match spec {
            Spec::Whole(target) => slot.replace(|value, out| cast(value, logical_of(""), *target, out))?,
            Spec::Fields(casts) => slot.rebuild(PURPOSE, |entries, maker| {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    let value = or_default(defaults, name, value);
                    match casts.iter().find(|(field, _)| field == name) {
                        Some((_, target)) => cast(value, logical_of(name), *target, maker.name(name))
                            .map_err(|error| Error::new(format!("field {name}: {error}")))?,
                        None => maker.entry(name, value),
                    }
                }
                // As in Java, a field that is cast is there afterwards even if it was not before.
                for (name, _) in casts.iter().filter(|_| plan.is_none()) {
                    if entries.get(name)?.is_none() {
                        maker.entry(name, super::NULL);
                    }
                }
                Ok(())
            })?,
        }
        if let Some(plan) = plan {
            slot.set_schema(Arc::clone(&plan.schema));
        }
        Ok(())
    }
}

const PURPOSE: &str = "casting";

fn plan(schema: &Schema, spec: &Spec, takes_defaults: bool) -> Result<Plan> {
    match spec {
        Spec::Whole(target) => {
            let mut new = recast(schema, *target)?;
            new.name.clone_from(&schema.name);
            new.version = schema.version;
            new.doc.clone_from(&schema.doc);
            new.parameters.clone_from(&schema.parameters);
            let logical = schema.logical().map(|logical| (String::new(), logical)).into_iter().collect();
            Ok(Plan { schema: Arc::new(new), defaults: Vec::new(), logical })
        }
        Spec::Fields(casts) => {
            let old = schema.fields(PURPOSE)?;
            let (mut fields, mut logical) = (Fields::default(), Vec::new());
            for (name, field) in old.iter() {
                let Some((_, target)) = casts.iter().find(|(cast, _)| cast == name) else {
                    fields.add(name, Arc::clone(field))?;
                    continue;
                };
                fields.add(name, Arc::new(recast(field, *target)?))?;
                logical.extend(field.logical().map(|logical| (name.to_owned(), logical)));
            }
            let mut new = schema.reshaped(Shape::Struct(fields));
            new.optional = schema.optional;
            let defaults = if takes_defaults { old.defaults() } else { Vec::new() };
            Ok(Plan { schema: Arc::new(new), defaults, logical })
        }
    }
}

/// The schema of a value that was cast: its type, whether it is optional, and its default.
fn recast(old: &Schema, target: Target) -> Result<Schema> {
    let mut new = Schema::new(target.shape());
    new.optional = old.optional;
    if let Some(default) = &old.default {
        let mut encoded = Vec::new();
        cast(default, old.logical(), target, &mut encoded)?;
        new.default = Some(encoded);
    }
    Ok(new)
}

impl Target {
    const ALL: [(&'static str, Self); 8] = [
        ("INT8", Self::Int8),
        ("INT16", Self::Int16),
        ("INT32", Self::Int32),
        ("INT64", Self::Int64),
        ("FLOAT32", Self::Float32),
        ("FLOAT64", Self::Float64),
        ("BOOLEAN", Self::Boolean),
        ("STRING", Self::Text),
    ];

    fn shape(self) -> Shape {
        match self {
            Self::Int8 => Shape::Int8,
            Self::Int16 => Shape::Int16,
            Self::Int32 => Shape::Int32,
            Self::Int64 => Shape::Int64,
            Self::Float32 => Shape::Float32,
            Self::Float64 => Shape::Float64,
            Self::Boolean => Shape::Boolean,
            Self::Text => Shape::Text,
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let upper = text.trim().to_uppercase();
        if let Some((_, target)) = Self::ALL.iter().find(|(name, _)| *name == upper) {
            return Ok(*target);
        }
        if ["BYTES", "ARRAY", "MAP", "STRUCT"].contains(&upper.as_str()) {
            let supported = Self::ALL.map(|(name, _)| name).join(", ");
            return Err(format!(
                "Cast transformation does not support casting to {upper}; supported types are [{supported}]"
            ));
        }
        Err(format!(
            "Invalid value java.lang.IllegalArgumentException: No enum constant \
             org.apache.kafka.connect.data.Schema.Type.{upper} for configuration \
             Invalid type found in casting spec: {}",
            text.trim()
        ))
    }
}

/// Reads `field:type` pairs or a single type; the error has the words that clients of Connect know.
pub fn parse(items: &[String]) -> Result<Spec, String> {
    let mut fields = Vec::new();
    let mut whole = None;
    for item in items {
        match item.split(':').collect::<Vec<_>>()[..] {
            [target] => whole = Some(Target::parse(target)?),
            [field, target] => {
                fields.retain(|(known, _)| known != field.trim());
                fields.push((field.trim().to_owned(), Target::parse(target)?));
            }
            _ => {
                let all = items.join(", ");
                return Err(format!(
                    "Invalid value [{all}] for configuration renames: Invalid rename mapping: {item}"
                ));
            }
        }
    }
    match whole {
        Some(_) if items.len() > 1 => {
            Err("Cast transformations that specify a type to cast the entire value to \
                                           may only specify a single cast in their spec"
                .to_owned())
        }
        Some(target) => Ok(Spec::Whole(target)),
        None => Ok(Spec::Fields(fields)),
    }
}
