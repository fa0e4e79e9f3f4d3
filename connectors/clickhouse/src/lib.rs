//! The ClickHouse sink: JSON records become Native columns of the target table.
#![forbid(unsafe_code)]
mod columns;
mod decoder;
mod json;
mod native;
mod types;
mod values;
