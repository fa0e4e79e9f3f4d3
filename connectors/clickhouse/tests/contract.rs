//! The contract battery over the built library, against a real server behind a door that can be shut.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod door;

use clickhouse::Client;
use door::Door;
use testkit::Battery;
use tokio::runtime::{Builder, Runtime};

/// The table that the battery's records go to or come from.
struct Table {
    runtime: Runtime,
    client: Client,
    database: String,
}

impl Table {
    fn new(url: &str) -> Self {
        Self::named(url, "penstock_contract")
    }

    fn named(url: &str, database: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let database = format!("{database}_{}", std::process::id());
        let table = Table { runtime, client: Client::default().with_url(url), database };
        table.run(&format!("CREATE DATABASE {}", table.database));
        table.run(&format!(
            "CREATE TABLE {}.battery (k UInt32) ENGINE = MergeTree ORDER BY k",
            table.database
        ));
        table
    }

    fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.query_raw(sql).execute()).unwrap();
    }

    fn rows(&self) -> Vec<String> {
        let sql = format!("SELECT k FROM {}.battery", self.database);
        let read = async { self.client.query_raw(&sql).fetch_bytes("TabSeparated")?.collect().await };
        let bytes = self.runtime.block_on(read).unwrap();
        String::from_utf8(bytes.into()).unwrap().lines().map(value).collect()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.run(&format!("DROP DATABASE {}", self.database));
    }
}

fn value(key: impl std::fmt::Display) -> String {
    format!("{{\"k\":{key}}}")
}

#[test]
fn the_sink_keeps_the_contract() {
    let url = std::env::var("PENSTOCK_TEST_CLICKHOUSE")
        .expect("PENSTOCK_TEST_CLICKHOUSE names no ClickHouse server: run ./test, which starts one");
    let server = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let door = Door::new(server);
    let (shut, open) = (door.clone(), door.clone());
    let table = Table::new(&url);
    let database = table.database.clone();
    Battery::sink(testkit::library("penstock-clickhouse"))
        .class("ClickHouseSink")
        .setting("hostname", "127.0.0.1")
        .setting("port", door.port().to_string())
        .setting("database", database)
        .value(value)
        .arrived(move || table.rows())
        .rejects("{\"k\":\"no number\"}")
        .outage(move || shut.shut(), move || open.open())
        .refuses("port", "70000", "port: ")
        .refuses("clickhouseSettings", "wait_end_of_query=0", "wait_end_of_query must be 1")
        .run();
}

#[test]
fn the_source_keeps_the_contract() {
    let url = std::env::var("PENSTOCK_TEST_CLICKHOUSE")
        .expect("PENSTOCK_TEST_CLICKHOUSE names no ClickHouse server: run ./test, which starts one");
    let table = Table::named(&url, "penstock_contract_source");
    // Seven rows share a value, and a page has five.
    table.run(&format!("INSERT INTO {}.battery SELECT intDiv(number, 7) FROM numbers(100)", table.database));
    Battery::source(testkit::library("penstock-clickhouse"))
        .class("ClickHouseSource")
        .setting("url", url)
        .setting("database", table.database.clone())
        .setting("table", "battery")
        .setting("cursorColumn", "k")
        .setting("topic", "battery")
        .setting("batchRows", "5")
        .identify(|record| {
            assert!(record.value_schema().is_some_and(|schema| schema.contains("\"field\":\"k\"")));
            record.value().display().into_owned()
        })
        .refuses("cursorColumn", "", "cursorColumn: a value is required")
        .refuses("cursorColumn", "nope", "cursorColumn: ")
        .refuses("tables", "a", "expected one of table, tables and query")
        .refuses("mode", "sometimes", "mode: expected one of snapshot, follow, snapshot+follow")
        .refuses("batchRows", "0", "batchRows: expected 1..=1000000, got 0")
        .run();
}
