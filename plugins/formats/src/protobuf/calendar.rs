//! Days since 1970 and the calendar.

/// Days since 1970-01-01 of a date that exists.
pub fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > month_length(year, month)
    {
        return None;
    }
    // Years begin in March here, so the day that leap years add is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH)
}

/// Year, month and day.
pub fn date(days: i32) -> Option<(i32, i32, i32)> {
    let days = i64::from(days) + i64::from(EPOCH);
    let (era, of_era) = (days.div_euclid(i64::from(ERA_DAYS)), days.rem_euclid(i64::from(ERA_DAYS)));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + later;
    // What the message can say, and what Java's converter reads back.
    (1..=9999).contains(&year).then_some((year as i32, month as i32, day as i32))
}

fn month_length(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const ERA_DAYS: i32 = 146_097;
/// Days from the first of March of the year 0 to 1970.
const EPOCH: i32 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates_have_known_days() {
        for (at, number) in [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2000, 2, 29), 11_016),
            ((2024, 3, 1), 19_783),
            ((1, 1, 1), -719_162),
            ((9999, 12, 31), 2_932_896),
        ] {
            assert_eq!(days(at.0, at.1, at.2), Some(number), "{at:?}");
            assert_eq!(date(number), Some(at));
        }
        for (year, month, day) in [
            (0, 1, 1),
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 0, 1),
            (2024, 13, 1),
            (2024, 4, 31),
            (2024, 1, 0),
        ] {
            assert_eq!(days(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    proptest! {
        #[test]
        fn any_day_has_one_date(number in any::<i32>()) {
            if let Some((year, month, day)) = date(number) {
                prop_assert_eq!(days(year, month, day), Some(number));
            }
        }
    }
}
