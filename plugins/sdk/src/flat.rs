//! The flat encoding of structured values: self-describing, little endian, readable in place.
//!
//! One tag byte, then: nothing for null and booleans; the number for numbers; a `u32` length and the bytes for
//! text and bytes; for arrays, maps and structs the `u32` length of all that follows, a `u32` count and the
//! items: values, pairs of key and value, or pairs of name (`u32` length and bytes) and value.

mod read;
mod show;
mod write;

pub use read::{Array, Malformed, Map, Struct, Value};
pub use write::{Open, Writer};

pub const NULL: u8 = 0;
pub const FALSE: u8 = 1;
pub const TRUE: u8 = 2;
pub const INT8: u8 = 3;
pub const INT16: u8 = 4;
pub const INT32: u8 = 5;
pub const INT64: u8 = 6;
pub const FLOAT32: u8 = 7;
pub const FLOAT64: u8 = 8;
pub const TEXT: u8 = 9;
pub const BYTES: u8 = 10;
pub const ARRAY: u8 = 11;
pub const MAP: u8 = 12;
pub const STRUCT: u8 = 13;

/// Values may nest this deep: converters refuse deeper ones, and printing stops there.
pub const DEPTH_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Writer::new(&mut bytes));
        bytes
    }

    fn order() -> Vec<u8> {
        written(|w| {
            w.structure(|w| {
                w.name("id");
                w.int64(7);
                w.name("tags");
                w.array(|w| {
                    w.text("a");
                    w.null();
                    2
                });
                2
            });
        })
    }

    #[test]
    fn a_struct_reads_back_by_name_and_prints_as_java_does() {
        let bytes = order();
        let value = Value::parse(&bytes).unwrap();
        let Value::Struct(fields) = value else { panic!("a struct was written, read {value:?}") };
        assert_eq!(fields.get("id"), Some(Value::Int64(7)));
        assert_eq!(value.to_string(), "Struct{id=7,tags=[a, null]}");
    }

    #[test]
    fn a_value_that_nests_without_end_prints_to_a_bound() {
        let mut bytes = vec![NULL];
        for _ in 0..2_000 {
            let mut outer = vec![ARRAY];
            outer.extend_from_slice(&(bytes.len() as u32 + 4).to_le_bytes());
            outer.extend_from_slice(&1u32.to_le_bytes());
            outer.append(&mut bytes);
            bytes = outer;
        }
        assert!(Value::parse(&bytes).unwrap().to_string().contains('…'));
    }

    #[test]
    fn a_cut_value_is_malformed_at_every_length() {
        let bytes = order();
        for length in 0..bytes.len() {
            assert_eq!(Value::parse(&bytes[..length]), Err(Malformed), "cut at {length}");
        }
    }

    #[test]
    fn a_count_larger_than_the_bytes_is_malformed() {
        let mut bytes = written(|w| w.array(|_| 0));
        bytes[5..9].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Value::parse(&bytes), Err(Malformed));
    }
}
