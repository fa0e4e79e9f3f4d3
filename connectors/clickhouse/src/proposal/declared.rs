//! What a writer's schema says of fields, as if all values that it allows had been met.
use formats::avro::{Schema, Type as Avro};

use super::facts::{DEPTH_MAX, Facts};
use crate::avro;
use crate::shape::{Events, Shape};
use crate::types::Type;

/// What holds a record's fields.
pub enum Rows {
    /// A record of the schema.
    Fields(Facts),
    /// A map: only the values name the fields.
    Names,
    /// Nothing that has fields.
    Nothing,
}

/// What the rows of a schema have in common. `room` is what may still be remembered of the sample.
pub fn rows(schema: &Schema, shape: &Shape, room: &mut usize) -> Rows {
    let is_change = shape.upserts.as_ref().is_some_and(|upserts| upserts.events == Events::Debezium);
    let place = if is_change { image(schema) } else { Some(schema.root_place()) };
    let Some(place) = place else { return Rows::Nothing };
    let branches = match &schema.node(place).kind {
        Avro::Union(branches) => branches.as_slice(),
        _ => &[place],
    };
    let kinds = || branches.iter().map(|branch| &schema.node(*branch).kind);
    if kinds().any(|kind| matches!(kind, Avro::Map(_))) {
        return Rows::Names;
    }
    let mut reading = Reading { schema, room, open: Vec::new() };
    let mut rows = Facts::default();
    for branch in branches.iter().filter(|branch| matches!(schema.node(**branch).kind, Avro::Record(_))) {
        let facts = reading.facts(*branch);
        rows.merge(facts, reading.room);
    }
    if rows.objects.is_some() { Rows::Fields(rows) } else { Rows::Nothing }
}

/// The row in a change event.
fn image(schema: &Schema) -> Option<usize> {
    let Avro::Record(fields) = &schema.root().kind else { return None };
    let named = |name: &str| fields.iter().find(|field| field.name == name);
    named("after").or_else(|| named("before")).map(|field| field.node)
}

struct Reading<'a> {
    schema: &'a Schema,
    room: &'a mut usize,
    /// The types around this one.
    open: Vec<usize>,
}

impl Reading<'_> {
    fn facts(&mut self, place: usize) -> Facts {
        let room = self.room.checked_sub(1);
        // What contains itself, or is without end, becomes JSON text.
        if room.is_none() || self.open.contains(&place) || self.open.len() > DEPTH_MAX {
            return Facts { is_vast: true, ..Facts::default() };
        }
        *self.room = room.unwrap_or_default();
        self.open.push(place);
        let facts = self.within(place);
        self.open.pop();
        facts
    }

    fn within(&mut self, place: usize) -> Facts {
        let schema = self.schema;
        let mut facts = Facts::default();
        match &schema.node(place).kind {
            Avro::Null => facts.nulls = 1,
            Avro::Array(items) => facts.items = Some(Box::new(self.facts(*items))),
            Avro::Map(values) => facts.values = Some(Box::new(self.facts(*values))),
            Avro::Record(fields) => {
                let objects = facts.objects.get_or_insert_default();
                (objects.count, objects.is_declared) = (1, true);
                for field in fields {
                    let inner = self.facts(field.node);
                    match objects.enter(&field.name, self.room) {
                        Some(field) => field.facts = inner,
                        None => facts.is_vast = true,
                    }
                }
            }
            Avro::Union(branches) => return self.union(branches),
            Avro::Enum(_) => facts.declared = Some(Type::LowCardinality(Box::new(Type::String))),
            _ => facts.declared = Some(scalar(schema, place)),
        }
        facts
    }

    fn union(&mut self, branches: &[usize]) -> Facts {
        let mut all = Facts::default();
        let mut has_parts = false;
        let mut others = 0;
        for branch in branches {
            let facts = self.facts(*branch);
            others += usize::from(facts.nulls == 0);
            has_parts |= facts.nulls == 0 && facts.declared.is_none();
            all.merge(facts, self.room);
        }
        // Which of its types a value had would be lost in a column of one type, but not in text.
        all.is_vast |= has_parts && others > 1;
        all
    }
}

/// Points in time are those of a clock in UTC, whatever zone the server is in.
fn scalar(schema: &Schema, place: usize) -> Type {
    match avro::scalar_type(schema, place) {
        Type::DateTime64(scale, None) if avro::is_instant(schema.node(place)) => {
            Type::DateTime64(scale, Some("UTC".to_owned()))
        }
        ty => ty,
    }
}

/// The type that holds the values of both.
pub fn join(one: Type, other: Type) -> Type {
    let is_number = |ty: &Type| matches!(ty, Type::Int(_) | Type::Float32 | Type::Float64);
    match (one, other) {
        (one, other) if one == other => one,
        (Type::Int(one), Type::Int(other)) => Type::Int(one.max(other)),
        (one, other) if is_number(&one) && is_number(&other) => Type::Float64,
        (Type::Decimal { precision, scale }, Type::Decimal { precision: digits, scale: places }) => {
            let scale_both = scale.max(places);
            let precision = scale_both + (precision - scale).max(digits - places);
            if precision > DIGITS_MAX { Type::String } else { Type::Decimal { precision, scale: scale_both } }
        }
        (Type::DateTime64(one, zone), Type::DateTime64(other, same)) if zone == same => {
            Type::DateTime64(one.max(other), zone)
        }
        (Type::Time64(one), Type::Time64(other)) => Type::Time64(one.max(other)),
        _ => Type::String,
    }
}

/// The most that a `Decimal` has.
const DIGITS_MAX: usize = 76;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::facts::ROOM;
    use super::super::fields;
    use super::*;

    fn types(schemas: &[Value], shape: &Shape) -> String {
        let (mut all, mut room) = (Facts::default(), ROOM);
        for schema in schemas {
            let schema = Schema::parse(&schema.to_string(), &[]).unwrap();
            match rows(&schema, shape, &mut room) {
                Rows::Fields(facts) => all.merge(facts, &mut room),
                Rows::Names => return "names".to_owned(),
                Rows::Nothing => {}
            }
        }
        let column = |found: &super::super::Found<'_>| {
            let ty = found.column_type(false, found.has_null()).unwrap_or_else(|| "none".to_owned());
            format!("{} {ty}", found.name)
        };
        let found = fields(&all, shape, &|_| false);
        found.iter().map(column).collect::<Vec<_>>().join(", ")
    }

    fn record(fields: &[(&str, Value)]) -> Value {
        let fields: Vec<_> = fields.iter().map(|(name, ty)| json!({"name": name, "type": ty})).collect();
        json!({"type": "record", "name": "R", "fields": fields})
    }

    fn check(schemas: &[&[(&str, Value)]], expected: &str) {
        let schemas: Vec<_> = schemas.iter().map(|fields| record(fields)).collect();
        assert_eq!(types(&schemas, &Shape::default()), expected);
    }

    fn logical(ty: &str, logical: &str) -> Value {
        json!({"type": ty, "logicalType": logical})
    }

    #[test]
    fn each_type_has_its_column() {
        check(
            &[&[
                ("b", json!("boolean")),
                ("i", json!("int")),
                ("l", json!("long")),
                ("f", json!("float")),
                ("d", json!("double")),
                ("s", json!("string")),
                ("x", json!("bytes")),
                ("e", json!({"type": "enum", "name": "E", "symbols": ["A", "B"]})),
                ("n", json!(["null", "long"])),
                ("ne", json!(["null", {"type": "enum", "name": "F", "symbols": ["A"]}])),
                ("nothing", json!("null")),
            ]],
            "b Bool, i Int32, l Int64, f Float32, d Float64, s String, x String, e LowCardinality(String), \
             n Nullable(Int64), ne LowCardinality(Nullable(String)), nothing none",
        );
        check(
            &[&[
                ("c", json!({"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2})),
                ("u", logical("string", "uuid")),
                ("day", logical("int", "date")),
                ("t", logical("long", "time-micros")),
                ("at", logical("long", "timestamp-millis")),
                ("local", logical("long", "local-timestamp-micros")),
            ]],
            "c Decimal(12, 2), u UUID, day Date32, t Time64(6), at DateTime64(3, 'UTC'), local DateTime64(6)",
        );
    }

    #[test]
    fn parts_keep_their_structure() {
        let point = json!({"type": "record", "name": "P", "fields":
            [{"name": "x", "type": "double"}, {"name": "at", "type": ["null", "int"]}]});
        let list = json!({"type": "record", "name": "L", "fields":
            [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "L"]}]});
        check(
            &[&[
                ("a", json!({"type": "array", "items": ["null", "string"]})),
                ("m", json!({"type": "map", "values": {"type": "array", "items": "long"}})),
                ("p", json!(["null", point])),
                ("l", list),
                ("u", json!(["int", "string"])),
                ("two", json!(["string", {"type": "array", "items": "int"}])),
            ]],
            "a Array(Nullable(String)), m Map(String, Array(Int64)), p Tuple(`x` Float64, `at` Nullable(Int32)), \
             l Tuple(`v` Int32, `next` Nullable(String)), u String, two String",
        );
        let shape = Shape { separator: Some("_".into()), ..Shape::default() };
        let schema = record(&[("p", json!(["null", point])), ("k", json!("int"))]);
        assert_eq!(types(&[schema], &shape), "p_x Nullable(Float64), p_at Nullable(Int32), k Int32");
    }

    #[test]
    fn several_schemas_of_a_sample_make_one_table() {
        check(
            &[
                &[("k", json!("int")), ("v", json!("string")), ("gone", json!("int"))],
                &[("k", json!("long")), ("v", json!("int")), ("new", json!("float"))],
            ],
            "k Int64, v String, gone Nullable(Int32), new Nullable(Float32)",
        );
        let inner = |fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|name| json!({"name": name, "type": "int"})).collect();
            json!({"type": "record", "name": "I", "fields": fields})
        };
        check(
            &[&[("o", inner(&["a"]))], &[("o", inner(&["a", "b"]))]],
            "o Tuple(`a` Int32, `b` Nullable(Int32))",
        );
        check(&[&[("o", json!("int"))], &[("o", inner(&["a"]))]], "o String");
    }

    #[test]
    fn values_without_fields_say_nothing() {
        assert_eq!(types(&[json!("string"), json!(["null", "int"])], &Shape::default()), "");
        assert_eq!(types(&[json!({"type": "map", "values": "int"})], &Shape::default()), "names");
    }

    #[test]
    fn types_that_differ_are_joined_without_loss() {
        let decimal = |precision, scale| Type::Decimal { precision, scale };
        assert_eq!(join(decimal(5, 2), decimal(6, 0)), decimal(8, 2));
        assert_eq!(join(decimal(76, 0), decimal(1, 1)), Type::String);
        assert_eq!(join(Type::Int(8), Type::Float32), Type::Float64);
        assert_eq!(join(Type::Bool, Type::Int(4)), Type::String);
        let low = Type::LowCardinality(Box::new(Type::String));
        assert_eq!(join(low.clone(), low.clone()), low);
        assert_eq!(join(low, Type::String), Type::String);
    }
}
