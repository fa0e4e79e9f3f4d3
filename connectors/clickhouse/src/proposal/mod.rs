//! Proposes a table for a sample of records: columns with types, an engine, and the statement that creates it.
//!
//! It asks no server and knows no clock: the same sample and settings always make the same statement.
mod declared;
#[cfg(test)]
mod declared_tests;
mod facts;
mod fields;
mod infer;
mod keys;
mod numbers;
mod outlined;
mod row;
mod sample;
mod statement;
#[cfg(test)]
mod tests;
mod texts;
mod wishes;
mod written;

use std::collections::HashSet;

use crate::decoder::Source;
use crate::shape::{Shape, Upserts, Version};
use crate::table::Name;
pub use facts::Facts;
pub use fields::{Found, fields};
pub use numbers::Numbers;
pub use row::{row, values};
pub use sample::Sample;
pub use statement::{alter, definition};
pub use wishes::{Engine, Family, Wishes};
pub use written::Written;

/// A column as a statement defines it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub type_text: String,
}

/// A table that takes every record of the sample.
#[derive(Debug)]
pub struct Proposal {
    pub columns: Vec<Column>,
    /// `CREATE TABLE IF NOT EXISTS …`
    pub statement: String,
    /// Sentences on what was decided and what a person should decide.
    pub advice: Vec<String>,
}

impl Proposal {
    /// An error is a sentence on what the sample or the settings lack.
    pub fn make(name: &Name, sample: &Sample, shape: &Shape, wishes: &Wishes) -> Result<Self, String> {
        let usual = if shape.upserts.is_some() { Engine::REPLACING } else { Engine::MERGE };
        let engine = wishes.engine.clone().unwrap_or(usual);
        let mut draft = Draft { shape, wishes, engine, columns: Vec::new(), advice: Vec::new() };
        draft.virtuals();
        let order = draft.order(sample)?;
        draft.fields(sample, &order);
        draft.roles(sample);
        if let Some(missing) = order.names().find(|name| !draft.has(name)) {
            return Err(format!("records are told apart by {missing}, which none of them has as a field"));
        }
        let statement = statement::create(name, &draft.columns, &draft.engine, &order, wishes);
        Ok(Proposal { columns: draft.columns, statement, advice: draft.advice })
    }
}

/// What the table is sorted by.
enum Order {
    Columns(Vec<String>),
    /// The operator's SQL.
    Given(String),
    Nothing,
}

impl Order {
    fn names(&self) -> impl Iterator<Item = &str> {
        let names = if let Order::Columns(names) = self { names.as_slice() } else { &[] };
        names.iter().map(String::as_str)
    }
}

struct Draft<'a> {
    shape: &'a Shape,
    wishes: &'a Wishes,
    engine: Engine,
    columns: Vec<Column>,
    advice: Vec<String>,
}

impl Draft<'_> {
    fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    fn add(&mut self, name: &str, type_text: &str) {
        if !self.has(name) {
            self.columns.push(Column { name: name.to_owned(), type_text: type_text.to_owned() });
        }
    }

    /// Columns for what Kafka knows of a record, under the names that the settings give them.
    fn virtuals(&mut self) {
        // Places of records would be summed up.
        let usual: &[Source] = if self.engine.sums_up() { &[] } else { &USUAL };
        let all = if self.shape.raw_only { &RAW } else { usual };
        for source in all {
            let is_mapped = self.mapped_sources().any(|(known, _)| known == *source);
            if !is_mapped {
                self.add(source.name(), source.column_type());
            }
        }
        let mapped: Vec<_> =
            self.mapped_sources().map(|(source, column)| (source, column.to_owned())).collect();
        for (source, column) in mapped {
            self.add(&column, source.column_type());
        }
    }

    fn mapped_sources(&self) -> impl Iterator<Item = (Source, &str)> {
        self.shape.map.iter().filter_map(|mapping| match mapping.path.as_slice() {
            [name] => Source::named(name).map(|source| (source, mapping.column.as_str())),
            _ => None,
        })
    }

    /// What the table is sorted by; its columns cannot be NULL.
    fn order(&mut self, sample: &Sample) -> Result<Order, String> {
        if self.engine.family == Family::Null {
            return Ok(Order::Nothing);
        }
        if let Some(given) = &self.wishes.order_by {
            return Ok(Order::Given(given.clone()));
        }
        if self.engine.sums_up() {
            return Err(format!(
                "tableOrderBy: {} needs to be told the columns that it keeps apart",
                self.engine
            ));
        }
        if let Some(upserts) = &self.shape.upserts {
            return self.key(upserts, sample).map(Order::Columns);
        }
        let places = [Source::Topic, Source::Partition, Source::Offset].map(|source| {
            let mapped = self.mapped_sources().find(|(known, _)| *known == source);
            mapped.map_or_else(|| source.name().to_owned(), |(_, column)| column.to_owned())
        });
        self.advice.push(ORDER.to_owned());
        Ok(Order::Columns(places.to_vec()))
    }

    fn key(&mut self, upserts: &Upserts, sample: &Sample) -> Result<Vec<String>, String> {
        if let Some(column) = &upserts.key_column {
            return Ok(vec![column.clone()]);
        }
        let column = |name: &String| {
            let mapped = self.shape.map.iter().find(|mapping| mapping.path == [name.clone()]);
            mapped.map_or_else(|| name.clone(), |mapping| mapping.column.clone())
        };
        let names: Vec<_> = sample.keys.names().iter().map(column).collect();
        if names.is_empty() {
            return Err(NO_KEY.to_owned());
        }
        self.advice.push(format!("sorted by {}, which the keys of the records name", names.join(", ")));
        Ok(names)
    }

    fn fields(&mut self, sample: &Sample, order: &Order) {
        let clauses: Vec<_> = match order {
            Order::Given(given) => vec![given.clone()],
            Order::Columns(names) => names.clone(),
            Order::Nothing => Vec::new(),
        };
        let given = [&self.wishes.partition_by, &self.wishes.ttl, &self.engine.arguments];
        let clauses: Vec<_> = clauses.into_iter().chain(given.into_iter().flatten().cloned()).collect();
        let found = fields(&sample.root, self.shape, &|_| false);
        let names: HashSet<String> = found.iter().map(|found| found.name.clone()).collect();
        for found in &found {
            if self.has(&found.name) {
                continue;
            }
            if let Err(reason) = admit(&found.name, &names) {
                self.advice.push(format!("field {:?} gets no column: {reason}", short(&found.name)));
                continue;
            }
            if self.columns.len() >= COLUMNS_MAX {
                self.advice.push(format!("fields beyond {COLUMNS_MAX} columns get none"));
                break;
            }
            let is_key = clauses.iter().any(|clause| names_column(clause, &found.name));
            let type_text = self.column_type(found, is_key);
            self.add(&found.name, &type_text);
        }
    }

    fn column_type(&mut self, found: &Found<'_>, is_key: bool) -> String {
        let has_null = found.has_null() && !is_key;
        let as_json = self.wishes.objects_as_json;
        let ty = found.column_type(as_json, has_null).unwrap_or_else(|| {
            self.advice.push(format!("column {}: only null was met, so it holds text", short(&found.name)));
            if is_key { "String" } else { "Nullable(String)" }.to_owned()
        });
        if ty.starts_with("LowCardinality")
            && let Some((values, texts)) = found.few()
        {
            self.advice.push(format!(
                "column {}: LowCardinality, because {values} values were of {texts} texts",
                short(&found.name)
            ));
        }
        if self.engine.family != Family::Aggregating || is_key {
            return ty;
        }
        // The last value is what a table without aggregates would show as well.
        let inner = if ty.contains("JSON") { "String" } else { &ty };
        format!("SimpleAggregateFunction(anyLast, {inner})")
    }

    /// Columns that the settings need beside the fields.
    fn roles(&mut self, sample: &Sample) {
        if let Some(upserts) = self.shape.upserts.clone() {
            let version = upserts.version_column.as_deref().unwrap_or("_version");
            let deleted = upserts.deleted_column.as_deref().unwrap_or("_deleted");
            self.columns.retain(|column| column.name != version && column.name != deleted);
            // SQL Server's positions are two numbers.
            self.add(version, if upserts.version == Version::Source { "UInt128" } else { "UInt64" });
            self.add(deleted, "UInt8");
            let arguments = [version, deleted].map(|name| crate::types::Quoted(name, '`').to_string());
            self.engine.arguments = Some(arguments.join(", "));
            self.advice.push("queries say FINAL to see the newest row of each key only".to_owned());
        }
        if let Some(overflow) = &self.shape.overflow {
            let overflow = overflow.clone();
            self.columns.retain(|column| column.name != overflow);
            // Fields that get no column, and those to come, may be such as JSON refuses.
            self.add(&overflow, if sample.root.fits_json() { "JSON" } else { "String" });
        }
        if self.engine.family == Family::Aggregating {
            self.advice.push("replace anyLast by sum, max and the like where a column adds up".to_owned());
        }
    }
}

/// Whether a column may have this name, beside the others.
pub fn admit(name: &str, others: &HashSet<String>) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("a column has no empty name");
    }
    if name.len() > NAME_MAX {
        return Err("its name is longer than 128 bytes");
    }
    if RESERVED.contains(&name) {
        return Err("the server keeps this name for itself");
    }
    let is_part = name.match_indices('.').any(|(at, _)| others.contains(&name[..at]));
    if is_part { Err("its name is that of a part of another column") } else { Ok(()) }
}

/// Whether an expression may name the column. A text that only looks like it does no harm.
pub fn names_column(clause: &str, name: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    clause.match_indices(name).any(|(at, _)| {
        let before = clause[..at].chars().next_back().is_some_and(is_word);
        let after = clause[at + name.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

/// The beginning of a name, as a message shows it.
pub fn short(name: &str) -> String {
    name.chars().map(|char| if char.is_control() { ' ' } else { char }).take(SHORT).collect()
}

const USUAL: [Source; 4] = [Source::Topic, Source::Partition, Source::Offset, Source::Timestamp];
const RAW: [Source; 8] = [
    Source::Topic,
    Source::Partition,
    Source::Offset,
    Source::Timestamp,
    Source::Key,
    Source::HeaderKeys,
    Source::HeaderValues,
    Source::RawMessage,
];
/// Each column is a file or more in each part of a table, and memory in each insert.
pub const COLUMNS_MAX: usize = 1000;
const NAME_MAX: usize = 128;
const SHORT: usize = 64;
/// Columns of the server's own that a table cannot have.
const RESERVED: &[&str] = &["_row_exists", "_block_number", "_block_offset"];
const ORDER: &str = "sorted by the records' places; choose the columns that queries filter by, lowest cardinality first (tableOrderBy)";
const NO_KEY: &str = "tableOrderBy: the records' keys do not name fields of their values; set it to the columns of a \
                      row's key, and upsertKeyColumn if the key is a single value";
