//! Files of every format: read whole, from any row on, and broken.
mod avro_files;
mod parquet_files;

use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

pub const FORM: Form = Form { bytes_max: 1000, binary_is_text: false };

/// Rows with where the file goes on behind each, and what is wrong with rows, until the end or what ends the file.
pub fn all(rows: &mut dyn Rows) -> (Vec<(String, Place)>, Vec<String>) {
    up_to(rows, None)
}

/// The same up to a place.
fn up_to(rows: &mut dyn Rows, until: Option<Place>) -> (Vec<(String, Place)>, Vec<String>) {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    while !rows.place().has_reached(until) {
        let mut out = b"kept".to_vec();
        match rows.next(&mut out) {
            Ok(Some(place)) => {
                assert_eq!(place, rows.place());
                found.push((String::from_utf8_lossy(&out[4..]).into_owned(), place));
            }
            Ok(None) => return (found, wrong),
            Err(Fault::Record(reason)) => wrong.push(reason),
            Err(Fault::File(reason)) => {
                wrong.push(reason);
                return (found, wrong);
            }
            Err(Fault::Fetch(failure)) => panic!("{failure:?}"),
        }
        assert!(out.starts_with(b"kept"));
    }
    (found, wrong)
}

/// Whatever two places a position may be at, with rows that are left out between and beside them: the same rows come again.
pub fn comes_again(open: impl Fn(Place) -> Box<dyn Rows>) {
    let mut rows = open(Place::default());
    let (mut whole, mut stops) = (Vec::new(), vec![(0, Place::default())]);
    loop {
        let mut out = Vec::new();
        match rows.next(&mut out) {
            Ok(Some(_)) => whole.push(String::from_utf8_lossy(&out).into_owned()),
            Err(Fault::Record(_)) => {}
            Ok(None) => break,
            Err(other) => panic!("{other:?}"),
        }
        stops.push((whole.len(), rows.place()));
    }
    for (at, (first, from)) in stops.iter().enumerate() {
        for (last, until) in &stops[at + 1..] {
            let (found, _) = up_to(open(*from).as_mut(), Some(*until));
            let found: Vec<String> = found.into_iter().map(|(row, _)| row).collect();
            assert_eq!(found, whole[*first..*last], "{from:?} to {until:?}");
        }
    }
}

/// Reading from behind any row gives the rest.
pub fn goes_on(open: impl Fn(Place) -> Box<dyn Rows>) -> Vec<String> {
    let (whole, wrong) = all(open(Place::default()).as_mut());
    assert_eq!(wrong, [""; 0]);
    for (at, (_, place)) in whole.iter().enumerate() {
        let (rest, wrong) = all(open(*place).as_mut());
        assert_eq!(wrong, [""; 0]);
        assert_eq!(rest, whole[at + 1..], "behind row {at}, {place:?}");
        for last in [at + 1, usize::midpoint(at, whole.len())]
            .into_iter()
            .filter(|last| (at + 1..whole.len()).contains(last))
        {
            let (some, _) = up_to(open(*place).as_mut(), Some(whole[last].1));
            assert_eq!(some, whole[at + 1..=last], "behind row {at} to {last}");
        }
    }
    whole.into_iter().map(|(row, _)| row).collect()
}

fn lines(text: &[u8], place: Place, skips_blank: bool) -> Box<dyn Rows> {
    let rest = text[place.at as usize..].to_vec();
    Box::new(Lines::new(Cursor::new(rest), place, FORM, skips_blank))
}

#[test]
fn lines_are_records_as_they_stand() {
    let text = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"a\":\"\xc3\xbc\"}\nlast";
    assert_eq!(goes_on(|place| lines(text, place, true)), ["{\"a\":1}", "{\"a\":\"ü\"}", "last"]);
    assert_eq!(goes_on(|place| lines(text, place, false)).len(), 5);
    assert_eq!(goes_on(|place| lines(b"", place, false)), [""; 0]);
}

#[test]
fn a_line_that_is_too_large_is_passed_over() {
    let text = [b"a\n".to_vec(), b"x".repeat(5000), b"\nb\n".to_vec(), b"y".repeat(1000), b"\r\nc".to_vec()]
        .concat();
    let (found, wrong) = all(lines(&text, Place::default(), true).as_mut());
    let rows: Vec<usize> = found.iter().map(|(row, _)| row.len()).collect();
    assert_eq!(rows, [1, 1, 1000, 1]);
    assert_eq!(wrong, ["message.bytes.max: a record is larger than 1000 bytes"]);
    assert_eq!(found[3].1, Place { at: text.len() as u64, row: 5, skip: 0 });
}

fn dialect(quote: Option<u8>) -> Dialect {
    let delimiter = if quote.is_some() { b',' } else { b'\t' };
    Dialect { delimiter, quote, has_header: true, names: Vec::new(), empty_is_null: true }
}

fn cells(text: &str, dialect: &Dialect, place: Place) -> Box<dyn Rows> {
    let header =
        Cells::new(Cursor::new(text.to_owned()), dialect, Place::default(), None, FORM).header().unwrap();
    let header = header.filter(|_| place.at > 0);
    let rest = text.as_bytes()[place.at as usize..].to_vec();
    Box::new(Cells::new(Cursor::new(rest), dialect, place, header, FORM))
}

#[test]
fn cells_become_objects() {
    let text = "\u{feff}id,\"na\"\"me\"\r\n1,\"a, \"\"b\"\"\nc\"\n\n2,\n\\N,ü\n";
    let expected = [
        r#"{"id":"1","na\"me":"a, \"b\"\nc"}"#,
        r#"{"id":"2","na\"me":null}"#,
        r#"{"id":null,"na\"me":"ü"}"#,
    ];
    assert_eq!(goes_on(|place| cells(text, &dialect(Some(b'"')), place)), expected);
    let text = "id\tname\n1\ta\\tb\\\\\\n\"\n\\N\t\n";
    let expected = [r#"{"id":"1","name":"a\tb\\\n\""}"#, r#"{"id":null,"name":null}"#];
    assert_eq!(goes_on(|place| cells(text, &dialect(None), place)), expected);
    let plain = Dialect { has_header: false, empty_is_null: false, ..dialect(Some(b'"')) };
    assert_eq!(
        goes_on(|place| cells("1,\n2,x\n", &plain, place)),
        [r#"{"c1":"1","c2":""}"#, r#"{"c1":"2","c2":"x"}"#]
    );
    let named = Dialect { names: vec!["a".into(), "b".into()], ..plain };
    assert_eq!(goes_on(|place| cells("1,2", &named, place)), [r#"{"a":"1","b":"2"}"#]);
}

#[test]
fn rows_that_do_not_fit_are_told_and_passed_over() {
    let large = "x".repeat(3000);
    let text = format!("a,b\n1,2,3\n4\n5,6\n{large},1\n7,8\n");
    let (found, wrong) = all(cells(&text, &dialect(Some(b'"')), Place::default()).as_mut());
    let rows: Vec<&str> = found.iter().map(|(row, _)| row.as_str()).collect();
    assert_eq!(rows, [r#"{"a":"5","b":"6"}"#, r#"{"a":"7","b":"8"}"#]);
    assert_eq!(found[1].1.row, 5);
    let expected = [
        "expected 2 cells, got 3",
        "expected 2 cells, got 1",
        "message.bytes.max: a record is larger than 1000 bytes",
    ];
    assert_eq!(wrong, expected);
    let bytes = b"a,b\n\xff,1\n2,3\n".to_vec();
    let mut rows = Cells::new(Cursor::new(bytes), &dialect(Some(b'"')), Place::default(), None, FORM);
    let (found, wrong) = all(&mut rows);
    assert_eq!((found.len(), wrong), (1, vec!["cell 1 is not UTF-8".to_owned()]));
}

proptest! {
    #[test]
    fn what_was_left_out_is_left_out_again(parts in proptest::collection::vec((0_u8..5, "[a-z]{1,3}"), 0..12)) {
        let line = |(kind, text): &(u8, String)| match kind {
            0 => format!("{}\n", "x".repeat(1100)),
            1 => format!("{text}\n"),
            2 => "\n".into(),
            _ => format!("{text},{text}\n"),
        };
        let text: String = parts.iter().map(line).collect();
        comes_again(|place| lines(text.as_bytes(), place, true));
        let text = format!("a,b\n{text}");
        comes_again(|place| cells(&text, &dialect(Some(b'"')), place));
    }

    #[test]
    fn lines_are_what_stands_between_ends(parts in proptest::collection::vec("[^\n\r\u{feff}]{0,20}", 1..10)) {
        let text = parts.join("\n");
        let mut expected: Vec<&str> = text.split('\n').collect();
        // Behind the last end there is no line.
        if expected.last().is_some_and(|last| last.is_empty()) {
            expected.pop();
        }
        prop_assert_eq!(goes_on(|place| lines(text.as_bytes(), place, false)), expected);
    }

    #[test]
    fn cells_come_back_as_they_were_written(
        rows in proptest::collection::vec(proptest::collection::vec("[a-z\",\n\r\\\\ü\t]{1,8}", 3), 1..6),
    ) {
        let line = |cells: &Vec<String>| {
            cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n"
        };
        let text = format!("x,y,z\n{}", rows.iter().map(line).collect::<String>());
        let read = goes_on(|place| cells(&text, &dialect(Some(b'"')), place));
        let read: Vec<Value> = read.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        let expected: Vec<Value> =
            rows.iter().map(|row| json!({ "x": row[0], "y": row[1], "z": row[2] })).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn whatever_a_file_has_it_is_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..300), quoted: bool) {
        all(lines(&bytes, Place::default(), true).as_mut());
        let dialect = dialect(quoted.then_some(b'"'));
        all(&mut Cells::new(Cursor::new(bytes), &dialect, Place::default(), None, FORM));
    }
}

const PACKINGS: [Packing; 5] = [Packing::Gzip, Packing::Zstd, Packing::Lz4, Packing::Snappy, Packing::Bzip2];

fn pack(bytes: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::None => bytes.to_vec(),
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => zstd::encode_all(bytes, 1).unwrap(),
        Packing::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Snappy => {
            let mut encoder = snap::write::FrameEncoder::new(Vec::new());
            encoder.write_all(bytes).unwrap();
            encoder.into_inner().unwrap()
        }
        Packing::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn unpacked(packed: Vec<u8>, packing: Packing, ratio_max: u64) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    unpack(Cursor::new(packed), packing, ratio_max)?.read_to_end(&mut out)?;
    Ok(out)
}

#[test]
fn packed_files_are_read_also_several_in_one() {
    let bytes: Vec<u8> =
        (0..300_000_u32).flat_map(|n| (n.wrapping_mul(0x9e37_79b9) >> 20).to_le_bytes()).collect();
    for packing in PACKINGS {
        let packed = pack(&bytes, packing);
        assert_eq!(Packing::by_content(&packed), packing);
        assert!(unpacked(packed.clone(), packing, 1000).unwrap() == bytes, "{packing:?}");
        let both = [packed, pack(b"more", packing)].concat();
        let expected = [bytes.as_slice(), b"more"].concat();
        assert!(unpacked(both, packing, 1000).unwrap() == expected, "{packing:?}");
    }
}

#[test]
fn files_that_were_cut_off_or_damaged_are_noticed() {
    let bytes: Vec<u8> = (0..50_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
    for packing in PACKINGS {
        let packed = pack(&bytes, packing);
        for end in [packed.len() - 1, packed.len() / 2, 7] {
            let cut = unpacked(packed[..end].to_vec(), packing, 1000);
            assert!(
                cut.is_err(),
                "{packing:?} cut at {end} of {}: {:?}",
                packed.len(),
                cut.map(|bytes| bytes.len())
            );
        }
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        let read = unpacked(damaged, packing, 1000);
        // Not every format has a checksum of its content.
        assert!(read.is_err() || packing == Packing::Zstd, "{packing:?}");
    }
}

#[test]
fn what_unpacks_to_far_too_much_is_refused() {
    let nothing = vec![0; 80 << 20];
    let packed = pack(&nothing, Packing::Zstd);
    let error = unpacked(packed.clone(), Packing::Zstd, 1000).unwrap_err();
    assert!(error.to_string().starts_with("s3.compression.ratio.max: "), "{error}");
    assert_eq!(unpacked(packed, Packing::Zstd, 1_000_000).unwrap().len(), nothing.len());
}
