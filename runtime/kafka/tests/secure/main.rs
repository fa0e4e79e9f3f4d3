//! The crate against a broker with SASL and TLS, whose addresses are in `PENSTOCK_TEST_KAFKA_SECURE_*`.
// All of this is test code, also what stands outside of a test's function.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod broker;
mod faults;
mod impostor;
mod login;
mod oauth;
mod stores;
mod tokens;
