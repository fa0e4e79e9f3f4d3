//! `ReplaceField`: leaves fields out and renames others.
use crate::memo::Memo;
use crate::ops::{Defaults, or_default};
use crate::record::Slot;
use crate::schema::{Fields, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use std::sync::Arc;

#[derive(Debug)]
pub struct ReplaceField {
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, String)>,
    takes_defaults: bool,
    plans: Memo<(Arc<Schema>, Defaults)>,
}

impl ReplaceField {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        Ok(Self {
            exclude: either(settings, "exclude", "blacklist"),
            include: either(settings, "include", "whitelist"),
            renames: parse_renames(&settings.list("renames")).map_err(Error::new)?,
            takes_defaults: settings.takes_defaults(),
            plans: Memo::default(),
        })
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        if slot.is_null() {
            return Ok(());
        }
        let Self { exclude, include, renames, takes_defaults, plans } = self;
        let names = Names { exclude, include, renames };
        let Some(schema) = slot.schema.clone() else {
            return slot.rebuild(PURPOSE, |entries, maker| {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    if names.keeps(name) {
                        maker.entry(names.new_name(name), value);
                    }
                }
                Ok(())
            });
        };
        let (new_schema, defaults) = plans.get(&schema, |schema| plan(schema, &names, *takes_defaults))?;
        slot.rebuild(PURPOSE, |entries, maker| {
            for entry in entries.iter() {
                let (name, value) = entry?;
                if names.keeps(name) {
                    maker.entry(names.new_name(name), or_default(defaults, name, value));
                }
            }
            Ok(())
        })?;
        slot.set_schema(Arc::clone(new_schema));
        Ok(())
    }
}

const PURPOSE: &str = "replacing fields";

/// Configs from before Kafka 4 have other names; ignored, they would let through what was to be left out.
fn either(settings: &Settings<'_>, name: &str, former: &str) -> Vec<String> {
    let list = settings.list(name);
    if list.is_empty() { settings.list(former) } else { list }
}

struct Names<'a> {
    exclude: &'a [String],
    include: &'a [String],
    renames: &'a [(String, String)],
}

impl<'a> Names<'a> {
    fn keeps(&self, name: &str) -> bool {
        let has = |list: &[String]| list.iter().any(|known| known == name);
        !has(self.exclude) && (self.include.is_empty() || has(self.include))
    }

    fn new_name<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        self.renames.iter().find(|(old, _)| old == name).map_or(name, |(_, new)| new)
    }
}

fn plan(schema: &Schema, names: &Names<'_>, takes_defaults: bool) -> Result<(Arc<Schema>, Defaults)> {
    let old = schema.fields(PURPOSE)?;
    let mut fields = Fields::default();
    for (name, field) in old.iter().filter(|(name, _)| names.keeps(name)) {
        fields.add(names.new_name(name), Arc::clone(field))?;
    }
    let defaults = if takes_defaults { old.defaults() } else { Vec::new() };
    Ok((Arc::new(schema.reshaped(Shape::Struct(fields))), defaults))
}

/// Pairs of old and new names; the error has the words that clients of Connect know.
pub fn parse_renames(items: &[String]) -> Result<Vec<(String, String)>, String> {
    items
        .iter()
        .map(|item| match item.split(':').collect::<Vec<_>>()[..] {
            [old, new] if !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
            _ => {
                let all = items.join(", ");
                Err(format!(
                    "Invalid value [{all}] for configuration renames: Invalid rename mapping: {item}"
                ))
            }
        })
        .collect()
}
