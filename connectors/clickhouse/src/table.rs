//! The target table as the server describes it.
use std::collections::HashMap;
use std::fmt;

use crate::decoder::Column;
use crate::failure::{Cause, Failure};
use crate::server::Server;
use crate::types::{self, Quoted};
use crate::values::{Change, Loss, Zone, Zones};

/// Database and name of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub database: String,
    pub table: String,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.database, self.table)
    }
}

impl Name {
    /// The statement that inserts into these columns.
    pub fn insert_statement(&self, columns: &[&str]) -> String {
        let columns: Vec<_> = columns.iter().map(|column| Quoted(column, '`').to_string()).collect();
        let (database, table) = (Quoted(&self.database, '`'), Quoted(&self.table, '`'));
        format!("INSERT INTO {database}.{table} ({}) FORMAT Native", columns.join(", "))
    }
}

/// Reads the columns that an insert may name. MATERIALIZED and ALIAS columns are the server's own business.
pub fn columns(server: &Server, name: &Name) -> Result<Vec<Column>, Failure> {
    let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
    let rows = server.query(COLUMNS, &parameters)?;
    if rows.is_empty() {
        let sentence = format!(
            "table {} does not exist in database {}, or the user may not see its columns",
            name.table, name.database
        );
        return Err(Failure::new(Cause::MissingTable, sentence));
    }
    let columns = rows.into_iter().filter_map(|row| {
        let [name, type_text, kind] = <[String; 3]>::try_from(row).ok()?;
        let has_default = matches!(kind.as_str(), "DEFAULT" | "EPHEMERAL");
        let insertable = kind.is_empty() || has_default;
        insertable.then_some(Column { name, type_text, has_default })
    });
    Ok(columns.collect())
}

/// The engine's name, and all that its definition says.
pub fn engine(server: &Server, name: &Name) -> Result<[String; 2], Failure> {
    let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
    let row = server.query(ENGINE, &parameters)?.into_iter().next();
    row.and_then(|row| row.try_into().ok()).ok_or_else(|| {
        let sentence = format!("table {name} does not exist, or the user may not see it");
        Failure::new(Cause::MissingTable, sentence)
    })
}

/// The time zones that a task met. Each is read once: it takes the server half a second.
pub struct ZoneCache {
    known: HashMap<String, Zone>,
    loss: Loss,
}

impl ZoneCache {
    pub fn new(loss: Loss) -> Self {
        ZoneCache { known: HashMap::new(), loss }
    }

    /// The zones that these columns need.
    pub fn zones(&mut self, server: &Server, columns: &[Column]) -> Result<Zones, Failure> {
        let mut names = Vec::new();
        let types: Vec<_> =
            columns.iter().filter_map(|column| types::parse(&column.type_text).ok()).collect();
        for ty in &types {
            ty.zones(&mut names);
        }
        let mut zones = Zones { loss: self.loss, ..Zones::utc() };
        for name in names {
            let zone = self.zone(server, &name)?;
            zones.named.insert(name, zone);
        }
        if types.iter().any(types::Type::has_local_time) {
            let rows = server.query("SELECT timezone()", &[])?;
            if let Some(name) = rows.first().and_then(|row| row.first()) {
                zones.server = self.zone(server, name)?;
            }
        }
        Ok(zones)
    }

    fn zone(&mut self, server: &Server, name: &str) -> Result<Zone, Failure> {
        if matches!(name, "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT") {
            return Ok(Zone::Utc);
        }
        if let Some(zone) = self.known.get(name) {
            return Ok(zone.clone());
        }
        let rows = server.query(CHANGES, &[("zone", name)])?;
        let change = |row: &Vec<String>| {
            let (at, offset) = (row.first()?.parse().ok()?, row.get(1)?.parse().ok()?);
            Some(Change { at, offset })
        };
        let zone = Zone::new(rows.iter().filter_map(change).collect());
        self.known.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }
}

const ENGINE: &str = "SELECT engine, engine_full FROM system.tables \
    WHERE database = {database:String} AND name = {table:String}";
const COLUMNS: &str = "SELECT name, type, default_kind FROM system.columns \
    WHERE database = {database:String} AND table = {table:String} ORDER BY position";

/// Every change of a zone's offset from 1900 to 2299, found by looking at each quarter of an hour: the server
/// has no table of them, and another source could disagree with what it later shows.
const CHANGES: &str = "SELECT at, offset FROM (SELECT toInt64(number) * 900 - 2208988800 AS at, \
    timezoneOffset(toDateTime64(at, 0, {zone:String})) AS offset, \
    timezoneOffset(toDateTime64(at - 900, 0, {zone:String})) AS before FROM numbers(14026752)) \
    WHERE offset != before OR at = -2208988800 ORDER BY at";
