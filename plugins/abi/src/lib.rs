//! The binary contract between the worker and a plugin: plain C structs, tables of functions, nothing else.
//!
//! A plugin is a shared library that exports one static named [`ENTRY_SYMBOL`] of type [`Entry`]. The worker
//! checks its magic, version and layout hash before it calls anything. Structs that carry data ([`Record`],
//! [`Batch`], …) are frozen and covered by [`LAYOUT_HASH`]; tables of functions begin with their own size and
//! only grow at the end, so an old plugin runs in a newer worker and the other way round.
//!
//! Every pointer is borrowed: it is valid for the call it is passed to, unless the field says otherwise.
//! Strings are UTF-8 with a length and without a terminating zero. No function may unwind across the boundary.
#![allow(unsafe_code)]

#[macro_use]
mod layout;
mod data;
mod header;
mod tables;

pub use data::*;
pub use header::c_header;
pub use layout::{CType, FieldLayout, Layout};
pub use tables::*;

/// Eight bytes that say "this library is a Penstock plugin".
pub const MAGIC: [u8; 8] = *b"PENSTOCK";
/// Raised when something here changes its meaning. Host and plugin must agree.
pub const MAJOR: u32 = 1;
/// Raised when a table grows. A plugin of any minor works with a host of any minor.
pub const MINOR: u32 = 4;
/// The name of the exported [`Entry`].
pub const ENTRY_SYMBOL: &str = "PENSTOCK_PLUGIN";

/// Hash of the names, offsets and sizes of every frozen struct; differs when host and plugin disagree on one.
pub const LAYOUT_HASH: u64 = {
    let mut hash = layout::SEED;
    hash = layout::fold(hash, Str::FIELDS, size_of::<Str>());
    hash = layout::fold(hash, Bytes::FIELDS, size_of::<Bytes>());
    hash = layout::fold(hash, Pair::FIELDS, size_of::<Pair>());
    hash = layout::fold(hash, Pairs::FIELDS, size_of::<Pairs>());
    hash = layout::fold(hash, Field::FIELDS, size_of::<Field>());
    hash = layout::fold(hash, Fields::FIELDS, size_of::<Fields>());
    hash = layout::fold(hash, Position::FIELDS, size_of::<Position>());
    hash = layout::fold(hash, Header::FIELDS, size_of::<Header>());
    hash = layout::fold(hash, Record::FIELDS, size_of::<Record>());
    hash = layout::fold(hash, Batch::FIELDS, size_of::<Batch>());
    layout::fold(hash, SourceBatch::FIELDS, size_of::<SourceBatch>())
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_of_frozen_structs_is_pinned() {
        assert_eq!(size_of::<Record>(), 80);
        assert_eq!(size_of::<Batch>(), 48);
        assert_eq!(size_of::<SourceBatch>(), 64);
        assert_eq!(size_of::<Field>(), 56);
        // A new value here means that every plugin in the field has to be rebuilt: raise MAJOR.
        assert_eq!(LAYOUT_HASH, 0x0e61_d268_d90b_c502, "{LAYOUT_HASH:#018x}");
    }

    #[test]
    fn header_names_every_struct_and_constant() {
        let text = c_header();
        for name in ["penstock_record", "penstock_connector", "penstock_host", "PENSTOCK_STATUS_RETRY"] {
            assert!(text.contains(name), "{name} is missing in the C header");
        }
    }
}
