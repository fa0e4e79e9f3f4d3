//! Placeholder.

pub mod converter;
pub mod definition;
