//! Points in time: seconds or ticks since 1970-01-01 UTC from text and numbers.
use super::{Zone, calendar::Civil, decimal, integer};

/// `None` if it is no time, or one that a `DateTime` cannot hold (before 1970 or after 2106-02-07).
pub fn seconds_of_text(text: &str, zone: &Zone, exact: bool) -> Option<u32> {
    u32::try_from(ticks_of_text(text, 0, zone, exact)?).ok()
}

/// Seconds since 1970.
pub fn seconds_of_number(raw: &str, exact: bool) -> Option<u32> {
    u32::try_from(ticks_of_number(raw, 0, exact)?).ok()
}

/// Ticks of 10^-`scale` seconds. Text that is a number is read as a number, except 8 digits (a date) and 14
/// digits (a date with a time). Times without an offset are read in `zone`. What is shorter than a tick is cut,
/// or makes an `exact` time none.
pub fn ticks_of_text(text: &str, scale: u32, zone: &Zone, exact: bool) -> Option<i64> {
    if is_number(text) {
        return ticks_of_number(text, scale, exact);
    }
    let civil = Civil::parse(text)?;
    if exact && (civil.is_cut || civil.nanos % 10_i64.pow(9 - scale) != 0) {
        return None;
    }
    let local = civil.days * DAY + civil.seconds;
    let seconds = match civil.offset {
        Some(offset) => local - offset,
        None => zone.to_unix(local),
    };
    seconds.checked_mul(10_i64.pow(scale))?.checked_add(civil.nanos / 10_i64.pow(9 - scale))
}

/// A number with a fraction is seconds. A whole number is seconds, milliseconds, microseconds or nanoseconds,
/// by its size: as seconds, 10^11 would be the year 5138.
pub fn ticks_of_number(raw: &str, scale: u32, exact: bool) -> Option<i64> {
    match integer::small(raw) {
        Some(number) => ticks_of(number, scale, exact),
        None => match decimal::whole(raw).and_then(super::wide::Wide::to_i64) {
            // 19 digits are nanoseconds; anything else that is whole was written with a point or exponent.
            Some(number) if raw.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) => {
                cut(number, 10_i64.pow(9 - scale), exact)
            }
            _ => decimal::scaled(raw, 19, scale as usize, exact)?.to_i64(),
        },
    }
}

/// Ticks of a whole number, whose size says its unit.
pub fn ticks_of(number: i64, scale: u32, exact: bool) -> Option<i64> {
    rescaled(number, unit(number), scale, exact)
}

/// Ticks of 10^-`from` seconds as ticks of 10^-`to` seconds.
#[inline]
pub fn rescaled(ticks: i64, from: u32, to: u32, exact: bool) -> Option<i64> {
    match to.checked_sub(from) {
        Some(more) => ticks.checked_mul(10_i64.pow(more)),
        None => cut(ticks, 10_i64.pow(from - to), exact),
    }
}

/// Ticks of a time without a zone, which is read in this one.
pub fn ticks_of_local(ticks: i64, from: u32, to: u32, zone: &Zone, exact: bool) -> Option<i64> {
    let second = 10_i64.pow(from);
    let local = ticks.div_euclid(second);
    let seconds = zone.to_unix(local);
    rescaled(seconds, 0, to, exact)?.checked_add(rescaled(ticks.rem_euclid(second), from, to, exact)?)
}

fn cut(number: i64, ticks: i64, exact: bool) -> Option<i64> {
    if exact && number % ticks != 0 { None } else { Some(number.div_euclid(ticks)) }
}

/// The day of a point in time given as a whole number.
pub fn days_of(number: i64, exact: bool) -> Option<i64> {
    cut(number, DAY * 10_i64.pow(unit(number)), exact)
}

/// Decimal places of the unit that a number of this size is in: 0 for seconds, 9 for nanoseconds.
fn unit(number: i64) -> u32 {
    match number.unsigned_abs() {
        0..100_000_000_000 => 0,
        100_000_000_000..100_000_000_000_000 => 3,
        100_000_000_000_000..100_000_000_000_000_000 => 6,
        _ => 9,
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_date = (digits.len() == 8 || digits.len() == 14) && !digits.contains(&b'.');
    !is_date && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

const DAY: i64 = 86_400;
