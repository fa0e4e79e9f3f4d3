//! Writes the numbers of a JSON body as text the way Java does, so that configs read back alike.

/// The text of a JSON number, or nothing when Java's double cannot hold it.
///
/// Whole numbers keep all their digits. Fractions go through a double: `1.50` becomes `1.5`, `1e10` becomes `1.0E10`.
pub(crate) fn text(json: &str) -> Option<String> {
    if json.contains(['.', 'e', 'E']) {
        let value: f64 = json.parse().ok()?;
        return value.is_finite().then(|| double(value));
    }
    Some(if json == "-0" { "0".to_owned() } else { json.to_owned() })
}

/// As `Double.toString`: plain from a thousandth up to ten millions, in powers of ten outside.
fn double(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0" } else { "0.0" }.to_owned();
    }
    if (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_java_writes_them() {
        let check = |json, expected: &str| assert_eq!(text(json).as_deref(), Some(expected), "{json}");
        check("1", "1");
        check("-17", "-17");
        check("-0", "0");
        check("12345678901234567890123", "12345678901234567890123");
        check("1.50", "1.5");
        check("1.0", "1.0");
        check("-0.0", "-0.0");
        check("0e5", "0.0");
        check("1e2", "100.0");
        check("9999999.5", "9999999.5");
        check("1e7", "1.0E7");
        check("12345678.9", "1.23456789E7");
        check("0.001", "0.001");
        check("0.00012", "1.2E-4");
        check("1E+10", "1.0E10");
        check("2.5e-300", "2.5E-300");
    }

    #[test]
    fn numbers_out_of_range_have_no_text() {
        assert_eq!(text("1e999"), None);
        assert_eq!(text("-1e999"), None);
    }
}
