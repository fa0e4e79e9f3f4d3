//! Days and times as text, with all their digits.
use std::io::Write;

/// A second's part that a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    fn per_second(self) -> i64 {
        10_i64.pow(self.digits() as u32)
    }

    fn digits(self) -> usize {
        match self {
            Self::Seconds => 0,
            Self::Millis => 3,
            Self::Micros => 6,
            Self::Nanos => 9,
        }
    }
}

/// `"2026-01-31"`, of days since 1970.
pub fn date(days: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    day(days, out);
    out.push(b'"');
}

/// `"12:34:56.789"`, since midnight.
pub fn time(value: i64, unit: Unit, out: &mut Vec<u8>) {
    out.push(b'"');
    clock(value, unit, out);
    out.push(b'"');
}

/// `"2026-01-31T12:34:56.789Z"`, since 1970; without `Z` where it is nobody's time zone.
pub fn timestamp(value: i64, unit: Unit, is_utc: bool, out: &mut Vec<u8>) {
    let per_day = 86_400 * unit.per_second();
    out.push(b'"');
    day(value.div_euclid(per_day), out);
    out.push(b'T');
    clock(value.rem_euclid(per_day), unit, out);
    if is_utc {
        out.push(b'Z');
    }
    out.push(b'"');
}

fn clock(value: i64, unit: Unit, out: &mut Vec<u8>) {
    let (sign, value) = if value < 0 { ("-", value.unsigned_abs()) } else { ("", value as u64) };
    let per_second = unit.per_second() as u64;
    let (seconds, part) = (value / per_second, value % per_second);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing into memory does not fail.
    let _ = write!(out, "{sign}{hours:02}:{minutes:02}:{seconds:02}");
    if unit != Unit::Seconds {
        let _ = write!(out, ".{part:0width$}", width = unit.digits());
    }
}

/// By the calendar that is carried on to all times. Years begin in March here, so that the odd day is the last.
fn day(days: i64, out: &mut Vec<u8>) {
    let shifted = i128::from(days) + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;
    use aws_smithy_types::date_time::Format;
    use proptest::prelude::*;

    fn shown(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn digits_are_kept() {
        assert_eq!(shown(|out| date(0, out)), "\"1970-01-01\"");
        assert_eq!(shown(|out| date(-1, out)), "\"1969-12-31\"");
        assert_eq!(shown(|out| date(11_016, out)), "\"2000-02-29\"");
        assert_eq!(shown(|out| timestamp(-1, Unit::Nanos, true, out)), "\"1969-12-31T23:59:59.999999999Z\"");
        assert_eq!(shown(|out| timestamp(0, Unit::Seconds, false, out)), "\"1970-01-01T00:00:00\"");
        assert_eq!(shown(|out| time(45_296_000_120, Unit::Micros, out)), "\"12:34:56.000120\"");
        // Whatever a file says, it is written.
        for value in [i64::MIN, i64::MAX] {
            shown(|out| date(value, out));
            shown(|out| timestamp(value, Unit::Seconds, true, out));
            shown(|out| time(value, Unit::Nanos, out));
        }
    }

    proptest! {
        #[test]
        fn times_are_those_that_others_write(seconds in -62_000_000_000_i64..253_000_000_000, millis in 1_i64..1000) {
            let other = DateTime::from_secs_and_nanos(seconds, (millis * 1_000_000) as u32);
            let other = other.fmt(Format::DateTime).unwrap();
            let ours = shown(|out| timestamp(seconds * 1000 + millis, Unit::Millis, true, out));
            // The other one leaves out zeros at the end.
            let ours = ours.trim_matches('"').trim_end_matches('Z').trim_end_matches('0').to_owned() + "Z";
            prop_assert_eq!(ours, other);
        }
    }
}
