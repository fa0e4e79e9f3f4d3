//! Protobuf against a real server: tables that are made and change while messages do.
use formats::registry::Format;

use super::registered::{record, with};
use super::*;
use crate::binary::fake::{Fake, framed};

/// A message with fields of every kind, and a record of it in which most are missing.
fn everything() -> Vec<u8> {
    let text = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\";
        import \"google/protobuf/struct.proto\"; import \"google/type/date.proto\";
        message M { int32 k = 1; optional uint64 n = 2; google.protobuf.Timestamp at = 3; google.type.Date day = 4;
        E e = 5; repeated string tags = 6; map<string, float> m = 7; Place place = 8; google.protobuf.Struct any = 9;
        google.protobuf.StringValue note = 10; oneof choice { bool yes = 11; double share = 12; } bytes raw = 13; M self = 14; }
        message Place { double lat = 1; optional string note = 2; } enum E { A = 0; B = 1; }";
    let body = [0, 8, 7, 26, 2, 8, 1, 50, 1, b'x', 66, 0, 74, 0, 88, 1];
    framed(Fake::shared().register_as(Format::Protobuf, text), &body)
}

#[test]
fn a_missing_table_gets_the_columns_of_the_message_and_new_fields_become_columns() {
    let lab = Lab::new();
    let settings = [("tableCreation", "create"), ("schemaEvolution", "add")];
    let mut delivery = with(&lab, &settings, Fake::shared().schemas_of(Format::Protobuf, ""));
    accept(&mut delivery, "t", &[everything()]);
    let types = || {
        let sql = "SELECT name, type FROM system.columns \
            WHERE database = '@' AND table = 't' AND NOT startsWith(name, '_') ORDER BY position";
        lab.run(sql).iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(", ")
    };
    let first = "k Int32, n Nullable(UInt64), at Nullable(DateTime64(6, 'UTC')), day Nullable(Date32), \
        e LowCardinality(String), tags Array(String), m Map(String, Float32), \
        place Tuple(lat Float64, note Nullable(String)), any Nullable(String), note Nullable(String), \
        yes Nullable(Bool), share Nullable(Float64), raw String, self Nullable(String)";
    assert_eq!(types(), first);
    let row = lab.run(
        "SELECT k, isNull(n), at, e, tags[1], place.lat, any, yes, isNull(share), isNull(self) FROM @.t",
    );
    assert_eq!(row, [["7", "1", "1970-01-01 00:00:01.000000", "A", "x", "0", "{}", "true", "1", "1"]]);
    accept(&mut delivery, "t", &[record(Format::Protobuf, &[("k", 8), ("added", 5)])]);
    assert_eq!(types(), format!("{first}, added Nullable(Int64)"));
    assert_eq!(lab.run("SELECT ifNull(added, -1) FROM @.t ORDER BY k"), [["-1"], ["5"]]);
}
