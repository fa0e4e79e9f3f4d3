//! Virtual columns, mapped and flattened fields, deletes and change events, by the bytes that are sent.
use proptest::prelude::*;

use super::trial::{columns, decoder as open};
use super::*;
use crate::incoming::HeaderList;
use crate::shape::{self, Events as Kind, KeyForm, Mapping, Shape, Upserts, Version};
use crate::values::Zones;

fn shape(map: &[(&str, &str)], separator: Option<&str>) -> Shape {
    let map = map
        .iter()
        .map(|(source, column)| Mapping { path: shape::path(source).unwrap(), column: (*column).to_owned() });
    Shape { map: map.collect(), separator: separator.map(str::to_owned), ..Shape::default() }
}

fn bytes(decoder: &mut Decoder) -> Vec<u8> {
    decoder.insert().pieces.concat()
}

/// A record with this metadata is sent as this value is without.
fn same(table: &[(&str, &str)], shape: &Shape, given: &str, plain: &str) {
    let mut shaped = open(table, shape);
    assert_eq!(shaped.append(given.as_bytes()), Ok(Appended::Row), "{given}");
    let mut expected = open(table, &Shape::default());
    assert_eq!(expected.append(plain.as_bytes()), Ok(Appended::Row), "{plain}");
    assert_eq!(bytes(&mut shaped), bytes(&mut expected), "{given} as {plain}");
}

const HEADERS: &[(&str, Option<&[u8]>)] = &[("a", Some(b"1")), ("a", None), ("b", Some(b"\xff"))];

fn record(value: &'static [u8]) -> Incoming<'static> {
    Incoming {
        topic: "orders",
        partition: 3,
        offset: 258,
        value: Some(value),
        key: Some(b"k\xff"),
        timestamp_ms: Some(1_500),
        headers: HeaderList::Given(HEADERS),
    }
}

/// What one virtual column of this type sends for the record, without names.
fn sent(name: &str, ty: &str, record: &Incoming<'_>) -> Vec<u8> {
    let mut decoder = open(&[(name, ty)], &Shape::default());
    assert_eq!(decoder.take(record), Ok(Appended::Row));
    let sent = bytes(&mut decoder);
    let head = 2 + 1 + name.len() + 1 + ty.len();
    sent[head..].to_vec()
}

#[test]
fn every_virtual_column_has_what_kafka_knows_of_the_record() {
    let full = record(b"\xfe{");
    for (name, ty, expected) in [
        ("_key", "String", &b"\x02k\xff"[..]),
        ("_key", "Nullable(String)", b"\x00\x02k\xff"),
        ("_topic", "String", b"\x06orders"),
        ("_partition", "Int32", b"\x03\0\0\0"),
        ("_partition", "UInt64", b"\x03\0\0\0\0\0\0\0"),
        ("_offset", "UInt64", b"\x02\x01\0\0\0\0\0\0"),
        ("_offset", "Int128", b"\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ("_offset", "String", b"\x03258"),
        ("_timestamp", "DateTime64(3)", b"\xdc\x05\0\0\0\0\0\0"),
        ("_timestamp", "DateTime64(1)", b"\x0f\0\0\0\0\0\0\0"),
        ("_timestamp", "DateTime64(6)", b"\x60\xe3\x16\0\0\0\0\0"),
        ("_timestamp", "DateTime", b"\x01\0\0\0"),
        ("_timestamp", "Int64", b"\xdc\x05\0\0\0\0\0\0"),
        ("_header_keys", "Array(String)", b"\x03\0\0\0\0\0\0\0\x01a\x01a\x01b"),
        ("_header_values", "Array(String)", b"\x03\0\0\0\0\0\0\0\x011\0\x01\xff"),
        ("_header_values", "Array(Nullable(String))", b"\x03\0\0\0\0\0\0\0\0\x01\0\x011\0\x01\xff"),
        ("_raw_message", "String", b"\x02\xfe{"),
    ] {
        assert_eq!(sent(name, ty, &full), expected, "{name} {ty}");
    }
    let headers: &[(&str, Option<&[u8]>)] = &[
        ("kinesis.stream", Some(b"old")),
        ("kinesis.stream", Some(b"s")),
        ("kinesis.shard.id", Some(b"shardId-1")),
        ("kinesis.sequence.number", Some(b"49")),
    ];
    let streamed = Incoming { headers: HeaderList::Given(headers), ..record(b"{}") };
    for (name, expected) in
        [("_stream", &b"\x01s"[..]), ("_shard", b"\x09shardId-1"), ("_sequence_number", b"\x0249")]
    {
        assert_eq!(sent(name, "String", &streamed), expected, "{name}");
        assert_eq!(sent(name, "Nullable(String)", &full), b"\x01\0", "{name}");
    }
    let bare = Incoming { value: Some(b""), ..Incoming::default() };
    for (name, ty, expected) in [
        ("_key", "String", &b"\0"[..]),
        ("_key", "Nullable(String)", b"\x01\0"),
        ("_timestamp", "Nullable(DateTime64(3))", b"\x01\0\0\0\0\0\0\0\0"),
        ("_header_keys", "Array(String)", b"\0\0\0\0\0\0\0\0"),
    ] {
        assert_eq!(sent(name, ty, &bare), expected, "{name} {ty}");
    }
}

#[test]
fn times_that_a_column_cannot_hold_become_the_nearest_that_it_can() {
    let at = |millis, ty| {
        let record = Incoming { timestamp_ms: Some(millis), ..record(b"") };
        let bytes = sent("_timestamp", ty, &record);
        bytes.iter().rev().fold(0_i64, |number, byte| number << 8 | i64::from(*byte))
    };
    assert_eq!(at(i64::MAX, "DateTime"), i64::from(u32::MAX));
    assert_eq!(at(-1, "DateTime"), 0);
    assert_eq!(at(i64::MAX, "DateTime64(3)"), 10_413_791_999_999);
    assert_eq!(at(i64::MAX, "DateTime64(9)"), i64::MAX);
    assert_eq!(at(-1, "UInt64"), 0);
    assert_eq!(at(-1, "Int64"), -1);
}

#[test]
fn a_column_with_a_virtual_name_and_another_type_takes_the_field_of_its_name() {
    let table = [("_offset", "Array(String)"), ("_timestamp", "Date")];
    same(
        &table,
        &Shape::default(),
        r#"{"_offset":["x"],"_timestamp":"2020-01-01"}"#,
        r#"{"_timestamp":18262,"_offset":["x"]}"#,
    );
    let mut decoder = open(&table, &Shape::default());
    decoder.append(br#"{"_offset":["x"]}"#).unwrap();
    assert_eq!(decoder.insert().columns, ["_offset"]);
}

#[test]
fn a_records_own_metadata_wins_over_a_field_of_the_same_name() {
    let mut decoder = open(&[("a", "UInt8"), ("_offset", "Int64")], &Shape::default());
    decoder.take(&record(br#"{"_offset":7,"a":1,"_offset":[8]}"#)).unwrap();
    assert!(bytes(&mut decoder).ends_with(b"\x01a\x05UInt8\x01\x07_offset\x05Int64\x02\x01\0\0\0\0\0\0"));
    assert_eq!(decoder.take_unknown(), Unknown::default(), "it is no sign of a changed table");
}

#[test]
fn a_table_of_virtual_columns_alone_takes_any_bytes_but_no_tombstones() {
    let mut decoder = open(&[("_raw_message", "String"), ("_offset", "UInt64")], &Shape::default());
    for value in [&b"{"[..], b"\xff", b"", b"null"] {
        let record = Incoming { value: Some(value), ..Incoming::default() };
        assert_eq!(decoder.take(&record), Ok(Appended::Row));
    }
    assert_eq!(decoder.take(&Incoming::default()), Ok(Appended::Tombstone));
    assert_eq!(decoder.rows(), 4);
    let raw_only = Shape { raw_only: true, ..Shape::default() };
    let mut decoder = open(&[("_raw_message", "String"), ("a", "UInt8")], &raw_only);
    decoder.append(b"no JSON").unwrap();
    assert_eq!(decoder.insert().columns, ["_raw_message"]);
    let refused = Decoder::open(&columns(&[("a", "UInt8")]), &Zones::utc(), &raw_only, None).err().unwrap();
    assert!(refused.starts_with("rawOnly: the table has no column"), "{refused}");
}

#[test]
fn virtual_columns_are_cut_into_blocks_with_the_others() {
    let mut table = columns(&[
        ("a", "UInt8"),
        ("l", "Array(UInt8)"),
        ("_header_keys", "Array(String)"),
        ("_key", "Nullable(String)"),
    ]);
    table[1].has_default = true;
    let mut decoder = Decoder::open(&table, &Zones::utc(), &Shape::default(), None).unwrap();
    decoder.take(&record(b"{\"a\":1}")).unwrap();
    decoder.take(&record(b"{\"a\":\"bad\"}")).unwrap_err();
    decoder.take(&record(b"{\"a\":2,\"l\":[7]}")).unwrap();
    let virtuals = b"\x0c_header_keys\x0dArray(String)\x03\0\0\0\0\0\0\0\x01a\x01a\x01b\x04_key\x10Nullable(String)\0\x02k\xff";
    let first = [&b"\x03\x01\x01a\x05UInt8\x01"[..], virtuals].concat();
    let second =
        [&b"\x04\x01\x01a\x05UInt8\x02\x01l\x0cArray(UInt8)\x01\0\0\0\0\0\0\0\x07"[..], virtuals].concat();
    assert_eq!(bytes(&mut decoder), [first, second].concat());
}

#[test]
fn fields_go_to_the_columns_that_the_map_names() {
    let table = [("x", "UInt8"), ("y", "String"), ("a", "Map(String, UInt8)"), ("c", "UInt8")];
    let map = shape(&[("a.b", "x"), ("p.q.r", "y"), (r"d\.e", "c")], None);
    same(
        &table,
        &map,
        r#"{"a":{"b":1,"z":2},"p":{"q":{"r":"v"}},"d.e":3}"#,
        r#"{"x":1,"y":"v","c":3,"a":{"b":1,"z":2}}"#,
    );
    // What is no object has no inside, and a column that is mapped does not take the field of its own name.
    same(&table, &map, r#"{"p":{"q":[{"r":"v"}]},"x":9,"d":{"e":4}}"#, "{}");
    same(&table, &map, r#"{"p":null,"a":null}"#, "{}");
    same(
        &[("to", "UInt8"), ("from", "UInt8")],
        &shape(&[("from", "to")], None),
        r#"{"from":1,"to":2}"#,
        r#"{"to":1}"#,
    );
}

#[test]
fn metadata_goes_to_the_columns_that_the_map_names() {
    let map = shape(&[("_offset", "at"), ("_key", "id")], None);
    let mut decoder = open(&[("id", "String"), ("_offset", "String"), ("at", "UInt64")], &map);
    decoder.take(&record(br#"{"_offset":"own","id":"other"}"#)).unwrap();
    assert!(
        bytes(&mut decoder)
            .ends_with(b"\x03own\x02id\x06String\x02k\xff\x02at\x06UInt64\x02\x01\0\0\0\0\0\0")
    );
}

#[test]
fn objects_are_flattened_into_the_columns_that_are_named_for_them() {
    let table = [
        ("user_id", "UInt8"),
        ("user_home_zip", "String"),
        ("order", "Map(String, UInt8)"),
        ("order_no", "UInt8"),
    ];
    let flat = shape(&[], Some("_"));
    let plain = r#"{"user_id":1,"user_home_zip":"z"}"#;
    same(&table, &flat, r#"{"user":{"id":1,"home":{"zip":"z","x":0}}}"#, plain);
    same(&table, &flat, r#"{"user_id":1,"user":{"home_zip":"z"}}"#, plain);
    same(&table, &flat, r#"{"user_home":{"zip":"z"},"user":{"id":1}}"#, plain);
    // A column of the object's own name takes it whole.
    same(&table, &flat, r#"{"order":{"no":1}}"#, r#"{"order":{"no":1}}"#);
    same(&table, &shape(&[], None), r#"{"user":{"id":1}}"#, "{}");
    let mapped = shape(&[("user.id", "order_no")], Some("_"));
    same(&table, &mapped, r#"{"user":{"id":1,"home":{"zip":"z"}}}"#, r#"{"order_no":1,"user_home_zip":"z"}"#);
    same(&[("n.a", "Array(UInt8)")], &shape(&[], Some(".")), r#"{"n":{"a":[1,2]}}"#, r#"{"n.a":[1,2]}"#);
}

#[test]
fn a_new_field_inside_a_flattened_object_is_a_sign_of_a_new_column() {
    let mut flat = open(&[("user_id", "UInt8")], &shape(&[], Some("_")));
    flat.append(br#"{"user":{"id":1,"name":"x"}}"#).unwrap();
    assert_eq!(flat.take_unknown(), Unknown { any: true, new: true });
    let mut mapped = open(&[("id", "UInt8")], &shape(&[("user.id", "id")], None));
    mapped.append(br#"{"user":{"id":1,"name":"x"}}"#).unwrap();
    assert_eq!(mapped.take_unknown(), Unknown::default(), "no column takes that field");
}

#[test]
fn names_with_many_separators_make_few_levels() {
    let name = vec!["a"; 60].join("_");
    let decoder = open(&[(&name, "UInt8")], &shape(&[], Some("_")));
    assert_eq!(decoder.paths.levels.len(), 60);
}

#[test]
fn what_the_table_cannot_do_is_told_by_name() {
    let refused = |table: &[(&str, &str)], map: &[(&str, &str)]| {
        Decoder::open(&columns(table), &Zones::utc(), &shape(map, None), None).err().unwrap()
    };
    assert_eq!(
        refused(&[("a", "UInt8")], &[("b", "c")]),
        "field2ColumnMap: the table has no column c that can be inserted into"
    );
    assert_eq!(
        refused(&[("a", "UInt8")], &[("_offset", "a")]),
        "column a is to hold the record's offset and has type UInt8: expected an integer of 64 bits or more, or String"
    );
    let misfit = open(&[("a", "UInt8")], &shape(&[("x.y", "a")], None)).append(br#"{"x":{"y":"no"}}"#);
    assert_eq!(misfit.unwrap_err().to_string(), "field x.y: string \"no\" does not fit column a UInt8");
}

const STATES: &[(&str, &str)] = &[("id", "UInt32"), ("name", "String"), ("v", "UInt64"), ("d", "UInt8")];

fn upserts(events: Kind, version: Version, key: KeyForm) -> Shape {
    let upserts =
        Upserts { events, version, version_column: None, deleted_column: None, key_column: None, key };
    Shape { upserts: Some(upserts), ..Shape::default() }
}

fn keeper(shape: &Shape, required: &[&str]) -> Decoder {
    let required = required.iter().map(|name| (*name).to_owned()).collect();
    let keys = Keys { version: "v".into(), deleted: "d".into(), required };
    Decoder::open(&columns(STATES), &Zones::utc(), shape, Some(&keys)).unwrap()
}

/// The row that a record becomes, or why it does not.
fn row(shape: &Shape, required: &[&str], key: Option<&[u8]>, value: Option<&str>) -> Result<String, String> {
    let mut decoder = keeper(shape, required);
    let record = Incoming {
        offset: 9,
        key,
        value: value.map(str::as_bytes),
        timestamp_ms: Some(5),
        ..Incoming::default()
    };
    match decoder.take(&record) {
        Ok(Appended::Row) => {}
        Ok(Appended::Tombstone) => return Ok("nothing".to_owned()),
        Err(Refused::Unread(failure)) => panic!("{failure:?}"),
        Err(Refused::Misfit(misfit)) => {
            assert_eq!(decoder.rows(), 0);
            assert!(decoder.rows.slots.iter().all(|slot| !slot.has(0)), "it leaves nothing behind");
            return Err(misfit.to_string());
        }
    }
    let insert = decoder.insert();
    let sent = insert.pieces.concat();
    let at = |name: &str, head: &str| {
        let head = [&[name.len() as u8][..], name.as_bytes(), &[head.len() as u8], head.as_bytes()].concat();
        sent.windows(head.len()).position(|window| window == head).map(|at| &sent[at + head.len()..])
    };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let id = at("id", "UInt32").map_or(0, |bytes| number(&bytes[..4]));
    let name = at("name", "String")
        .map_or(String::new(), |bytes| String::from_utf8_lossy(&bytes[1..=bytes[0] as usize]).into_owned());
    let version = at("v", "UInt64").map_or(0, |bytes| number(&bytes[..8]));
    Ok(format!("{id} {name:?} version {version} deleted {}", at("d", "UInt8").unwrap()[0]))
}

#[test]
fn a_record_without_a_value_deletes_what_its_key_names() {
    let json = upserts(Kind::States, Version::Offset, KeyForm::Json);
    let text = upserts(Kind::States, Version::Timestamp, KeyForm::Text);
    let check = |shape: &Shape, key: &[u8], expected: &str| {
        assert_eq!(row(shape, &["id"], Some(key), None).as_deref(), Ok(expected), "{key:?}");
    };
    check(&json, br#"{"id":7,"other":1}"#, "7 \"\" version 9 deleted 1");
    check(&json, b"7", "7 \"\" version 9 deleted 1");
    check(&text, b"7", "7 \"\" version 5 deleted 1");
    check(&text, br#"{"id":7}"#, "7 \"\" version 5 deleted 1");
    check(
        &upserts(Kind::States, Version::Offset, KeyForm::Integer),
        &7_i64.to_be_bytes(),
        "7 \"\" version 9 deleted 1",
    );
    check(
        &upserts(Kind::States, Version::Offset, KeyForm::Envelope),
        br#"{"schema":{},"payload":{"id":7}}"#,
        "7 \"\" version 9 deleted 1",
    );
    let value = Some(r#"{"id":7,"name":"x","v":1,"d":1}"#);
    assert_eq!(row(&json, &["id"], None, value).as_deref(), Ok("7 \"x\" version 9 deleted 0"));
    assert_eq!(row(&json, &["id"], Some(b"7"), Some("null")).as_deref(), Ok("7 \"\" version 9 deleted 1"));
}

#[test]
fn a_delete_that_would_reach_no_row_is_refused() {
    let json = upserts(Kind::States, Version::Offset, KeyForm::Json);
    let text = upserts(Kind::States, Version::Offset, KeyForm::Text);
    let refused = |shape: &Shape, required: &[&str], key: Option<&[u8]>, expected: &str| {
        assert_eq!(row(shape, required, key, None), Err(expected.to_owned()));
    };
    refused(&json, &["id"], None, "the record has no key, so it deletes nothing");
    refused(&json, &["id"], Some(b"{}"), "field id is missing in the row to delete, which is found by it");
    refused(
        &json,
        &["id", "name"],
        Some(b"{\"id\":1}"),
        "field name is missing in the row to delete, which is found by it",
    );
    refused(
        &text,
        &["id", "name"],
        Some(b"1"),
        "the key is no JSON object, and upsertKeyColumn does not say which column it is for",
    );
    refused(&text, &["id"], Some(b"x"), "key: field id: string \"x\" does not fit column id UInt32");
    refused(&text, &["id"], Some(b"\xff"), "the key is not UTF-8 at byte 0");
    refused(&json, &["id"], Some(b"{"), "key: the value is not JSON: expected a string at byte 1");
    let double = upserts(Kind::States, Version::Offset, KeyForm::parse("double"));
    refused(&double, &["id"], Some(b"12345678"), "the key has format double, which this sink cannot read");
}

#[test]
fn change_events_become_rows_and_deletes() {
    let by = |version| upserts(Kind::Debezium, version, KeyForm::Json);
    let check = |version, event: &str, expected: Result<&str, &str>| {
        let found = row(&by(version), &["id"], Some(b"{\"id\":3}"), Some(event));
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{event}");
    };
    let update = r#"{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b","v":77,"d":1},"source":{"lsn":40,"ts_ms":50},"op":"u","ts_ms":60}"#;
    let path = |text| Version::Field(shape::path(text).unwrap());
    check(Version::Offset, update, Ok("1 \"b\" version 9 deleted 0"));
    check(Version::Source, update, Ok("1 \"b\" version 40 deleted 0"));
    check(path("source.ts_ms"), update, Ok("1 \"b\" version 50 deleted 0"));
    check(path("ts_ms"), update, Ok("1 \"b\" version 60 deleted 0"));
    check(path("after.v"), update, Ok("1 \"b\" version 77 deleted 0"));
    check(Version::Offset, &update.replace("\"u\"", "\"d\""), Ok("1 \"a\" version 9 deleted 1"));
    check(Version::Offset, r#"{"op":"r","after":{"id":1}}"#, Ok("1 \"\" version 9 deleted 0"));
    check(Version::Offset, r#"{"op":"d","before":null}"#, Ok("3 \"\" version 9 deleted 1"));
    check(
        path("source.nope"),
        update,
        Err("field source.nope: the event does not have it, and it is the row's version"),
    );
    check(
        Version::Source,
        r#"{"op":"c","after":{"id":1},"source":{}}"#,
        Err("field source: the event does not have it, and it is the row's version"),
    );
    check(
        Version::Offset,
        r#"{"op":"t"}"#,
        Err("field op: \"t\" is no operation that this sink carries out: expected c, r, u or d"),
    );
    check(
        Version::Offset,
        r#"{"id":1}"#,
        Err("the value has no field op, so it is no change event of Debezium"),
    );
    check(Version::Offset, r#"{"op":"c","after":null}"#, Err("field after: expected an object with the row"));
    check(
        Version::Offset,
        r#"{"op":"d","before":{"name":"x"}}"#,
        Err("field id is missing in the row to delete, which is found by it"),
    );
    check(
        Version::Offset,
        r#"{"op":"c","after":{"id":"x"}}"#,
        Err("field id: string \"x\" does not fit column id UInt32"),
    );
    assert_eq!(
        row(&by(Version::Offset), &["id"], Some(b"{}"), None).as_deref(),
        Ok("nothing"),
        "it follows a delete"
    );
}

fn any_object(depth: u32) -> BoxedStrategy<serde_json::Value> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::json!([1]))
    ];
    let value = if depth == 0 { leaf.boxed() } else { prop_oneof![leaf, any_object(depth - 1)].boxed() };
    prop::collection::btree_map("[a-c]", value, 0..4).prop_map(|map| map.into_iter().collect()).boxed()
}

/// The numbers at each path of the object, with names joined.
fn leaves(value: &serde_json::Value, prefix: &str, out: &mut std::collections::BTreeMap<String, u64>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}_{name}") };
        if let Some(number) = value.as_u64() {
            out.insert(path.clone(), number);
        }
        leaves(value, &path, out);
    }
}

proptest! {
    /// Flattening and mapping by hand give what the decoder gives.
    #[test]
    fn nested_fields_arrive_as_if_the_record_were_flat(value in any_object(3), names in prop::collection::btree_set("[a-c](_[a-c]){0,3}", 1..8)) {
        let mut found = std::collections::BTreeMap::new();
        leaves(&value, "", &mut found);
        // A column that has an object's own name takes it whole, so nothing is left for columns inside it.
        let inner = |name: &String| names.iter().any(|outer| name.starts_with(&format!("{outer}_")));
        found.retain(|name, _| names.contains(name) && !inner(name));
        let has_arrays = value.to_string().contains('[');
        prop_assume!(!has_arrays);
        let whole = |name: &&String| value.pointer(&format!("/{}", name.replace('_', "/"))).is_some_and(serde_json::Value::is_object);
        let table: Vec<_> = names.iter().filter(|name| !whole(name) && !inner(name)).map(|name| (name.as_str(), "UInt8")).collect();
        prop_assume!(!table.is_empty());
        found.retain(|name, _| table.iter().any(|(column, _)| column == name));
        let flat = serde_json::to_string(&found).unwrap();
        same(&table, &shape(&[], Some("_")), &value.to_string(), &flat);
        // The same by mapping each column's path, whose own names are then no fields.
        let renamed: Vec<_> = table.iter().map(|(name, _)| format!("to_{name}")).collect();
        let map: Vec<_> = table.iter().zip(&renamed).map(|((name, _), to)| (name.replace('_', "."), to.clone())).collect();
        let map: Vec<_> = map.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let target: Vec<_> = renamed.iter().map(|name| (name.as_str(), "UInt8")).collect();
        let moved: serde_json::Map<_, _> = found.iter().map(|(name, value)| (format!("to_{name}"), (*value).into())).collect();
        same(&target, &shape(&map, None), &value.to_string(), &serde_json::to_string(&moved).unwrap());
    }

    #[test]
    fn no_event_and_no_key_panics(value in ".{0,60}", key in prop::collection::vec(any::<u8>(), 0..20), cut in 0..120_usize) {
        let event = r#"{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"source":{"lsn":40,"gtid":"a:1"},"op":"u"}"#;
        let cut: String = event.chars().take(cut).chain(value.chars()).collect();
        for form in [KeyForm::Json, KeyForm::Envelope, KeyForm::Text, KeyForm::Integer] {
            for kind in [Kind::States, Kind::Debezium] {
                let version = if kind == Kind::States { Version::Offset } else { Version::Source };
                let mut decoder = keeper(&upserts(kind, version, form.clone()), &["id"]);
                for value in [Some(value.as_bytes()), Some(cut.as_bytes()), Some(br#"{"op":"d"}"#), None] {
                    let _ = decoder.take(&Incoming { value, key: Some(&key), ..Incoming::default() });
                }
                let _ = decoder.insert();
            }
        }
    }
}
