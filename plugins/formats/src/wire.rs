//! What stands in front of a value: whose schema it has.

use crate::{Error, Result, varint};

/// A value's bytes, and which schema they were written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed<'a> {
    /// Confluent's header: a schema of the registry.
    Registered { id: u32, body: &'a [u8] },
    /// Avro's header of single objects: the schema's [fingerprint](crate::avro::Schema::fingerprint).
    SingleObject { fingerprint: u64, body: &'a [u8] },
}

/// Takes the header off.
#[inline]
pub fn split(bytes: &[u8]) -> Result<Framed<'_>> {
    if let [REGISTERED, rest @ ..] = bytes
        && let Some((id, body)) = rest.split_first_chunk::<4>()
    {
        return Ok(Framed::Registered { id: u32::from_be_bytes(*id), body });
    }
    if let [0xc3, 1, rest @ ..] = bytes
        && let Some((print, body)) = rest.split_first_chunk::<8>()
    {
        return Ok(Framed::SingleObject { fingerprint: u64::from_le_bytes(*print), body });
    }
    Err(unframed(bytes))
}

#[cold]
fn unframed(bytes: &[u8]) -> Error {
    Error::record(match bytes {
        [] => "no bytes, where a header with a schema id was expected".to_owned(),
        [REGISTERED, ..] => format!("{} bytes are too few for a schema id", bytes.len()),
        [0xc3, 1, ..] => format!("{} bytes are too few for a schema's fingerprint", bytes.len()),
        // Version, compression, and the 16 bytes of a schema version's UUID.
        [3, 0 | 5, ..] if bytes.len() >= 18 => {
            "the header is that of the AWS Glue schema registry, which this converter does not read: use a Confluent \
             compatible registry"
                .to_owned()
        }
        [first, ..] => format!(
            "no header with a schema id: the first byte is {first}, expected 0; was the record written by another \
             converter?"
        ),
    })
}

/// The header of a schema of the registry.
#[inline]
pub fn write_id(id: u32, out: &mut Vec<u8>) {
    out.push(REGISTERED);
    out.extend_from_slice(&id.to_be_bytes());
}

/// Which message of a Protobuf file: its place, and the places of messages in messages. Taken off the body.
pub fn take_message_indexes(body: &mut &[u8]) -> Result<Vec<usize>> {
    match take_count(body)? {
        // So often it is the file's first message that this has a short form.
        0 => Ok(vec![0]),
        count => (0..count).map(|_| take_index(body)).collect(),
    }
}

/// As [`take_message_indexes`], as the bytes that they are: nothing is made of them.
pub fn split_message_indexes<'a>(body: &mut &'a [u8]) -> Result<&'a [u8]> {
    let whole = *body;
    for _ in 0..take_count(body)? {
        take_index(body)?;
    }
    Ok(whole.split_at_checked(whole.len() - body.len()).map_or(&[], |(indexes, _)| indexes))
}

pub fn write_message_indexes(indexes: &[usize], out: &mut Vec<u8>) {
    if indexes == [0] {
        return out.push(0);
    }
    varint::put_signed(indexes.len() as i64, out);
    for index in indexes {
        varint::put_signed(*index as i64, out);
    }
}

fn take_count(body: &mut &[u8]) -> Result<usize> {
    match take_index(body)? {
        count if count > NESTING_MAX => {
            Err(Error::record(format!("{count} message indexes, at most {NESTING_MAX}")))
        }
        count => Ok(count),
    }
}

fn take_index(body: &mut &[u8]) -> Result<usize> {
    let index = varint::take_signed(body).and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| Error::record("the indexes of the Protobuf message are cut off or negative"))
}

const REGISTERED: u8 = 0;
/// Messages in messages: nobody nests declarations this deep.
const NESTING_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use proptest::prelude::*;

    #[test]
    fn headers_are_told_apart() {
        assert_eq!(split(&[0, 0, 0, 1, 2, 9]), Ok(Framed::Registered { id: 258, body: &[9] }));
        let single = [0xc3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7];
        assert_eq!(split(&single), Ok(Framed::SingleObject { fingerprint: 1, body: &[7] }));
        for (bytes, part) in [
            (&[][..], "no bytes"),
            (&[0, 1, 2, 3], "too few for a schema id"),
            (&[0xc3, 1, 2], "too few for a schema's fingerprint"),
            (&[3, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "AWS Glue"),
            (b"{\"a\":1}", "the first byte is 123"),
        ] {
            let error = split(bytes).unwrap_err();
            assert!(error.kind() == Kind::Record && error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn the_first_message_has_a_short_form() {
        let mut out = Vec::new();
        write_message_indexes(&[0], &mut out);
        assert_eq!(out, [0]);
        assert_eq!(take_message_indexes(&mut &[2_u8, 0][..]), Ok(vec![0]), "the long form is read as well");
        for bytes in [&[][..], &[4, 0], &[1], &[2, 1], &[0xfe, 0xff, 0xff, 0xff, 0x0f]] {
            assert!(take_message_indexes(&mut &*bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(id in any::<u32>(), indexes in prop::collection::vec(0_usize..1000, 1..9), body in any::<Vec<u8>>()) {
            let mut out = Vec::new();
            write_id(id, &mut out);
            write_message_indexes(&indexes, &mut out);
            out.extend_from_slice(&body);
            let Ok(Framed::Registered { id: read, body: mut rest }) = split(&out) else { panic!("no header") };
            prop_assert_eq!(read, id);
            prop_assert_eq!(take_message_indexes(&mut rest).unwrap(), indexes);
            prop_assert_eq!(rest, &body[..]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            if let Ok(Framed::Registered { mut body, .. }) = split(&bytes) {
                let _ = take_message_indexes(&mut body);
            }
            let (mut read, mut cut) = (&bytes[..], &bytes[..]);
            let (indexes, split) = (take_message_indexes(&mut read), split_message_indexes(&mut cut));
            prop_assert_eq!(indexes.is_ok(), split.is_ok());
            if let Ok(split) = split {
                prop_assert_eq!(read, cut);
                prop_assert_eq!(split, &bytes[..bytes.len() - cut.len()]);
            }
        }
    }
}
