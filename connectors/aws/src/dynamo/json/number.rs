//! Numbers as DynamoDB keeps them: 38 digits and an exponent, which go through as text and never through a float.

/// Appends the number as JSON writes it, digit by digit the same. False when it is none.
pub fn write(text: &str, out: &mut Vec<u8>) -> bool {
    let Some(parts) = Parts::of(text) else { return false };
    if parts.is_negative {
        out.push(b'-');
    }
    // JSON knows no zeros in front, and none that is left out.
    let whole = parts.whole.trim_start_matches('0');
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if !parts.fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(parts.fraction.as_bytes());
    }
    if let Some(exponent) = parts.exponent {
        out.push(b'E');
        out.extend_from_slice(exponent.as_bytes());
    }
    true
}

struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// With its sign, if it has one.
    exponent: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if text.len() > LENGTH_MAX {
            return None;
        }
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (number, exponent) = match rest.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, Some(exponent)),
            None => (rest, None),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let is_exponent = |text: &str| {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            !digits.is_empty() && are_digits(digits)
        };
        let has_digits = !(whole.is_empty() && fraction.is_empty());
        let is_number =
            has_digits && are_digits(whole) && are_digits(fraction) && exponent.is_none_or(is_exponent);
        is_number.then_some(Self { is_negative, whole, fraction, exponent })
    }
}

/// DynamoDB's own are at most 38 digits, written out with up to 130 places.
const LENGTH_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> Option<String> {
        let mut out = Vec::new();
        write(text, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn digits_stay_what_they_are() {
        for (given, expected) in [
            ("0", "0"),
            ("-1", "-1"),
            ("12.50", "12.50"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
            ("1.0E-30", "1.0E-30"),
            ("1E+2", "1E+2"),
            ("1e5", "1E5"),
            ("+7", "7"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-.5e3", "-0.5E3"),
        ] {
            assert_eq!(written(given).as_deref(), Some(expected), "{given}");
        }
        for wrong in ["", "-", ".", "1e", "1e+", "0x1", "1 ", "NaN", "1.2.3", "--1", "١"] {
            assert_eq!(written(wrong), None, "{wrong:?}");
        }
        assert_eq!(written(&"1".repeat(401)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_number_of_json(text in "[-+]?[0-9]{0,4}\\.?[0-9]{0,4}([eE][-+]?[0-9]{0,2})?") {
            if let Some(written) = written(&text) {
                let number: serde_json::Value = serde_json::from_str(&written).unwrap();
                let (ours, theirs) = (text.parse::<f64>().unwrap(), number.as_f64().unwrap());
                prop_assert!((ours - theirs).abs() <= ours.abs() * 1e-12, "{text} {written}");
            }
        }
    }
}
