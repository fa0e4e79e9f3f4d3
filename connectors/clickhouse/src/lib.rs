//! `ClickHouse` in both directions: a sink whose records become Native columns, and a source that follows tables.
mod avro;
mod binary;
mod check;
mod columns;
mod connect;
mod creation;
mod decoder;
mod delivery;
mod error_table;
mod evolution;
mod exact;
mod excerpt;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handover;
mod hosts;
mod incoming;
mod json;
mod native;
mod notice;
mod pace;
mod parts;
mod proposal;
mod protobuf;
mod question;
mod server;
#[cfg(test)]
mod server_tests;
mod settings;
mod shape;
mod sink;
mod source;
mod table;
mod target;
mod types;
mod upsert;
mod values;
mod wave;

penstock_sdk::export!(sources: [source::ClickHouseSource], sinks: [sink::ClickHouseSink]);
