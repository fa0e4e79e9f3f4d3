//! Exactly-once inserts: what a table does against repetition, tokens, and the look into a table for what is there.
use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use crate::decoder::Column;
use crate::failure::{Cause, Failure};
use crate::incoming::Incoming;
use crate::server::Server;
use crate::settings::Flush;
use crate::table::Name;
use crate::types::Quoted;

/// What the worker said of a batch: its records are written once under this token, whoever brings them.
#[derive(Clone, Copy)]
pub struct Promise<'a> {
    pub token: &'a str,
    /// Since the plan was made.
    pub age: Duration,
    pub is_repeated: bool,
    /// The token is another program's, for exactly these records: it stands as it is, and nobody knows its age.
    pub is_foreign: bool,
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
        let mut token =
            if self.is_foreign { self.token.to_owned() } else { format!("{}:{name}", self.token) };
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

/// Where a table's tokens are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// On the one server that has the table.
    Plain,
    /// In Keeper, for all replicas. Each has its own parts, some sooner than others.
    Replicated,
    /// In Keeper, as everything of the table is.
    Shared,
}

/// How a table keeps records from coming twice.
#[derive(Debug, PartialEq)]
pub struct Guarantee {
    /// A token that is younger than this is surely remembered.
    memory: Duration,
    /// What the assumption behind it is made of.
    flush: Flush,
    kind: Kind,
    /// The table has `_topic`, `_partition` and `_offset`: it can be asked what is there.
    has_places: bool,
    /// Other tables are filled from it.
    pub has_views: bool,
}

impl Guarantee {
    /// Refuses a table that does not drop repeated inserts, with what would make it.
    pub fn look(server: &Server, name: &Name, columns: &[Column], flush: Flush) -> Result<Self, Failure> {
        let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
        let rows = server.query(TABLE, &parameters)?;
        let row = rows.into_iter().next().and_then(|row| <[String; 3]>::try_from(row).ok());
        let Some([engine, full, views]) = row else {
            let sentence = format!("table {} does not exist in database {}", name.table, name.database);
            return Err(Failure::new(Cause::MissingTable, sentence));
        };
        let kind = Kind::of(&engine).ok_or_else(|| {
            let sentence = format!(
                "exactlyOnce: table {name} has the engine {engine}, which does not drop repeated inserts; use one of \
                 the MergeTree family, or set exactlyOnce to false"
            );
            Failure::new(Cause::Unfit, sentence)
        })?;
        if kind == Kind::Plain && server.has_several_hosts() {
            return Err(Failure::new(Cause::Unfit, apart(name, &engine)));
        }
        let inserts_per_second = flush.inserts_per_second();
        let tokens = kind.tokens(server, &full, inserts_per_second)?;
        if tokens == 0 {
            return Err(Failure::new(Cause::Unfit, remedy(name, kind, inserts_per_second)));
        }
        let has = |column: &str| columns.iter().any(|known| known.name == column);
        Ok(Guarantee {
            memory: Duration::from_secs_f64(tokens as f64 / (2 * inserts_per_second) as f64),
            flush,
            kind,
            has_places: PLACES.iter().all(|column| has(column)),
            has_views: views != "0",
        })
    }

    /// Whether the server may have forgotten the token of an insert that may have been stored.
    pub fn forgets(&self, promise: &Promise<'_>) -> bool {
        if promise.is_foreign {
            return self.has_places;
        }
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
            return Err(Failure::new(Cause::Unfit, forgotten(name, self)));
        }
        if self.kind == Kind::Replicated {
            await_replica(server, name)?;
        }
        let sequential = if self.kind == Kind::Shared { SEQUENTIAL } else { "" };
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
            let rows = server.query(&(STORED.replace("TABLE", &table) + sequential), &parameters);
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

impl Kind {
    fn of(engine: &str) -> Option<Self> {
        match engine {
            _ if !engine.ends_with("MergeTree") => None,
            _ if engine.starts_with("Replicated") => Some(Kind::Replicated),
            _ if engine.starts_with("Shared") => Some(Kind::Shared),
            _ => Some(Kind::Plain),
        }
    }

    /// How many tokens a table with these settings has at least, when none is older than they allow.
    fn tokens(self, server: &Server, engine_full: &str, inserts_per_second: u64) -> Result<u64, Failure> {
        if self == Kind::Plain {
            return window(server, engine_full, PLAIN, "non_replicated_deduplication_window");
        }
        let blocks = window(server, engine_full, REPLICATED, "replicated_deduplication_window")?;
        let seconds = window(server, engine_full, REPLICATED, "replicated_deduplication_window_seconds")?;
        Ok(blocks.min(seconds.saturating_mul(inserts_per_second)))
    }
}

/// A replica that lacks parts which others have would say of their records that they are missing.
fn await_replica(server: &Server, name: &Name) -> Result<(), Failure> {
    let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
    let rows = server.query(REPLICA, &parameters)?;
    if rows.iter().flatten().all(|is_current| is_current == "1") && !rows.is_empty() {
        return Ok(());
    }
    let sentence = format!("exactlyOnce: this replica of {name} does not have all of its parts yet");
    Err(Failure::new(Cause::Busy, sentence))
}

/// A setting of the table, or the server's default. A server that does not show its defaults has none.
pub fn window(server: &Server, engine_full: &str, defaults: &str, key: &str) -> Result<u64, Failure> {
    if let Some(value) = own_setting(engine_full, key) {
        return Ok(value);
    }
    let rows = match server.query(&DEFAULT.replace("SETTINGS_TABLE", defaults), &[("key", key)]) {
        Ok(rows) => rows,
        Err(failure) if failure.cause.passes() => return Err(failure),
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

fn remedy(name: &Name, kind: Kind, inserts_per_second: u64) -> String {
    let window = inserts_per_second.saturating_mul(REMEMBERED_SECONDS).min(WINDOW_MAX);
    let setting = match kind {
        Kind::Plain => format!("non_replicated_deduplication_window = {window}"),
        Kind::Replicated | Kind::Shared => format!(
            "replicated_deduplication_window = {window}, replicated_deduplication_window_seconds = 3600"
        ),
    };
    format!(
        "exactlyOnce: table {name} does not drop repeated inserts; run ALTER TABLE {name} MODIFY SETTING {setting}, \
         or set exactlyOnce to false"
    )
}

fn apart(name: &Name, engine: &str) -> String {
    format!(
        "exactlyOnce: table {name} has the engine {engine}, whose tokens are known to one server alone; with several \
         hosts use a Replicated engine, or name one host"
    )
}

fn forgotten(name: &Name, guarantee: &Guarantee) -> String {
    format!(
        "exactlyOnce: an insert into {name} got no answer more than {} s ago, and the table may have forgotten its \
         token, at {}; the table has no columns _topic, _partition and _offset to look it up by: find out whether its \
         rows are there and set the connector's offsets, or widen the table's deduplication window",
        guarantee.memory.as_secs(),
        guarantee.flush
    )
}

/// Of inserts; a plan counts as remembered for half of it.
const REMEMBERED_SECONDS: u64 = 1_000;
const WINDOW_MAX: u64 = 1_000_000;
const PLACES: [&str; 3] = ["_topic", "_partition", "_offset"];
const PLAIN: &str = "system.merge_tree_settings";
const REPLICATED: &str = "system.replicated_merge_tree_settings";
const TABLE: &str = "SELECT engine, engine_full, toString(length(dependencies_table)) FROM system.tables \
    WHERE database = {database:String} AND name = {table:String}";
const DEFAULT: &str = "SELECT value FROM SETTINGS_TABLE WHERE name = {key:String}";
/// Whether the replica has seen the whole log, which may be empty, and fetched what is in it.
const REPLICA: &str = "SELECT toString(toUInt8(inserts_in_queue = 0 AND (log_pointer > log_max_index OR log_max_index = 0) AND NOT is_session_expired)) \
    FROM system.replicas WHERE database = {database:String} AND table = {table:String}";
const SEQUENTIAL: &str = " SETTINGS select_sequential_consistency = 1";
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
        let promise = Promise {
            token: "p",
            age: Duration::ZERO,
            is_repeated: false,
            is_foreign: false,
            may_send: &|| false,
        };
        assert_eq!(promise.token_of(&name, &records, (&indices, &indices)), "p:d.x");
        let foreign = Promise { is_foreign: true, ..promise };
        assert_eq!(foreign.token_of(&name, &records, (&indices, &indices)), "p");
        assert_eq!(promise.token_of(&name, &records, (&indices[..2], &indices)), "p:d.x:t-0@8:t-0@9:2");
        assert_eq!(promise.check().unwrap_err().cause, Cause::Busy);
    }
}
