//! The `ClickHouse` sink: JSON records become Native columns of the target table.
mod check;
mod columns;
mod connect;
mod decoder;
mod delivery;
mod error_table;
mod exact;
mod failure;
mod hosts;
mod incoming;
mod json;
mod native;
mod pace;
mod parts;
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
mod wave;

penstock_sdk::export!(sinks: [sink::ClickHouseSink]);
