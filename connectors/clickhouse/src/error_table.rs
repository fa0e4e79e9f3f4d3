//! Keeps records that were not inserted in a table beside their own, with the reason.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::columns::push_varint;
use crate::failure::{Cause, Failure};
use crate::incoming::{Incoming, Refusal};
use crate::native::Insert;
use crate::server::{Sending, Server};
use crate::table::Name;
use crate::types::Quoted;

/// What the error tables of a task have in common.
#[derive(Clone, Debug, Default)]
pub struct ErrorTable {
    pub connector: String,
    pub task: u32,
    /// Where to create them, if not on one server.
    pub cluster: Option<String>,
}

/// A record and why it was not inserted.
type Rejected<'a> = (&'a Incoming<'a>, &'a Refusal);

impl ErrorTable {
    /// Inserts rejected records into the error table of the table that each would have gone to. Whatever is
    /// wrong, the batch is to come again: what was inserted of it is dropped then by its token.
    pub fn write<'a>(
        &self,
        server: &Server,
        rejected: impl Iterator<Item = (Name, Rejected<'a>)>,
    ) -> Result<(), Failure> {
        let mut tables: BTreeMap<(String, String), Vec<Rejected<'a>>> = BTreeMap::new();
        for (name, record) in rejected {
            tables.entry((name.database, name.table + SUFFIX)).or_default().push(record);
        }
        for ((database, table), records) in tables {
            let name = Name { database, table };
            for part in parts(&records) {
                let written = self.write_part(server, &name, part);
                written.map_err(|failure| Failure { cause: Cause::Busy, ..failure })?;
            }
        }
        Ok(())
    }

    fn write_part(&self, server: &Server, name: &Name, part: &[Rejected<'_>]) -> Result<(), Failure> {
        let columns = self.columns(part);
        let insert = insert(&columns, part.len());
        let statement = name.insert_statement(&insert.columns);
        let sending = Sending { statement, insert, token: Some(token(part)) };
        let send = || server.insert(&sending, &|| Ok(()));
        let result = send().or_else(|failure| {
            if failure.cause != Cause::MissingTable {
                return Err(failure);
            }
            server.run(&self.definition(name), &|| Ok(()))?;
            send()
        });
        result.map(drop).map_err(|failure| failure.within(&format!("writing rejected records into {name}")))
    }

    /// The statement that creates the table.
    fn definition(&self, name: &Name) -> String {
        let (database, table) = (Quoted(&name.database, '`'), Quoted(&name.table, '`'));
        let cluster = self.cluster.iter().map(|cluster| format!(" ON CLUSTER {}", Quoted(cluster, '`')));
        let cluster: String = cluster.collect();
        let columns: Vec<_> = COLUMNS.iter().map(|(name, ty, _)| format!("`{name}` {ty}")).collect();
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{table}{cluster} ({}) ENGINE = MergeTree PARTITION BY toDate(time) \
             ORDER BY time TTL toDateTime(time) + INTERVAL 7 DAY \
             SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}",
            columns.join(", ")
        )
    }

    /// The bytes of each column, in the order of `COLUMNS`.
    fn columns(&self, part: &[Rejected<'_>]) -> [Vec<u8>; COLUMNS.len()] {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let mut columns: [Vec<u8>; COLUMNS.len()] = std::array::from_fn(|_| Vec::new());
        let [time, class, message, topic, partition, offset, key, raw, connector, task] = &mut columns;
        for (record, refusal) in part {
            time.extend_from_slice(&millis.to_le_bytes());
            push(class, refusal.class.name().as_bytes());
            push(message, refusal.sentence.as_bytes());
            push(topic, record.topic.as_bytes());
            partition.extend_from_slice(&record.partition.to_le_bytes());
            offset.extend_from_slice(&record.offset.to_le_bytes());
            push(key, record.key.unwrap_or_default());
            push(raw, record.value.unwrap_or_default());
            push(connector, self.connector.as_bytes());
            task.extend_from_slice(&self.task.to_le_bytes());
        }
        columns
    }
}

fn insert(columns: &[Vec<u8>], rows: usize) -> Insert<'_> {
    let mut pieces = Vec::new();
    let mut head = Vec::new();
    push_varint(&mut head, COLUMNS.len());
    push_varint(&mut head, rows);
    for ((name, _, wire), values) in COLUMNS.iter().zip(columns) {
        push(&mut head, name.as_bytes());
        push(&mut head, wire.as_bytes());
        pieces.push(Cow::Owned(std::mem::take(&mut head)));
        pieces.push(Cow::Borrowed(values.as_slice()));
    }
    Insert { columns: COLUMNS.iter().map(|(name, ..)| *name).collect(), pieces }
}

/// Cuts records into inserts of bounded size; one record is never cut.
fn parts<'a, 'b>(records: &'b [Rejected<'a>]) -> impl Iterator<Item = &'b [Rejected<'a>]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |(record, _): &&Rejected<'_>| {
            bytes += record.value.map_or(0, <[u8]>::len) + record.key.map_or(0, <[u8]>::len);
            bytes <= BYTES_MAX
        };
        let count = rest.iter().take_while(fits).count().max(usize::from(!rest.is_empty()));
        let (part, after) = rest.split_at(count);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// The same for the same records, so that a batch that comes again leaves no second row of each.
fn token(part: &[Rejected<'_>]) -> String {
    let mut hasher = DefaultHasher::new();
    for (record, _) in part {
        (record.topic, record.partition, record.offset).hash(&mut hasher);
    }
    format!("penstock-error-{}-{:016x}", part.len(), hasher.finish())
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    push_varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// After the name of the table that the records did not get into.
pub const SUFFIX: &str = "_penstock_error";

/// Name, type, and the type in which it is sent.
const COLUMNS: [(&str, &str, &str); 10] = [
    ("time", "DateTime64(3, 'UTC')", "DateTime64(3, 'UTC')"),
    ("error_class", "LowCardinality(String)", "String"),
    ("error_message", "String", "String"),
    ("topic", "LowCardinality(String)", "String"),
    ("partition", "Int32", "Int32"),
    ("offset", "Int64", "Int64"),
    ("key", "String", "String"),
    ("raw_message", "String", "String"),
    ("connector", "LowCardinality(String)", "String"),
    ("task", "UInt32", "UInt32"),
];

/// Keys and values of one insert.
const BYTES_MAX: usize = 16 << 20;
/// Inserts whose tokens the server remembers: a batch has far fewer parts.
const DEDUPLICATION_WINDOW: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incoming::Class;

    #[test]
    fn rejected_records_are_cut_into_inserts_of_bounded_size() {
        let refusal = Refusal { class: Class::Parsing, sentence: String::new() };
        let (large, small) = (vec![b'x'; BYTES_MAX - 10], b"0123456789");
        let record = |value| Incoming { value: Some(value), ..Incoming::default() };
        let values: [&[u8]; 5] = [small, &large, small, small, &large];
        let records = values.map(record);
        let rejected: Vec<_> = records.iter().map(|record| (record, &refusal)).collect();
        let sizes: Vec<_> = parts(&rejected).map(<[_]>::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
        assert_eq!(parts(&[]).count(), 0);
    }

    #[test]
    fn names_in_the_definition_are_quoted() {
        let table = ErrorTable { cluster: Some("a`b".to_owned()), ..ErrorTable::default() };
        let name = Name { database: "d".to_owned(), table: "t`_penstock_error".to_owned() };
        let sql = table.definition(&name);
        assert!(
            sql.starts_with("CREATE TABLE IF NOT EXISTS `d`.`t\\`_penstock_error` ON CLUSTER `a\\`b` ("),
            "{sql}"
        );
        assert!(sql.contains("INTERVAL 7 DAY"), "{sql}");
    }
}
