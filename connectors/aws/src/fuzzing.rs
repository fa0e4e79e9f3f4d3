//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.
use crate::dynamo::{Reader, Shape};
use crate::kinesis::unpack;
pub use crate::s3::{s3_avro, s3_cells};
use md5::{Digest, Md5};

/// A packed record with the right sum and any content: what comes out of it is part of it.
pub fn kinesis_aggregate(bytes: &[u8]) {
    assert!(unpack(bytes).is_none_or(|found| found.parts().all(|part| part.data.len() <= bytes.len())));
    let sealed = [&[0xf3, 0x89, 0x9a, 0xc2], bytes, Md5::digest(bytes).as_slice()].concat();
    if let Some(found) = unpack(&sealed) {
        let total: usize = found.parts().map(|part| part.data.len()).sum();
        assert!(total <= bytes.len());
    }
}

/// A line of an export and a change: what is read of them is JSON, however they were nested.
pub fn dynamodb_records(bytes: &[u8]) {
    let Ok(shape) = Shape::parse(&[("dynamodb.flatten.separator", "_")].into_iter().collect()) else {
        return;
    };
    for shape in [Shape { separator: None, ..shape.clone() }, shape] {
        let mut reader = Reader::new(shape, "Orders", &["id".into()]);
        if reader.item(bytes, "1").is_ok() {
            check(&reader);
        }
        if let Ok(Some(_)) = reader.change(bytes) {
            reader.finish("1", false);
            check(&reader);
        }
    }
}

fn check(reader: &Reader) {
    // Numbers may be larger than this reader of JSON takes; their form is JSON's all the same.
    for text in [reader.key(), reader.row()] {
        assert!(text.starts_with('{') && text.ends_with('}'));
        let parsed = serde_json::from_str::<serde::de::IgnoredAny>(text);
        assert!(parsed.is_ok(), "{text}");
    }
}
