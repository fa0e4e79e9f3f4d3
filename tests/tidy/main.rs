//! Keeps the rules of the design and the style guide that a machine can check, each as a test of its own.
//!
//! A rule is a function from a checkout to its findings. Every rule is tried on a small bad example as well, so
//! that a rule that has stopped seeing anything fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod checkout;
mod hosts;
mod imports;
mod presence;
mod shape;
mod unsafety;
mod versions;
mod waiting;
