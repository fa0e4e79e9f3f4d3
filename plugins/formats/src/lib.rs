//! Formats whose schemas live in a registry: their headers, their schemas, and their values to Connect's and back.
//!
//! [`registry::Registry`] finds schemas; [`avro`], [`protobuf`] and [`json`] compile one to a program that
//! reads a record's bytes into the SDK's flat encoding, or writes them. A connector that decodes by itself takes the
//! parsed writer schema instead, and compiles a program of its own.

pub mod avro;
pub mod base64;
pub mod connect;
mod decimal;
mod error;
mod fault;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod json;
pub mod protobuf;
pub mod registry;
pub mod varint;
pub mod wire;

pub use error::{Error, Kind, Result};

/// Values may not grow further than this from one record, whatever its bytes say.
const FLAT_BYTES_MAX: usize = 256 << 20;
