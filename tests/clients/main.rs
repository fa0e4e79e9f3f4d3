//! Clients of Kafka Connect as their authors publish them, against a real worker.
//!
//! What a client prints and how it ends is what its users see, so that is what these tests look at.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod cli;
mod healthcheck;
mod java;
mod kc;
mod library;
mod openapi;
mod stage;
