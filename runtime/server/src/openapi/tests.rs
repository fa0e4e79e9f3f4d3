//! The document says of every endpoint what it is, points nowhere in vain, and describes what shapes really are.
use super::*;
use std::collections::HashSet;

#[test]
fn every_endpoint_has_its_operation() {
    let document = build();
    for (method, pattern, _) in described() {
        let operation = &document["paths"][template(pattern)][method.as_str().to_ascii_lowercase()];
        assert!(operation["summary"].is_string(), "{method} {pattern}: {operation}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {pattern}");
        assert!(answers.contains_key("400"), "{method} {pattern}");
    }
    let operations = document["paths"].as_object().unwrap().values();
    let ids: Vec<_> =
        operations.flat_map(|path| path.as_object().unwrap().values()).map(|o| &o["operationId"]).collect();
    assert_eq!(ids.len(), described().count());
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "ids are unique: {ids:?}");
}

#[test]
fn stars_are_named_after_what_is_before_them() {
    let check = |pattern, path: &str| assert_eq!(template(pattern), path);
    check("", "/");
    check("connectors", "/connectors");
    check("connectors/*/tasks/*/status", "/connectors/{connector}/tasks/{task}/status");
    check("connector-plugins/*/config", "/connector-plugins/{plugin}/config");
    check("admin/loggers/*", "/admin/loggers/{logger}");
}

#[test]
fn bodies_are_described_where_they_are_read_and_nowhere_else() {
    let document = build();
    for (method, pattern, endpoint) in described() {
        let operation = &document["paths"][template(pattern)][method.as_str().to_ascii_lowercase()];
        assert_eq!(operation["requestBody"].is_object(), endpoint.reads_body(), "{method} {pattern}");
        assert_eq!(operation["responses"]["413"].is_object(), endpoint.reads_body(), "{method} {pattern}");
        let names = pattern.matches('*').count();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        assert_eq!(
            parameters.filter(|parameter| parameter["in"] == "path").count(),
            names,
            "{method} {pattern}"
        );
    }
}

/// What is for everybody, and not only for other workers.
fn described() -> impl Iterator<Item = &'static (hyper::Method, &'static str, Endpoint)> {
    TABLE.iter().filter(|(.., endpoint)| requests::title(*endpoint).is_some())
}

/// All values under this key, anywhere.
fn under<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| under(key, value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| under(key, value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_has_its_target_and_every_schema_its_user() {
    let document = build();
    let mut references = Vec::new();
    under("$ref", &document, &mut references);
    for reference in &references {
        let target = document.pointer(reference.trim_start_matches('#'));
        assert!(target.is_some_and(Value::is_object), "{reference} leads nowhere");
    }
    for (kind, of_kind) in document["components"].as_object().unwrap() {
        if kind == "securitySchemes" {
            continue;
        }
        for name in of_kind.as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&reference.as_str()), "nobody refers to {reference}");
        }
    }
}

#[test]
fn links_lead_to_operations_that_exist() {
    let document = build();
    let links = document["paths"]["/connectors"]["post"]["responses"]["201"]["links"].as_object().unwrap();
    let mut ids = Vec::new();
    under("operationId", &document["paths"], &mut ids);
    assert!(links.len() > 10 && links.keys().all(|link| ids.contains(&link.as_str())), "{links:?}");
}
