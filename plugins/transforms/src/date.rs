//! Times as text, by the letters of Java's `SimpleDateFormat`, in English and in UTC.
mod calendar;
mod format;
mod parse;

use crate::{Error, Result};

pub use calendar::{MS_PER_DAY, Moment};

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    text: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Literal(String),
    Field { letter: char, count: usize },
}

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

impl DateFormat {
    /// Compiles a pattern; the error names the letter that means nothing.
    pub fn compile(text: &str) -> Result<Self> {
        let fail = |why: String| Err(Error::new(format!("{why} in the pattern {text}")));
        let mut items = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                '\'' if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
                '\'' => loop {
                    match rest.next() {
                        Some('\'') if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
                        Some('\'') => break,
                        Some(other) => literal.push(other),
                        None => return fail("a quote is not closed".to_owned()),
                    }
                },
                letter if letter.is_ascii_alphabetic() => {
                    if !LETTERS.contains(letter) {
                        return fail(format!("the letter {letter} has no meaning"));
                    }
                    let mut count = 1;
                    while rest.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    if count > COUNT_MAX || (letter == 'X' && count > 3) {
                        return fail(format!("the letter {letter} stands {count} times"));
                    }
                    if !literal.is_empty() {
                        items.push(Item::Literal(std::mem::take(&mut literal)));
                    }
                    items.push(Item::Field { letter, count });
                }
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            items.push(Item::Literal(literal));
        }
        Ok(Self { text: text.to_owned(), items })
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.text
    }
}

/// A letter that stands more often only pads with zeros.
const COUNT_MAX: usize = 64;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The text of a time as Connect writes one that has no pattern: its time of day, its date, or both.
pub fn write_iso(ms: i64, out: &mut String) {
    // Java takes everything before the second day for a time of day.
    let (date, time) = if ms < MS_PER_DAY { (false, true) } else { (true, ms % MS_PER_DAY != 0) };
    let moment = Moment::at(ms);
    if date {
        format::write_number(moment.year_of_era(), 4, out);
        out.push('-');
        format::write_number(i64::from(moment.month), 2, out);
        out.push('-');
        format::write_number(i64::from(moment.day), 2, out);
    }
    if date && time {
        out.push('T');
    }
    if time {
        for (value, width, before) in [
            (moment.hour(), 2, ""),
            (moment.minute(), 2, ":"),
            (moment.second(), 2, ":"),
            (moment.millis(), 3, "."),
        ] {
            out.push_str(before);
            format::write_number(value, width, out);
        }
        out.push('Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(pattern: &str, ms: i64) -> String {
        let mut out = String::new();
        DateFormat::compile(pattern).unwrap().format(ms, &mut out);
        out
    }

    fn parsed(pattern: &str, text: &str) -> Option<i64> {
        DateFormat::compile(pattern).unwrap().parse(text, 1_700_000_000_000)
    }

    #[test]
    fn times_are_written_as_java_writes_them() {
        let ms = 1_566_483_306_789; // 2019-08-22T14:15:06.789Z, a Thursday
        for (pattern, expected) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2019-08-22T14:15:06.789Z"),
            ("yy/M/d h:m:s a", "19/8/22 2:15:6 PM"),
            ("EEEE, EEE d MMMM MMM", "Thursday, Thu 22 August Aug"),
            ("D F w W u k K SSSSSS G", "234 4 34 4 4 14 2 000789 AD"),
            ("Z z zzzz X XX", "+0000 UTC Coordinated Universal Time Z Z"),
            ("''yyyy'y''s'", "'2019y's"),
            ("YYYY", "2019"),
        ] {
            assert_eq!(formatted(pattern, ms), expected, "{pattern}");
        }
        assert_eq!(formatted("yyyy-MM-dd HH:mm:ss.SSS", -1), "1969-12-31 23:59:59.999");
        assert_eq!(formatted("yyyy-MM-dd", -12_219_292_800_001), "1582-10-04");
    }

    #[test]
    fn times_are_read_leniently_as_java_reads_them() {
        for (pattern, text, expected) in [
            ("yyyy-MM-dd", "2019-08-22", Some(1_566_432_000_000)),
            ("yyyy-MM-dd", "2019-8-2 and more", Some(1_564_704_000_000)),
            ("yyyyMMddHHmmss", "20190822141506", Some(1_566_483_306_000)),
            ("yyyy-MM-dd HH:mm", "2019-13-01 25:00", Some(1_577_926_800_000)),
            ("yy", "19", Some(1_546_300_800_000)),
            ("d MMM yyyy hh:mm a", "22 aug 2019 02:15 pm", Some(1_566_483_300_000)),
            ("yyyy-MM-dd'T'HH:mm:ssXXX", "2019-08-22T14:15:06+02:00", Some(1_566_476_106_000)),
            ("yyyy-MM-dd Z", "2019-08-22 -0130", Some(1_566_437_400_000)),
            ("HH:mm", "x", None),
            ("yyyy-MM-dd", "", None),
            ("yyyy-MM-dd", "2019/08/22", None),
        ] {
            assert_eq!(parsed(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_without_meaning_are_refused() {
        for pattern in ["bb", "'a", "XXXX", "yyyy-mm-ddTHH"] {
            assert!(DateFormat::compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let pattern = DateFormat::compile("yyyy-MM-dd HH:mm:ss.SSS").unwrap();
        for ms in [0, -1, 951_782_400_000, 4_102_444_799_999, -2_208_988_800_000, -13_000_000_000_000] {
            let mut text = String::new();
            pattern.format(ms, &mut text);
            assert_eq!(pattern.parse(&text, 0), Some(ms), "{text}");
        }
    }
}
