//! Writes the little JSON that crosses the boundary; the SDK reads none.
use std::fmt::Write;

/// A quoted and escaped string.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
}

pub(crate) fn member(out: &mut String, name: &str, value: impl AsRef<str>) {
    key(out, name);
    string(out, value.as_ref());
}

pub(crate) fn optional(out: &mut String, name: &str, value: Option<&str>) {
    key(out, name);
    match value {
        Some(text) => string(out, text),
        None => out.push_str("null"),
    }
}

pub(crate) fn list(out: &mut String, name: &str, items: &[String]) {
    key(out, name);
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(out, item);
    }
    out.push(']');
}
