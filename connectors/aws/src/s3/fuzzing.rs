//! Readers of files with any bytes: they come to an end, and records are not larger than they may be.
use std::io::Cursor;

use super::read::{Avro, Cells, Dialect, Fault, Form, Header, Lines, Packing, Place, Rows, unpack};

const FORM: Form = Form { bytes_max: 1000, binary_is_text: false };

fn all(rows: &mut dyn Rows) {
    let (mut out, mut place) = (Vec::new(), rows.place());
    loop {
        out.clear();
        match rows.next(&mut out) {
            Ok(Some(next)) => {
                assert!(out.len() <= FORM.bytes_max && next.row > place.row);
                place = next;
            }
            Err(Fault::Record(_)) => {}
            Ok(None) | Err(Fault::File(_) | Fault::Fetch(_)) => return,
        }
    }
}

/// The first byte says how the rest is packed and quoted.
pub fn s3_cells(bytes: &[u8]) {
    const PACKINGS: [Packing; 6] =
        [Packing::None, Packing::Gzip, Packing::Zstd, Packing::Lz4, Packing::Snappy, Packing::Bzip2];
    let Some((first, rest)) = bytes.split_first() else { return };
    let packing = PACKINGS[usize::from(first & 0x7f) % PACKINGS.len()];
    let quote = (first & 0x80 != 0).then_some(b'"');
    let dialect =
        Dialect { delimiter: b',', quote, has_header: true, names: Vec::new(), empty_is_null: true };
    let open = || unpack(Cursor::new(rest.to_vec()), packing, 1000);
    if let (Ok(lines), Ok(cells)) = (open(), open()) {
        all(&mut Lines::new(lines, Place::default(), FORM, true));
        all(&mut Cells::new(cells, &dialect, Place::default(), None, FORM));
    }
}

pub fn s3_avro(bytes: &[u8]) {
    let mut input = Cursor::new(bytes.to_vec());
    if let Ok(header) = Header::read(&mut input) {
        all(&mut Avro::new(input, header, Place::default(), FORM));
    }
}
