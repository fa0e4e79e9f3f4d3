//! Whether a table has so many parts that the server holds inserts back until merges caught up.
use crate::exact::window;
use crate::server::Server;
use crate::table::Name;

/// Asked after a slow insert. What cannot be seen, because the user may not or because the engine has no parts, is no
/// pressure.
pub fn are_many(server: &Server, name: &Name) -> bool {
    let parameters = [("database", name.database.as_str()), ("table", name.table.as_str())];
    let first = |sql| server.query(sql, &parameters).ok()?.into_iter().next();
    let Some([most, full]) = first(MOST).and_then(|row| <[String; 2]>::try_from(row).ok()) else {
        return false;
    };
    let defaults = "system.merge_tree_settings";
    let Ok(bound) = window(server, &full, defaults, "parts_to_delay_insert") else { return false };
    most.parse().is_ok_and(|most: u64| bound > 0 && most >= bound)
}

const MOST: &str = "SELECT toString((SELECT max(parts) FROM (SELECT count() AS parts FROM system.parts \
    WHERE active AND database = {database:String} AND table = {table:String} GROUP BY partition_id))), engine_full \
    FROM system.tables WHERE database = {database:String} AND name = {table:String} AND engine LIKE '%MergeTree'";
