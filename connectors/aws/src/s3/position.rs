//! Where an import stands, as the worker stores it.
use penstock_sdk::{Error, Fields, Result, Scalar};

use super::read::Place;

/// Files are dealt to lanes by their keys, and lanes to tasks: so positions hold whatever the number of tasks is.
pub const LANES: u32 = 64;

/// What is known of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub file: Option<Seen>,
    /// An import that is done once was: files that come later are not read.
    pub is_complete: bool,
}

/// The last file of the lane that was read, or is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: String,
    pub etag: String,
    /// When it was written, as its records say it.
    pub modified_ms: Option<i64>,
    /// Where it goes on; none when it was read to its end.
    pub place: Option<Place>,
}

impl Seen {
    /// Whether it is this very file. A position that a person wrote need not have an etag.
    pub fn is_of(&self, key: &str, etag: &str) -> bool {
        self.key == key && (self.etag == etag || self.etag.is_empty())
    }
}

/// The lane of a key. It never changes, as positions depend on it.
pub fn lane(key: &str) -> u32 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    // The bits of this hash follow those of the key too closely; these steps spread them.
    let spread = |hash: u64, factor: u64| (hash ^ (hash >> 33)).wrapping_mul(factor);
    let hash = spread(spread(hash, 0xff51_afd7_ed55_8ccd), 0xc4ce_b9fe_1a85_ec53);
    ((hash ^ (hash >> 33)) % u64::from(LANES)) as u32
}

/// What the position of a lane is kept under.
pub fn partition(bucket: &str, (prefix, glob): (&str, &str), lane: u32) -> Fields {
    Fields::new()
        .with("bucket", bucket)
        .with("prefix", prefix)
        .with("glob", glob)
        .with("lane", i64::from(lane))
}

pub fn write(position: &Position) -> Fields {
    let mut fields = Fields::new();
    if let Some(Seen { key, etag, modified_ms, place }) = &position.file {
        fields = fields.with(KEY, key.as_str()).with("etag", etag.as_str());
        if let Some(modified_ms) = modified_ms {
            fields = fields.with("modified", *modified_ms);
        }
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        fields = match place {
            None => fields.with("done", true),
            Some(place) => {
                let fields = fields.with("byte", number(place.at)).with("row", number(place.row));
                if place.skip > 0 { fields.with("skip", number(place.skip)) } else { fields }
            }
        };
    }
    if position.is_complete { fields.with("complete", true) } else { fields }
}

/// Reads what was stored, or what a person put in its place.
pub fn read(fields: &Fields) -> Result<Position> {
    let flag = |name: &str| match fields.get(name) {
        None | Some(Scalar::Null) => Ok(false),
        Some(Scalar::Boolean(flag)) => Ok(*flag),
        Some(other) => Err(wrong(&format!("{name}: expected true or false, got {other:?}"))),
    };
    let number = |name: &str| match fields.get(name) {
        None | Some(Scalar::Null) => Ok(0),
        Some(Scalar::Integer(number)) => u64::try_from(*number)
            .map_err(|_| wrong(&format!("{name}: expected a number from 0, got {number}"))),
        Some(other) => Err(wrong(&format!("{name}: expected a number from 0, got {other:?}"))),
    };
    let text = |name: &str| match fields.get(name) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Text(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(&format!("{name}: expected text, got {other:?}"))),
    };
    let place = Place { at: number("byte")?, row: number("row")?, skip: number("skip")? };
    let place = (!flag("done")?).then_some(place);
    let etag = text("etag")?.unwrap_or_default();
    let modified_ms = fields.integer("modified");
    let file = text(KEY)?.map(|key| Seen { key, etag, modified_ms, place });
    Ok(Position { file, is_complete: flag("complete")? })
}

/// Where an offset names the file.
pub const KEY: &str = "key";

fn wrong(reason: &str) -> Error {
    Error::config(format!("offset of a lane of S3: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_stored_is_read_again(
            key in ".{1,20}", etag in "[a-f0-9-]{0,9}", modified_ms: Option<i64>, place: Option<(u32, u32, u8)>,
            is_complete: bool, has_file: bool,
        ) {
            let place = place.map(|(at, row, skip)| Place { at: at.into(), row: row.into(), skip: skip.into() });
            let file = has_file.then_some(Seen { key, etag, modified_ms, place });
            let position = Position { file, is_complete };
            prop_assert_eq!(read(&write(&position)), Ok(position));
        }

        #[test]
        fn every_key_has_a_lane(key in ".*") {
            prop_assert!(lane(&key) < LANES);
        }
    }

    #[test]
    fn lanes_stay_what_they_are_and_share_evenly() {
        assert_eq!([lane(""), lane("a"), lane("exports/2026-01-01.json.gz")], LANES_OF_BEFORE);
        let mut counts = [0; LANES as usize];
        for number in 0..6400 {
            counts[lane(&format!("logs/part-{number:05}.parquet")) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (50..160).contains(count)), "{counts:?}");
    }

    /// Positions that are stored somewhere depend on these.
    const LANES_OF_BEFORE: [u32; 3] = [38, 27, 11];

    #[test]
    fn what_a_person_wrote_wrong_is_named() {
        let told = |fields: Fields| read(&fields).unwrap_err().message().to_owned();
        assert!(told(Fields::new().with("key", 5_i64)).contains("key: expected text"));
        assert!(
            told(Fields::new().with("key", "k").with("row", -5_i64))
                .contains("row: expected a number from 0")
        );
        assert!(told(Fields::new().with("done", "yes")).contains("done: expected true or false"));
    }
}
