//! What lines become, against the objects that say the same, and what is said of broken ones.
use proptest::prelude::*;

use super::*;
use crate::decoder::{Column, Refused};
use crate::incoming::Incoming;
use crate::shape::{Mapping, Shape};
use crate::values::Zones;

const CSV: Format = Format::Csv(b',');

fn decoder(table: &[(&str, &str, bool)], shape: &Shape) -> Decoder {
    let column = |(name, ty, has_default): &(&str, &str, bool)| Column {
        name: (*name).to_owned(),
        type_text: (*ty).to_owned(),
        has_default: *has_default,
    };
    let columns: Vec<_> = table.iter().map(column).collect();
    Decoder::open(&columns, &Zones::utc(), shape, None).unwrap()
}

fn lines(format: Format, names: &[&str]) -> Shape {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Shape { lines: Some(LineShape { format, names }), ..Shape::default() }
}

fn taken(decoder: &mut Decoder, value: &[u8]) -> Result<(), String> {
    match decoder.take(&Incoming { value: Some(value), ..Incoming::default() }) {
        Ok(_) => Ok(()),
        Err(Refused::Misfit(misfit)) => Err(misfit.to_string()),
        Err(Refused::Unread(failure)) => panic!("{failure:?}"),
    }
}

fn sent(decoder: &mut Decoder) -> Vec<u8> {
    decoder.insert().pieces.concat()
}

/// A line and an object send the same.
#[track_caller]
fn same(table: &[(&str, &str, bool)], shape: &Shape, line: &[u8], object: &str) {
    let (mut ours, mut theirs) = (decoder(table, shape), decoder(table, &Shape::default()));
    taken(&mut ours, line).unwrap();
    taken(&mut theirs, object.as_bytes()).unwrap();
    assert_eq!(sent(&mut ours), sent(&mut theirs), "{}", String::from_utf8_lossy(line));
}

const ORDERS: &[(&str, &str, bool)] = &[
    ("id", "UInt64", false),
    ("name", "String", false),
    ("price", "Nullable(Decimal(9, 2))", false),
    ("at", "DateTime", true),
    ("tags", "Array(String)", false),
];

#[test]
fn cells_go_into_the_columns_at_their_places() {
    let csv = lines(CSV, &[]);
    for (line, object) in [
        (
            r"1,ab,1.50,2024-05-06 07:08:09,[]",
            r#"{"id":1,"name":"ab","price":1.5,"at":"2024-05-06 07:08:09","tags":[]}"#,
        ),
        (
            r#""1","a ""b"", c","-1","1714979289","[""x"",""y""]""#,
            r#"{"id":1,"name":"a \"b\", c","price":-1,"at":1714979289,"tags":["x","y"]}"#,
        ),
        ("\t1 , ab , 1 ,,\r\n", r#"{"id":1,"name":"ab","price":1}"#),
        ("1,\"a\nb\\\u{1}\",\\N,\\N,", r#"{"id":1,"name":"a\nb\\\u0001","price":null}"#),
        ("1,\"\",,,", r#"{"id":1,"name":""}"#),
    ] {
        same(ORDERS, &csv, line.as_bytes(), object);
    }
    same(ORDERS, &lines(Format::Csv(b';'), &[]), b"1;a,b;1;;", r#"{"id":1,"name":"a,b","price":1}"#);
    let tsv = lines(Format::Tsv, &[]);
    for (line, object) in [
        (
            "1\tab\t1.50\t1714979289\t[\"x\"]",
            r#"{"id":1,"name":"ab","price":1.5,"at":1714979289,"tags":["x"]}"#,
        ),
        ("1\t a\\tb\\n\\\\\\'\\0 \t\\N\t\\N\t\n", r#"{"id":1,"name":" a\tb\n\\'\u0000 ","price":null}"#),
        ("1\t\t\t\t\r\n", r#"{"id":1,"name":""}"#),
    ] {
        same(ORDERS, &tsv, line.as_bytes(), object);
    }
}

#[test]
fn text_that_looks_like_something_else_stays_text() {
    let table = &[
        ("s", "String", false),
        ("n", "LowCardinality(Nullable(String))", false),
        ("f", "FixedString(4)", false),
    ];
    same(table, &lines(CSV, &[]), br#"12,[1],"""x""#.as_slice(), r#"{"s":"12","n":"[1]","f":"\"x"}"#);
    same(table, &lines(CSV, &[]), br#"null,"\N",1"#, r#"{"s":"null","n":"\\N","f":"1"}"#);
    // A cell cannot bring fields of its own.
    let table = &[("a", "Array(UInt8)", false), ("b", "UInt8", false)];
    let mut decoder = decoder(table, &lines(CSV, &[]));
    let error = taken(&mut decoder, br#""[1],""b"":2",3"#).unwrap_err();
    assert_eq!(error, r#"field a: string "[1],\"b\":2" does not fit column a Array(UInt8)"#);
    let open = &[("j", "JSON", false), ("d", "Dynamic", false)];
    same(open, &lines(CSV, &[]), br#""{""a"":1}",7"#, r#"{"j":{"a":1},"d":7}"#);
    same(open, &lines(Format::Tsv, &[]), b"{\"a\":1}\t{x}", r#"{"j":{"a":1},"d":"{x}"}"#);
}

#[test]
fn names_say_which_fields_the_places_are() {
    let map = vec![Mapping { path: vec!["Id".into()], column: "id".into() }];
    let shape = Shape { map, ..lines(CSV, &["name", "what", "Id"]) };
    same(ORDERS, &shape, b"ab,ignored,7", r#"{"id":7,"name":"ab"}"#);
    let mut decoder = decoder(ORDERS, &shape);
    let error = taken(&mut decoder, b"ab,ignored,x").unwrap_err();
    assert_eq!(error, r#"field Id: string "x" does not fit column id UInt64"#);
}

#[test]
fn broken_lines_are_told_by_their_cells_and_leave_nothing_behind() {
    let csv = lines(CSV, &[]);
    for (line, expected) in [
        (&b""[..], "the line has 0 cells of CSV, and there are 5 places: field id is the first without one"),
        (b"1,a", "the line has 2 cells of CSV, and there are 5 places: field price is the first without one"),
        (b"1,a,,,,", "the line has more than the 5 cells of CSV that there are places for"),
        (b"1,a,,,\n2,b,,,", "the value has more than one line of CSV: expected one line for each record"),
        (b"1,\"a", "field name: the quote of the cell is not closed"),
        (b"1,\"a,,,\"\"", "field name: the quote of the cell is not closed"),
        (b"1,a\xff,,,", "field name: the cell is not UTF-8 at byte 1"),
        (b"x,a,,,", "field id: string \"x\" does not fit column id UInt64"),
        (b"1,a,1.555,,", "field price: number 1.555 does not fit column price Nullable(Decimal(9, 2))"),
    ] {
        let mut decoder = decoder(ORDERS, &csv);
        assert_eq!(taken(&mut decoder, line).unwrap_err(), expected);
        taken(&mut decoder, b"1,ab,,,").unwrap();
        let mut clean = self::decoder(ORDERS, &csv);
        taken(&mut clean, b"1,ab,,,").unwrap();
        assert_eq!(sent(&mut decoder), sent(&mut clean), "{expected}");
    }
    let mut tsv = decoder(ORDERS, &lines(Format::Tsv, &[]));
    assert_eq!(
        taken(&mut tsv, b"1\ta\\x\t\t\t").unwrap_err(),
        "field name: a backslash before 'x' stands for nothing in TSV"
    );
}

/// A cell as CSV or TSV has it.
fn written(format: Format, text: &str) -> String {
    match format {
        Format::Csv(_) => format!("\"{}\"", text.replace('"', "\"\"")),
        Format::Tsv => {
            text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
        }
    }
}

proptest! {
    #[test]
    fn any_text_arrives_as_in_an_object(first in ".*", number: i64, second in ".*", is_csv: bool) {
        let (format, between) = if is_csv { (CSV, ",") } else { (Format::Tsv, "\t") };
        let table = &[("a", "String", false), ("n", "Int64", false), ("b", "String", false)];
        let line = [written(format, &first), number.to_string(), written(format, &second)].join(between);
        let object = serde_json::json!({"a": first, "n": number, "b": second}).to_string();
        same(table, &lines(format, &[]), line.as_bytes(), &object);
    }

    #[test]
    fn any_bytes_are_a_row_or_an_error(values: Vec<Vec<u8>>, is_csv: bool) {
        let mut decoder = decoder(ORDERS, &lines(if is_csv { CSV } else { Format::Tsv }, &[]));
        let good = values.iter().filter(|value| taken(&mut decoder, value).is_ok()).count();
        prop_assert_eq!(decoder.rows(), good);
    }

    #[test]
    fn lines_of_their_own_alphabet_are_a_row_or_an_error(values in proptest::collection::vec("[1a,\"\\\\N\t\r\n\\[\\]{}]{0,24}", 0..8), is_csv: bool) {
        let mut decoder = decoder(ORDERS, &lines(if is_csv { CSV } else { Format::Tsv }, &[]));
        let good = values.iter().filter(|value| taken(&mut decoder, value.as_bytes()).is_ok()).count();
        prop_assert_eq!(decoder.rows(), good);
    }
}
