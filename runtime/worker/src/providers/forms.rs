//! The forms in which a value shows up again: quoted, escaped, in a URL, in Base64, line by line.
use std::fmt::Write as _;

/// Shorter values have encoded forms that stand in anything by chance.
const ENCODED_LENGTH_MIN: usize = 8;
/// Longer ones are files; nobody puts a whole file into a header or a URL.
const ENCODED_LENGTH_MAX: usize = 16 << 10;
/// A line that is long enough to be part of a key rather than of a config's structure.
const LINE_LENGTH_MIN: usize = 16;
const LINES_MAX: usize = 1000;

/// Every form of the value that is likely to be met; the value itself may be among them.
pub fn of(value: &str) -> Vec<String> {
    let trimmed = value.trim();
    let mut forms = vec![trimmed.to_owned()];
    let lines = trimmed.lines().map(str::trim).filter(|line| line.len() >= LINE_LENGTH_MIN);
    forms.extend(lines.take(LINES_MAX).map(str::to_owned));
    for text in [value, trimmed] {
        if (ENCODED_LENGTH_MIN..=ENCODED_LENGTH_MAX).contains(&text.len()) {
            add_encoded(text, &mut forms);
        }
    }
    forms.retain(|form| !form.is_empty());
    forms
}

fn add_encoded(text: &str, forms: &mut Vec<String>) {
    forms.push(text.escape_debug().to_string());
    forms.push(text.escape_default().to_string());
    forms.push(without_quotes(format!("{text:?}")));
    if let Ok(json) = serde_json::to_string(text) {
        forms.push(without_quotes(json));
    }
    // A message that quotes a quoted message.
    forms.push(text.escape_debug().to_string().escape_debug().to_string());
    for (space, upper) in [("%20", true), ("%20", false), ("+", true), ("+", false)] {
        forms.push(percent(text, space, upper));
    }
    let hex: String = text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    forms.push(hex.to_uppercase());
    forms.push(hex);
    for shift in 0..3 {
        for encoded in base64(text.as_bytes(), shift) {
            forms.push(encoded.replace('+', "-").replace('/', "_"));
            forms.push(encoded);
        }
    }
}

fn without_quotes(quoted: String) -> String {
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(str::to_owned).unwrap_or(quoted)
}

/// As URLs and forms have it: letters, digits and `-._~` stay.
fn percent(text: &str, space: &str, upper: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push_str(space),
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ if upper => drop(write!(out, "%{byte:02X}")),
            _ => drop(write!(out, "%{byte:02x}")),
        }
    }
    out
}

/// The characters that depend on the value alone when `shift` bytes (modulo 3) stand before it, as a user's name
/// does in `user:password`: with something after it, and at the end with and without padding.
fn base64(bytes: &[u8], shift: usize) -> Vec<String> {
    let mut shifted = vec![0; shift];
    shifted.extend_from_slice(bytes);
    let mut encoded = Vec::new();
    crate::converter::base64::encode(&shifted, &mut encoded);
    let from = (shift * 8).div_ceil(6);
    let ends = [shifted.len() * 8 / 6, (shifted.len() * 8).div_ceil(6), encoded.len()];
    let core = |to: usize| encoded[from..to].iter().copied().map(char::from).collect::<String>();
    ends.map(core).into_iter().filter(|core| core.len() >= ENCODED_LENGTH_MIN).collect()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_value_is_known_in_the_encodings_of_requests_and_messages() {
        let forms = of("p w/\"é\" 12345\n");
        for form in [
            "p w/\"é\" 12345",
            "p w/\\\"é\\\" 12345\\n",
            "p%20w%2F%22%C3%A9%22%2012345",
            "p%20w%2f%22%c3%a9%22%2012345",
            "p+w%2F%22%C3%A9%22+12345",
            "7020772f22c3a92220313233343",
        ] {
            assert!(forms.iter().any(|known| known.contains(form)), "{form} in {forms:#?}");
        }
    }

    #[test]
    fn base64_is_known_wherever_the_value_begins_in_it() {
        // user:canary-12345678, with names of one, two and three letters before the colon.
        for encoded in
            ["dTpjYW5hcnktMTIzNDU2Nzg=", "dXM6Y2FuYXJ5LTEyMzQ1Njc4", "dXNlOmNhbmFyeS0xMjM0NTY3OA=="]
        {
            let forms = of("canary-12345678");
            assert!(forms.iter().any(|form| encoded.contains(form.as_str())), "{encoded}: {forms:?}");
        }
    }

    #[test]
    fn short_values_have_no_encoded_forms_and_long_ones_their_lines() {
        assert_eq!(of("a b"), ["a b"]);
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nx\n-----END PRIVATE KEY-----\n";
        let forms = of(key);
        assert!(forms.contains(&"MIIEvQIBADANBgkqhkiG".to_owned()) && !forms.contains(&"x".to_owned()));
    }
}
