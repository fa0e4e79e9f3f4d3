//! Exactly-once inserts: what a table does against repetition, tokens, and the look into a table for what is there.
use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use crate::decoder::Column;
use crate::failure::{Cause, Failure};
use crate::incoming::Incoming;
use crate::server::Server;
use crate::table::Name;
use crate::types::Quoted;

/// What the worker said of a batch: its records are written once under this token, whoever brings them.
#[derive(Clone, Copy)]
pub struct Promise<'a> {
    pub token: &'a str,
    /// Since the plan was made.
    pub age: Duration,
    pub is_repeated: bool,
    /// False when another worker may have taken over.
    pub may_send: &'a dyn Fn() -> bool,
}

impl Promise<'_> {
    /// Right before an insert is sent.
    pub fn check(&self) -> Result<(), Failure> {
        if (self.may_send)() {
            return Ok(());
        }
        Err(Failure::new(Cause::Busy, "not sent: another worker may have taken this task over"))
    }

    /// The token of one insert. That of all records of a table names nothing that compaction could change; a part
    /// that is inserted alone is named by where it begins and ends. `indices` are sorted.
    pub fn token_of(
        &self,
        name: &Name,
        records: &[Incoming<'_>],
        (part, indices): (&[usize], &[usize]),
    ) -> String {
        let mut token = format!("{}:{name}", self.token);
        if part.len() == indices.len() {
            return token;
        }
        let place = |index: &usize| {
            let record = &records[*index];
            format!("{}-{}@{}", record.topic, record.partition, record.offset)
        };
        if let (Some(first), Some(last)) = (part.first(), part.last()) {
            let _ = write!(token, ":{}:{}:{}", place(first), place(last), part.len());
        }
        token
    }
}

/// The same order whoever brings the records: by topic, partition and offset.
pub fn sort(records: &[Incoming<'_>], indices: &mut [usize]) {
    let place = |index: &usize| {
        let record = &records[*index];
        (record.topic, record.partition, record.offset)
    };
    indices.sort_by(|left, right| place(left).cmp(&place(right)));
}

/// How a table keeps records from coming twice.
#[derive(Debug, PartialEq)]
pub struct Guarantee {
    /// A token that is younger than this is surely remembered.
    memory: Duration,
    /// The table has `_topic`, `_partition` and `_offset`: it can be asked what is there.
    has_places: bool,
    /// Other tables are filled from it.
    pub has_views: bool,
}

impl Guarantee {
    /// Refuses a table that does not drop repeated inserts, with what would make it.
    pub fn look(server: &Server, name: &Name, columns: &[Column]) -> Result<Self, Failure> {
        let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
        let rows = server.query(TABLE, &parameters)?;
        let row = rows.into_iter().next().and_then(|row| <[String; 3]>::try_from(row).ok());
        let Some([engine, full, views]) = row else {
            let sentence = format!("table {} does not exist in database {}", name.table, name.database);
            return Err(Failure::new(Cause::MissingTable, sentence));
        };
        let memory = if is_replicated(&engine) {
            let window = |key| window(server, &full, REPLICATED, key);
            let blocks = window("replicated_deduplication_window")?;
            let seconds = window("replicated_deduplication_window_seconds")?;
            blocks.min(seconds.saturating_mul(INSERTS_PER_SECOND))
        } else if engine.ends_with("MergeTree") {
            window(server, &full, PLAIN, "non_replicated_deduplication_window")?
        } else {
            let sentence = format!(
                "exactlyOnce: table {name} has the engine {engine}, which does not drop repeated inserts; use one of \
                 the MergeTree family, or set exactlyOnce to false"
            );
            return Err(Failure::new(Cause::Unfit, sentence));
        };
        if memory == 0 {
            return Err(Failure::new(Cause::Unfit, remedy(name, &engine)));
        }
        let has = |column: &str| columns.iter().any(|known| known.name == column);
        Ok(Guarantee {
            memory: Duration::from_secs_f64(memory as f64 / (2 * INSERTS_PER_SECOND) as f64),
            has_places: PLACES.iter().all(|column| has(column)),
            has_views: views != "0",
        })
    }

    /// Whether the server may have forgotten the token of an insert that may have been stored.
    pub fn forgets(&self, promise: &Promise<'_>) -> bool {
        promise.is_repeated && promise.age > self.memory
    }

    /// The records, of these, that the table does not have.
    pub fn missing(
        &self,
        server: &Server,
        name: &Name,
        records: &[Incoming<'_>],
        indices: &[usize],
    ) -> Result<Vec<usize>, Failure> {
        if !self.has_places {
            return Err(Failure::new(Cause::Unfit, forgotten(name, self.memory)));
        }
        let mut present: HashSet<(String, i32, i64)> = HashSet::new();
        let runs = indices.chunk_by(|left, right| {
            let (left, right) = (&records[*left], &records[*right]);
            (left.topic, left.partition) == (right.topic, right.partition)
        });
        for run in runs {
            let (first, last) = (&records[run[0]], &records[run[run.len() - 1]]);
            let (partition, from, to) =
                (first.partition.to_string(), first.offset.to_string(), last.offset.to_string());
            let table = format!("{}.{}", Quoted(&name.database, '`'), Quoted(&name.table, '`'));
            let parameters =
                [("topic", first.topic), ("partition", partition.as_str()), ("from", &from), ("to", &to)];
            let rows = server.query(&STORED.replace("TABLE", &table), &parameters);
            let rows = rows.map_err(|failure| failure.within(&format!("looking for records in {name}")))?;
            let offsets = rows.iter().filter_map(|row| row.first()?.parse().ok());
            present.extend(offsets.map(|offset| (first.topic.to_owned(), first.partition, offset)));
        }
        let is_missing = |index: &&usize| {
            let record = &records[**index];
            !present.contains(&(record.topic.to_owned(), record.partition, record.offset))
        };
        Ok(indices.iter().filter(is_missing).copied().collect())
    }
}

fn is_replicated(engine: &str) -> bool {
    engine.ends_with("MergeTree") && (engine.starts_with("Replicated") || engine.starts_with("Shared"))
}

/// A setting of the table, or the server's default. A server that does not show its defaults has none.
fn window(server: &Server, engine_full: &str, defaults: &str, key: &str) -> Result<u64, Failure> {
    if let Some(value) = own_setting(engine_full, key) {
        return Ok(value);
    }
    let rows = match server.query(&DEFAULT.replace("SETTINGS_TABLE", defaults), &[("key", key)]) {
        Ok(rows) => rows,
        Err(failure) if failure.cause == Cause::Busy => return Err(failure),
        Err(_) => return Ok(0),
    };
    Ok(rows.first().and_then(|row| row.first()?.parse().ok()).unwrap_or(0))
}

/// Reads `key = 100` behind the SETTINGS of an engine.
fn own_setting(engine_full: &str, key: &str) -> Option<u64> {
    let (_, settings) = engine_full.rsplit_once(" SETTINGS ")?;
    let pairs = settings.split(',').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(name, _)| name.trim() == key)?.1;
    value.trim().trim_matches('\'').parse().ok()
}

fn remedy(name: &Name, engine: &str) -> String {
    let setting = if is_replicated(engine) {
        "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 3600"
    } else {
        "non_replicated_deduplication_window = 10000"
    };
    format!(
        "exactlyOnce: table {name} does not drop repeated inserts; run ALTER TABLE {name} MODIFY SETTING {setting}, \
         or set exactlyOnce to false"
    )
}

fn forgotten(name: &Name, memory: Duration) -> String {
    format!(
        "exactlyOnce: an insert into {name} got no answer more than {} s ago, and the table may have forgotten its \
         token; the table has no columns _topic, _partition and _offset to look it up by: find out whether its rows \
         are there and set the connector's offsets, or widen the table's deduplication window",
        memory.as_secs()
    )
}

/// Windows count inserts; this many a second are taken for granted, of all writers of a table together.
const INSERTS_PER_SECOND: u64 = 10;
const PLACES: [&str; 3] = ["_topic", "_partition", "_offset"];
const PLAIN: &str = "system.merge_tree_settings";
const REPLICATED: &str = "system.replicated_merge_tree_settings";
const TABLE: &str = "SELECT engine, engine_full, toString(length(dependencies_table)) FROM system.tables \
    WHERE database = {database:String} AND name = {table:String}";
const DEFAULT: &str = "SELECT value FROM SETTINGS_TABLE WHERE name = {key:String}";
const STORED: &str = "SELECT DISTINCT toString(_offset) FROM TABLE WHERE _topic = {topic:String} \
    AND _partition = {partition:Int32} AND _offset BETWEEN {from:Int64} AND {to:Int64}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_from_the_engines_own_settings() {
        let full = "MergeTree PARTITION BY a ORDER BY (a, b) SETTINGS index_granularity = 8192, \
                    non_replicated_deduplication_window = 100";
        assert_eq!(own_setting(full, "non_replicated_deduplication_window"), Some(100));
        assert_eq!(own_setting(full, "replicated_deduplication_window"), None);
        assert_eq!(own_setting("MergeTree ORDER BY k", "non_replicated_deduplication_window"), None);
    }

    #[test]
    fn tokens_name_the_table_and_parts_their_records() {
        let record = |partition, offset| Incoming {
            topic: "t",
            partition,
            offset,
            value: None,
            ..Incoming::default()
        };
        let records = [record(1, 5), record(0, 9), record(0, 8)];
        let mut indices = vec![0, 1, 2];
        sort(&records, &mut indices);
        assert_eq!(indices, [2, 1, 0]);
        let name = Name { database: "d".into(), table: "x".into() };
        let promise = Promise { token: "p", age: Duration::ZERO, is_repeated: false, may_send: &|| false };
        assert_eq!(promise.token_of(&name, &records, (&indices, &indices)), "p:d.x");
        assert_eq!(promise.token_of(&name, &records, (&indices[..2], &indices)), "p:d.x:t-0@8:t-0@9:2");
        assert_eq!(promise.check().unwrap_err().cause, Cause::Busy);
    }
}
