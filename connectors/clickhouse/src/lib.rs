//! The `ClickHouse` sink: JSON records become Native columns of the target table.
mod check;
mod columns;
mod creation;
mod decoder;
mod delivery;
mod error_table;
mod evolution;
mod exact;
mod failure;
mod incoming;
mod json;
mod native;
mod notice;
mod proposal;
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
