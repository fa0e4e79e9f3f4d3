//! The `ClickHouse` sink: JSON records become Native columns of the target table.
mod check;
mod columns;
mod decoder;
mod delivery;
mod error_table;
mod exact;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod incoming;
mod json;
mod native;
mod server;
#[cfg(test)]
mod server_tests;
mod settings;
mod shape;
mod sink;
mod table;
mod target;
mod types;
mod upsert;
mod values;

penstock_sdk::export!(sinks: [sink::ClickHouseSink]);
