//! Prints flat values in the way of Java's `toString`, which file sinks and logs show.
use super::{DEPTH_MAX, Malformed, Value};
use std::fmt::{self, Display, Formatter};

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        show(f, self, DEPTH_MAX)
    }
}

/// Values come from outside: one that nests without end would otherwise use up the stack.
fn show(f: &mut Formatter<'_>, value: &Value<'_>, depth: usize) -> fmt::Result {
    let Some(depth) = depth.checked_sub(1) else { return f.write_str("…") };
    match value {
        Value::Null => f.write_str("null"),
        Value::Boolean(value) => value.fmt(f),
        Value::Int8(value) => value.fmt(f),
        Value::Int16(value) => value.fmt(f),
        Value::Int32(value) => value.fmt(f),
        Value::Int64(value) => value.fmt(f),
        Value::Float32(value) => write!(f, "{value:?}"),
        Value::Float64(value) => write!(f, "{value:?}"),
        Value::Text(value) => f.write_str(value),
        Value::Bytes(value) => String::from_utf8_lossy(value).fmt(f),
        Value::Array(items) => {
            f.write_str("[")?;
            joined(f, ", ", items.iter(), |f, item| show(f, &item, depth))?;
            f.write_str("]")
        }
        Value::Map(map) => {
            f.write_str("{")?;
            joined(f, ", ", map.iter(), |f, (key, value)| {
                show(f, &key, depth)?;
                f.write_str("=")?;
                show(f, &value, depth)
            })?;
            f.write_str("}")
        }
        Value::Struct(fields) => {
            f.write_str("Struct{")?;
            // Java leaves out the fields that are null.
            let present = fields.iter().filter(|field| !matches!(field, Ok((_, Value::Null))));
            joined(f, ",", present, |f, (name, value)| {
                write!(f, "{name}=")?;
                show(f, &value, depth)
            })?;
            f.write_str("}")
        }
    }
}

fn joined<T>(
    f: &mut Formatter<'_>,
    comma: &str,
    items: impl Iterator<Item = Result<T, Malformed>>,
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
