//! `TimestampConverter`: times as text, as numbers, or as Connect's own types.
use crate::date::{DateFormat, MS_PER_DAY};
use crate::entries::{kind, text};
use crate::memo::Memo;
use crate::ops::{Defaults, or_default};
use crate::record::Slot;
use crate::schema::{Fields, Logical, Schema, Shape};
use crate::settings::Settings;
use crate::{Error, Result};
use penstock_sdk::flat::{self, Writer};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub struct TimestampConverter {
    field: String,
    conversion: Conversion,
    takes_defaults: bool,
    plans: Memo<Plan>,
}

/// What becomes of a time.
#[derive(Debug)]
struct Conversion {
    target: Target,
    format: Option<DateFormat>,
    unit: Unit,
    /// When the transform was opened: years of two digits are those around it.
    now_ms: i64,
    /// Reused from record to record.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
}

/// What a value is, by its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Text,
    Unix,
    Days,
    Milliseconds,
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    defaults: Defaults,
    /// Of the field, if the schema has it.
    source: Option<Source>,
}

impl TimestampConverter {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let target = match settings.required("target.type") {
            "string" => Target::Text,
            "unix" => Target::Unix,
            "Date" => Target::Date,
            "Time" => Target::Time,
            _ => Target::Timestamp,
        };
        let format = match settings.required("format") {
            "" if target == Target::Text => {
                return Err(Error::new(
                    "format: expected a pattern for times that become text, there is none",
                ));
            }
            "" => None,
            pattern => {
                Some(DateFormat::compile(pattern).map_err(|why| Error::new(format!("format: {why}")))?)
            }
        };
        let unit = match settings.required("unix.precision") {
            "nanoseconds" => Unit::Nanoseconds,
            "microseconds" => Unit::Microseconds,
            "seconds" => Unit::Seconds,
            _ => Unit::Milliseconds,
        };
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        Ok(Self {
            field: settings.required("field").to_owned(),
            conversion: Conversion { target, format, unit, now_ms, text: String::new() },
            takes_defaults: settings.takes_defaults(),
            plans: Memo::default(),
        })
    }

    pub fn apply(&mut self, slot: &mut Slot) -> Result<()> {
        match slot.schema.clone() {
            Some(schema) => self.with_schema(&schema, slot),
            None => self.without_schema(slot),
        }
    }

    fn without_schema(&mut self, slot: &mut Slot) -> Result<()> {
        let Self { field, conversion, .. } = self;
        if slot.is_null() || field.is_empty() {
            return slot.replace(|value, out| conversion.convert(value, None, out));
        }
        slot.rebuild(PURPOSE, |entries, maker| {
            let mut is_there = false;
            for entry in entries.iter() {
                let (name, value) = entry?;
                if name == field {
                    is_there = true;
                    conversion.convert(value, None, maker.name(name)).map_err(|error| at(name, &error))?;
                } else {
                    maker.entry(name, value);
                }
            }
            // As in Java, the field is there afterwards even if it was not before.
            if !is_there {
                maker.entry(field, super::NULL);
            }
            Ok(())
        })
    }

    fn with_schema(&mut self, schema: &Arc<Schema>, slot: &mut Slot) -> Result<()> {
        let Self { field, conversion, takes_defaults, plans } = self;
        let target = conversion.target;
        let plan = plans.get(schema, |schema| {
            if field.is_empty() {
                whole_plan(schema, target)
            } else {
                plan(schema, field, target, *takes_defaults)
            }
        })?;
        if field.is_empty() {
            slot.replace(|value, out| conversion.convert(value, plan.source, out))?;
        } else if !slot.is_null() {
            slot.rebuild(PURPOSE, |entries, maker| {
                for entry in entries.iter() {
                    let (name, value) = entry?;
                    let value = or_default(&plan.defaults, name, value);
                    if name == field {
                        conversion
                            .convert(value, plan.source, maker.name(name))
                            .map_err(|error| at(name, &error))?;
                    } else {
                        maker.entry(name, value);
                    }
                }
                Ok(())
            })?;
        }
        slot.set_schema(Arc::clone(&plan.schema));
        Ok(())
    }
}

const PURPOSE: &str = "converting times";

fn at(field: &str, error: &Error) -> Error {
    Error::new(format!("field {field}: {error}"))
}

fn plan(schema: &Schema, field: &str, target: Target, takes_defaults: bool) -> Result<Plan> {
    let old = schema.fields(PURPOSE)?;
    let (mut fields, mut source) = (Fields::default(), None);
    for (name, known) in old.iter() {
        if name == field {
            source = Some(source_of(known).map_err(|error| at(name, &error))?);
            fields.add(name, target.schema(known.optional))?;
        } else {
            fields.add(name, Arc::clone(known))?;
        }
    }
    let mut new = schema.reshaped(Shape::Struct(fields));
    new.optional = schema.optional;
    let defaults = if takes_defaults { old.defaults() } else { Vec::new() };
    Ok(Plan { schema: Arc::new(new), defaults, source })
}

fn whole_plan(schema: &Schema, target: Target) -> Result<Plan> {
    let source = Some(source_of(schema)?);
    Ok(Plan { schema: target.schema(schema.optional), defaults: Vec::new(), source })
}

fn source_of(schema: &Schema) -> Result<Source> {
    match (schema.logical(), &schema.shape) {
        (Some(Logical::Date), _) => Ok(Source::Days),
        (Some(Logical::Time | Logical::Timestamp), _) => Ok(Source::Milliseconds),
        (_, Shape::Text) => Ok(Source::Text),
        (_, Shape::Int64) => Ok(Source::Unix),
        (_, other) => Err(Error::new(format!("a value of type {} is no time", other.name()))),
    }
}

impl Target {
    fn schema(self, optional: bool) -> Arc<Schema> {
        match self {
            Self::Text => Schema::plain(Shape::Text, optional),
            Self::Unix => Schema::plain(Shape::Int64, optional),
            Self::Date => Schema::logical_type(Logical::Date, optional),
            Self::Time => Schema::logical_type(Logical::Time, optional),
            Self::Timestamp => Schema::logical_type(Logical::Timestamp, optional),
        }
    }
}

impl Conversion {
    /// Appends the converted time. Without a schema its type says what it is.
    fn convert(&mut self, value: &[u8], source: Option<Source>, out: &mut Vec<u8>) -> Result<()> {
        let parsed = flat::Value::parse(value)?;
        if parsed == flat::Value::Null {
            Writer::new(out).null();
            return Ok(());
        }
        let wrong = || Error::new(format!("{} is no time here", kind(value)));
        let ms = match (parsed, source) {
            (flat::Value::Text(_), Some(Source::Text) | None) => self.read(value)?,
            (flat::Value::Int64(number), Some(Source::Unix) | None) => self.unit.to_ms(number),
            (flat::Value::Int32(days), Some(Source::Days)) => i64::from(days) * MS_PER_DAY,
            (flat::Value::Int32(ms), Some(Source::Milliseconds)) => i64::from(ms),
            (flat::Value::Int64(ms), Some(Source::Milliseconds)) => ms,
            _ => return Err(wrong()),
        };
        self.write(ms, source.is_some(), out)
    }

    fn read(&self, value: &[u8]) -> Result<i64> {
        let Some(format) = &self.format else {
            return Err(Error::new("format: expected a pattern to read times from text by, there is none"));
        };
        let text = text(value).unwrap_or_default();
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        format
            .parse(text, self.now_ms)
            .ok_or_else(|| Error::new(format!("{shown:?} does not match the pattern {}", format.pattern())))
    }

    fn write(&mut self, ms: i64, has_schema: bool, out: &mut Vec<u8>) -> Result<()> {
        let mut writer = Writer::new(out);
        match self.target {
            Target::Text => {
                self.text.clear();
                if let Some(format) = &self.format {
                    format.format(ms, &mut self.text);
                }
                writer.text(&self.text);
            }
            Target::Unix => writer.int64(self.unit.of_ms(ms)),
            Target::Timestamp => writer.int64(ms),
            Target::Date if has_schema => {
                let days = i32::try_from(ms.div_euclid(MS_PER_DAY));
                writer.int32(days.map_err(|_| Error::new("the time is too far away for a date"))?);
            }
            Target::Time if has_schema => writer.int32(ms.rem_euclid(MS_PER_DAY) as i32),
            // Nothing says that a number counts days, so it counts what all others do.
            Target::Date => writer.int64(ms - ms.rem_euclid(MS_PER_DAY)),
            Target::Time => writer.int64(ms.rem_euclid(MS_PER_DAY)),
        }
        Ok(())
    }
}

impl Unit {
    fn to_ms(self, number: i64) -> i64 {
        match self {
            Self::Nanoseconds => number / 1_000_000,
            Self::Microseconds => number / 1000,
            Self::Milliseconds => number,
            Self::Seconds => number.saturating_mul(1000),
        }
    }

    fn of_ms(self, ms: i64) -> i64 {
        match self {
            Self::Nanoseconds => ms.saturating_mul(1_000_000),
            Self::Microseconds => ms.saturating_mul(1000),
            Self::Milliseconds => ms,
            Self::Seconds => ms / 1000,
        }
    }
}

/// Characters of a text that an error shows.
const SHOWN_MAX: usize = 64;
