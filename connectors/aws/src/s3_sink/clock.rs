//! Points in time as parts of keys: a format of the kind of `strftime`, in UTC or at an offset from it.

/// A format, read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Format(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Field(char),
}

impl Format {
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut letters) = (Vec::new(), text.chars());
        while let Some(letter) = letters.next() {
            if letter != '%' {
                match pieces.last_mut() {
                    Some(Piece::Text(text)) => text.push(letter),
                    _ => pieces.push(Piece::Text(letter.into())),
                }
                continue;
            }
            match letters.next() {
                Some(field) if FIELDS.contains(field) => pieces.push(Piece::Field(field)),
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(format!("expected one of % and {FIELDS} behind % of a time, got {other:?}"));
                }
            }
        }
        if pieces.is_empty() {
            Err("expected a time's format such as %Y-%m-%d".into())
        } else {
            Ok(Self(pieces))
        }
    }

    /// `ms` is since 1970 in UTC, `offset` is of the local time in seconds.
    pub fn write(&self, ms: i64, offset: i64, out: &mut String) {
        use std::fmt::Write;
        let seconds = ms.div_euclid(1000).saturating_add(offset);
        let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = date(days);
        for piece in &self.0 {
            // Writing to a string does not fail.
            let _ = match piece {
                Piece::Text(text) => out.write_str(text),
                Piece::Field('Y') => write!(out, "{year:04}"),
                Piece::Field('y') => write!(out, "{:02}", year.rem_euclid(100)),
                Piece::Field('m') => write!(out, "{month:02}"),
                Piece::Field('d') => write!(out, "{day:02}"),
                Piece::Field('j') => write!(out, "{:03}", days - first_day(year) + 1),
                Piece::Field('H') => write!(out, "{:02}", time / 3600),
                Piece::Field('M') => write!(out, "{:02}", time / 60 % 60),
                Piece::Field('S') => write!(out, "{:02}", time % 60),
                Piece::Field('s') => write!(out, "{}", ms.div_euclid(1000)),
                Piece::Field(other) => write!(out, "{other}"),
            };
        }
    }
}

/// Seconds ahead of UTC: `UTC`, `Z`, `+02:00`, `-0530`.
pub fn offset(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
        return Ok(0);
    }
    let read = || {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let digits = rest.replacen(':', "", 1);
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes) = (digits[..2].parse::<i64>().ok()?, digits[2..].parse::<i64>().ok()?);
        (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    };
    read().ok_or_else(|| format!("expected UTC or an offset such as +02:00, got {text:?}"))
}

/// Year, month and day of the Gregorian calendar, of days since 1970. Years begin in March, so that leap days come last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let of_era = days.rem_euclid(DAYS_OF_400_YEARS);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// Days from 1970 to the first day of a year.
fn first_day(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

const FIELDS: &str = "YymdjHMSs%";
const DAY: i64 = 86_400;
/// From the first of March of the year 0.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_OF_400_YEARS: i64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, ms: i64, offset: i64, expected: &str) {
        let mut out = String::new();
        Format::parse(format).unwrap().write(ms, offset, &mut out);
        assert_eq!(out, expected, "{ms} as {format}");
    }

    #[test]
    fn times_are_written_as_calendars_have_them() {
        check("%Y-%m-%d/%H:%M:%S", 0, 0, "1970-01-01/00:00:00");
        check("%Y-%m-%d %H", 1_767_225_599_999, 0, "2025-12-31 23");
        check("%Y-%m-%d %H", 1_767_225_599_999, 3600, "2026-01-01 00");
        check("%Y%m%d", 951_782_400_000, 0, "20000229");
        check("%Y%m%d", 4_107_542_400_000, 0, "21000301");
        check("%j", 951_782_400_000, 0, "060");
        check("%y %s %%", 1_767_225_599_999, 0, "25 1767225599 %");
        check("%Y-%m-%d", -1, 0, "1969-12-31");
    }

    #[test]
    fn every_day_of_four_hundred_years_follows_the_one_before() {
        let mut before = date(-1);
        for days in 0..DAYS_OF_400_YEARS {
            let now = date(days);
            let follows = now == (before.0, before.1, before.2 + 1)
                || (now.2 == 1 && (now.1 == before.1 + 1 || (now.0, now.1) == (before.0 + 1, 1)));
            assert!(follows, "{before:?} and {now:?}");
            assert_eq!(first_day(now.0), days - (days - first_day(now.0)));
            before = now;
        }
        assert_eq!(before, (2369, 12, 31));
    }

    #[test]
    fn offsets_have_a_sign_hours_and_minutes() {
        for (text, expected) in [("UTC", 0), (" z ", 0), ("+02:00", 7200), ("-0530", -19_800)] {
            assert_eq!(offset(text), Ok(expected));
        }
        for wrong in ["Europe/Berlin", "+2", "02:00", "+99:00", "+01:60", "+ä100"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
        assert!(Format::parse("%Q").unwrap_err().contains("got \"Q\""));
        assert!(Format::parse("%").is_err() && Format::parse("").is_err());
    }
}
