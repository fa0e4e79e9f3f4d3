//! Days and years as Java's calendar counts them: Julian before October 15th, 1582, Gregorian from then on.

pub const MS_PER_DAY: i64 = 86_400_000;
/// The first day of the Gregorian calendar, counted from 1970-01-01.
const GREGORIAN_FROM: i64 = -141_427;

/// A time taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    days: i64,
    ms_of_day: i64,
    /// Before year 1 come 0, -1 and so on.
    pub year: i64,
    /// From 1.
    pub month: u8,
    pub day: u8,
}

impl Moment {
    pub fn at(ms: i64) -> Self {
        let (days, ms_of_day) = (ms.div_euclid(MS_PER_DAY), ms.rem_euclid(MS_PER_DAY));
        let (year, month, day) = date(days);
        Self { days, ms_of_day, year, month, day }
    }

    pub fn hour(&self) -> i64 {
        self.ms_of_day / 3_600_000
    }

    pub fn minute(&self) -> i64 {
        self.ms_of_day / 60_000 % 60
    }

    pub fn second(&self) -> i64 {
        self.ms_of_day / 1000 % 60
    }

    pub fn millis(&self) -> i64 {
        self.ms_of_day % 1000
    }

    pub fn is_before_christ(&self) -> bool {
        self.year < 1
    }

    pub fn year_of_era(&self) -> i64 {
        if self.is_before_christ() { 1 - self.year } else { self.year }
    }

    /// From 1.
    pub fn day_of_year(&self) -> i64 {
        self.days - days(self.year, 1, 1) + 1
    }

    /// Sunday is 0.
    pub fn weekday(&self) -> i64 {
        weekday(self.days)
    }

    /// Which of its weekday in the month this is, from 1.
    pub fn weekday_in_month(&self) -> i64 {
        (i64::from(self.day) - 1) / 7 + 1
    }

    /// Weeks begin on Sundays, and the first one has January 1st.
    pub fn week_of_year(&self) -> i64 {
        if self.week_year() > self.year { 1 } else { (self.days - first_week(self.year)) / 7 + 1 }
    }

    pub fn week_year(&self) -> i64 {
        if self.days >= first_week(self.year + 1) { self.year + 1 } else { self.year }
    }

    pub fn week_of_month(&self) -> i64 {
        let first = self.days - i64::from(self.day) + 1;
        (i64::from(self.day) - 1 + weekday(first)) / 7 + 1
    }
}

/// The Sunday on which the first week of a year begins.
pub fn first_week(year: i64) -> i64 {
    let new_year = days(year, 1, 1);
    new_year - weekday(new_year)
}

/// January 1st, 1970 was a Thursday.
fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// The day with this date; months and days may lie outside of their bounds and are carried over.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let gregorian = gregorian_days(year, month) + day - 1;
    if gregorian >= GREGORIAN_FROM { gregorian } else { julian_days(year, month) + day - 1 }
}

/// Days before the month, in years that begin in March so that leap days come last.
fn march_based(year: i64, month: i64) -> (i64, i64) {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    (year, (153 * month + 2) / 5)
}

fn gregorian_days(year: i64, month: i64) -> i64 {
    let (year, before) = march_based(year, month);
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + before - 719_468
}

fn julian_days(year: i64, month: i64) -> i64 {
    let (year, before) = march_based(year, month);
    365 * year + year.div_euclid(4) + before - 719_470
}

fn date(days: i64) -> (i64, u8, u8) {
    let is_gregorian = days >= GREGORIAN_FROM;
    // March 1st of the year 0 in the calendar that counts.
    let shifted = days + if is_gregorian { 719_468 } else { 719_470 };
    let (base, rest) = if is_gregorian {
        let era = shifted.div_euclid(146_097);
        (era * 400, shifted.rem_euclid(146_097))
    } else {
        let cycle = shifted.div_euclid(1461);
        (cycle * 4, shifted.rem_euclid(1461))
    };
    let year_of_base = if is_gregorian {
        (rest - rest / 1460 + rest / 36_524 - rest / 146_096) / 365
    } else {
        (rest - rest / 1460) / 365
    };
    let leap_days = if is_gregorian { year_of_base / 4 - year_of_base / 100 } else { year_of_base / 4 };
    let day_of_year = rest - (365 * year_of_base + leap_days);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = base + year_of_base + i64::from(month <= 2);
    (year, month as u8, day as u8)
}
