//! Says which columns the fields of a sample go to, as mapping and flattening have it.
use std::collections::HashMap;

use super::facts::{Facts, Field, Objects};
use super::infer::nullable;
use super::row::PATH_MAX;
use crate::decoder::Source;
use crate::shape::Shape;
use crate::types::Type;

/// A column, and what its values have in common.
pub struct Found<'a> {
    pub name: String,
    facts: Vec<&'a Facts>,
    /// Some records have no such field.
    is_missing: bool,
}

/// The columns of all fields, in the order in which they were met. A column that is `known` takes an object whole.
pub fn fields<'a>(root: &'a Facts, shape: &Shape, known: &dyn Fn(&str) -> bool) -> Vec<Found<'a>> {
    let mut walk = Walk { shape, known, found: Vec::new(), places: HashMap::new() };
    if let Some(objects) = root.objects.as_deref() {
        walk.objects(objects, &mut Vec::new(), "", false);
        for mapping in &shape.map {
            let is_virtual = matches!(mapping.path.as_slice(), [name] if Source::named(name).is_some());
            if !is_virtual {
                walk.mapped(objects, &mapping.path, &mapping.column);
            }
        }
    }
    walk.found
}

struct Walk<'a, 'b> {
    shape: &'b Shape,
    known: &'b dyn Fn(&str) -> bool,
    found: Vec<Found<'a>>,
    places: HashMap<String, usize>,
}

impl<'a> Walk<'a, '_> {
    fn objects(&mut self, objects: &'a Objects, path: &mut Vec<String>, prefix: &str, is_partial: bool) {
        for field in &objects.fields {
            if path.is_empty() && Source::named(&field.name).is_some() {
                continue;
            }
            path.push(field.name.to_string());
            let is_missing = is_partial || field.seen < objects.count;
            if !self.is_mapped(field, path) {
                let name = format!("{prefix}{}", field.name);
                match self.flat(field, path, &name) {
                    Some((inner, separator)) => {
                        let is_partial = is_missing || field.facts.nulls > 0;
                        self.objects(inner, path, &format!("{name}{separator}"), is_partial);
                    }
                    None => self.add(name, Some(&field.facts), is_missing),
                }
            }
            path.pop();
        }
    }

    /// The fields of an object that has no column of its own.
    fn flat(&self, field: &'a Field, path: &[String], name: &str) -> Option<(&'a Objects, String)> {
        let separator = self.shape.separator.clone()?;
        let objects = field.facts.objects.as_deref()?;
        let is_flat = field.facts.is_object()
            && !field.facts.is_vast
            && !objects.fields.is_empty()
            && path.len() < PATH_MAX
            && !(self.known)(name)
            && !matches!(field.facts.plain_type(false), Some(Type::Map(..)));
        is_flat.then_some((objects, separator))
    }

    /// Whether the field, or all that is in it, goes to columns of other names.
    fn is_mapped(&self, field: &Field, path: &mut Vec<String>) -> bool {
        if self.shape.map.iter().any(|mapping| mapping.path == *path) {
            return true;
        }
        if !self.shape.map.iter().any(|mapping| mapping.path.starts_with(path)) || !field.facts.is_object() {
            return false;
        }
        let Some(objects) = field.facts.objects.as_deref() else { return false };
        objects.fields.iter().all(|inner| {
            path.push(inner.name.to_string());
            let is_mapped = self.is_mapped(inner, path);
            path.pop();
            is_mapped
        })
    }

    fn mapped(&mut self, root: &'a Objects, path: &[String], column: &str) {
        let (mut objects, mut is_missing, mut facts) = (Some(root), false, None);
        for name in path {
            let field = objects.and_then(|objects| objects.get(name));
            is_missing |= field.is_none_or(|field| {
                field.facts.nulls > 0 || objects.is_some_and(|objects| field.seen < objects.count)
            });
            facts = field.map(|field| &field.facts);
            objects = facts.and_then(|facts| facts.objects.as_deref());
        }
        self.add(column.to_owned(), facts, is_missing);
    }

    fn add(&mut self, name: String, facts: Option<&'a Facts>, is_missing: bool) {
        let place = *self.places.entry(name.clone()).or_insert_with(|| {
            self.found.push(Found { name, facts: Vec::new(), is_missing: false });
            self.found.len() - 1
        });
        let found = &mut self.found[place];
        // Two fields of one column: neither need be in every record.
        found.is_missing |= is_missing || !found.facts.is_empty();
        found.facts.extend(facts);
    }
}

impl Found<'_> {
    /// The type without `Nullable`. `None` if nothing but null was met.
    pub fn plain_type(&self, objects_as_json: bool) -> Option<Type> {
        let mut types = self.facts.iter().filter_map(|facts| facts.plain_type(objects_as_json));
        let first = types.next()?;
        // Columns whose names share what is before a dot belong to one Nested, with arrays of one length.
        let is_nested = self.name.contains('.') && matches!(first, Type::Array(_));
        Some(if !is_nested && types.all(|ty| ty == first) { first } else { Type::String })
    }

    pub fn has_null(&self) -> bool {
        self.is_missing || self.facts.iter().any(|facts| facts.nulls > 0)
    }

    /// Whether a schema lists all values.
    fn is_name(&self) -> bool {
        self.facts
            .iter()
            .all(|facts| facts.kinds() == 1 && matches!(facts.declared, Some(Type::LowCardinality(_))))
    }

    /// How many values of how many texts there are, where a dictionary pays.
    pub fn few(&self) -> Option<(u32, usize)> {
        let [facts] = self.facts.as_slice() else { return None };
        if facts.kinds() > 1 {
            return None;
        }
        let texts = facts.texts.as_ref()?;
        Some((texts.count, texts.few()?))
    }

    /// The text of the column's type, which is `Nullable` where `has_null` and the type allow it.
    pub fn column_type(&self, objects_as_json: bool, has_null: bool) -> Option<String> {
        let plain = self.plain_type(objects_as_json)?;
        let is_few = plain == Type::String && (self.few().is_some() || self.is_name());
        let ty = nullable(plain, has_null);
        Some(if is_few { format!("LowCardinality({ty})") } else { ty.to_string() })
    }
}
