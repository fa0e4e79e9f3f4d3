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
    text: String,
}

impl Generator {
    pub fn new(fields: Vec<Field>, seed: u64) -> Self {
        Self { fields, seed, text: String::new() }
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
        text: &'a mut String,
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
                Drawn::Text(text)
            }
            Self::Choice(words) => Drawn::Text(&words[random.below(words.len() as u64) as usize]),
            Self::Boolean => Drawn::Boolean(random.next() >> 63 == 1),
            Self::Uuid => {
                random.uuid(text);
                Drawn::Text(text)
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

    fn letters(&mut self, length: usize, text: &mut String) {
        text.clear();
        let mut bits = 0;
        for index in 0..length {
            // One draw holds twelve letters of five bits.
            if index % 12 == 0 {
                bits = self.next();
            }
            text.push(char::from(LETTERS[bits as usize & 31]));
            bits >>= 5;
        }
    }

    /// A UUID of version 4.
    fn uuid(&mut self, text: &mut String) {
        let high = self.next() & !0xf000 | 0x4000;
        let low = self.next() & !(0b11 << 62) | (0b10 << 62);
        text.clear();
        for index in 0..32 {
            if matches!(index, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            let half = if index < 16 { high } else { low };
            text.push(char::from(HEX[(half >> (60 - index % 16 * 4)) as usize & 15]));
        }
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const HEX: &[u8; 16] = b"0123456789abcdef";
