//! Dates: days since 1970-01-01 from text and numbers.
use super::instant;

/// A date and a time of day as written, with the offset from UTC if one was written.
#[derive(Debug, PartialEq)]
pub struct Civil {
    /// Days since 1970-01-01.
    pub days: i64,
    /// Seconds of the day.
    pub seconds: i64,
    pub nanos: i64,
    /// Seconds east of UTC.
    pub offset: Option<i64>,
    /// There was more than nanoseconds.
    pub is_cut: bool,
}

impl Civil {
    /// Reads `YYYY-MM-DD`, `YYYYMMDD`, either followed by `T` or a space and a time, and `YYYYMMDDhhmmss`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes();
        if let Some((mut civil, rest)) = Civil::usual(bytes) {
            let mut reader = Reader { bytes: rest };
            civil.fraction_and_zone(&mut reader)?;
            return if reader.bytes.is_empty() { Some(civil) } else { None };
        }
        let mut reader = Reader { bytes };
        let year = reader.digits(4, 4)?;
        let compact = reader.bytes.first()?.is_ascii_digit();
        let (month, day) = if compact {
            (reader.digits(2, 2)?, reader.digits(2, 2)?)
        } else {
            let separator = *reader.bytes.first()?;
            if !matches!(separator, b'-' | b'/') {
                return None;
            }
            reader.take(separator)?;
            let month = reader.digits(1, 2)?;
            reader.take(separator)?;
            (month, reader.digits(1, 2)?)
        };
        let mut civil =
            Civil { days: days(year, month, day)?, seconds: 0, nanos: 0, offset: None, is_cut: false };
        match reader.bytes.first() {
            None => return Some(civil),
            Some(b'T' | b't' | b' ') => reader.bytes = &reader.bytes[1..],
            Some(digit) if compact && digit.is_ascii_digit() => {}
            Some(_) => return None,
        }
        civil.time(&mut reader, compact)?;
        if reader.bytes.is_empty() { Some(civil) } else { None }
    }

    /// The form that nearly all times have, `YYYY-MM-DD hh:mm:ss` or with `T`, and what follows it. `None` for
    /// any other, which may still be a time.
    fn usual(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (time, rest) = bytes.split_first_chunk::<19>()?;
        let separators = [time[4], time[7], time[10], time[13], time[16]];
        if !matches!(separators, [b'-', b'-', b' ' | b'T', b':', b':']) {
            return None;
        }
        let mut wrong = false;
        let mut two = |at: usize| {
            let (tens, ones) = (time[at].wrapping_sub(b'0'), time[at + 1].wrapping_sub(b'0'));
            wrong |= tens > 9 || ones > 9;
            i64::from(tens) * 10 + i64::from(ones)
        };
        let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8));
        let (hour, minute, second) = (two(11), two(14), two(17));
        if wrong || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = hour * 3600 + minute * 60 + second;
        Some((Civil { days: days(year, month, day)?, seconds, nanos: 0, offset: None, is_cut: false }, rest))
    }

    fn time(&mut self, reader: &mut Reader<'_>, compact: bool) -> Option<()> {
        let hour = reader.digits(2, 2).filter(|hour| *hour < 24)?;
        let colon = !compact || reader.bytes.first() == Some(&b':');
        if colon {
            reader.take(b':')?;
        }
        let minute = reader.digits(2, 2).filter(|minute| *minute < 60)?;
        self.seconds = hour * 3600 + minute * 60;
        if (colon && reader.take(b':').is_some()) || (!colon && reader.is_digit()) {
            self.seconds += reader.digits(2, 2).filter(|second| *second < 60)?;
            return self.fraction_and_zone(reader);
        }
        self.zone(reader)
    }

    fn fraction_and_zone(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        if reader.take(b'.').or_else(|| reader.take(b',')).is_some() {
            (self.nanos, self.is_cut) = reader.fraction()?;
        }
        self.zone(reader)
    }

    fn zone(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        reader.take(b' ');
        if !reader.bytes.is_empty() {
            self.offset = Some(reader.offset()?);
        }
        Some(())
    }
}

/// `None` if it is no date, one that two bytes cannot hold (after 2149-06-06 or before 1970), or one with a time
/// of day although it shall be `exact`.
pub fn date_of_text(text: &str, exact: bool) -> Option<u16> {
    u16::try_from(day(text, exact)?).ok()
}

pub fn date32_of_text(text: &str, exact: bool) -> Option<i32> {
    i32::try_from(day(text, exact)?).ok().filter(|days| DATE32.contains(days))
}

fn day(text: &str, exact: bool) -> Option<i64> {
    let civil = Civil::parse(text)?;
    let is_midnight = civil.seconds == 0 && civil.nanos == 0 && !civil.is_cut;
    if exact && !is_midnight { None } else { Some(civil.days) }
}

/// A number that two bytes hold is a count of days, a larger one a point in time, as in the server's `toDate`.
pub fn date_of_number(raw: &str, exact: bool) -> Option<u16> {
    date_of(super::integer::small(raw)?, exact)
}

/// As [`date_of_number`], of a number.
pub fn date_of(number: i64, exact: bool) -> Option<u16> {
    let days = if number > i64::from(u16::MAX) { instant::days_of(number, exact)? } else { number };
    u16::try_from(days).ok()
}

/// A number of days up to the year 9999 is a count of days, a larger one a point in time.
pub fn date32_of_number(raw: &str, exact: bool) -> Option<i32> {
    date32_of(super::integer::small(raw)?, exact)
}

/// As [`date32_of_number`], of a number.
pub fn date32_of(number: i64, exact: bool) -> Option<i32> {
    let is_days = (DAYS_MIN..=DAYS_MAX).contains(&number);
    let days = if is_days { number } else { instant::days_of(number, exact)? };
    date32_of_days(days)
}

/// The days, unless no `Date32` is that far away.
pub fn date32_of_days(days: i64) -> Option<i32> {
    i32::try_from(days).ok().filter(|days| DATE32.contains(days))
}

/// Year, month and day of the Gregorian calendar: the way back of what counts the days. Years are as many as a
/// number of milliseconds, with room to spare.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + DAYS_TO_1970;
    let (era, day) = (shifted.div_euclid(DAYS_OF_ERA), shifted.rem_euclid(DAYS_OF_ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year + era * 400, month, day)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, by counting the leap days of whole eras of 400
/// years. `None` if there is no such date.
pub fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || year == 0 {
        return None;
    }
    // Years begin in March here, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - DAYS_TO_1970)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn is_digit(&self) -> bool {
        self.bytes.first().is_some_and(u8::is_ascii_digit)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.bytes = self.bytes.strip_prefix(&[byte])?;
        Some(())
    }

    fn digits(&mut self, min: usize, max: usize) -> Option<i64> {
        let count = self.bytes.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count();
        if count < min {
            return None;
        }
        let (digits, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        Some(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    }

    /// Nanoseconds, and whether further digits were cut.
    fn fraction(&mut self) -> Option<(i64, bool)> {
        let count = self.bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
        if count == 0 {
            return None;
        }
        let nanos = padded.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some((nanos, digits.iter().skip(9).any(|&digit| digit != b'0')))
    }

    /// Seconds east of UTC from `Z`, `+hh`, `+hhmm` or `+hh:mm`.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.bytes.first()? {
            b'Z' | b'z' => 0,
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.bytes = &self.bytes[1..];
        if sign == 0 {
            return Some(0);
        }
        let hours = self.digits(2, 2).filter(|hours| *hours < 24)?;
        let colon = self.take(b':').is_some();
        let minutes =
            if colon || self.is_digit() { self.digits(2, 2).filter(|minutes| *minutes < 60)? } else { 0 };
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// Of 400 years, after which the calendar repeats itself.
const DAYS_OF_ERA: i64 = 146_097;
/// 0001-01-01 and 9999-12-31.
const DAYS_MIN: i64 = -719_162;
const DAYS_MAX: i64 = 2_932_896;
const DATE32: std::ops::RangeInclusive<i32> = DAYS_MIN as i32..=DAYS_MAX as i32;
