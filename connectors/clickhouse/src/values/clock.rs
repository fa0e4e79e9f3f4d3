//! Times of day and spans of time, for `Time` and `Time64`: ticks from text and numbers.
use super::integer;

/// Reads `hh:mm:ss` of up to 999 hours, with a minus before it for spans back and with a fraction if the
/// column has places for one. The server also reads `12:30`, as minutes and seconds; that is refused here,
/// because it is as often meant as hours and minutes.
pub fn ticks_of_text(text: &str, scale: u32, exact: bool) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (clock, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut parts = clock.split(':');
    let hours = digits(parts.next()?, 1, 3)?;
    let minutes = digits(parts.next()?, 2, 2).filter(|minutes| *minutes < 60)?;
    let seconds = digits(parts.next()?, 2, 2).filter(|seconds| *seconds < 60)?;
    let is_clean = parts.next().is_none() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let (kept, cut) = fraction.split_at_checked(scale as usize).unwrap_or((fraction, ""));
    // Without places for a fraction, even the server refuses one.
    if !is_clean || ((exact || scale == 0) && cut.bytes().any(|byte| byte != b'0')) {
        return None;
    }
    let places = 10_i64.pow(scale - kept.len() as u32);
    let fraction = if kept.is_empty() { 0 } else { kept.parse::<i64>().ok()? * places };
    let ticks = (hours * 3600 + minutes * 60 + seconds) * 10_i64.pow(scale) + fraction;
    Some(if negative { -ticks } else { ticks })
}

/// A whole number counts seconds, or ticks where the column has them.
pub fn ticks_of_number(raw: &str, scale: u32) -> Option<i64> {
    within(integer::small(raw)?, scale)
}

/// The ticks, unless they are more than 999 hours.
pub fn within(ticks: i64, scale: u32) -> Option<i64> {
    let end = SECONDS_END * 10_i64.pow(scale);
    if (1 - end..end).contains(&ticks) { Some(ticks) } else { None }
}

fn digits(text: &str, min: usize, max: usize) -> Option<i64> {
    let fits = (min..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// One second after 999:59:59.
const SECONDS_END: i64 = 3_600_000;
