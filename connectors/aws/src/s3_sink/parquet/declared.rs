//! Kinds from schemas, as Connect's JSON converter writes them.
use serde_json::Value as Json;

use super::kind::{FIELDS_MAX, Field, Kind};

/// The kind of a struct's schema.
pub fn declared(text: &str) -> Result<Kind, String> {
    of_record(text)?.ok_or_else(|| "expected a schema of type struct with fields".into())
}

/// As [`declared`], of a schema that a record came with; none where its fields are not in its schema, as a map's.
pub fn of_record(text: &str) -> Result<Option<Kind>, String> {
    let schema: Json =
        serde_json::from_str(text).map_err(|error| format!("expected a schema as JSON: {error}"))?;
    let kind = kind(&schema)?;
    if !matches!(&kind, Kind::Struct(fields) if !fields.is_empty()) {
        return Ok(None);
    }
    if kind.columns() > FIELDS_MAX {
        return Err(format!("expected at most {FIELDS_MAX} columns, got {}", kind.columns()));
    }
    Ok(Some(kind))
}

// Nothing that serde_json has read nests without end.
fn kind(schema: &Json) -> Result<Kind, String> {
    let parameter = |name: &str| {
        let value = &schema["parameters"][name];
        value
            .as_str()
            .map_or_else(|| value.as_i64(), |text| text.parse().ok())
            .and_then(|n| i32::try_from(n).ok())
    };
    let shape = schema["type"].as_str().unwrap_or_default();
    Ok(match (shape, schema["name"].as_str().unwrap_or_default()) {
        ("bytes", DECIMAL) => {
            let scale = parameter("scale").unwrap_or(0);
            let precision = parameter("connect.decimal.precision").unwrap_or(0);
            if !(0..=DIGITS_MAX).contains(&scale) {
                return Ok(Kind::Json);
            }
            // Precisions that are too small are as frequent as none at all.
            Kind::Decimal {
                scale,
                precision: if precision >= scale.max(1) { precision.min(DIGITS_MAX) } else { DIGITS_MAX },
            }
        }
        ("int32", DATE) => Kind::Date,
        ("int32", TIME) => Kind::Time,
        ("int64", TIMESTAMP) => Kind::Timestamp,
        ("boolean", _) => Kind::Boolean,
        ("int8" | "int16" | "int32", _) => Kind::Int32,
        ("int64", _) => Kind::Int64,
        ("float" | "float32", _) => Kind::Float32,
        ("double" | "float64", _) => Kind::Float64,
        ("string", _) => Kind::Text,
        ("bytes", _) => Kind::Bytes,
        ("array", _) => Kind::List(Box::new(kind(&schema["items"])?)),
        ("map", _) => match kind(&schema["keys"])? {
            Kind::Struct(_) | Kind::List(_) | Kind::Map(..) | Kind::Json => Kind::Json,
            key => Kind::Map(Box::new(key), Box::new(kind(&schema["values"])?)),
        },
        ("struct", _) => {
            let fields = schema["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            Kind::Struct(fields.iter().map(field).collect::<Result<_, _>>()?).settled()
        }
        (other, _) => return Err(format!("expected a type of Connect's schemas, got {other:?}")),
    })
}

fn field(schema: &Json) -> Result<Field, String> {
    match schema["field"].as_str() {
        Some(name) if !name.is_empty() => {
            let kind = kind(schema).map_err(|reason| format!("field {name}: {reason}"))?;
            Ok(Field { name: name.to_owned(), kind })
        }
        _ => Err("expected a name in field of each field".into()),
    }
}

const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
const DATE: &str = "org.apache.kafka.connect.data.Date";
const TIME: &str = "org.apache.kafka.connect.data.Time";
const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// Of Parquet's decimals as everybody reads them: 16 bytes.
const DIGITS_MAX: i32 = 38;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_connect_has_a_kind() {
        let schema = r#"{"type":"struct","fields":[
            {"field":"a","type":"int16"},{"field":"b","type":"double","optional":true},
            {"field":"c","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},
            {"field":"d","type":"int64","name":"org.apache.kafka.connect.data.Timestamp"},
            {"field":"e","type":"array","items":{"type":"string"}},
            {"field":"f","type":"map","keys":{"type":"string"},"values":{"type":"int32"}},
            {"field":"g","type":"struct","fields":[]},
            {"field":"h","type":"map","keys":{"type":"array","items":{"type":"string"}},"values":{"type":"int32"}}]}"#;
        let Kind::Struct(fields) = declared(schema).unwrap() else { panic!("a struct") };
        let kinds: Vec<Kind> = fields.into_iter().map(|field| field.kind).collect();
        let expected = [
            Kind::Int32,
            Kind::Float64,
            Kind::Decimal { scale: 2, precision: 38 },
            Kind::Timestamp,
            Kind::List(Box::new(Kind::Text)),
            Kind::Map(Box::new(Kind::Text), Box::new(Kind::Int32)),
            Kind::Json,
            Kind::Json,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_record_of_another_schema_has_its_fields_in_its_value() {
        for other in [
            r#"{"type":"map","keys":{"type":"string"},"values":{"type":"int32"}}"#,
            r#"{"type":"struct","fields":[]}"#,
        ] {
            assert_eq!(of_record(other), Ok(None), "{other}");
        }
        assert!(of_record(r#"{"type":"int"}"#).is_err());
        let schema = r#"{"type":"struct","fields":[{"field":"a","type":"int16"}]}"#;
        assert_eq!(of_record(schema), declared(schema).map(Some));
    }

    #[test]
    fn what_is_no_schema_of_a_struct_is_refused() {
        for (wrong, expected) in [
            ("{", "expected a schema as JSON"),
            ("{}", "expected a type of Connect's schemas, got \"\""),
            (r#"{"type":"string"}"#, "expected a schema of type struct"),
            (r#"{"type":"struct","fields":[]}"#, "expected a schema of type struct"),
            (r#"{"type":"struct","fields":[{"type":"string"}]}"#, "expected a name in field"),
            (r#"{"type":"struct","fields":[{"field":"a","type":"int"}]}"#, "field a: expected a type"),
        ] {
            let reason = declared(wrong).unwrap_err();
            assert!(reason.contains(expected), "{wrong}: {reason}");
        }
    }
}
