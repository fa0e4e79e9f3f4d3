//! Turns a topic pattern of Java's kind into the POSIX expression that librdkafka reads.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::Error;

/// Nothing in a topic's name, so it never matches.
const NEVER: &str = "[ ]";

/// The whole name has to match, and the leading `^` tells librdkafka that it is a pattern.
pub(crate) fn to_posix(pattern: &str) -> Result<String, Error> {
    let refuse = |why: String| Error::config(format!("topics.regex: \"{pattern}\": {why}"));
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|error| refuse(last_line(&error.to_string())))?;
    let mut out = String::from("^(");
    write(&parsed, &mut out).map_err(|why| refuse(why.to_owned()))?;
    out.push_str(")$");
    Ok(out)
}

fn write(hir: &Hir, out: &mut String) -> Result<(), &'static str> {
    match hir.kind() {
        HirKind::Empty => out.push_str("()"),
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| letter(*byte, out)),
        HirKind::Class(class) => out.push_str(&set(class)),
        HirKind::Look(Look::Start) => out.push('^'),
        HirKind::Look(Look::End) => out.push('$'),
        HirKind::Look(_) => return Err("word and line boundaries are not supported"),
        HirKind::Repetition(repetition) => {
            group(&repetition.sub, out)?;
            match (repetition.min, repetition.max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (low, None) => out.extend(["{", &low.to_string(), ",}"]),
                (_, Some(high)) if high > 255 => {
                    return Err("a repetition of more than 255 is not supported");
                }
                (low, Some(high)) => out.extend(["{", &low.to_string(), ",", &high.to_string(), "}"]),
            }
        }
        HirKind::Capture(capture) => group(&capture.sub, out)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| group_if_choice(part, out))?,
        HirKind::Alternation(parts) => {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                write(part, out)?;
            }
        }
    }
    Ok(())
}

fn group(hir: &Hir, out: &mut String) -> Result<(), &'static str> {
    out.push('(');
    write(hir, out)?;
    out.push(')');
    Ok(())
}

fn group_if_choice(hir: &Hir, out: &mut String) -> Result<(), &'static str> {
    if matches!(hir.kind(), HirKind::Alternation(_)) { group(hir, out) } else { write(hir, out) }
}

fn letter(byte: u8, out: &mut String) {
    match byte {
        b'.' => out.push_str("[.]"),
        byte if is_of_a_topic(byte) => out.push(byte.into()),
        _ => out.push_str(NEVER),
    }
}

/// Names of topics have 65 characters to choose from, so a class is the list of those.
fn set(class: &Class) -> String {
    let has = |byte: u8| match class {
        Class::Unicode(class) => class.iter().any(|r| (r.start()..=r.end()).contains(&char::from(byte))),
        Class::Bytes(class) => class.iter().any(|r| (r.start()..=r.end()).contains(&byte)),
    };
    let mut members: String =
        (0..128).filter(|b| is_of_a_topic(*b) && *b != b'-' && has(*b)).map(char::from).collect();
    if has(b'-') {
        // Last in a bracket it stands for itself.
        members.push('-');
    }
    if members.is_empty() { NEVER.to_owned() } else { format!("[{members}]") }
}

fn is_of_a_topic(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, posix: &str) {
        assert_eq!(to_posix(pattern).unwrap(), posix, "{pattern}");
    }

    #[test]
    fn writes_what_posix_can_read() {
        check("orders", "^(orders)$");
        check("a[x-z.-]b", "^(a[.xyz-]b)$");
        check(r"db\.\d{2,3}", "^(db[.]([0123456789]){2,3})$");
        check("(?:a|b)+c?", "^(([ab])+(c)?)$");
        check("x(one|two)*", "^(x((one|two))*)$");
        check("(?i)ab", "^([Aa][Bb])$");
        check("[^a-zA-Z0-9._]", "^([-])$");
    }

    #[test]
    fn a_dot_is_any_letter_of_a_name() {
        let posix = to_posix("a.").unwrap();
        assert_eq!(posix.len(), "^(a[])$".len() + 65, "{posix}");
    }

    #[test]
    fn refuses_what_it_cannot_say() {
        for pattern in ["(?=a)b", r"a\b", "(", "a{300}"] {
            let error = to_posix(pattern).unwrap_err();
            assert!(error.message.starts_with("topics.regex: "), "{error}");
        }
    }
}
