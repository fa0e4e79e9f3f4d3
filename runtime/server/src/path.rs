//! Takes a request's raw path apart and puts names into paths.
use crate::fault::{Fault, excerpt};
use hyper::StatusCode;
use std::fmt::Write;

/// The path's segments without their `;a=b` parameters, still encoded. A single slash may end the path.
pub(crate) fn segments(path: &str) -> Result<Vec<&str>, Fault> {
    let Some(rest) = path.strip_prefix('/') else { return Err(Fault::framework(StatusCode::NOT_FOUND)) };
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    rest.split('/').map(without_parameters).collect()
}

fn without_parameters(segment: &str) -> Result<&str, Fault> {
    let segment = segment.split(';').next().unwrap_or(segment);
    match segment.chars().find(|letter| !letter.is_ascii()) {
        Some(letter) => Err(Fault::invalid(format!("path: {letter:?} must be percent-encoded"))),
        None if segment.is_empty() => Err(Fault::invalid("path: a segment between two slashes is empty")),
        None => Ok(segment),
    }
}

/// The name that an encoded segment stands for. `+` is a plus.
pub(crate) fn decode(segment: &str) -> Result<String, Fault> {
    let bytes = unescape(segment.as_bytes(), |escape| {
        let escape = String::from_utf8_lossy(escape);
        Err(Fault::invalid(format!(
            "path: {} is no percent-encoding, expected two hex digits",
            excerpt(&escape)
        )))
    })?;
    let name = String::from_utf8(bytes)
        .map_err(|_| Fault::invalid(format!("path: {} does not decode to UTF-8", excerpt(segment))))?;
    match name.chars().find(|letter| letter.is_control()) {
        Some(letter) => Err(Fault::invalid(format!("path: control character {letter:?} is not allowed"))),
        None => Ok(name),
    }
}

/// Replaces every `%41`; what stands in its place where the digits are wrong is up to `otherwise`.
pub(crate) fn unescape<E>(
    text: &[u8],
    mut otherwise: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = behind;
        } else if let Some(byte) = hex(behind) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            otherwise(&rest[..rest.len().min(3)])?;
            bytes.push(first);
            rest = behind;
        }
    }
    Ok(bytes)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// A connector's name as one path segment, for `Location`.
pub(crate) fn encode(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_come_apart_as_clients_mean_them() {
        let check = |path, expected: &[&str]| assert_eq!(segments(path).unwrap(), expected, "{path}");
        check("/", &[]);
        check("/connectors", &["connectors"]);
        check("/connectors/", &["connectors"]);
        check("/connectors;a=b", &["connectors"]);
        check("/connectors/a;b=c/status", &["connectors", "a", "status"]);
        check("/connectors/../status", &["connectors", "..", "status"]);
        check("/connectors/a%2Fb", &["connectors", "a%2Fb"]);
    }

    #[test]
    fn broken_paths_are_refused() {
        let check = |path, status: u16| assert_eq!(segments(path).unwrap_err().status, status, "{path}");
        check("//", 400);
        check("/connectors//status", 400);
        check("/connectors/x//", 400);
        check("/connectors/;a=b", 400);
        check("/connectors/ž", 400);
        check("*", 404);
        check("", 404);
    }

    #[test]
    fn names_decode_to_what_was_posted() {
        let check = |segment, name: &str| assert_eq!(decode(segment).unwrap(), name);
        check("g%20sp", "g sp");
        check("g+plus", "g+plus");
        check("a%2fb", "a/b");
        check("a%5Cb", "a\\b");
        check("100%25", "100%");
        check("%C5%BElu%C5%A5-%F0%9F%90%8E", "žluť-🐎");
        check("%2e%2e", "..");
    }

    #[test]
    fn broken_names_say_what_is_wrong() {
        let check = |segment, message: &str| assert_eq!(decode(segment).unwrap_err().message, message);
        check("a%zzb", "path: \"%zz\" is no percent-encoding, expected two hex digits");
        check("a%", "path: \"%\" is no percent-encoding, expected two hex digits");
        check("a%4", "path: \"%4\" is no percent-encoding, expected two hex digits");
        check("a%ff%feb", "path: \"a%ff%feb\" does not decode to UTF-8");
        check("a%00b", "path: control character '\\0' is not allowed");
        check("a%0Ab", "path: control character '\\n' is not allowed");
    }

    #[test]
    fn locations_are_escaped_as_java_escapes_them() {
        let check = |name, path: &str| assert_eq!(encode(name), path);
        check("g sp", "g%20sp");
        check("g+plus", "g+plus");
        check("g&a=b", "g&a=b");
        check("g;p=1", "g;p=1");
        check("g:c", "g:c");
        check("g\"q", "g%22q");
        check("g<t>", "g%3Ct%3E");
        check("g?q#h", "g%3Fq%23h");
        check("žluť-🐎", "%C5%BElu%C5%A5-%F0%9F%90%8E");
        check("..", "..");
        // Java leaves these as they are and can then not read the connector.
        check("a/b\\c%d", "a%2Fb%5Cc%25d");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(name in "\\PC{1,40}") {
            prop_assert_eq!(decode(&encode(&name)), Ok(name));
        }
    }
}
