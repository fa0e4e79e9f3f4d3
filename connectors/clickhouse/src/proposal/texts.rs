//! What texts have in common: a form that has a type of its own, or few different values.
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::types::Type;
use crate::values::calendar::Civil;
use crate::values::{network, uuid};

#[derive(Debug)]
pub struct Texts {
    pub count: u32,
    /// Forms that all of them have.
    forms: u8,
    /// Digits of a second.
    scale: u32,
    /// All points in time say their offset.
    has_offsets: bool,
    /// A day before 1970 or after 2149.
    is_far: bool,
    /// A point in time that has no count of nanoseconds.
    is_late: bool,
    /// Hashes of the texts, until there are many.
    different: HashSet<u64>,
}

impl Default for Texts {
    fn default() -> Self {
        Texts {
            count: 0,
            forms: ALL,
            scale: 0,
            has_offsets: true,
            is_far: false,
            is_late: false,
            different: HashSet::new(),
        }
    }
}

impl Texts {
    pub fn add(&mut self, text: &str) {
        self.count += 1;
        if self.forms != 0 {
            self.forms &= self.forms_of(text);
        }
        if self.different.len() < MANY {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            self.different.insert(hasher.finish());
        }
    }

    /// The type of a new column.
    pub fn column_type(&self) -> Type {
        let has = |form: u8| self.forms & form != 0;
        if has(UUID) {
            Type::Uuid
        } else if has(IPV4) {
            Type::Ipv4
        } else if has(IPV6) {
            Type::Ipv6
        } else {
            self.time_type().unwrap_or(Type::String)
        }
    }

    /// The type of dates or points in time, if all texts are such.
    pub fn time_type(&self) -> Option<Type> {
        if self.forms & DATE != 0 {
            return Some(if self.is_far { Type::Date32 } else { Type::Date });
        }
        let scale = [3, 6, 9].into_iter().find(|scale| self.scale <= *scale)?;
        let is_time = self.forms & TIME != 0 && !(scale == 9 && self.is_late);
        is_time.then(|| Type::DateTime64(scale, self.has_offsets.then(|| "UTC".to_owned())))
    }

    /// How many different texts there are, where they are so few that a dictionary pays.
    pub fn few(&self) -> Option<usize> {
        let different = self.different.len();
        (self.count >= ENOUGH && different < MANY && different * SHARE <= self.count as usize)
            .then_some(different)
    }

    fn forms_of(&mut self, text: &str) -> u8 {
        let mut forms = 0;
        if text.len() == 36 && uuid::parse(text).is_some() {
            forms |= UUID;
        }
        if network::ipv4(text).is_some() {
            forms |= IPV4;
        }
        if network::ipv6(text).is_some() {
            forms |= IPV6;
        }
        forms | self.time_form(text)
    }

    fn time_form(&mut self, text: &str) -> u8 {
        let is_iso = matches!(text.as_bytes(), [b'0'..=b'9', _, _, _, b'-', ..]) && text.trim() == text;
        let Some(civil) = Some(text).filter(|_| is_iso).and_then(Civil::parse) else { return 0 };
        if civil.is_cut || text.contains(',') || !DAYS.contains(&civil.days) {
            return 0;
        }
        self.is_late |= civil.days >= NANOS_DAYS;
        if text.len() <= DATE_LENGTH && !text.contains([':', 'T', ' ']) {
            self.has_offsets = false;
            self.is_far |= u16::try_from(civil.days).is_err();
            return DATE | TIME;
        }
        self.has_offsets &= civil.offset.is_some();
        let digits = (0..=9).find(|digits| civil.nanos % 10_i64.pow(9 - digits) == 0);
        self.scale = self.scale.max(digits.unwrap_or(9));
        TIME
    }
}

const UUID: u8 = 1;
const IPV4: u8 = 2;
const IPV6: u8 = 4;
const DATE: u8 = 8;
const TIME: u8 = 16;
const ALL: u8 = 31;

/// `YYYY-MM-DD`
const DATE_LENGTH: usize = 10;
/// From 1900-01-02 to 2299-12-30: what a `Date32` and a `DateTime64` hold in every zone.
const DAYS: std::ops::Range<i64> = -25_566..120_529;
/// 2262-04-10, the last whole day that nanoseconds can count up to.
const NANOS_DAYS: i64 = 106_750;

/// Different texts from which on they are many.
const MANY: usize = 1000;
/// Fewer texts say nothing about those to come.
const ENOUGH: u32 = 20;
/// A dictionary pays if each text comes as often as this.
const SHARE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expected: &str) {
        let mut all = Texts::default();
        for text in texts {
            all.add(text);
        }
        assert_eq!(all.column_type().to_string(), expected, "{texts:?}");
    }

    #[test]
    fn a_form_counts_if_all_texts_have_it() {
        check(&["61f0c404-5cb3-11e7-907b-a6006ad3dba0"], "UUID");
        check(&["61f0c404-5cb3-11e7-907b-a6006ad3dba0", "none"], "String");
        check(&["61f0c4045cb311e7907ba6006ad3dba0"], "String");
        check(&["10.0.0.1", "8.8.8.8"], "IPv4");
        check(&["10.0.0.1", "::1"], "IPv6");
        check(&["1.2.3"], "String");
        check(&["", "10.0.0.1"], "String");
    }

    #[test]
    fn times_get_the_digits_and_the_range_that_they_need() {
        check(&["2020-01-31"], "Date");
        check(&["2020-01-31", "1950-01-01"], "Date32");
        check(&["2020-01-31", "2020-02-31"], "String");
        check(&["2020-01-31", "2020-01-31 10:00:00"], "DateTime64(3)");
        check(&["2020-01-31T10:00:00Z", "2020-01-31T10:00:00.1234+02:00"], "DateTime64(6, 'UTC')");
        check(&["2020-01-31T10:00:00.1234567"], "DateTime64(9)");
        check(&["2290-01-31T10:00:00.1234567"], "String");
        check(&["2290-01-31T10:00:00"], "DateTime64(3)");
        check(&["1850-01-31"], "String");
        check(&["20200131", "2020-1"], "String");
    }

    #[test]
    fn few_texts_are_told_once_there_are_enough() {
        let mut texts = Texts::default();
        (0..19).for_each(|_| texts.add("a"));
        assert_eq!(texts.few(), None);
        texts.add("b");
        assert_eq!(texts.few(), Some(2));
        (0..10).for_each(|number| texts.add(&number.to_string()));
        assert_eq!(texts.few(), None);
    }
}
