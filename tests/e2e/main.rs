//! Shows on real systems what the README promises: one file per subject, each against the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod access;
mod avro_columns;
mod bad_records;
mod canary;
mod clickhouse;
mod clickhouse_source;
mod cluster;
mod datagen;
mod exactly;
mod exactly_source;
mod examples;
mod failures;
mod file_stream;
mod formats;
mod hosts;
mod internal_topics;
mod json_schema;
mod kinesis;
mod kinesis_faults;
mod lifecycle;
mod loggers;
mod migration;
mod offsets;
mod plugins;
mod protobuf;
mod protobuf_columns;
mod quickstart;
mod reference;
mod restart;
mod rows;
mod services;
mod settings;
mod sizes;
mod tables;
mod transforms;
