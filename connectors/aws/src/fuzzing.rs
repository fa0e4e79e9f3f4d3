//! What `tests/fuzz` calls: bytes from outside, and what must hold whatever they are.
use crate::kinesis::unpack;
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
