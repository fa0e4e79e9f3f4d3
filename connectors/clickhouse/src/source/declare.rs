//! Declares the settings of the source; those of the connection are the sink's.
use penstock_sdk::{Importance, Setting};

use crate::settings::connection;

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Connection", connection()),
        ("Source", source()),
        ("Rows", rows()),
        ("Reading", reading()),
    ])
}

fn source() -> Vec<Setting> {
    vec![
        Setting::string("database")
            .default("default")
            .importance(Importance::High)
            .doc("Database of the tables, and that of names without one in query."),
        Setting::string("table")
            .importance(Importance::High)
            .doc("Table or view to read. Either this, tables or query is needed."),
        Setting::list("tables").doc(
            "Tables to read, separated by commas, in place of table. They share all settings and are dealt out to \
             the tasks, each table to one; the topic needs {table} in it.",
        ),
        Setting::string("query").doc(
            "A SELECT to read in place of a table, without ORDER BY and LIMIT of its own. Rows that it has shown \
             have to stay as they are.",
        ),
        Setting::list("cursorColumn").importance(Importance::High).doc(
            "Column whose values grow from row to row, and behind it, separated by commas, columns that tell apart \
             the rows that share a value. Without the latter rows are told apart by all that is read of them.",
        ),
        Setting::string("topic").required().non_empty().doc(
            "Topic of the records; {table} in it stands for the name of the table.",
        ),
        Setting::string("mode")
            .default("snapshot+follow")
            .one_of(&["snapshot", "follow", "snapshot+follow"])
            .importance(Importance::High)
            .doc(
                "Which rows are read: with snapshot those that are there at the start, with follow those that come \
                 later, with snapshot+follow both. A stored offset goes before follow and startFrom.",
            ),
        Setting::string("startFrom").doc(
            "Value of the growing column to start from, itself included, when nothing is stored yet. Times are in \
             UTC, as in 2026-01-31T12:00:00Z.",
        ),
    ]
}

fn rows() -> Vec<Setting> {
    vec![
        Setting::list("columns").default("").doc(
            "Columns of the records, separated by commas; without a value all that SELECT * shows. MATERIALIZED and \
             ALIAS columns have to be named.",
        ),
        Setting::list("keyColumns").default("").doc(
            "Columns of the record key, separated by commas: one is the key itself, several become a struct. \
             Without a value there are no keys.",
        ),
        Setting::string("valueFormat").default("struct").one_of(&["struct", "json"]).doc(
            "struct makes structured values with a schema, for any converter. json takes each row as the server's own \
             JSON text, which is faster and wants the StringConverter.",
        ),
        Setting::string("wideIntegers").default("string").one_of(&["string", "decimal", "long"]).doc(
            "How UInt64, Int128, UInt128, Int256 and UInt256 come: as text, as Connect's Decimal without places, or as \
             int64, where a value that does not fit stops the task.",
        ),
        Setting::string("decimals").default("decimal").one_of(&["decimal", "string", "double"]).doc(
            "How Decimal columns come: as Connect's Decimal, as text, or as float64, which rounds. The JsonConverter \
             writes Connect's Decimal as Base64, so string suits JSON better.",
        ),
        Setting::list("binaryColumns").default("").doc(
            "Columns of value or key whose String and FixedString values are bytes and not text, separated by commas. With \
             valueFormat=json these can be columns of the key alone.",
        ),
    ]
}

fn reading() -> Vec<Setting> {
    vec![
        Setting::long("pollIntervalMs").default("1000").range(10, 86_400_000).doc(
            "Milliseconds between two questions for new rows when there were none. While there are rows, one page \
             follows the other.",
        ),
        Setting::long("batchRows").default("10000").range(1, 1_000_000).doc(
            "Rows of a page at most. Rows that are long make smaller pages by themselves.",
        ),
        Setting::long("lagMs").range(0, 86_400_000).doc(
            "Milliseconds after which a row is read at the earliest, by a growing column that is a DateTime or \
             DateTime64. Set it when rows can come later than others with a greater value: to the time that an \
             insert takes at most to show its rows.",
        ),
        Setting::long("tiesMax").default("1000").range(1, 20_000).importance(Importance::Low).doc(
            "Rows with the newest value that a stored offset remembers, 16 bytes each. Where more rows share a value, \
             those beyond come twice after a restart.",
        ),
        Setting::long("queryTimeoutMs").default("300000").range(1000, 86_400_000).doc(
            "Milliseconds without a byte of the answer after which a page is given up and asked for again.",
        ),
        Setting::int("timeoutSeconds").default("30").range(1, 600).importance(Importance::Low).doc(
            "Seconds after which a question for columns is given up and asked again.",
        ),
        Setting::list("clickhouseSettings").default("").importance(Importance::Low).doc(
            "Settings of the server for each query as name=value, separated by commas, for instance final=1.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_a_group() {
        for setting in declare() {
            let told = format!("{setting:?}");
            assert!(told.contains("group: Some("), "{told}");
        }
    }
}
