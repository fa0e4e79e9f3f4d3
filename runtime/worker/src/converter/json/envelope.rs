//! Splits `{"schema":…,"payload":…}` into its two pieces without reading either.

use serde::de::IgnoredAny;

use super::super::Error;
use super::Part;

/// The two pieces, as they lie in the record.
#[derive(Debug)]
pub struct Envelope<'a> {
    pub schema: Part<'a>,
    pub payload: Part<'a>,
}

/// Finds the pieces; both have to be there, and nothing else.
pub fn split(bytes: &[u8]) -> Result<Envelope<'_>, Error> {
    let mut scan = Scan { bytes, at: 0 };
    if scan.next() != Some(b'{') {
        return Err(shape());
    }
    let (mut schema, mut payload) = (None, None);
    loop {
        let key = scan.value()?;
        let place = match key.bytes {
            b"\"schema\"" => &mut schema,
            b"\"payload\"" => &mut payload,
            _ => return Err(shape()),
        };
        if scan.next() != Some(b':') {
            return Err(shape());
        }
        let value = scan.value()?;
        if place.replace(value).is_some() {
            return Err(shape());
        }
        match scan.next() {
            Some(b',') => {}
            Some(b'}') => break,
            _ => return Err(shape()),
        }
    }
    match (schema, payload, scan.next()) {
        (Some(schema), Some(payload), None) => Ok(Envelope { schema, payload }),
        _ => Err(shape()),
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip_space(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
    }

    /// The next JSON value, whatever it is.
    fn value(&mut self) -> Result<Part<'a>, Error> {
        self.skip_space();
        let rest = Part { bytes: self.bytes.get(self.at..).unwrap_or_default(), at: self.at };
        let mut values = serde_json::Deserializer::from_slice(rest.bytes).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(IgnoredAny)) => {
                let length = values.byte_offset();
                self.at += length;
                Ok(Part { bytes: rest.bytes.get(..length).unwrap_or_default(), at: rest.at })
            }
            Some(Err(error)) => Err(rest.error(&error)),
            None => Err(shape()),
        }
    }
}

fn shape() -> Error {
    Error::new(
        "expected a JSON object of exactly \"schema\" and \"payload\"; for JSON without them set schemas.enable=false",
    )
}
