//! Settings that say how a record becomes a row.
use penstock_sdk::{Config, Error, Result};

use super::parts::pairs;
use crate::shape::{self, Events, Format, KeyForm, LineShape, Mapping, Shape, Upserts, Version};

/// What of the shape is in the settings; formats of keys and values come from the converters.
pub fn shape(config: &Config) -> Result<Shape> {
    let shape = Shape {
        raw_only: config.flag("rawOnly", false)?,
        map: map(config)?,
        separator: text(config, "flattenSeparator").map(str::to_owned),
        upserts: upserts(config)?,
        lines: lines(config)?,
        ..Shape::default()
    };
    if shape.lines.is_some() {
        check_lines(&shape)?;
    }
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

/// Lines of cells in place of JSON objects, and what the places of a line are.
fn lines(config: &Config) -> Result<Option<LineShape>> {
    let delimiter = text(config, DELIMITER);
    let format = match text(config, FORMAT).map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Format::Csv(delimiter.map_or(Ok(b','), self::delimiter)?),
        Some("tsv") => Format::Tsv,
        None | Some("none" | "json") => {
            return match [DELIMITER, COLUMNS].iter().find(|key| text(config, key).is_some()) {
                Some(key) => {
                    Err(Error::config(format!("{key}: has no effect unless {FORMAT} is csv or tsv")))
                }
                None => Ok(None),
            };
        }
        Some(other) => {
            return Err(Error::config(format!("{FORMAT}: expected none, json, csv or tsv, got {other:?}")));
        }
    };
    if format == Format::Tsv && delimiter.is_some() {
        return Err(Error::config(format!("{DELIMITER}: a tab is between the cells of tsv")));
    }
    Ok(Some(LineShape { format, names: config.list(COLUMNS).into_iter().map(str::to_owned).collect() }))
}

fn delimiter(text: &str) -> Result<u8> {
    match text {
        "\\t" => Ok(b'\t'),
        _ if matches!(text.as_bytes(), [byte] if byte.is_ascii() && *byte != b'"') => Ok(text.as_bytes()[0]),
        _ => Err(Error::config(format!(
            "{DELIMITER}: expected one character of ASCII other than a quote, or \\t, got {text:?}"
        ))),
    }
}

/// Lines have cells and no fields, so whatever goes by fields must have names for them.
fn check_lines(shape: &Shape) -> Result<()> {
    let problem =
        |key: &str, why: &str| Err(Error::config(format!("{key}: {why}, and {FORMAT} asks for lines")));
    match shape {
        _ if shape.raw_only => problem("rawOnly", "values are not read when it is true"),
        Shape { upserts: Some(Upserts { events: Events::Debezium, .. }), .. } => {
            problem(MODE, "change events of Debezium are objects")
        }
        Shape { lines: Some(LineShape { names, .. }), .. } if names.is_empty() => match shape {
            _ if !shape.map.is_empty() => problem(MAP, &format!("it names fields, which needs {COLUMNS}")),
            _ if shape.separator.is_some() => {
                problem("flattenSeparator", &format!("it makes names of fields, which needs {COLUMNS}"))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
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
const FORMAT: &str = "insertFormat";
const DELIMITER: &str = "csvDelimiter";
const COLUMNS: &str = "lineColumns";
const MODE: &str = "upsertMode";
const VERSION: &str = "upsertVersionField";
const VERSION_COLUMN: &str = "upsertVersionColumn";
const DELETED_COLUMN: &str = "upsertDeletedColumn";
const KEY_COLUMN: &str = "upsertKeyColumn";
const DEBEZIUM: &str = "debeziumCDCEnabled";
