//! Settings that say which tables are created and altered, and how.
use penstock_sdk::{Config, Error, Importance, Result, Setting};

use super::rows::{self, text};
use crate::evolution::{Evolution, Mode};
use crate::proposal::{Engine, Family, Wishes};

pub struct Tables {
    pub wishes: Wishes,
    pub evolution: Evolution,
    /// The column that takes the fields without one.
    pub overflow: Option<String>,
}

pub fn parse(config: &Config) -> Result<Tables> {
    let creates = match text(config, CREATION).map(str::to_ascii_lowercase).as_deref() {
        None | Some("off") => false,
        Some("create") => true,
        Some(other) => {
            return Err(Error::config(format!("{CREATION}: expected off or create, got {other:?}")));
        }
    };
    let evolution = evolution(config)?;
    let wishes = Wishes { creates, ..wishes(config)? };
    Ok(Tables { wishes, evolution, overflow: overflow(config, evolution.mode)? })
}

/// Only replicas of one table know each other's tokens, so with several hosts no other table is created.
pub fn check_hosts(config: &Config, hosts: usize) -> Result<()> {
    // What is wrong with these alone is told by itself.
    let Ok(Tables { wishes, .. }) = parse(config) else { return Ok(()) };
    let Wishes { engine, creates, exactly_once, .. } = wishes;
    let is_replicated = engine.is_some_and(|engine| engine.is_replicated);
    if hosts < 2 || !creates || !exactly_once || is_replicated {
        return Ok(());
    }
    Err(Error::config(format!(
        "{ENGINE}: expected an engine with Replicated before it, such as ReplicatedMergeTree, because of exactlyOnce with \
         several hosts"
    )))
}

/// What tables should be like is found from the names and values of objects, which lines do not have.
pub fn check_lines(config: &Config) -> Result<()> {
    let (Ok(shape), Ok(tables)) = (rows::shape(config), parse(config)) else { return Ok(()) };
    let wanted = [(CREATION, tables.wishes.creates), (EVOLUTION, tables.evolution.mode != Mode::Off)];
    match wanted.iter().find(|(_, is_wanted)| *is_wanted && shape.lines.is_some()) {
        Some((key, _)) => Err(Error::config(format!(
            "{key}: lines of cells have no names and types to go by; set it to off, or insertFormat to json"
        ))),
        None => Ok(()),
    }
}

fn wishes(config: &Config) -> Result<Wishes> {
    let clause = |key: &str| text(config, key).map(str::to_owned);
    let wishes = Wishes {
        engine: engine(config)?,
        order_by: clause(ORDER_BY),
        partition_by: clause(PARTITION_BY),
        ttl: clause(TTL),
        cluster: clause("clusterName"),
        creates: false,
        exactly_once: config.flag("exactlyOnce", false)?,
        objects_as_json: config.flag(TO_JSON, false)?,
    };
    let Some(engine) = &wishes.engine else { return Ok(wishes) };
    if engine.family == Family::Null {
        for key in [ORDER_BY, PARTITION_BY, TTL] {
            if text(config, key).is_some() {
                return Err(Error::config(format!("{key}: has no effect with {ENGINE}=Null")));
            }
        }
        if wishes.exactly_once {
            return Err(Error::config(format!(
                "{ENGINE}: Null does not drop repeated inserts, as exactlyOnce needs it"
            )));
        }
    }
    if engine.sums_up() && wishes.order_by.is_none() {
        return Err(Error::config(format!("{ORDER_BY}: {engine} needs the columns that it keeps apart")));
    }
    Ok(wishes)
}

fn engine(config: &Config) -> Result<Option<Engine>> {
    let Some(given) = text(config, ENGINE) else { return Ok(None) };
    let engine = Engine::parse(given).ok_or_else(|| {
        Error::config(format!(
            "{ENGINE}: expected MergeTree, ReplacingMergeTree, SummingMergeTree or AggregatingMergeTree, also with \
             Replicated before and arguments in parentheses behind, or Null, got {given:?}"
        ))
    })?;
    let upserts = super::rows::shape(config)?.upserts.is_some();
    if upserts && (engine.family != Family::Replacing || engine.arguments.is_some()) {
        return Err(Error::config(format!(
            "{ENGINE}: expected ReplacingMergeTree or ReplicatedReplacingMergeTree without arguments, because \
             upsertMode says which columns they are"
        )));
    }
    Ok(Some(engine))
}

fn evolution(config: &Config) -> Result<Evolution> {
    let is_java = config.flag(EVOLVE, false)?;
    let mode = match text(config, EVOLUTION).map(str::to_ascii_lowercase).as_deref() {
        // A declared default is not what the user says.
        None | Some("off") if is_java => Mode::Add,
        None | Some("off") => Mode::Off,
        Some("add") => Mode::Add,
        Some("widen") => Mode::Widen,
        Some("overflow") => Mode::Overflow,
        Some("halt") => Mode::Halt,
        Some(other) => {
            return Err(Error::config(format!(
                "{EVOLUTION}: expected off, add, widen, overflow or halt, got {other:?}"
            )));
        }
    };
    if is_java && matches!(mode, Mode::Overflow | Mode::Halt) {
        return Err(Error::config(format!("{EVOLUTION}: must be add, widen or empty when {EVOLVE} is true")));
    }
    if mode != Mode::Off && config.flag("rawOnly", false)? {
        return Err(Error::config(format!("{EVOLUTION}: has no effect with rawOnly, which reads no fields")));
    }
    let refresh_retries: u32 = config.parsed(RETRIES)?.unwrap_or(RETRIES_DEFAULT);
    Ok(Evolution { mode, refresh_retries: refresh_retries.min(RETRIES_MAX) })
}

fn overflow(config: &Config, mode: Mode) -> Result<Option<String>> {
    let column = text(config, OVERFLOW).unwrap_or(OVERFLOW_DEFAULT);
    if mode == Mode::Overflow {
        let is_mapped = super::rows::shape(config)?.map.iter().any(|mapping| mapping.column == column);
        if is_mapped {
            return Err(Error::config(format!("{OVERFLOW}: field2ColumnMap gives {column} to a field")));
        }
        return Ok(Some(column.to_owned()));
    }
    if column != OVERFLOW_DEFAULT {
        return Err(Error::config(format!("{OVERFLOW}: has no effect without {EVOLUTION}=overflow")));
    }
    Ok(None)
}

pub fn declare() -> Vec<Setting> {
    let sql = "It is SQL that becomes part of the statement as it is.";
    vec![
        Setting::string(CREATION).default("off").one_of(&["off", "create"]).doc(
            "Whether a table that does not exist is created from the first records that go to it. With off the \
             task fails and shows the statement.",
        ),
        Setting::string(ENGINE).default("").doc(
            "Engine of tables that are created: MergeTree, ReplacingMergeTree, SummingMergeTree or \
             AggregatingMergeTree, also with Replicated before it and arguments in parentheses behind, or Null. \
             Without a value it is MergeTree, with upsertMode ReplacingMergeTree.",
        ),
        Setting::string(ORDER_BY).default("").doc(format!(
            "Columns or expressions, separated by commas, that tables which are created are sorted by. Without a \
             value they are sorted by topic, partition and offset, with upsertMode by the fields of the records' \
             keys. {sql}"
        )),
        Setting::string(PARTITION_BY)
            .default("")
            .doc(format!("What tables that are created are partitioned by. {sql}")),
        Setting::string(TTL).default("").doc(format!(
            "When rows of tables that are created go, such as toDateTime(_timestamp) + INTERVAL 30 DAY. {sql}"
        )),
        Setting::string(EVOLUTION).default("off").one_of(&["off", "add", "widen", "overflow", "halt"]).doc(
            "What happens to fields without a column: off ignores them, add alters the table, widen also gives \
             columns a wider type for values that they do not hold, overflow keeps them as an object in \
             overflowColumn, halt stops the task and shows the statement.",
        ),
        Setting::string(OVERFLOW)
            .default(OVERFLOW_DEFAULT)
            .doc("Column of type JSON or String for the fields without one, with schemaEvolution=overflow."),
        Setting::boolean(EVOLVE)
            .default("false")
            .importance(Importance::Low)
            .doc("The same as schemaEvolution=add, as clickhouse-kafka-connect calls it."),
        Setting::boolean(TO_JSON).default("false").importance(Importance::Low).doc(
            "Whether columns for objects are of type JSON also where all objects have the same fields, which makes \
             tuples otherwise.",
        ),
        Setting::int(RETRIES)
            .default("3")
            .range(0, i64::from(RETRIES_MAX))
            .importance(Importance::Low)
            .doc("How often columns are read again, every 200 ms, until a table that was altered shows it."),
    ]
}

const CREATION: &str = "tableCreation";
const ENGINE: &str = "tableEngine";
const ORDER_BY: &str = "tableOrderBy";
const PARTITION_BY: &str = "tablePartitionBy";
const TTL: &str = "tableTtl";
const EVOLUTION: &str = "schemaEvolution";
const OVERFLOW: &str = "overflowColumn";
const OVERFLOW_DEFAULT: &str = "_overflow";
const EVOLVE: &str = "auto.evolve";
const TO_JSON: &str = "auto.evolve.struct.to.json";
const RETRIES: &str = "auto.evolve.ddl.refresh.retries";
const RETRIES_DEFAULT: u32 = 3;
const RETRIES_MAX: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings> {
        let config: Config = pairs.iter().copied().collect();
        Settings::parse(&config.with("hostname", "a"))
    }

    fn refused(pairs: &[(&str, &str)], expected: &str) {
        let error = settings(pairs).unwrap_err();
        assert!(error.message().starts_with(expected), "{pairs:?}: {error}");
    }

    #[test]
    fn nothing_is_created_or_altered_unless_it_is_asked_for() {
        let plain = settings(&[]).unwrap();
        assert!(!plain.wishes.creates);
        assert_eq!((plain.evolution.mode, plain.shape.overflow), (Mode::Off, None));
        let mode = |pairs: &[(&str, &str)]| settings(pairs).unwrap().evolution;
        assert_eq!(mode(&[("auto.evolve", "true")]).mode, Mode::Add);
        assert_eq!(mode(&[("auto.evolve", "true"), (EVOLUTION, "off")]).mode, Mode::Add);
        assert_eq!(mode(&[("auto.evolve", "true"), (EVOLUTION, "widen")]).mode, Mode::Widen);
        assert_eq!(mode(&[("auto.evolve", "false"), (RETRIES, "7")]).refresh_retries, 7);
        let overflow = settings(&[(EVOLUTION, "overflow")]).unwrap();
        assert_eq!(overflow.shape.overflow.as_deref(), Some("_overflow"));
        let wishes = [(CREATION, "create"), (ENGINE, "Null"), ("clusterName", "c"), (TO_JSON, "true")];
        let wishes = settings(&wishes).unwrap();
        assert!(wishes.wishes.creates && wishes.wishes.objects_as_json);
        assert_eq!(wishes.wishes.cluster.as_deref(), Some("c"));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        refused(&[(CREATION, "yes")], "tableCreation: expected off or create, got \"yes\"");
        refused(&[(ENGINE, "Log")], "tableEngine: expected MergeTree");
        refused(&[(ENGINE, "Null"), (TTL, "a")], "tableTtl: has no effect with tableEngine=Null");
        refused(&[(ENGINE, "Null"), ("exactlyOnce", "true")], "tableEngine: Null does not drop");
        refused(&[(ENGINE, "SummingMergeTree")], "tableOrderBy: SummingMergeTree needs the columns");
        refused(&[(ENGINE, "MergeTree"), ("upsertMode", "tombstones")], "tableEngine: expected Replacing");
        refused(
            &[(ENGINE, "ReplacingMergeTree(v)"), ("upsertMode", "tombstones")],
            "tableEngine: expected Replacing",
        );
        let several = [("exactlyOnce", "true"), ("url", "http://a:1,http://b:1")];
        let with = |engine| [several[0], several[1], (CREATION, "create"), (ENGINE, engine)];
        let settings_of =
            |pairs: &[(&str, &str)]| Settings::parse(&pairs.iter().copied().collect::<Config>()).map(drop);
        let error = settings_of(&with("ReplacingMergeTree")).unwrap_err();
        assert!(error.message().starts_with("tableEngine: expected an engine with Replicated"), "{error}");
        settings_of(&with("ReplicatedMergeTree")).unwrap();
        settings_of(&several).unwrap();
        refused(&[(EVOLUTION, "grow")], "schemaEvolution: expected off, add");
        refused(&[(EVOLUTION, "halt"), (EVOLVE, "true")], "schemaEvolution: must be add, widen or empty");
        refused(&[(EVOLUTION, "add"), ("rawOnly", "true")], "schemaEvolution: has no effect with rawOnly");
        refused(&[(OVERFLOW, "rest")], "overflowColumn: has no effect without");
        refused(
            &[(EVOLUTION, "overflow"), (OVERFLOW, "rest"), ("field2ColumnMap", "a=rest")],
            "overflowColumn: field2ColumnMap gives rest to a field",
        );
    }
}
