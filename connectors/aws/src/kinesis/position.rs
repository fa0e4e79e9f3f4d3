//! Where a shard stands, as the worker stores it, and where to begin.
use penstock_sdk::{Error, Fields, Result, Scalar};

/// Where reading begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The oldest record that is kept.
    TrimHorizon,
    /// Records that come from now on.
    Latest,
    /// The first record that arrived at this time (milliseconds since 1970) or later.
    Since(i64),
    /// Behind the record with this number, or when a part is given, behind that part of it.
    Behind { sequence: String, part: Option<u64> },
    /// The record with this number, which is the first of all.
    At(String),
}

/// What is stored of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    From(Start),
    /// The shard is closed and was read to its end.
    End,
}

/// What the offsets of a shard are kept under.
pub fn partition(stream: &str, shard: &str) -> Fields {
    Fields::new().with(STREAM, stream).with(SHARD, shard)
}

/// What shall be stored.
pub fn write(stored: &Stored) -> Fields {
    let word = |word: &str| Fields::new().with(SEQUENCE, word);
    match stored {
        Stored::End => word(END),
        Stored::From(Start::TrimHorizon) => word(TRIM_HORIZON),
        Stored::From(Start::Latest) => word(LATEST),
        Stored::From(Start::Since(ms)) => word(AT_TIMESTAMP).with(TIMESTAMP, *ms),
        Stored::From(Start::Behind { sequence, part }) => match part {
            Some(part) => word(sequence).with(PART, i64::try_from(*part).unwrap_or(i64::MAX)),
            None => word(sequence),
        },
        Stored::From(Start::At(sequence)) => word(sequence).with(PART, BEFORE_ALL),
    }
}

/// Reads what was stored, or what a person put in its place.
pub fn read(fields: &Fields) -> Result<Stored> {
    let sequence = match fields.get(SEQUENCE) {
        Some(Scalar::Text(text)) => text.as_str(),
        other => return Err(wrong(&format!("expected {SEQUENCE} to be text, got {other:?}"))),
    };
    let number = |name: &str| match fields.get(name) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Integer(number)) if *number >= 0 => Ok(Some(*number)),
        Some(other) => Err(wrong(&format!("{name}: expected a number from 0, got {other:?}"))),
    };
    Ok(Stored::From(match sequence {
        END => return Ok(Stored::End),
        TRIM_HORIZON => Start::TrimHorizon,
        LATEST => Start::Latest,
        AT_TIMESTAMP => match number(TIMESTAMP)? {
            Some(ms) => Start::Since(ms),
            None => return Err(wrong(&format!("{TIMESTAMP}: expected milliseconds beside {AT_TIMESTAMP}"))),
        },
        digits if !digits.is_empty() && digits.len() < 200 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            if fields.get(PART) == Some(&Scalar::Integer(BEFORE_ALL)) {
                return Ok(Stored::From(Start::At(digits.into())));
            }
            Start::Behind { sequence: digits.into(), part: number(PART)?.map(i64::cast_unsigned) }
        }
        other => {
            return Err(wrong(&format!(
                "{SEQUENCE}: expected a sequence number, {TRIM_HORIZON}, {LATEST}, {AT_TIMESTAMP} or {END}, got {other:?}"
            )));
        }
    }))
}

fn wrong(reason: &str) -> Error {
    Error::config(format!("stored offset: {reason}"))
}

const STREAM: &str = "stream";
const SHARD: &str = "shard";
const SEQUENCE: &str = "sequence";
const PART: &str = "subsequence";
/// None of the record's parts is done with.
const BEFORE_ALL: i64 = -1;
const TIMESTAMP: &str = "timestamp";
const END: &str = "SHARD_END";
pub const TRIM_HORIZON: &str = "TRIM_HORIZON";
pub const LATEST: &str = "LATEST";
pub const AT_TIMESTAMP: &str = "AT_TIMESTAMP";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let behind = |part| Stored::From(Start::Behind { sequence: "495".into(), part });
        for stored in [
            Stored::End,
            Stored::From(Start::TrimHorizon),
            Stored::From(Start::Latest),
            Stored::From(Start::Since(17)),
            behind(None),
            behind(Some(0)),
            behind(Some(9)),
            Stored::From(Start::At("495".into())),
        ] {
            assert_eq!(read(&write(&stored)), Ok(stored));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |fields: Fields, expected: &str| {
            let error = read(&fields).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        };
        check(Fields::new(), "expected sequence to be text");
        check(Fields::new().with(SEQUENCE, 7), "expected sequence to be text");
        check(Fields::new().with(SEQUENCE, "tomorrow"), "got \"tomorrow\"");
        check(Fields::new().with(SEQUENCE, ""), "got \"\"");
        check(Fields::new().with(SEQUENCE, AT_TIMESTAMP), "expected milliseconds");
        check(Fields::new().with(SEQUENCE, "7").with(PART, -2), "subsequence: expected a number");
    }
}
