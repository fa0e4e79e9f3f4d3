//! Which of two versions is higher: numbers by value, a release above its candidates.
use std::cmp::Ordering;

/// Total over any text: what is no version is lower than what is.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (split(left), split(right));
    parts(left.0, right.0).then_with(|| match (left.1, right.1) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => parts(left, right),
    })
}

/// The release and what follows its first dash; what follows a plus says nothing of the order.
fn split(version: &str) -> (&str, Option<&str>) {
    let version = version.split('+').next().unwrap_or(version);
    let version = version.strip_prefix('v').unwrap_or(version);
    version.split_once('-').map_or((version, None), |(release, rest)| (release, Some(rest)))
}

fn parts(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(left), None) => part(left, "0"),
            (None, Some(right)) => part("0", right),
            (Some(left), Some(right)) => part(left, right),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn part(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_in_this_order() {
        let rising = [
            "",
            "snapshot",
            "0.9.1",
            "1.0.0-alpha",
            "1.0.0-rc.2",
            "1.0.0-rc.10",
            "1.0.0",
            "1.0.10",
            "v1.2",
            "10.0",
        ];
        for (index, low) in rising.iter().enumerate() {
            for high in &rising[index + 1..] {
                assert_eq!(compare(low, high), Ordering::Less, "{low} < {high}");
                assert_eq!(compare(high, low), Ordering::Greater, "{high} > {low}");
            }
        }
        assert_eq!(compare("1.0", "1.0.0+build.7"), Ordering::Equal);
    }
}
