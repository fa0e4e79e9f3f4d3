//! The crate against a real Kafka, whose address is in `PENSTOCK_TEST_KAFKA`.
// All of this is test code, also what stands outside of a test's function.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod broker;
mod consumer;
mod embedded;
mod group;
mod lead;
mod log;
mod membership;
mod offsets;
mod producer;
mod proxy;
mod ranges;
mod rights;
mod transactions;
