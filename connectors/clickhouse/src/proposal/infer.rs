//! Chooses the type that holds every value of a field.
use super::facts::{Facts, Objects};
use crate::types::{Element, Type};

impl Facts {
    /// The type of all values, `NULL` aside. `None` if there was none but null.
    pub fn plain_type(&self, objects_as_json: bool) -> Option<Type> {
        if self.is_vast || self.kinds() > 1 {
            // Text takes everything: numbers as written, arrays and objects as their JSON.
            return Some(Type::String);
        }
        if self.bools > 0 {
            return Some(Type::Bool);
        }
        if let Some(numbers) = &self.numbers {
            return Some(numbers.column_type().unwrap_or(Type::String));
        }
        if let Some(texts) = &self.texts {
            return Some(texts.column_type());
        }
        match &self.declared {
            Some(Type::LowCardinality(inner)) => return Some(Type::clone(inner)),
            Some(ty) => return Some(ty.clone()),
            None => {}
        }
        if let Some(values) = &self.values {
            let values = values.nested_type(objects_as_json);
            return Some(Type::Map(Box::new(Type::String), Box::new(values)));
        }
        if let Some(items) = &self.items {
            return Some(Type::Array(Box::new(items.nested_type(objects_as_json))));
        }
        let objects = self.objects.as_ref()?;
        if !objects_as_json && let Some(ty) = objects.tuple().or_else(|| objects.map()) {
            return Some(ty);
        }
        Some(if self.fits_json() { Type::Json(Some("JSON".to_owned())) } else { Type::String })
    }

    /// The type as a part of another one, with its `NULL`.
    fn nested_type(&self, objects_as_json: bool) -> Type {
        let plain = self.plain_type(objects_as_json).unwrap_or(Type::String);
        nullable(plain, self.nulls > 0)
    }
}

impl Objects {
    /// Objects that have the same few fields are tuples.
    fn tuple(&self) -> Option<Type> {
        let is_name = |name: &str| {
            let mut chars = name.chars();
            chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
                && name.len() <= NAME_MAX
                && name != "null"
                && !name.starts_with("size")
        };
        let fits = (self.is_declared || self.are_alike())
            && (1..=ELEMENTS_MAX).contains(&self.fields.len())
            && self.fields.iter().all(|field| is_name(&field.name));
        let element = |field: &super::facts::Field| {
            let name = Some(field.name.to_string());
            Element { name, ty: nullable(field.facts.nested_type(false), field.seen < self.count) }
        };
        fits.then(|| Type::Tuple(self.fields.iter().map(element).collect()))
    }

    /// Objects whose names are data: many of them, other ones in each object, with values of one type.
    fn map(&self) -> Option<Type> {
        if self.is_declared
            || self.fields.len() < MAP_NAMES
            || self.count < 2
            || self.are_alike()
            || self.repeats
        {
            return None;
        }
        let seen: usize = self.fields.iter().map(|field| field.seen as usize).sum();
        let is_sparse = seen * 2 <= self.fields.len() * self.count as usize;
        let mut types = self.fields.iter().filter_map(|field| field.facts.plain_type(false));
        let first = types.next().filter(Type::can_be_nullable)?;
        let has_null = self.fields.iter().any(|field| field.facts.nulls > 0);
        (is_sparse && types.all(|ty| ty == first))
            .then(|| Type::Map(Box::new(Type::String), Box::new(nullable(first, has_null))))
    }
}

/// Arrays, maps, tuples and JSON have no `NULL`.
pub fn nullable(ty: Type, has_null: bool) -> Type {
    if has_null && ty.can_be_nullable() && !matches!(ty, Type::Nullable(_)) {
        Type::Nullable(Box::new(ty))
    } else {
        ty
    }
}

/// An object with more fields is no tuple.
const ELEMENTS_MAX: usize = 64;
const NAME_MAX: usize = 64;
/// Different names from which on they may be data.
const MAP_NAMES: usize = 32;

#[cfg(test)]
mod tests {
    use super::super::facts::ROOM;
    use super::*;
    use crate::json::Cursor;

    fn check(values: &[&str], expected: &str) {
        let (mut facts, mut room) = (Facts::default(), ROOM);
        for value in values {
            facts.read(&mut Cursor::new(value), 1, &mut room).unwrap();
        }
        let ty = facts.plain_type(false).map_or("none".to_owned(), |ty| ty.to_string());
        assert_eq!(ty, expected, "{values:?}");
    }

    #[test]
    fn one_type_holds_all_values() {
        check(&["null"], "none");
        check(&["true", "false", "null"], "Bool");
        check(&["true", "1"], "String");
        check(&["1", "\"a\"", "[1]", "{}"], "String");
        check(&["[]"], "Array(String)");
        check(&["[1]", "[null, 2]"], "Array(Nullable(Int64))");
        check(&["[[1]]", "[[], null]"], "Array(Array(Int64))");
    }

    #[test]
    fn objects_are_tuples_if_they_are_alike_and_json_if_not() {
        let tuple = "Tuple(`a` Nullable(Int64), `b` Tuple(`c` Array(String)))";
        check(&[r#"{"a":1,"b":{"c":[]}}"#, r#"{"b":{"c":["x"]},"a":null}"#], tuple);
        check(&[r#"{"a":1}"#, r#"{"b":1}"#], "JSON");
        check(&["{}"], "JSON");
        check(&[r#"{"a b":1}"#], "JSON");
        check(&[r#"{"a.b":1}"#], "String");
        check(&[r#"{"a":1,"a":2}"#], "String");
        check(&[r#"[{"a":1},{"a":2}]"#], "Array(Tuple(`a` Int64))");
        check(&[r#"[{"a":1},{"b":[1e999]}]"#], "Array(String)");
    }

    #[test]
    fn names_that_are_data_make_a_map() {
        let object = |from: usize| {
            let fields: Vec<_> = (from..from + 20).map(|name| format!("\"n{name}\":{name}")).collect();
            format!("{{{}}}", fields.join(","))
        };
        let objects: Vec<_> = (0..5).map(|number| object(number * 20)).collect();
        let mut objects: Vec<_> = objects.iter().map(String::as_str).collect();
        check(&objects, "Map(String, Int64)");
        objects.push("{\"n1\":null}");
        check(&objects, "Map(String, Nullable(Int64))");
        objects.push("{\"n1\":\"text\"}");
        check(&objects, "JSON");
    }

    #[test]
    fn what_is_too_deep_or_too_much_is_text() {
        let deep = format!("{}1{}", "[".repeat(12), "]".repeat(12));
        check(&[&deep], &format!("{}String{}", "Array(".repeat(8), ")".repeat(8)));
        let (mut facts, mut room) = (Facts::default(), 3);
        facts.read(&mut Cursor::new(r#"{"a":1,"b":1,"c":1,"d":1}"#), 1, &mut room).unwrap();
        assert_eq!(facts.plain_type(false), Some(Type::String));
    }
}
