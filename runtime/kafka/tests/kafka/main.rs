//! The crate against a real Kafka, whose address is in `PENSTOCK_TEST_KAFKA`.

mod broker;
mod consumer;
mod embedded;
mod group;
mod log;
mod producer;
