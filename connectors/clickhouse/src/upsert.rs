//! Whether a table can replace and delete rows, and by which columns: asked of the server.
use crate::decoder::Keys;
use crate::failure::{Cause, Failure};
use crate::server::Server;
use crate::shape::Upserts;
use crate::table::{self, Name};

/// Finds the columns that a table keeps the newest row of a key by. Fails with a sentence on what the table would
/// have to be.
pub fn keys(server: &Server, name: &Name, upserts: &Upserts) -> Result<Keys, Failure> {
    let [engine, full] = table::engine(server, name)?;
    let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
    let columns = server.query(KEYS, &parameters)?.into_iter().flatten().collect();
    let (version, deleted) = columns_of(&engine, &full, upserts)
        .map_err(|reason| Failure::new(Cause::Schema, format!("upsertMode: table {name} {reason}")))?;
    Ok(Keys { version, deleted, required: columns })
}

/// The columns of version and delete mark: those that the engine names, else those of the settings.
fn columns_of(engine: &str, full: &str, upserts: &Upserts) -> Result<(String, String), String> {
    if !engine.ends_with("ReplacingMergeTree") {
        let is_front = FRONTS.contains(&engine);
        return match (&upserts.version_column, &upserts.deleted_column) {
            (Some(version), Some(deleted)) if is_front => Ok((version.clone(), deleted.clone())),
            _ if is_front => Err(format!("has engine {engine}, which does not tell: {NAME_THEM}")),
            _ => Err(format!("has engine {engine}, which keeps all rows: {NEEDED}")),
        };
    }
    let arguments = arguments(full);
    let (Some(version), Some(deleted)) = (arguments.first(), arguments.get(1)) else {
        let missing = if arguments.is_empty() { "a version" } else { "a mark for deletes" };
        return Err(format!("has engine {engine} without {missing}: {NEEDED}"));
    };
    for (key, given, own) in [
        ("upsertVersionColumn", &upserts.version_column, version),
        ("upsertDeletedColumn", &upserts.deleted_column, deleted),
    ] {
        if given.as_ref().is_some_and(|given| given != own) {
            return Err(format!(
                "has engine {engine} with column {own} for this: {key} must be {own} or empty"
            ));
        }
    }
    Ok((version.clone(), deleted.clone()))
}

/// The names between the parentheses after the engine; quoted text there is the path and name of a replica.
fn arguments(full: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let Some((_, rest)) = full.split_once("ReplacingMergeTree(") else { return arguments };
    let mut name = String::new();
    let mut quote = None;
    let mut is_text = false;
    let mut chars = rest.chars();
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('\\', Some(_)) => name.extend(chars.next()),
            (char, Some(open)) if char == open => quote = None,
            ('\'' | '`', None) => {
                quote = Some(char);
                is_text |= char == '\'';
            }
            (',' | ')', None) => {
                let name = std::mem::take(&mut name);
                if !std::mem::take(&mut is_text) && !name.is_empty() {
                    arguments.push(name);
                }
                if char == ')' {
                    break;
                }
            }
            (' ', None) => {}
            (char, _) => name.push(char),
        }
    }
    arguments
}

/// Engines that pass rows on to other tables.
const FRONTS: &[&str] = &["Distributed", "Buffer", "Null", "MaterializedView"];
const NEEDED: &str = "expected ReplacingMergeTree(version, is_deleted)";
const NAME_THEM: &str =
    "set upsertVersionColumn and upsertDeletedColumn to the columns of the ReplacingMergeTree behind it";

const KEYS: &str = "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String} \
    AND (is_in_sorting_key OR is_in_partition_key) ORDER BY position";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Events, KeyForm, Version};

    fn upserts(version: Option<&str>, deleted: Option<&str>) -> Upserts {
        Upserts {
            events: Events::States,
            version: Version::Offset,
            version_column: version.map(str::to_owned),
            deleted_column: deleted.map(str::to_owned),
            key_column: None,
            key: KeyForm::Json,
        }
    }

    fn accepted(engine: &str, full: &str, settings: (Option<&str>, Option<&str>), expected: (&str, &str)) {
        let found = columns_of(engine, full, &upserts(settings.0, settings.1));
        assert_eq!(found, Ok((expected.0.to_owned(), expected.1.to_owned())), "{full}");
    }

    fn refused(engine: &str, full: &str, settings: (Option<&str>, Option<&str>), expected: &str) {
        let reason = columns_of(engine, full, &upserts(settings.0, settings.1)).unwrap_err();
        assert!(reason.contains(expected), "{full}: {reason}");
    }

    #[test]
    fn the_engine_names_its_columns() {
        let none = (None, None);
        accepted("ReplacingMergeTree", "ReplacingMergeTree(v, d) ORDER BY k", none, ("v", "d"));
        accepted(
            "ReplicatedReplacingMergeTree",
            "ReplicatedReplacingMergeTree('/a, (b)/{uuid}', '{replica}', `my \\`v`, is_deleted) ORDER BY tuple()",
            none,
            ("my `v", "is_deleted"),
        );
        accepted(
            "SharedReplacingMergeTree",
            "SharedReplacingMergeTree('/x', 'r', v, d)",
            (Some("v"), None),
            ("v", "d"),
        );
        accepted("Distributed", "Distributed('c', 'd', 't')", (Some("v"), Some("d")), ("v", "d"));
    }

    #[test]
    fn a_table_that_cannot_keep_it_is_refused_with_what_it_would_have_to_be() {
        let none = (None, None);
        refused(
            "MergeTree",
            "MergeTree ORDER BY k",
            none,
            "keeps all rows: expected ReplacingMergeTree(version, is_deleted)",
        );
        refused("MergeTree", "MergeTree ORDER BY k", (Some("v"), Some("d")), "keeps all rows");
        refused("ReplacingMergeTree", "ReplacingMergeTree ORDER BY k", none, "without a version");
        refused(
            "ReplacingMergeTree",
            "ReplacingMergeTree(v) ORDER BY (k, d)",
            none,
            "without a mark for deletes",
        );
        refused(
            "ReplacingMergeTree",
            "ReplacingMergeTree(v, d)",
            (Some("w"), None),
            "upsertVersionColumn must be v or empty",
        );
        refused(
            "Distributed",
            "Distributed('c', 'd', 't')",
            none,
            "set upsertVersionColumn and upsertDeletedColumn",
        );
    }
}
