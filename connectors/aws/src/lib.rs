//! Connectors for Amazon Web Services, and how all of them reach their services.
mod access;
#[allow(dead_code, reason = "sources read what sinks write")]
mod bucket;
#[allow(dead_code, reason = "connectors bring their calls one by one")]
mod call;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kinesis;

penstock_sdk::export!(sources: [kinesis::KinesisSource]);
