//! A table as far as altering it goes: its engine, and all columns with the part that they play.
use crate::decoder;
use crate::failure::{Cause, Failure};
use crate::proposal::{self, Column};
use crate::server::Server;
use crate::table::{self, Name};

pub struct Described {
    engine: String,
    pub columns: Vec<Known>,
}

pub struct Known {
    pub column: decoder::Column,
    /// The table is sorted, partitioned or sampled by it, or its engine reads it.
    is_key: bool,
    /// An insert may name it.
    is_open: bool,
}

impl Described {
    pub fn read(server: &Server, name: &Name) -> Result<Self, Failure> {
        let context = |failure: Failure| failure.within(&format!("reading the columns of {name}"));
        let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
        let [engine, full] = table::engine(server, name).map_err(context)?;
        let columns = server.query(COLUMNS, &parameters).map_err(context)?;
        let arguments = full.split_once(" ORDER BY").map_or(full.as_str(), |(arguments, _)| arguments);
        let columns = columns.into_iter().filter_map(|row| {
            let [name, type_text, is_key, kind] = <[String; 4]>::try_from(row).ok()?;
            let is_open = matches!(kind.as_str(), "" | "DEFAULT" | "EPHEMERAL");
            let is_key = is_key == "1" || proposal::names_column(arguments, &name);
            Some(Known { column: decoder::Column { name, type_text, has_default: false }, is_key, is_open })
        });
        let columns = columns.collect();
        Ok(Described { engine, columns })
    }

    /// Whether records were decoded by the columns that the table has now.
    pub fn is_like(&self, columns: &[decoder::Column]) -> bool {
        let open = self.columns.iter().filter(|known| known.is_open);
        let names = open.map(|known| (&known.column.name, &known.column.type_text));
        names.eq(columns.iter().map(|column| (&column.name, &column.type_text)))
    }

    /// Whether the table, or its engine, goes by a column.
    pub fn is_key(&self, name: &str) -> bool {
        self.columns.iter().any(|known| known.is_key && known.column.name == name)
    }

    /// Whether rows only pass through it to other tables, which would have to be altered first.
    pub fn is_front(&self) -> bool {
        FRONTS.contains(&self.engine.as_str())
    }

    /// Refuses a table in which a column would be of no use alone.
    pub fn check(&self, name: &Name, columns: &[Column], cluster: Option<&str>) -> Result<(), Failure> {
        if !self.is_front() {
            return Ok(());
        }
        let definitions: Vec<_> =
            columns.iter().map(|column| format!("ADD COLUMN {}", proposal::definition(column))).collect();
        let sentence = format!(
            "schemaEvolution: table {name} has the engine {}, whose rows go to other tables that this sink does not know; \
             add the columns to those, then run {} {}",
            self.engine,
            proposal::alter(name, cluster),
            definitions.join(", ")
        );
        Err(Failure::new(Cause::Unfit, sentence))
    }
}

const FRONTS: &[&str] = &["Distributed", "Buffer", "View", "MaterializedView", "Merge"];
const COLUMNS: &str = "SELECT name, type, \
    toString(toUInt8(is_in_sorting_key OR is_in_primary_key OR is_in_partition_key OR is_in_sampling_key)), default_kind \
    FROM system.columns WHERE database = {database:String} AND table = {table:String} ORDER BY position";
