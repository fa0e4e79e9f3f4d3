//! Formats of text that are checked; others are taken as they come.

use super::pattern::Pattern;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A format's name, and what keeps it.
type Format = (&'static str, fn(&str) -> bool);

/// None for a format that is not checked.
pub fn find(name: &str) -> Option<Format> {
    FORMATS.iter().find(|(known, _)| *known == name).copied()
}

const FORMATS: &[Format] = &[
    ("date", is_date),
    ("date-time", is_date_time),
    ("email", is_email),
    ("hostname", is_hostname),
    ("ipv4", |text| text.parse::<Ipv4Addr>().is_ok()),
    ("ipv6", |text| text.parse::<Ipv6Addr>().is_ok()),
    ("json-pointer", is_pointer),
    ("regex", |text| Pattern::new(text).is_ok()),
    ("time", is_time),
    ("uri", is_uri),
    ("uuid", is_uuid),
];

/// Two digits at a place.
fn two(text: &[u8], at: usize) -> Option<u32> {
    let [tens, ones] = text.get(at..at + 2)? else { return None };
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let parts = || {
        let (year, month, day) = (two(bytes, 0)? * 100 + two(bytes, 2)?, two(bytes, 5)?, two(bytes, 8)?);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if is_leap => 29,
            2 => 28,
            _ => 0,
        };
        Some(bytes[4] == b'-' && bytes[7] == b'-' && (1..=days).contains(&day))
    };
    bytes.len() == 10 && parts().unwrap_or(false)
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    is_date(date) && time.strip_prefix(['T', 't', ' ']).is_some_and(is_time)
}

/// With its offset from UTC; a leap second is one wherever it is UTC's last.
fn is_time(text: &str) -> bool {
    let parts = || {
        let bytes = text.as_bytes();
        let (hour, minute, second) = (two(bytes, 0)?, two(bytes, 3)?, two(bytes, 6)?);
        if bytes[2] != b':' || bytes[5] != b':' || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut rest = text.get(8..)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            rest = fraction.get(digits..).filter(|_| digits > 0)?;
        }
        let offset = match rest.as_bytes() {
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
                let (hours, minutes) = (two(rest.as_bytes(), 1)?, two(rest.as_bytes(), 4)?);
                let offset = (hours <= 23 && minutes <= 59).then_some((hours * 60 + minutes) as i32)?;
                if *sign == b'+' { offset } else { -offset }
            }
            _ => return None,
        };
        let utc = ((hour * 60 + minute) as i32 - offset).rem_euclid(24 * 60);
        Some(second < 60 || utc == 24 * 60 - 1)
    };
    parts().unwrap_or(false)
}

/// One `@` with something that has no spaces on both sides; the rest is the mail server's to know.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || !c.is_ascii();
    let is_local = !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && (1..=64).contains(&local.len())
        && local.chars().all(is_atom);
    is_local && is_hostname(host)
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_pointer(text: &str) -> bool {
    let is_escaped = |part: &str| part.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.is_empty() || text.starts_with('/') && is_escaped(text)
}

/// A scheme, and characters that addresses have.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
    let is_escaped = |rest: &str| {
        rest.split('%').skip(1).all(
            |part| matches!(part.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
        )
    };
    is_scheme && rest.bytes().all(is_plain) && is_escaped(rest) && rest.matches('#').count() <= 1
}

fn is_uuid(text: &str) -> bool {
    let is_at = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_at)
}
