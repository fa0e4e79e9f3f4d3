//! Writes schemas as the JSON of Connect's JSON converter, keys in its order.
use super::{Schema, Shape};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use penstock_sdk::flat;
use serde_json::{Map, Value, json};

/// The text of one schema.
pub fn text(schema: &Schema) -> String {
    object(schema, None).to_string()
}

fn object(schema: &Schema, field: Option<&str>) -> Value {
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| drop(out.insert(key.to_owned(), value));
    set("type", schema.shape.name().into());
    match &schema.shape {
        Shape::Array(items) => set("items", object(items, None)),
        Shape::Map(keys, values) => {
            set("keys", object(keys, None));
            set("values", object(values, None));
        }
        Shape::Struct(fields) => {
            set("fields", fields.iter().map(|(name, schema)| object(schema, Some(name))).collect());
        }
        _ => {}
    }
    set("optional", schema.optional.into());
    if let Some(name) = &schema.name {
        set("name", name.as_str().into());
    }
    if let Some(version) = schema.version {
        set("version", version.into());
    }
    if let Some(doc) = &schema.doc {
        set("doc", doc.as_str().into());
    }
    if let Some(parameters) = &schema.parameters {
        set("parameters", parameters.iter().map(|(key, value)| (key.clone(), json!(value))).collect());
    }
    if let Some(default) = &schema.default {
        set("default", flat::Value::parse(default).map_or(Value::Null, plain));
    }
    if let Some(field) = field {
        set("field", field.into());
    }
    Value::Object(out)
}

fn plain(value: flat::Value<'_>) -> Value {
    match value {
        flat::Value::Null => Value::Null,
        flat::Value::Boolean(value) => value.into(),
        flat::Value::Int8(value) => value.into(),
        flat::Value::Int16(value) => value.into(),
        flat::Value::Int32(value) => value.into(),
        flat::Value::Int64(value) => value.into(),
        // By its own digits: a double of the same value would have others.
        flat::Value::Float32(value) => value.to_string().parse().map_or(Value::Null, float),
        flat::Value::Float64(value) => float(value),
        flat::Value::Text(text) => text.into(),
        flat::Value::Bytes(bytes) => base64(bytes).into(),
        flat::Value::Array(items) => items.iter().map_while(Result::ok).map(plain).collect(),
        flat::Value::Struct(fields) => {
            fields.iter().map_while(Result::ok).map(|(name, value)| (name.to_owned(), plain(value))).collect()
        }
        flat::Value::Map(entries) => {
            let pairs: Vec<_> = entries.iter().map_while(Result::ok).collect();
            if pairs.iter().all(|(key, _)| matches!(key, flat::Value::Text(_))) {
                let named = |(key, value): &(flat::Value<'_>, _)| match key {
                    flat::Value::Text(name) => ((*name).to_owned(), plain(*value)),
                    _ => (String::new(), Value::Null),
                };
                return pairs.iter().map(named).collect();
            }
            pairs.into_iter().map(|(key, value)| json!([plain(key), plain(value)])).collect()
        }
    }
}

/// JSON has no numbers for NaN and the infinities: these are text, as in Java's converter.
fn float(value: f64) -> Value {
    match value {
        _ if value.is_finite() => value.into(),
        _ if value.is_nan() => "NaN".into(),
        _ if value > 0.0 => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

/// Bytes as Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes of a Base64 text with padding; `None` for other text.
pub fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// As Java's, which does not look at bits that no byte has.
static BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_survives_both_ways() {
        for length in 0..10 {
            let bytes: Vec<u8> = (0..length).map(|i: u8| i.wrapping_mul(67).wrapping_add(200)).collect();
            let text = base64(&bytes);
            assert_eq!(base64_decoded(&text).as_deref(), Some(bytes.as_slice()), "{text}");
        }
        assert_eq!(base64(b"any"), "YW55");
        for bad in ["A", "A===", "!AAA"] {
            assert_eq!(base64_decoded(bad), None, "{bad}");
        }
    }
}
