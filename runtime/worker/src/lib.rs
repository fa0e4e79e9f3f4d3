//! Runs connectors: their tasks, stores, delivery and pipeline of converters and transforms.

pub mod converter;
pub mod definition;
pub mod settings;

pub use settings::Settings;
