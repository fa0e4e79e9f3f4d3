//! Parquet: columns for the fields of records, whatever they are nested in.
mod declared;
mod file;
mod kind;
mod shred;
#[cfg(test)]
mod tests;

pub use declared::{declared, of_record};
pub use file::File;
pub use kind::{FIELDS_MAX, Field, Kind, members};
pub use shred::fits;
