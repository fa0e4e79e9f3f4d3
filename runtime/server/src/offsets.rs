//! Reads the body of `PATCH /connectors/x/offsets`; whether its contents fit the connector is for the worker to say.
use crate::config;
use crate::fault::{Fault, excerpt};
use serde_json::Value;
use worker::api::{Object, OffsetChange};

pub(crate) fn parse(body: &[u8]) -> Result<Vec<OffsetChange>, Fault> {
    let body: Value = serde_json::from_str(config::text(body)?)
        .map_err(|error| Fault::invalid(format!("body: expected JSON: {error}")))?;
    let Value::Object(fields) = body else {
        return Err(Fault::invalid(format!("body: expected an object, got {}", kind(&body))));
    };
    let mut changes = Vec::new();
    for (field, value) in fields {
        match (field.as_str(), value) {
            ("offsets", Value::Null) => {}
            ("offsets", Value::Array(items)) => {
                changes = items.into_iter().map(change).collect::<Result<_, _>>()?;
            }
            ("offsets", other) => return Err(expected("offsets", "an array", &other)),
            (other, _) => return Err(no_field(other, "offsets")),
        }
    }
    if changes.is_empty() {
        return Err(Fault::invalid("Partitions / offsets need to be provided for an alter offsets request"));
    }
    Ok(changes)
}

fn change(item: Value) -> Result<OffsetChange, Fault> {
    let Value::Object(fields) = item else { return Err(expected("offsets", "objects", &item)) };
    let mut change = OffsetChange { partition: None, offset: None };
    for (field, value) in fields {
        match field.as_str() {
            "partition" => change.partition = object("partition", value)?,
            "offset" => change.offset = object("offset", value)?,
            other => return Err(no_field(other, "partition and offset")),
        }
    }
    Ok(change)
}

fn object(field: &str, value: Value) -> Result<Option<Object>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(object)),
        other => Err(expected(field, "an object or null", &other)),
    }
}

fn expected(field: &str, what: &str, got: &Value) -> Fault {
    Fault::invalid(format!("{field}: expected {what}, got {}", kind(got)))
}

fn no_field(field: &str, known: &str) -> Fault {
    Fault::invalid(format!("body: {} is no field, expected {known}", excerpt(field)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn partitions_and_offsets_are_taken_as_they_are() {
        let body =
            r#"{"offsets":[{"partition":{"f":"x"},"offset":{"position":3}},{"partition":{"f":"y"}}, {}]}"#;
        let changes = parse(body.as_bytes()).unwrap();
        assert_eq!(json!(changes[0].partition), json!({"f": "x"}));
        assert_eq!(json!(changes[0].offset), json!({"position": 3}));
        assert_eq!(changes[1].offset, None);
        assert_eq!(changes[2].partition, None);
    }

    #[test]
    fn other_shapes_are_refused_with_a_sentence() {
        let check = |body: &str, message: &str| {
            let fault = parse(body.as_bytes()).unwrap_err();
            assert_eq!((fault.status.as_u16(), fault.message.as_str()), (400, message), "{body}");
        };
        let missing = "Partitions / offsets need to be provided for an alter offsets request";
        check("{}", missing);
        check(r#"{"offsets":null}"#, missing);
        check(r#"{"offsets":[]}"#, missing);
        check("", "body: empty, expected a JSON object");
        check("null", "body: expected an object, got null");
        check("[]", "body: expected an object, got an array");
        check("{bad", "body: expected JSON: key must be a string at line 1 column 2");
        check(r#"{"offsets":{}}"#, "offsets: expected an array, got an object");
        check(r#"{"offsets":"x"}"#, "offsets: expected an array, got a string");
        check(r#"{"offsets":[null]}"#, "offsets: expected objects, got null");
        check(r#"{"offsets":[{"partition":"x"}]}"#, "partition: expected an object or null, got a string");
        check(r#"{"offsets":[{"offset":1}]}"#, "offset: expected an object or null, got a number");
        check(r#"{"offsets":[{"x":1}]}"#, r#"body: "x" is no field, expected partition and offset"#);
        check(r#"{"y":1}"#, r#"body: "y" is no field, expected offsets"#);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!(r#"{{"offsets":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(deep.as_bytes()).unwrap_err().status, 400);
    }
}
