//! Files of Parquet, written by the crate's own writer.
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const ROWS: i64 = 25;

fn batch() -> RecordBatch {
    let ids = || 0..ROWS;
    let mut tags = ListBuilder::new(StringBuilder::new());
    let mut map = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    for id in ids() {
        for tag in 0..id % 3 {
            tags.values().append_value(tag.to_string());
        }
        tags.append(id % 4 != 3);
        map.keys().append_value(id as i32);
        map.values().append_null();
        map.append(true).unwrap();
    }
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(ids().map(|id| i64::MAX - id))), false),
        ("name", Arc::new(ids().map(|id| (id % 2 == 1).then_some("ü\"")).collect::<StringArray>()), true),
        (
            "price",
            Arc::new(
                Decimal128Array::from_iter_values(ids().map(|id| -125_000 - i128::from(id)))
                    .with_precision_and_scale(30, 4)
                    .unwrap(),
            ),
            false,
        ),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(ids().map(|id| 1_767_323_045_678_901 + id))
                    .with_timezone("UTC"),
            ),
            false,
        ),
        ("day", Arc::new(Date32Array::from_iter_values(ids().map(|_| 11_016))), false),
        ("raw", Arc::new(BinaryArray::from_iter_values(ids().map(|id| vec![0xff, 0, id as u8]))), false),
        (
            "f",
            Arc::new(Float64Array::from_iter_values(
                ids().map(|id| if id == 1 { f64::INFINITY } else { 0.1 }),
            )),
            false,
        ),
        ("big", Arc::new(UInt64Array::from_iter_values(ids().map(|_| u64::MAX))), false),
        ("ok", Arc::new(ids().map(|id| Some(id % 2 == 0)).collect::<BooleanArray>()), false),
        ("tags", Arc::new(tags.finish()), true),
        ("map", Arc::new(map.finish()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn file(compression: Compression) -> Bytes {
    let properties =
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(10));
    let batch = batch();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

fn open(bytes: &Bytes, place: Place, columns: &[&str]) -> Result<Parquet<Bytes>, Fault> {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    Parquet::open(bytes.clone(), place, &columns, FORM)
}

#[test]
fn rows_are_objects_and_any_row_can_be_entered() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let bytes = file(compression);
        let rows = goes_on(|place| Box::new(open(&bytes, place, &[]).unwrap()));
        assert_eq!(rows.len(), ROWS as usize);
        let expected = "{\"id\":9223372036854775806,\"name\":\"ü\\\"\",\"price\":-12.5001,\
             \"at\":\"2026-01-02T03:04:05.678902Z\",\"day\":\"2000-02-29\",\"raw\":\"/wAB\",\"f\":\"inf\",\
             \"big\":18446744073709551615,\"ok\":false,\"tags\":[\"0\"],\"map\":{\"1\":null}}";
        assert_eq!(rows[1], expected, "{compression:?}");
        assert!(rows[3].contains("\"tags\":null"), "{}", rows[3]);
    }
}

#[test]
fn columns_can_be_chosen() {
    let bytes = file(Compression::SNAPPY);
    let (rows, _) = all(&mut open(&bytes, Place::default(), &["ok", "id"]).unwrap());
    assert_eq!(rows[0].0, "{\"id\":9223372036854775807,\"ok\":true}");
    let Err(Fault::File(reason)) = open(&bytes, Place::default(), &["no"]) else { panic!("it was opened") };
    assert!(reason.starts_with("s3.columns: there is no column no, expected some of id, name"), "{reason}");
}

#[test]
fn what_is_no_file_of_parquet_is_told() {
    let bytes = file(Compression::SNAPPY);
    for wrong in [Bytes::new(), Bytes::from_static(b"hello, this is text"), bytes.slice(..bytes.len() - 9)] {
        assert!(matches!(open(&wrong, Place::default(), &[]), Err(Fault::File(_))));
    }
}

proptest! {
    /// The reader has to answer somehow; panics are caught where it is called.
    #[test]
    fn damaged_files_end(at: proptest::sample::Index, byte: u8) {
        let mut bytes = file(Compression::SNAPPY).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let bytes = Bytes::from(bytes);
        let read = std::panic::catch_unwind(|| {
            if let Ok(mut rows) = open(&bytes, Place::default(), &[]) {
                all(&mut rows);
            }
        });
        drop(read);
    }
}
