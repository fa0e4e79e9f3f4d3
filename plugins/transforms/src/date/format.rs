//! Writes times by a pattern.
use super::{DateFormat, Item, MONTHS, Moment, WEEKDAYS};
use std::fmt::Write as _;

impl DateFormat {
    /// Appends the text of a time.
    pub fn format(&self, ms: i64, out: &mut String) {
        let moment = Moment::at(ms);
        for item in &self.items {
            match item {
                Item::Literal(text) => out.push_str(text),
                Item::Field { letter, count } => field(*letter, *count, &moment, out),
            }
        }
    }
}

fn field(letter: char, count: usize, moment: &Moment, out: &mut String) {
    let number = match letter {
        'y' if count == 2 => return write_number(moment.year_of_era() % 100, 2, out),
        'y' => moment.year_of_era(),
        'Y' if count == 2 => return write_number(moment.week_year() % 100, 2, out),
        'Y' => moment.week_year(),
        'M' | 'L' if count >= 3 => return out.push_str(name(MONTHS[usize::from(moment.month) - 1], count)),
        'M' | 'L' => i64::from(moment.month),
        'd' => i64::from(moment.day),
        'D' => moment.day_of_year(),
        'F' => moment.weekday_in_month(),
        'w' => moment.week_of_year(),
        'W' => moment.week_of_month(),
        'E' => return out.push_str(name(WEEKDAYS[moment.weekday() as usize % 7], count)),
        'u' => (moment.weekday() + 6) % 7 + 1,
        'a' => return out.push_str(if moment.hour() < 12 { "AM" } else { "PM" }),
        'H' => moment.hour(),
        'k' => (moment.hour() + 23) % 24 + 1,
        'K' => moment.hour() % 12,
        'h' => (moment.hour() + 11) % 12 + 1,
        'm' => moment.minute(),
        's' => moment.second(),
        'S' => moment.millis(),
        'G' => return out.push_str(if moment.is_before_christ() { "BC" } else { "AD" }),
        'Z' => return out.push_str("+0000"),
        'X' => return out.push('Z'),
        // `compile` lets no other letter pass than these and `z`.
        _ => return out.push_str(if count >= 4 { "Coordinated Universal Time" } else { "UTC" }),
    };
    write_number(number, count, out);
}

fn name(full: &'static str, count: usize) -> &'static str {
    if count >= 4 { full } else { &full[..3] }
}

/// Appends a number with zeros in front up to a width.
pub fn write_number(number: i64, width: usize, out: &mut String) {
    // A string takes every write.
    let _ = write!(out, "{number:0width$}");
}
