//! Draws the fields of a record from the seed and the record's number.
use penstock_sdk::flat::Writer;

/// One field of every record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
}

/// What a field holds. Bounds are included; the parser vouches for their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Sequence {
        start: i64,
        step: i64,
    },
    Int {
        min: i64,
        max: i64,
    },
    Long {
        min: i64,
        max: i64,
    },
    Double {
        min: f64,
        max: f64,
    },
    /// Bounds are in units of the last digit.
    Decimal {
        min: i64,
        max: i64,
        digits: u32,
    },
    Text {
        min: usize,
        max: usize,
    },
    Choice(Vec<String>),
    Boolean,
    Uuid,
    Now,
}

/// The value of a field in one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drawn<'a> {
    Int32(i32),
    Int64(i64),
    Double(f64),
    Decimal { unscaled: i64, digits: u32 },
    Text(&'a str),
    Boolean(bool),
}

/// Makes records by number.
#[derive(Debug)]
pub struct Generator {
    fields: Vec<Field>,
    seed: u64,
    text: Vec<u8>,
}

impl Generator {
    pub fn new(fields: Vec<Field>, seed: u64) -> Self {
        Self { fields, seed, text: Vec::new() }
    }

    /// Visits the fields of record `number` in order and answers how many there are.
    pub fn record(
        &mut self,
        number: u64,
        now_ms: i64,
        mut visit: impl FnMut(usize, &Field, Drawn<'_>),
    ) -> u32 {
        let mut random = Random::of(self.seed, number);
        for (index, field) in self.fields.iter().enumerate() {
            visit(index, field, field.kind.draw(&mut random, (number, now_ms), &mut self.text));
        }
        self.fields.len() as u32
    }
}

impl Kind {
    fn draw<'a>(
        &'a self,
        random: &mut Random,
        (number, now_ms): (u64, i64),
        text: &'a mut Vec<u8>,
    ) -> Drawn<'a> {
        match self {
            Self::Sequence { start, step } => {
                Drawn::Int64(start.wrapping_add(step.wrapping_mul(number as i64)))
            }
            Self::Int { min, max } => Drawn::Int32(random.between(*min, *max) as i32),
            Self::Long { min, max } => Drawn::Int64(random.between(*min, *max)),
            Self::Double { min, max } => Drawn::Double((min + random.fraction() * (max - min)).min(*max)),
            Self::Decimal { min, max, digits } => {
                Drawn::Decimal { unscaled: random.between(*min, *max), digits: *digits }
            }
            Self::Text { min, max } => {
                let length = random.between(*min as i64, *max as i64) as usize;
                random.letters(length, text);
                Drawn::Text(ascii(text))
            }
            Self::Choice(words) => Drawn::Text(&words[random.below(words.len() as u64) as usize]),
            Self::Boolean => Drawn::Boolean(random.next() >> 63 == 1),
            Self::Uuid => {
                random.uuid(text);
                Drawn::Text(ascii(text))
            }
            Self::Now => Drawn::Int64(now_ms),
        }
    }
}

impl Drawn<'_> {
    pub fn write_flat(&self, writer: &mut Writer<'_>) {
        match *self {
            Self::Int32(value) => writer.int32(value),
            Self::Int64(value) => writer.int64(value),
            Self::Double(value) => writer.float64(value),
            Self::Decimal { unscaled, digits } => {
                writer.float64(unscaled as f64 / 10_f64.powi(digits as i32));
            }
            Self::Text(value) => writer.text(value),
            Self::Boolean(value) => writer.boolean(value),
        }
    }
}

/// `SplitMix64`: every record starts from a state of its own, so that no record depends on the one before it.
struct Random(u64);

impl Random {
    fn of(seed: u64, number: u64) -> Self {
        Self(mix(mix(seed).wrapping_add(number)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 up to, and without, `end`.
    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    fn between(&mut self, min: i64, max: i64) -> i64 {
        match (max.wrapping_sub(min) as u64).checked_add(1) {
            Some(span) => min.wrapping_add(self.below(span) as i64),
            None => self.next() as i64,
        }
    }

    /// From 0 up to, and without, 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn letters(&mut self, length: usize, text: &mut Vec<u8>) {
        text.clear();
        while text.len() < length {
            // One draw holds twelve letters of five bits.
            let mut bits = self.next();
            let twelve = [(); 12].map(|()| {
                let letter = LETTERS[bits as usize & 31];
                bits >>= 5;
                letter
            });
            text.extend_from_slice(&twelve[..twelve.len().min(length - text.len())]);
        }
    }

    /// A UUID of version 4.
    fn uuid(&mut self, text: &mut Vec<u8>) {
        let high = self.next() & !0xf000 | 0x4000;
        let low = self.next() & !(0b11 << 62) | (0b10 << 62);
        let bits = u128::from(high) << 64 | u128::from(low);
        let mut uuid = [b'-'; 36];
        for (index, place) in (0..36).filter(|place| !matches!(place, 8 | 13 | 18 | 23)).enumerate() {
            uuid[place] = HEX[(bits >> (124 - index * 4)) as usize & 15];
        }
        text.clear();
        text.extend_from_slice(&uuid);
    }
}

fn ascii(text: &[u8]) -> &str {
    // What is drawn is ASCII, so there is always text.
    std::str::from_utf8(text).unwrap_or_default()
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const HEX: &[u8; 16] = b"0123456789abcdef";
