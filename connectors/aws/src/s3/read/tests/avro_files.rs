//! Files of Avro, written by another implementation and by hand.
use apache_avro::types::Value as Avro0;
use apache_avro::{Codec, Decimal, DeflateSettings, Schema, Writer};
use proptest::prelude::*;

use super::*;

const SCHEMA: &str = r#"{"type":"record","name":"r","fields":[
    {"name":"id","type":"long"},{"name":"name","type":["null","string"]},
    {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":4}},
    {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"day","type":{"type":"int","logicalType":"date"}},
    {"name":"raw","type":"bytes"},{"name":"f","type":"double"},
    {"name":"tags","type":{"type":"array","items":"string"}},
    {"name":"map","type":{"type":"map","values":"int"}},
    {"name":"kind","type":{"type":"enum","name":"k","symbols":["A","B"]}}]}"#;

fn row(id: i64) -> Avro0 {
    let name = if id % 2 == 0 {
        Avro0::Union(0, Avro0::Null.into())
    } else {
        Avro0::Union(1, Avro0::String("ü\"".into()).into())
    };
    let tags = (0..id % 3).map(|n| Avro0::String(n.to_string())).collect();
    let fields: Vec<(&str, Avro0)> = vec![
        ("id", Avro0::Long(i64::MAX - id)),
        ("name", name),
        ("price", Avro0::Decimal(Decimal::from((-125_000_i64 - id).to_be_bytes()))),
        ("at", Avro0::TimestampMicros(1_767_323_045_678_901 + id)),
        ("day", Avro0::Date(11_016)),
        ("raw", Avro0::Bytes(vec![0xff, 0, id as u8])),
        ("f", Avro0::Double(if id == 1 { f64::NAN } else { 0.1 })),
        ("tags", Avro0::Array(tags)),
        ("map", Avro0::Map([("x".to_owned(), Avro0::Int(-1))].into())),
        ("kind", Avro0::Enum(1, "B".into())),
    ];
    Avro0::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn file(codec: Codec, rows: i64, per_block: i64) -> Vec<u8> {
    let schema = Schema::parse_str(SCHEMA).unwrap();
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
    for id in 0..rows {
        writer.append_value(row(id)).unwrap();
        if id % per_block == per_block - 1 {
            writer.flush().unwrap();
        }
    }
    writer.into_inner().unwrap()
}

fn open(bytes: &[u8], place: Place) -> Box<dyn Rows> {
    let mut input = Cursor::new(bytes.to_vec());
    let header = Header::read(&mut input).unwrap();
    let from = if place.at > 0 { place.at } else { input.position() };
    input.set_position(from);
    Box::new(Avro::new(input, header, place, FORM))
}

#[test]
fn rows_are_objects_and_blocks_can_be_entered() {
    for codec in [Codec::Null, Codec::Deflate(DeflateSettings::default()), Codec::Snappy] {
        let bytes = file(codec, 11, 4);
        let rows = goes_on(|place| open(&bytes, place));
        assert_eq!(rows.len(), 11);
        let expected = "{\"id\":9223372036854775806,\"name\":\"ü\\\"\",\"price\":-12.5001,\
             \"at\":\"2026-01-02T03:04:05.678902Z\",\"day\":\"2000-02-29\",\"raw\":\"/wAB\",\"f\":\"nan\",\"tags\":[\"0\"],\
             \"map\":{\"x\":-1},\"kind\":\"B\"}";
        assert_eq!(rows[1], expected, "{codec:?}");
        assert!(
            rows[2].contains("\"name\":null") && rows[2].contains("\"f\":0.1,\"tags\":[\"0\",\"1\"]"),
            "{}",
            rows[2]
        );
    }
}

#[test]
fn damaged_files_are_told_with_the_block() {
    let bytes = file(Codec::Null, 6, 2);
    let told = |bytes: &[u8]| {
        let (rows, wrong) = all(open(bytes, Place::default()).as_mut());
        (rows.len(), wrong)
    };
    let (rows, wrong) = told(&bytes[..bytes.len() - 20]);
    assert_eq!(rows, 4);
    assert!(
        wrong[0].starts_with("the block at byte ") && wrong[0].ends_with("the file ends in it"),
        "{wrong:?}"
    );
    let mut other = bytes.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    let (rows, wrong) = told(&other);
    assert!(rows == 4 && wrong[0].ends_with("the mark behind it is not the one of the file"), "{wrong:?}");
    let refused = |bytes: &[u8]| match Header::read(&mut Cursor::new(bytes.to_vec())) {
        Err(Fault::File(reason)) => reason,
        _ => panic!("a header was read"),
    };
    assert!(refused(b"Obj\x02").starts_with("expected an Avro file"));
    assert!(refused(&bytes[..30]).starts_with("the Avro file ends too early"));
}

#[test]
fn rows_that_are_too_large_are_passed_over() {
    let schema = Schema::parse_str("\"string\"").unwrap();
    let mut writer = Writer::new(&schema, Vec::new()).unwrap();
    for text in ["a".repeat(10), "b".repeat(2000), "c".into()] {
        writer.append_value(Avro0::String(text)).unwrap();
    }
    let bytes = writer.into_inner().unwrap();
    let (rows, wrong) = all(open(&bytes, Place::default()).as_mut());
    assert_eq!((rows.len(), rows[1].0.as_str(), rows[1].1.row), (2, "\"c\"", 3));
    assert_eq!(wrong, ["message.bytes.max: a record is larger than 1000 bytes"]);
}

proptest! {
    #[test]
    fn no_file_is_read_without_end(at: proptest::sample::Index, byte: u8, cut: proptest::sample::Index, is_cut: bool) {
        let mut bytes = file(Codec::Null, 5, 2);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let mut input = Cursor::new(bytes);
        if let Ok(header) = Header::read(&mut input) {
            all(&mut Avro::new(input, header, Place::default(), FORM));
        }
    }
}
