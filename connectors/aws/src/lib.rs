//! Connectors for Amazon Web Services: the Kinesis source, and how all of them reach their service.
mod access;
#[allow(dead_code, reason = "sources read what sinks write")]
mod bucket;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kinesis;

penstock_sdk::export!(sources: [kinesis::KinesisSource]);
