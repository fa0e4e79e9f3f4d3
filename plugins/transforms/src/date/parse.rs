//! Reads times by a pattern, as leniently as Java: what overflows is carried over, what follows is left alone.
use super::calendar::{days, first_week};
use super::{DateFormat, Item, MONTHS, MS_PER_DAY, Moment, WEEKDAYS};

/// What was read so far.
#[derive(Default)]
struct Found {
    year: Option<i64>,
    week_year: Option<i64>,
    week: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<i64>,
    hour: Option<i64>,
    hour_of_half: Option<i64>,
    is_afternoon: Option<bool>,
    minute: i64,
    second: i64,
    millis: i64,
    zone_ms: i64,
    is_before_christ: bool,
}

impl DateFormat {
    /// The time that a text means; `None` if it does not begin as the pattern says. Years of two digits are those
    /// next to `now_ms`: at most 80 years before and 20 after it.
    pub fn parse(&self, text: &str, now_ms: i64) -> Option<i64> {
        let mut found = Found::default();
        let mut rest = text;
        for (place, item) in self.items.iter().enumerate() {
            match item {
                Item::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Item::Field { letter, count } => {
                    rest = rest.trim_start_matches([' ', '\t']);
                    // Digits that directly follow belong to the next field.
                    let is_abutting = is_number(*letter, *count)
                        && matches!(self.items.get(place + 1), Some(Item::Field { letter, count }) if is_number(*letter, *count));
                    let digits = Digits { width: is_abutting.then_some(*count), now_ms };
                    found.read(*letter, *count, &mut rest, &digits)?;
                }
            }
        }
        found.ms()
    }
}

fn is_number(letter: char, count: usize) -> bool {
    match letter {
        'M' | 'L' => count <= 2,
        _ => !"GEazZX".contains(letter),
    }
}

/// How far a number may reach.
struct Digits {
    width: Option<usize>,
    now_ms: i64,
}

impl Digits {
    fn take(&self, rest: &mut &str) -> Option<i64> {
        let text = *rest;
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let mut length = digits.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(width) = self.width {
            if text.len() < width {
                return None;
            }
            length = length.min(width - (text.len() - digits.len()).min(width));
        }
        let number: i64 = digits[..length].parse().ok().filter(|number| *number < NUMBER_MAX)?;
        *rest = &digits[length..];
        Some(sign * number)
    }

    /// Exactly two digits are a year of the century around now.
    fn year(&self, count: usize, rest: &mut &str) -> Option<i64> {
        let before = *rest;
        let year = self.take(rest)?;
        let read = &before[..before.len() - rest.len()];
        if count > 2 || read.len() != 2 || !read.bytes().all(|b| b.is_ascii_digit()) {
            return Some(year);
        }
        let start = Moment::at(self.now_ms).year - 80;
        let year = start - start.rem_euclid(100) + year;
        Some(if year < start { year + 100 } else { year })
    }
}

/// More than any calendar has, and small enough that sums of products fit.
const NUMBER_MAX: i64 = 1_000_000_000;

impl Found {
    fn read(&mut self, letter: char, count: usize, rest: &mut &str, digits: &Digits) -> Option<()> {
        match letter {
            'y' => self.year = Some(digits.year(count, rest)?),
            'Y' => self.week_year = Some(digits.year(count, rest)?),
            'M' | 'L' if count <= 2 => self.month = Some(digits.take(rest)?),
            'M' | 'L' => self.month = Some(name(&MONTHS, rest)? as i64 + 1),
            'd' => self.day = Some(digits.take(rest)?),
            'D' => self.day_of_year = Some(digits.take(rest)?),
            'w' => self.week = Some(digits.take(rest)?),
            'E' => self.weekday = Some(name(&WEEKDAYS, rest)? as i64),
            'u' => self.weekday = Some(digits.take(rest)? % 7),
            'F' | 'W' => drop(digits.take(rest)?),
            'a' => self.is_afternoon = Some(name(&["AM", "PM"], rest)? == 1),
            'G' => self.is_before_christ = name(&["BC", "AD"], rest)? == 0,
            'H' => self.hour = Some(digits.take(rest)?),
            'k' => self.hour = Some(digits.take(rest).map(|hour| if hour == 24 { 0 } else { hour })?),
            'K' => self.hour_of_half = Some(digits.take(rest)?),
            'h' => self.hour_of_half = Some(digits.take(rest).map(|hour| if hour == 12 { 0 } else { hour })?),
            'm' => self.minute = digits.take(rest)?,
            's' => self.second = digits.take(rest)?,
            'S' => self.millis = digits.take(rest)?,
            'X' => self.zone_ms = iso_zone(count, rest)?,
            _ => self.zone_ms = zone(rest)?,
        }
        Some(())
    }

    fn ms(&self) -> Option<i64> {
        let hour = self.hour.unwrap_or_else(|| {
            self.hour_of_half.unwrap_or(0) + if self.is_afternoon == Some(true) { 12 } else { 0 }
        });
        let time = ((hour * 60 + self.minute) * 60 + self.second) * 1000 + self.millis;
        self.day_number().checked_mul(MS_PER_DAY)?.checked_add(time)?.checked_sub(self.zone_ms)
    }

    fn day_number(&self) -> i64 {
        let year = match self.year {
            Some(year) if self.is_before_christ => 1 - year,
            Some(year) => year,
            None => 1970,
        };
        if let Some(week_year) = self.week_year {
            return first_week(week_year) + (self.week.unwrap_or(1) - 1) * 7 + self.weekday.unwrap_or(0);
        }
        match (self.month, self.day, self.day_of_year, self.week) {
            (None, None, Some(day), _) => days(year, 1, 1) + day - 1,
            (None, None, None, Some(week)) => first_week(year) + (week - 1) * 7 + self.weekday.unwrap_or(0),
            (month, day, ..) => days(year, month.unwrap_or(1), day.unwrap_or(1)),
        }
    }
}

/// The place of the name that the text begins with, in full or by its first three letters, in any case.
fn name(names: &[&str], rest: &mut &str) -> Option<usize> {
    let starts = |text: &str| rest.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    let place = |length: fn(&str) -> usize| names.iter().position(|name| starts(&name[..length(name)]));
    let (place, length) = match place(|name: &str| name.len()) {
        Some(place) => (place, names[place].len()),
        None => place(|name: &str| name.len().min(3)).map(|place| (place, names[place].len().min(3)))?,
    };
    *rest = &rest[length..];
    Some(place)
}

const ZONES: [(&str, i64); 11] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];

/// `+hhmm`, `GMT+h:mm`, or one of the names that Java's own dates carry.
fn zone(rest: &mut &str) -> Option<i64> {
    if rest.starts_with(['+', '-']) {
        return offset(rest, 2, false);
    }
    let is_it = |(name, _): &&(&str, i64)| {
        rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let (name, hours) = ZONES.iter().find(is_it)?;
    *rest = &rest[name.len()..];
    if *name == "GMT" && rest.starts_with(['+', '-']) {
        return offset(rest, 2, true);
    }
    Some(hours * 3_600_000)
}

fn iso_zone(count: usize, rest: &mut &str) -> Option<i64> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some(0);
    }
    offset(rest, count, count == 3)
}

/// A sign, hours, and minutes where `parts` is more than one.
fn offset(rest: &mut &str, parts: usize, has_colon: bool) -> Option<i64> {
    let (sign, text) = match rest.split_at_checked(1)? {
        ("+", text) => (1, text),
        ("-", text) => (-1, text),
        _ => return None,
    };
    let digits = |text: &str, most: usize| text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let length = digits(text, 2);
    let hours: i64 = text[..length].parse().ok()?;
    let mut text = &text[length..];
    let mut minutes = 0;
    if parts > 1 {
        text = if has_colon { text.strip_prefix(':')? } else { text.strip_prefix(':').unwrap_or(text) };
        if digits(text, 2) < 2 {
            return None;
        }
        minutes = text[..2].parse().ok()?;
        text = &text[2..];
    }
    *rest = text;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}
