//! What is read, a table or a query: its columns, and the statement that asks for a page.
use penstock_sdk::{Error, Result};

use crate::failure::{Cause, Failure};
use crate::server::Server;
use crate::table::Name;
use crate::types::{self, Quoted, Type};

use super::cursor;
use super::settings::{Format, Settings};

/// One thing that is read, with a position of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    Table(Name),
    Query { text: String },
}

/// The expressions of a row, in their order: the value's, the key's, the cursor, the tie breakers.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Names of the value's fields, of which a raw value has none.
    pub names: Vec<String>,
    pub keys: Vec<String>,
    pub cursor: cursor::Column,
    pub ties: usize,
    expressions: Vec<String>,
    /// Columns to sort by.
    order: Vec<String>,
}

/// Which rows a page has.
#[derive(Debug, Default)]
pub struct Bounds<'a> {
    pub from: Option<&'a cursor::Value>,
    pub until: Option<&'a cursor::Value>,
    pub lag_ms: Option<u64>,
}

struct Described {
    name: String,
    type_text: String,
}

impl Relation {
    /// As it stands behind FROM. The line break ends a comment that the query may end with.
    fn from(&self) -> String {
        match self {
            Relation::Table(name) => {
                format!("{}.{}", Quoted(&name.database, '`'), Quoted(&name.table, '`'))
            }
            Relation::Query { text } => format!("({}\n)", text.trim().trim_end_matches(';')),
        }
    }

    /// For messages.
    pub fn label(&self) -> String {
        match self {
            Relation::Table(name) => name.to_string(),
            Relation::Query { .. } => "query".to_owned(),
        }
    }

    /// Asks the server for the columns, and lays out what a row is made of. Settings that name columns that are not
    /// there are named.
    pub fn select(&self, server: &Server, settings: &Settings) -> Result<Selection> {
        let wanted = match settings.columns.as_slice() {
            [] => "*".to_owned(),
            names => quoted(names),
        };
        let setting = if settings.columns.is_empty() { self.setting() } else { "columns" };
        let columns = self.describe(server, &wanted, setting)?;
        let by = self.describe(server, &quoted(&settings.cursor), "cursorColumn")?;
        let keys = match settings.keys.as_slice() {
            [] => Vec::new(),
            names => self.describe(server, &quoted(names), "keyColumns")?,
        };
        self.binary_columns_are_there(&columns, &keys, settings)?;
        selection(&columns, &keys, &by, settings)
    }

    fn setting(&self) -> &'static str {
        match self {
            Relation::Table(_) => "table",
            Relation::Query { .. } => "query",
        }
    }

    fn describe(&self, server: &Server, list: &str, setting: &str) -> Result<Vec<Described>> {
        let sql = format!("DESCRIBE (SELECT {list} FROM {})", self.from());
        let rows = server.query(&sql, &[]).map_err(|failure| explained(failure, setting))?;
        let column = |row: Vec<String>| {
            let mut row = row.into_iter();
            Some(Described { name: row.next()?, type_text: row.next()? })
        };
        Ok(rows.into_iter().filter_map(column).collect())
    }

    fn binary_columns_are_there(
        &self,
        columns: &[Described],
        keys: &[Described],
        settings: &Settings,
    ) -> Result<()> {
        let is_read = |name: &String| columns.iter().chain(keys).any(|column| column.name == *name);
        let missing = settings.binary.iter().find(|name| !is_read(name));
        match missing {
            None => Ok(()),
            Some(name) => Err(Error::config(format!(
                "binaryColumns: {} has no column {name} among those that are read",
                self.label()
            ))),
        }
    }

    /// The next rows in the order of the cursor. `token` ends each of them.
    pub fn page(&self, selection: &Selection, bounds: &Bounds<'_>, limit: usize, token: &str) -> String {
        format!(
            "SELECT {}, toFixedString({}, {}) FROM {}{} ORDER BY {} LIMIT {limit}",
            selection.expressions.join(", "),
            Quoted(token, '\''),
            token.len(),
            self.from(),
            condition(selection, bounds),
            selection.order.join(", "),
        )
    }

    /// The newest value, as the only row of a page of one column.
    pub fn newest(&self, selection: &Selection, lag_ms: Option<u64>, token: &str) -> String {
        let name = &selection.order[0];
        format!(
            "SELECT {name}, toFixedString({}, {}) FROM {}{} ORDER BY {name} DESC LIMIT 1",
            Quoted(token, '\''),
            token.len(),
            self.from(),
            condition(selection, &Bounds { lag_ms, ..Bounds::default() }),
        )
    }

    /// How many rows there are.
    pub fn count(&self, selection: &Selection, bounds: &Bounds<'_>) -> String {
        format!("SELECT count() FROM {}{}", self.from(), condition(selection, bounds))
    }
}

fn condition(selection: &Selection, bounds: &Bounds<'_>) -> String {
    let (column, name) = (&selection.cursor, &selection.order[0]);
    let from = bounds.from.map(|value| format!("{name} >= {}", column.literal(value)));
    let until = bounds.until.map(|value| format!("{name} <= {}", column.literal(value)));
    let lag = bounds.lag_ms.map(|lag_ms| column.before_lag(lag_ms));
    let all: Vec<_> = [from, until, lag].into_iter().flatten().collect();
    if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
}

fn selection(
    columns: &[Described],
    keys: &[Described],
    by: &[Described],
    settings: &Settings,
) -> Result<Selection> {
    let wrong = |reason: String| Error::config(format!("cursorColumn: {reason}"));
    let (first, rest) = by.split_first().ok_or_else(|| wrong("a value is required".to_owned()))?;
    let ty = types::parse(&first.type_text)
        .map_err(|_| wrong(format!("column {} is {}, which is not read", first.name, first.type_text)))?;
    let cursor = cursor::Column::new(&first.name, &ty).map_err(wrong)?;
    if settings.lag_ms.is_some() && !cursor.is_time() {
        return Err(Error::config(format!(
            "lagMs: column {} is {}, and only from DateTime and DateTime64 can a time be counted; leave lagMs out",
            first.name, first.type_text
        )));
    }
    let mut expressions = Vec::new();
    match settings.format {
        Format::Json => {
            let names: Vec<_> = columns.iter().map(|column| Quoted(&column.name, '`').to_string()).collect();
            expressions.push(format!("formatRowNoNewline('JSONEachRow', {})", names.join(", ")));
        }
        Format::Struct => {
            for column in columns {
                expressions.push(expression(column, "columns")?);
            }
        }
    }
    for column in keys {
        expressions.push(expression(column, "keyColumns")?);
    }
    expressions.push(Quoted(&first.name, '`').to_string());
    for column in rest {
        expressions.push(expression(column, "cursorColumn")?);
    }
    let named = |columns: &[Described]| columns.iter().map(|column| column.name.clone()).collect();
    Ok(Selection {
        names: if settings.format == Format::Json { Vec::new() } else { named(columns) },
        keys: named(keys),
        cursor,
        ties: rest.len(),
        expressions,
        order: by.iter().map(|column| Quoted(&column.name, '`').to_string()).collect(),
    })
}

/// A column as it is asked for: types without a form of their own come as the server's JSON text.
fn expression(column: &Described, setting: &str) -> Result<String> {
    let name = Quoted(&column.name, '`');
    if column.type_text.starts_with("Interval") {
        return Ok(format!("toInt64({name})"));
    }
    match types::parse(&column.type_text) {
        Ok(Type::Json(_)) => Ok(format!("toJSONString({name})")),
        Ok(Type::Variant(_) | Type::Dynamic(_)) => {
            Ok(format!("if(isNull({name}), NULL, toJSONString({name}))"))
        }
        Ok(Type::Nullable(inner)) if is_free(&inner) => {
            Ok(format!("if(isNull({name}), NULL, toJSONString({name}))"))
        }
        Ok(ty) if is_free(&ty) => Ok(format!("toJSONString({name})")),
        Ok(_) => Ok(name.to_string()),
        Err(_) => Err(Error::config(format!(
            "{setting}: column {} is {}, which is not read; leave it out by columns, or turn it into another type by \
             query, as finalizeAggregation does for AggregateFunction",
            column.name, column.type_text
        ))),
    }
}

/// Whether values of different types can stand somewhere in it.
fn is_free(ty: &Type) -> bool {
    match ty {
        Type::Json(_) | Type::Dynamic(_) | Type::Variant(_) => true,
        Type::Nullable(inner) | Type::Array(inner) | Type::LowCardinality(inner) => is_free(inner),
        Type::Map(key, value) => is_free(key) || is_free(value),
        Type::Tuple(elements) => elements.iter().any(|element| is_free(&element.ty)),
        _ => false,
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| Quoted(name, '`').to_string()).collect();
    names.join(", ")
}

/// What the server says of a description is about the setting that the description is made of.
fn explained(failure: Failure, setting: &str) -> Error {
    match failure.cause {
        cause if cause.passes() || cause == Cause::Refused => failure.into_error(),
        _ => Error::config(format!("{setting}: {}", failure.sentence)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, ty: &str) -> Described {
        Described { name: name.into(), type_text: ty.into() }
    }

    #[test]
    fn a_page_asks_for_the_newest_value_again() {
        let relation = Relation::Table(Name { database: "d".into(), table: "t`x".into() });
        let settings = Settings::test(&[("cursorColumn", "ts,id"), ("table", "t`x"), ("lagMs", "500")]);
        let by = [described("ts", "DateTime"), described("id", "UUID")];
        let selection = selection(&[described("v", "Variant(UInt8)")], &[], &by, &settings).unwrap();
        let from = cursor::Value::Number(7);
        let bounds = Bounds { from: Some(&from), until: None, lag_ms: Some(500) };
        assert_eq!(
            relation.page(&selection, &bounds, 10, "end"),
            "SELECT if(isNull(`v`), NULL, toJSONString(`v`)), `ts`, `id`, toFixedString('end', 3) FROM \
             `d`.`t\\`x` WHERE `ts` >= toDateTime(7) AND `ts` < \
             CAST(fromUnixTimestamp64Milli(toUnixTimestamp64Milli(now64(3)) - 500) AS DateTime) \
             ORDER BY `ts`, `id` LIMIT 10"
        );
    }

    #[test]
    fn columns_that_are_not_read_are_named_with_what_to_do() {
        let settings = Settings::test(&[("cursorColumn", "id"), ("table", "t")]);
        let by = [described("id", "UInt64")];
        let told = |columns: &[Described], by: &[Described], settings: &Settings| {
            selection(columns, &[], by, settings).unwrap_err().message().to_owned()
        };
        let states = [described("s", "AggregateFunction(sum, UInt8)")];
        assert!(told(&states, &by, &settings).contains("finalizeAggregation"));
        assert!(told(&[], &[described("id", "Nullable(UInt64)")], &settings).contains("assumeNotNull"));
        let late = Settings::test(&[("cursorColumn", "id"), ("table", "t"), ("lagMs", "5")]);
        assert!(told(&[], &by, &late).starts_with("lagMs: column id is UInt64"));
    }

    #[test]
    fn a_query_may_end_in_a_comment_or_a_semicolon() {
        let from = |text: &str| Relation::Query { text: text.into() }.from();
        assert_eq!(from("SELECT 1 -- one"), "(SELECT 1 -- one\n)");
        assert_eq!(from(" SELECT 1; "), "(SELECT 1\n)");
    }
}
