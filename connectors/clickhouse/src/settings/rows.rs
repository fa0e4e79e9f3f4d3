//! Settings that say how a record becomes a row.
use penstock_sdk::{Config, Error, Result};

use super::parts::pairs;
use crate::shape::{self, Events, KeyForm, Mapping, Shape, Upserts, Version};

/// What of the shape is in the settings; formats of keys and values come from the converters.
pub fn shape(config: &Config) -> Result<Shape> {
    let shape = Shape {
        raw_only: config.flag("rawOnly", false)?,
        map: map(config)?,
        separator: text(config, "flattenSeparator").map(str::to_owned),
        upserts: upserts(config)?,
        ..Shape::default()
    };
    if shape.raw_only && shape.upserts.is_some() {
        return Err(Error::config("rawOnly: values are to be read for upsertMode, so it must be false"));
    }
    Ok(shape)
}

/// Whether rejected records go to an error table.
pub fn error_table(config: &Config) -> Result<bool> {
    let is_wanted = config.flag("errorTableEnabled", false)?;
    let tolerates = text(config, "errors.tolerance").is_some_and(|value| value.eq_ignore_ascii_case("all"));
    if is_wanted && !tolerates {
        return Err(Error::config(
            "errorTableEnabled: the task fails at the first record that does not fit; set errors.tolerance=all",
        ));
    }
    Ok(is_wanted)
}

fn map(config: &Config) -> Result<Vec<Mapping>> {
    let mut map: Vec<Mapping> = Vec::new();
    for (source, column) in pairs(config, MAP)? {
        let path = shape::path(&source).ok_or_else(|| {
            Error::config(format!(
                "{MAP}: expected names between dots, got {source:?}; a dot in a name is \\."
            ))
        })?;
        if map.iter().any(|known| known.column == column) {
            return Err(Error::config(format!("{MAP}: two fields go to column {column}")));
        }
        map.push(Mapping { path, column });
    }
    Ok(map)
}

fn upserts(config: &Config) -> Result<Option<Upserts>> {
    let java = config.flag(DEBEZIUM, false)?;
    let events = match text(config, MODE).map(str::to_ascii_lowercase).as_deref() {
        None | Some("none") if java => Events::Debezium,
        None | Some("none") => return unused(config),
        Some("debezium") => Events::Debezium,
        Some("tombstones") if !java => Events::States,
        Some("tombstones") => {
            return Err(Error::config(format!("{MODE}: must be debezium or empty when {DEBEZIUM} is true")));
        }
        Some(other) => {
            return Err(Error::config(format!(
                "{MODE}: expected none, tombstones or debezium, got {other:?}"
            )));
        }
    };
    let version =
        match text(config, VERSION) {
            // What the Java connector takes, so that a table which it filled can be filled on.
            None if java => Version::Source,
            None | Some("_offset") => Version::Offset,
            Some("_timestamp") => Version::Timestamp,
            Some(_) if events == Events::States => {
                return Err(Error::config(format!(
                    "{VERSION}: a record without a value has no fields; expected _offset or _timestamp"
                )));
            }
            Some("source") => Version::Source,
            Some(path) => Version::Field(shape::path(path).ok_or_else(|| {
                Error::config(format!("{VERSION}: expected names between dots, got {path:?}"))
            })?),
        };
    let column = |key| text(config, key).map(str::to_owned);
    Ok(Some(Upserts {
        events,
        version,
        version_column: column(VERSION_COLUMN),
        deleted_column: column(DELETED_COLUMN),
        key_column: column(KEY_COLUMN),
        key: KeyForm::default(),
    }))
}

/// A setting that has no effect is a mistake, not a wish.
fn unused(config: &Config) -> Result<Option<Upserts>> {
    match [VERSION, VERSION_COLUMN, DELETED_COLUMN, KEY_COLUMN].iter().find(|key| text(config, key).is_some())
    {
        Some(key) => Err(Error::config(format!("{key}: has no effect without {MODE}"))),
        None => Ok(None),
    }
}

pub fn text<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).map(str::trim).filter(|value| !value.is_empty())
}

const MAP: &str = "field2ColumnMap";
const MODE: &str = "upsertMode";
const VERSION: &str = "upsertVersionField";
const VERSION_COLUMN: &str = "upsertVersionColumn";
const DELETED_COLUMN: &str = "upsertDeletedColumn";
const KEY_COLUMN: &str = "upsertKeyColumn";
const DEBEZIUM: &str = "debeziumCDCEnabled";
