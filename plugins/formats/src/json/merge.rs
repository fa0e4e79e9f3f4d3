//! What several schemas say together that all have to hold.

use super::documents::Documents;
use crate::{Error, Result};
use serde_json::{Map, Value};

/// One schema in the place of one with `allOf`; `budget` is how many may yet be put together.
pub fn all_of(
    documents: &Documents,
    document: usize,
    schema: &Map<String, Value>,
    budget: &mut usize,
) -> Result<Value> {
    let mut merged = Map::new();
    collect(documents, document, schema, &mut merged, (budget, DEPTH_MAX))?;
    Ok(Value::Object(merged))
}

fn collect(
    documents: &Documents,
    document: usize,
    schema: &Map<String, Value>,
    merged: &mut Map<String, Value>,
    (budget, depth): (&mut usize, usize),
) -> Result<()> {
    let too_large = || Error::record("JSON schema: allOf puts too much together");
    *budget = budget.checked_sub(1).ok_or_else(too_large)?;
    let depth = depth.checked_sub(1).ok_or_else(too_large)?;
    for (key, value) in schema.iter().filter(|(key, _)| *key != "allOf" && *key != "$ref") {
        let value = absolute(documents.name(document), value.clone());
        match (key.as_str(), merged.get_mut(key), value) {
            ("properties", Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            ("required" | "enum", Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, Some(_), _) => {}
            (_, None, value) => drop(merged.insert(key.clone(), value)),
        }
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let (part, target) = documents.resolve(document, reference)?;
        if let Value::Object(target) = target {
            collect(documents, part.document, target, merged, (&mut *budget, depth))?;
        }
    }
    for member in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(member) = member {
            collect(documents, document, member, merged, (&mut *budget, depth))?;
        }
    }
    Ok(())
}

/// References that hold wherever the schema is put.
fn absolute(document: &str, mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                let own =
                    inner.as_str().filter(|text| key == "$ref" && text.starts_with('#')).map(str::to_owned);
                *inner = match own {
                    Some(fragment) => format!("{document}{fragment}").into(),
                    None => absolute(document, inner.take()),
                };
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| *inner = absolute(document, inner.take())),
        _ => {}
    }
    value
}

const DEPTH_MAX: usize = 64;
