//! Where a table stands, as the worker stores it.
use penstock_sdk::{Error, Fields, Result, Scalar};

use super::cursor::{Column, Value};
use super::fingerprint;
use super::relation::Relation;
use super::track::Position;

/// Everything that is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    pub position: Position,
    /// The newest value of a snapshot, when there is one to end at.
    pub until: Option<Value>,
    /// The snapshot has ended.
    pub is_complete: bool,
}

/// What the offsets of a relation are kept under.
pub fn partition(relation: &Relation, topic: &str) -> Fields {
    match relation {
        Relation::Table(name) => {
            Fields::new().with("database", name.database.as_str()).with("table", name.table.as_str())
        }
        Relation::Query { .. } => Fields::new().with("query", topic),
    }
}

/// What shall be stored. `by` are the columns that the position is made of.
pub fn write(stored: &Stored, column: &Column, relation: &Relation, by: &str) -> Fields {
    let value =
        |value: &Option<Value>| value.as_ref().map_or(Scalar::Null, |value| Scalar::Text(column.show(value)));
    let ties: Vec<_> = stored.position.ties.iter().map(|tie| format!("{tie:016x}")).collect();
    let mut fields =
        Fields::new().with(CURSOR, value(&stored.position.at)).with(TIES, ties.concat()).with(BY, by);
    if let Relation::Query { text } = relation {
        fields = fields.with(QUERY, id(text));
    }
    if stored.until.is_some() {
        fields = fields.with(UNTIL, value(&stored.until));
    }
    if stored.is_complete { fields.with(COMPLETE, true) } else { fields }
}

/// Reads what was stored, or what a person put in its place. Only `cursor` has to be there.
pub fn read(fields: &Fields, column: &Column, relation: &Relation, by: &str) -> Result<Stored> {
    if let Some(stored) = fields.text(BY).filter(|stored| *stored != by) {
        return Err(wrong(&format!(
            "it was made by cursorColumn={stored}, and now it is {by}; set it back, or {RESET}"
        )));
    }
    if let (Some(stored), Relation::Query { text }) = (fields.text(QUERY), relation)
        && stored != id(text)
    {
        return Err(wrong(&format!(
            "it was made by another query; where its rows and their order are the same, alter the offset and leave \
             out \"query\"; otherwise {RESET}"
        )));
    }
    let value = |name: &str| match fields.get(name) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Text(text)) => {
            column.parse(text).map(Some).map_err(|reason| wrong(&format!("{name}: {reason}")))
        }
        Some(Scalar::Integer(number)) => {
            column.parse(&number.to_string()).map(Some).map_err(|reason| wrong(&format!("{name}: {reason}")))
        }
        Some(other) => Err(wrong(&format!("{name}: expected text, got {other:?}"))),
    };
    if fields.get(CURSOR).is_none() {
        return Err(wrong(&format!("expected {CURSOR}, the value of {} to go on from", column.name)));
    }
    let ties = match fields.get(TIES) {
        None | Some(Scalar::Null) => Vec::new(),
        Some(Scalar::Text(text)) => ties(text)
            .ok_or_else(|| wrong(&format!("{TIES}: expected what the connector stored; leave it out")))?,
        Some(_) => return Err(wrong(&format!("{TIES}: expected text; leave it out"))),
    };
    let at = value(CURSOR)?;
    Ok(Stored {
        // Without a value there are no rows that have it.
        position: Position { ties: if at.is_some() { ties } else { Vec::new() }, at },
        until: value(UNTIL)?,
        is_complete: matches!(fields.get(COMPLETE), Some(Scalar::Boolean(true))),
    })
}

fn wrong(reason: &str) -> Error {
    Error::config(format!("stored offset: {reason}"))
}

fn ties(text: &str) -> Option<Vec<u64>> {
    let (parts, rest) = text.as_bytes().as_chunks::<16>();
    let tie = |part: &[u8; 16]| {
        let is_hex = part.iter().all(u8::is_ascii_hexdigit);
        is_hex.then(|| u64::from_str_radix(std::str::from_utf8(part).ok()?, 16).ok()).flatten()
    };
    if rest.is_empty() { parts.iter().map(tie).collect() } else { None }
}

/// Another query has another one.
fn id(query: &str) -> String {
    format!("{:016x}", fingerprint::of(query.trim().as_bytes()))
}

const CURSOR: &str = "cursor";
const TIES: &str = "ties";
const BY: &str = "by";
const QUERY: &str = "query";
const UNTIL: &str = "until";
const COMPLETE: &str = "complete";
const RESET: &str =
    "stop the connector and reset its offsets (DELETE /connectors/NAME/offsets) to read all rows again";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Name;
    use crate::types::parse;

    fn column() -> Column {
        Column::new("ts", &parse("DateTime64(3)").unwrap()).unwrap()
    }

    fn table() -> Relation {
        Relation::Table(Name { database: "d".into(), table: "t".into() })
    }

    fn refused(fields: &Fields, relation: &Relation, expected: &str) {
        let error = read(fields, &column(), relation, "ts").unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let position = Position { at: Some(Value::Number(1)), ties: vec![0, 7, 7, u64::MAX] };
        let stored = Stored { position, until: Some(Value::Number(9)), is_complete: true };
        let fields = write(&stored, &column(), &table(), "ts");
        assert_eq!(fields.text("cursor"), Some("1970-01-01T00:00:00.001Z"));
        assert_eq!(read(&fields, &column(), &table(), "ts"), Ok(stored));
        let empty = Stored::default();
        let fields = write(&empty, &column(), &table(), "ts");
        assert_eq!(read(&fields, &column(), &table(), "ts"), Ok(empty));
    }

    #[test]
    fn a_person_needs_to_write_the_value_only() {
        let fields = Fields::new().with("cursor", "2026-01-01 00:00:00");
        let stored = read(&fields, &column(), &table(), "ts").unwrap();
        assert_eq!(stored.position.at, Some(Value::Number(1_767_225_600_000)));
        let number = Column::new("id", &parse("UInt64").unwrap()).unwrap();
        let stored = read(&Fields::new().with("cursor", 7), &number, &table(), "id").unwrap();
        assert_eq!(stored.position.at, Some(Value::Number(7)));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_to_do() {
        refused(&Fields::new(), &table(), "expected cursor");
        refused(&Fields::new().with("cursor", "soon"), &table(), "got \"soon\"");
        refused(&Fields::new().with("cursor", true), &table(), "expected text");
        let by = Fields::new().with("cursor", "2026-01-01").with("by", "id");
        refused(&by, &table(), "it was made by cursorColumn=id, and now it is ts");
        let ties = Fields::new().with("cursor", "2026-01-01").with("ties", "xyz");
        refused(&ties, &table(), "ties: expected what the connector stored");
    }

    #[test]
    fn another_query_is_noticed_and_can_be_vouched_for() {
        let (before, after) =
            (Relation::Query { text: "SELECT 1".into() }, Relation::Query { text: "SELECT 2".into() });
        let fields = write(&Stored::default(), &column(), &before, "ts");
        assert!(read(&fields, &column(), &before, "ts").is_ok());
        refused(&fields, &after, "made by another query");
        assert!(read(&Fields::new().with("cursor", Scalar::Null), &column(), &after, "ts").is_ok());
    }
}
