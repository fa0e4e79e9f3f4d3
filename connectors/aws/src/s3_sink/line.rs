//! A record as a line: JSON, or text as it is.
use penstock_sdk::{Record, Value};
use serde::de::IgnoredAny;

use super::cell::Cell;
use super::json;

/// Whether a value makes a line of JSON.
pub fn check_json(bytes: &[u8], is_object: bool) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("expected JSON: {error}"))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| format!("expected JSON: {error}"))?;
    if is_object && !text.trim_start().starts_with('{') {
        return Err("expected a JSON object, as s3.metadata=true adds fields to it".into());
    }
    Ok(())
}

/// Whether a value stays on its line.
pub fn check_text(bytes: &[u8]) -> Result<(), String> {
    if bytes.contains(&b'\n') {
        return Err("the value has a line break, and s3.format=lines makes a line of each".into());
    }
    Ok(())
}

/// Appends the line of a checked record.
pub fn write(record: &Record<'_>, metadata: bool, is_json: bool, out: &mut Vec<u8>) {
    let begin = out.len();
    match record.value() {
        Value::Null => {}
        Value::Flat(value) => json::write(Cell::Flat(value), out),
        Value::Text(text) => plain(text.as_bytes(), is_json, out),
        Value::Bytes(bytes) => plain(bytes, is_json, out),
    }
    if metadata && out.get(begin) == Some(&b'{') {
        let rest = out.split_off(begin + 1);
        place(record, out);
        if rest.trim_ascii_start().first() != Some(&b'}') {
            out.push(b',');
        }
        out.extend_from_slice(&rest);
    }
    out.push(b'\n');
}

/// JSON may stand on several lines; in its texts a line break is written otherwise.
fn plain(bytes: &[u8], is_json: bool, out: &mut Vec<u8>) {
    if !is_json {
        return out.extend_from_slice(bytes);
    }
    let bytes = bytes.trim_ascii();
    if bytes.contains(&b'\n') || bytes.contains(&b'\r') {
        out.extend(bytes.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    } else {
        out.extend_from_slice(bytes);
    }
}

fn place(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"_topic\":");
    json::string(record.topic(), out);
    let time = record.timestamp_ms().map_or_else(|| "null".to_owned(), |ms| ms.to_string());
    let numbers = format!(
        ",\"_partition\":{},\"_offset\":{},\"_timestamp\":{time},\"_key\":",
        record.partition(),
        record.offset()
    );
    out.extend_from_slice(numbers.as_bytes());
    match key(record) {
        Some(key) => json::string(&key, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Text as it is, bytes that are none as JSON has them, values as JSON.
pub fn key(record: &Record<'_>) -> Option<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    match record.key() {
        Value::Null => None,
        Value::Text(text) => Some(text.to_owned()),
        Value::Bytes(bytes) => {
            Some(std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned))
        }
        Value::Flat(value) => Some(json::text(Cell::Flat(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        check_json(text.as_bytes(), false).unwrap();
        let mut out = Vec::new();
        plain(text.as_bytes(), true, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_stays_as_it_is_but_on_one_line() {
        assert_eq!(line(" {\"a\":1.00}\n"), "{\"a\":1.00}");
        assert_eq!(line("{\r\n  \"a\": \"x\\n\"\n}"), "{    \"a\": \"x\\n\" }");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for wrong in ["", "{", "{} {}", "{\"a\":\"\n\"}", "nan"] {
            assert!(check_json(wrong.as_bytes(), false).is_err(), "{wrong}");
        }
        assert!(check_json(b"{\"a\":\"\xff\"}", false).is_err());
        assert!(check_json("[".repeat(100_000).as_bytes(), false).is_err());
        assert!(check_json(b"[1]", true).unwrap_err().contains("s3.metadata"));
        assert!(check_text(b"a\nb").is_err() && check_text(b"a\rb").is_ok());
    }
}
