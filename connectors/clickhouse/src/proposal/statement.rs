//! Writes the statements that create and alter tables.
use super::wishes::{Engine, Wishes};
use super::{Column, Order};
use crate::table::Name;
use crate::types::Quoted;

pub(super) fn create(
    name: &Name,
    columns: &[Column],
    engine: &Engine,
    order: &Order,
    wishes: &Wishes,
) -> String {
    let columns: Vec<_> = columns.iter().map(definition).collect();
    let target = target(name, wishes.cluster.as_deref());
    let mut statement =
        format!("CREATE TABLE IF NOT EXISTS {target} ({}) ENGINE = {engine}", columns.join(", "));
    if let Some(partition) = &wishes.partition_by {
        statement.extend([" PARTITION BY ", partition]);
    }
    match order {
        Order::Given(given) => statement.extend([" ORDER BY (", given, ")"]),
        Order::Columns(names) => {
            let names: Vec<_> = names.iter().map(|name| Quoted(name, '`').to_string()).collect();
            statement.extend([" ORDER BY (", &names.join(", "), ")"]);
        }
        Order::Nothing => {}
    }
    if let Some(ttl) = &wishes.ttl {
        statement.extend([" TTL ", ttl]);
    }
    if wishes.exactly_once && !engine.is_replicated {
        statement += " SETTINGS non_replicated_deduplication_window = 10000";
    }
    statement
}

/// The beginning of a statement that alters a table.
pub fn alter(name: &Name, cluster: Option<&str>) -> String {
    format!("ALTER TABLE {}", target(name, cluster))
}

pub fn definition(column: &Column) -> String {
    format!("{} {}", Quoted(&column.name, '`'), column.type_text)
}

fn target(name: &Name, cluster: Option<&str>) -> String {
    let cluster = cluster.map_or(String::new(), |cluster| format!(" ON CLUSTER {}", Quoted(cluster, '`')));
    format!("{}.{}{cluster}", Quoted(&name.database, '`'), Quoted(&name.table, '`'))
}
