//! Points in time as AWS writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `20231114T221320Z`.
pub(super) fn basic(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil((seconds / 86_400) as i64);
    let rest = seconds % 86_400;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `2023-11-14T22:13:20Z`, with or without parts of a second, which are dropped.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let time = time.split('.').next()?;
    let mut time = time.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    let is_sane = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let days = is_sane.then(|| days(year, month, day))?;
    let seconds = u64::try_from(days).ok()? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Year, month and day of a day since 1970. Years are counted from March, so that a leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_second() {
        let check = |seconds: u64, written: &str, given: &str| {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(basic(time), written);
            assert_eq!(parse(given), Some(time), "{given}");
        };
        check(0, "19700101T000000Z", "1970-01-01T00:00:00Z");
        check(951_782_400, "20000229T000000Z", "2000-02-29T00:00:00Z");
        check(1_369_353_600, "20130524T000000Z", "2013-05-24T00:00:00.123Z");
        check(1_700_000_000, "20231114T221320Z", "2023-11-14T22:13:20Z");
        check(4_107_542_399, "21000228T235959Z", "2100-02-28T23:59:59Z");
    }

    #[test]
    fn every_day_of_four_centuries_goes_both_ways() {
        for day in 0..146_097 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "2023-11-14", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20", "1-1-1T1:1:1Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
