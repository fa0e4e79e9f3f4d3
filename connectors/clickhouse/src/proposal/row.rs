//! Finds the object in a record whose fields become columns, and walks over its values.
use crate::json::{Cursor, Fault};
use crate::shape::{Events, Shape};

/// The row's object, with the record's envelope and change event taken off. `None` if there is none.
pub fn row<'a>(value: &'a [u8], shape: &Shape) -> Option<Cursor<'a>> {
    let mut json = Cursor::new(std::str::from_utf8(value).ok()?);
    let mut whole = json.clone();
    whole.skip().ok()?;
    whole.end().ok()?;
    if shape.envelope && json.peek() == b'{' {
        json = field(&json, "payload")?;
    }
    if shape.upserts.as_ref().is_some_and(|upserts| upserts.events == Events::Debezium) {
        let operation = field(&json, "op")?.string().ok()?.into_owned();
        json = field(&json, if operation == "d" { "before" } else { "after" })?;
    }
    (json.peek() == b'{').then_some(json)
}

/// The value of a field; of a name that comes twice the last one.
pub fn field<'a>(object: &Cursor<'a>, name: &str) -> Option<Cursor<'a>> {
    let mut found = None;
    each(&mut object.clone(), |field, value| {
        if field == name {
            found = Some(value.clone());
        }
    })
    .ok()?;
    found
}

/// Calls `take` with each name of an object and the cursor before its value.
fn each<'a>(json: &mut Cursor<'a>, mut take: impl FnMut(&str, &Cursor<'a>)) -> Result<(), Fault> {
    if json.peek() != b'{' {
        return Ok(());
    }
    json.enter()?;
    let mut more = json.any(b'}')?;
    while more {
        let name = json.string()?;
        json.expect(b':', "\":\"")?;
        take(&name, json);
        json.skip()?;
        more = json.more(b'}')?;
    }
    Ok(())
}

/// Calls `take` with the text of each value and the name of the column that it would go to.
pub fn values(row: &Cursor<'_>, shape: &Shape, take: &mut dyn FnMut(&str, &str)) {
    walk(row, shape, &mut Vec::new(), Some(""), take);
}

/// `prefix` stands before the names in a column's name; without one, only mapped paths go to columns.
fn walk(
    object: &Cursor<'_>,
    shape: &Shape,
    path: &mut Vec<String>,
    prefix: Option<&str>,
    take: &mut dyn FnMut(&str, &str),
) {
    // The object was read before, so it is known to be JSON.
    let _ = each(&mut object.clone(), |name, value| {
        path.push(name.to_owned());
        let mapped = shape.map.iter().find(|mapping| mapping.path == *path);
        let column = prefix.map(|prefix| format!("{prefix}{name}"));
        if let Ok(raw) = value.clone().raw()
            && let Some(column) = mapped.map(|mapping| &mapping.column).or(column.as_ref())
        {
            take(column, raw);
        }
        let below = column.zip(shape.separator.as_ref()).map(|(column, with)| column + with);
        let is_on_a_way = shape.map.iter().any(|mapping| mapping.path.starts_with(path));
        if value.clone().peek() == b'{' && path.len() < PATH_MAX && (below.is_some() || is_on_a_way) {
            walk(value, shape, path, below.as_deref(), take);
        }
        path.pop();
    });
}

/// Names of a path that a column can be named for.
pub const PATH_MAX: usize = 8;
