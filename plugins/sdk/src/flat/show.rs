//! Prints flat values in the way of Java's `toString`, which file sinks and logs show.
use super::Value;
use std::fmt::{self, Display, Formatter};

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::Int8(value) => value.fmt(f),
            Self::Int16(value) => value.fmt(f),
            Self::Int32(value) => value.fmt(f),
            Self::Int64(value) => value.fmt(f),
            Self::Float32(value) => write!(f, "{value:?}"),
            Self::Float64(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
            Self::Bytes(value) => String::from_utf8_lossy(value).fmt(f),
            Self::Array(items) => {
                f.write_str("[")?;
                separated(f, items.iter(), |f, item| item.fmt(f))?;
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                separated(f, map.iter(), |f, (key, value)| write!(f, "{key}={value}"))?;
                f.write_str("}")
            }
            Self::Struct(fields) => {
                f.write_str("Struct{")?;
                // Java leaves out the fields that are null.
                let present = fields.iter().filter(|field| !matches!(field, Ok((_, Value::Null))));
                let comma = ",";
                joined(f, comma, present, |f, (name, value)| write!(f, "{name}={value}"))?;
                f.write_str("}")
            }
        }
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: impl Iterator<Item = Result<T, super::Malformed>>,
    show: impl Fn(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    joined(f, ", ", items, show)
}

fn joined<T>(
    f: &mut Formatter<'_>,
    comma: &str,
    items: impl Iterator<Item = Result<T, super::Malformed>>,
    show: impl Fn(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.enumerate() {
        if index > 0 {
            f.write_str(comma)?;
        }
        match item {
            Ok(item) => show(f, item)?,
            Err(malformed) => write!(f, "<{malformed}>")?,
        }
    }
    Ok(())
}
