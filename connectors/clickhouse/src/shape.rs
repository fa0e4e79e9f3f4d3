//! How records become rows, as the user configured it: what every table of a connector shares.

use std::fmt;
use std::sync::Arc;

use crate::binary::Schemas;

/// Given to each decoder.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Values are `{"schema": …, "payload": …}`.
    pub envelope: bool,
    /// Values are not read: only virtual columns are filled.
    pub raw_only: bool,
    /// Paths of fields that go to a column of another name.
    pub map: Vec<Mapping>,
    /// What stands between the names of a path in the name of a column; `None` leaves objects whole.
    pub separator: Option<String>,
    /// `None` inserts each record as a row.
    pub upserts: Option<Upserts>,
    /// The column that takes the fields without one.
    pub overflow: Option<String>,
    /// A field without a column matters wherever it is, also in objects of which only mapped paths are taken.
    pub every_field: bool,
    /// Values are Avro or Protobuf with these schemas, else JSON.
    pub schemas: Option<Arc<Schemas>>,
    /// As `schemas`, for keys.
    pub key_schemas: Option<Arc<Schemas>>,
    /// Values are lines of cells, else what is said above.
    pub lines: Option<LineShape>,
}

/// How lines are read.
#[derive(Clone, Debug, PartialEq)]
pub struct LineShape {
    pub format: Format,
    /// The fields at each place; without any, the places are the table's columns in their order.
    pub names: Vec<String>,
}

/// What stands between cells, and what is done to text that has the same in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    /// RFC 4180, with this byte between cells.
    Csv(u8),
    /// A tab between cells, and backslashes before what a cell cannot have.
    Tsv,
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Format::Csv(_) => "CSV",
            Format::Tsv => "TSV",
        })
    }
}

/// One entry of `field2ColumnMap`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Names from the outermost object inwards; never empty.
    pub path: Vec<String>,
    pub column: String,
}

/// Rows that replace earlier rows of their key, and deletes.
#[derive(Clone, Debug, PartialEq)]
pub struct Upserts {
    pub events: Events,
    pub version: Version,
    /// Where the version goes, if the table's engine does not tell.
    pub version_column: Option<String>,
    /// Where 1 marks a delete, if the table's engine does not tell.
    pub deleted_column: Option<String>,
    /// Column of a key that is no JSON object.
    pub key_column: Option<String>,
    pub key: KeyForm,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Events {
    /// The newest row of its key; a record without a value deletes it.
    States,
    /// A change event of Debezium.
    Debezium,
}

/// Which of two rows of a key is the newer one.
#[derive(Clone, Debug, PartialEq)]
pub enum Version {
    Offset,
    Timestamp,
    /// The position in the source's own log, taken from a change event's `source`.
    Source,
    /// A field of the change event.
    Field(Vec<String>),
}

/// What record keys are in Kafka.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum KeyForm {
    Json,
    /// JSON `{"schema": …, "payload": …}`.
    Envelope,
    #[default]
    Text,
    /// A whole number, highest byte first.
    Integer,
    /// A format that this sink does not read.
    Other(String),
}

impl KeyForm {
    /// By the worker's word for the key converter.
    pub fn parse(format: &str) -> Self {
        match format {
            "json" => KeyForm::Json,
            "json-envelope" => KeyForm::Envelope,
            "text" | "bytes" | "" => KeyForm::Text,
            "short" | "integer" | "long" => KeyForm::Integer,
            other => KeyForm::Other(other.to_owned()),
        }
    }
}

impl Mapping {
    /// The path as it is written in settings.
    pub fn source(&self) -> String {
        self.path
            .iter()
            .map(|name| name.replace('\\', "\\\\").replace('.', "\\."))
            .collect::<Vec<_>>()
            .join(".")
    }
}

/// Takes `a.b\.c` apart into `a` and `b.c`. `None` if a name is empty or a backslash stands for nothing.
pub fn path(text: &str) -> Option<Vec<String>> {
    let mut names = vec![String::new()];
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '.' => names.push(String::new()),
            '\\' => match chars.next() {
                Some(char @ ('.' | '\\')) => names.last_mut()?.push(char),
                _ => return None,
            },
            char => names.last_mut()?.push(char),
        }
    }
    names.iter().all(|name| !name.is_empty()).then_some(names)
}
