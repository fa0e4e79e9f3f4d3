//! Keeps fields without a column: as an object in the column that is there for them.
use super::paths::Action;
use super::rows::Rows;
use super::{Decoder, Failure};
use crate::json::Cursor;
use crate::types::{self, Type};

pub struct Overflow {
    slot: u32,
    /// The object of the record at hand.
    text: String,
}

impl Overflow {
    /// An error is a sentence on the table's column of this name.
    pub fn open(name: &str, rows: &Rows) -> Result<Self, String> {
        let Some(slot) = rows.slots.iter().position(|slot| slot.name == name) else {
            return Err(format!(
                "overflowColumn: the table has no column {name} for fields that have none; add it with ADD COLUMN {} JSON",
                types::Quoted(name, '`')
            ));
        };
        let type_text = &rows.slots[slot].type_text;
        let takes_objects = match types::parse(type_text) {
            Ok(Type::Json(_) | Type::String) => true,
            Ok(Type::Nullable(inner)) => *inner == Type::String,
            _ => false,
        };
        if !takes_objects {
            return Err(format!(
                "overflowColumn: column {name} has type {type_text}: expected JSON or String"
            ));
        }
        Ok(Overflow { slot: slot as u32, text: String::new() })
    }
}

impl Decoder {
    /// Reads a row's object. It is read once more if it has fields without a column and they are to be kept.
    pub(super) fn row(&mut self, json: &mut Cursor<'_>) -> Result<(), Failure> {
        if self.overflow.is_none() {
            return self.object(json, 0);
        }
        let mut start = json.clone();
        self.object(json, 0)?;
        if self.has_stray { self.keep(&mut start) } else { Ok(()) }
    }

    /// Keeps what no column takes of a row that was read.
    pub(super) fn keep(&mut self, row: &mut Cursor<'_>) -> Result<(), Failure> {
        let Some(mut overflow) = self.overflow.take() else { return Ok(()) };
        overflow.text.clear();
        let kept = match self.gather(row, 0, &mut overflow.text) {
            Ok(true) => self.field(overflow.slot, &mut Cursor::new(&overflow.text)),
            other => other.map(drop),
        };
        self.overflow = Some(overflow);
        kept
    }

    /// Writes the object without what columns take. False if nothing is left.
    fn gather(&self, json: &mut Cursor<'_>, level: usize, out: &mut String) -> Result<bool, Failure> {
        json.enter()?;
        out.push('{');
        let mut any = false;
        let mut more = json.any(b'}')?;
        while more {
            let raw = json.clone().raw()?;
            let name = json.string()?;
            json.expect(b':', "\":\"")?;
            let before = out.len();
            if any {
                out.push(',');
            }
            out.push_str(raw);
            out.push(':');
            let next = json.peek();
            let is_kept = match self.paths.levels[level].find(&name) {
                Action::Unknown if next != b'n' => {
                    out.push_str(json.raw()?);
                    true
                }
                Action::Inside(level) if next == b'{' => self.gather(json, level as usize, out)?,
                Action::Unknown
                | Action::Inside(_)
                | Action::Ignored
                | Action::Column(_)
                | Action::Both(..) => {
                    json.skip()?;
                    false
                }
            };
            if !is_kept {
                out.truncate(before);
            }
            any |= is_kept;
            more = json.more(b'}')?;
        }
        out.push('}');
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use crate::decoder::{Appended, Column, Decoder};
    use crate::shape::{Shape, path};
    use crate::values::Zones;

    fn check(columns: &[(&str, &str)], shape: Shape, value: &str, expected: Option<&str>) {
        let column = |(name, type_text): &(&str, &str)| Column {
            name: (*name).to_owned(),
            type_text: (*type_text).to_owned(),
            has_default: false,
        };
        let columns: Vec<_> = columns.iter().map(column).collect();
        let shape = Shape { overflow: Some("more".into()), every_field: true, ..shape };
        let mut decoder = Decoder::open(&columns, &Zones::utc(), &shape, None).unwrap();
        assert_eq!(decoder.append(value.as_bytes()), Ok(Appended::Row));
        let bytes = decoder.insert().pieces.concat();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match expected {
            Some(expected) => assert!(text.contains(expected), "{value}: {text}"),
            None => assert!(!text.contains("more"), "{value}: {text}"),
        }
    }

    #[test]
    fn fields_without_a_column_are_kept_as_they_were_written() {
        let columns = [("k", "Int64"), ("more", "String")];
        let plain = Shape::default;
        check(&columns, plain(), r#"{"k":1,"x":[1, 2],"y":"\u0041"}"#, Some(r#"{"x":[1, 2],"y":"\u0041"}"#));
        check(&columns, plain(), r#"{"more":{"a":1},"k":1}"#, Some(r#"{"more":{"a":1}}"#));
        check(&columns, plain(), r#"{"k":1,"x":null}"#, None);
        check(&columns, plain(), r#"{"k":1}"#, None);
    }

    #[test]
    fn what_mapped_and_flattened_columns_take_is_not_kept_twice() {
        let columns = [("k", "Int64"), ("a_b", "Int64"), ("city", "String"), ("more", "String")];
        let shape = Shape {
            separator: Some("_".into()),
            map: vec![crate::shape::Mapping { path: path("home.city").unwrap(), column: "city".into() }],
            ..Shape::default()
        };
        let value = r#"{"k":1,"a":{"b":2,"c":3},"home":{"city":"Ulm","zip":7},"d":{"e":1}}"#;
        check(&columns, shape.clone(), value, Some(r#"{"a":{"c":3},"home":{"zip":7},"d":{"e":1}}"#));
        check(&columns, shape, r#"{"k":1,"a":{"b":2},"home":{"city":"Ulm"}}"#, None);
    }

    #[test]
    fn a_column_that_cannot_keep_them_is_refused() {
        let column = |name: &str, type_text: &str| Column {
            name: name.into(),
            type_text: type_text.into(),
            has_default: false,
        };
        let shape = Shape { overflow: Some("more".into()), ..Shape::default() };
        let open = |columns: &[Column]| Decoder::open(columns, &Zones::utc(), &shape, None).map(drop);
        let missing = open(&[column("k", "Int64")]).unwrap_err();
        assert!(missing.contains("ADD COLUMN `more` JSON"), "{missing}");
        let wrong = open(&[column("more", "Int64")]).unwrap_err();
        assert_eq!(wrong, "overflowColumn: column more has type Int64: expected JSON or String");
        for ty in ["JSON", "String", "Nullable(String)", "LowCardinality(String)", "JSON(a Int64)"] {
            open(&[column("more", ty)]).unwrap();
        }
    }
}
