//! The `ClickHouse` sink: JSON records become Native columns of the target table.
mod columns;
mod decoder;
mod delivery;
mod failure;
mod json;
mod native;
mod server;
#[cfg(test)]
mod server_tests;
mod settings;
mod sink;
mod table;
mod target;
mod types;
mod values;

penstock_sdk::export!(sinks: [sink::ClickHouseSink]);
