//! Reads user name and password out of Java's `sasl.jaas.config`.

use crate::Error;

/// The login of a `PlainLoginModule` or `ScramLoginModule` line.
pub(super) struct Login {
    pub username: String,
    pub password: String,
}

/// Errors never repeat the line: it holds a password.
pub(super) fn parse(line: &str) -> Result<Login, Error> {
    let bad = |why: &str| Error::config(format!("sasl.jaas.config: {why}"));
    let words = words(line).ok_or_else(|| bad("a quote is not closed"))?;
    let mut words = words.into_iter();
    let module = words.next().unwrap_or_default();
    let module = module.rsplit('.').next().unwrap_or_default();
    if module != "PlainLoginModule" && module != "ScramLoginModule" {
        return Err(bad("expected PlainLoginModule or ScramLoginModule, other login modules are Java code"));
    }
    let (mut username, mut password) = (None, None);
    for word in words {
        match word.split_once('=') {
            Some(("username", value)) => username = Some(value.to_owned()),
            Some(("password", value)) => password = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(Login {
        username: username.ok_or_else(|| bad("expected username=\"…\""))?,
        password: password.ok_or_else(|| bad("expected password=\"…\""))?,
    })
}

/// Splits at blanks and at the first free `;`; quotes of either kind group, a backslash escapes inside them.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', Some(_)) => word.push(chars.next()?),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (';', None) => break,
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, username: &str, password: &str) {
        let login = parse(line).unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), (username, password), "{line}");
    }

    #[test]
    fn reads_plain_and_scram_lines() {
        let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        check(&format!("{plain} username=\"bob\" password=\"a b;c\";"), "bob", "a b;c");
        check(&format!("{plain}\n  username='bob'\n  password='x=\"y';"), "bob", "x=\"y");
        check(&format!("{plain} password=\"q\\\"q\\\\\" username=\"b\";"), "b", "q\"q\\");
        check(
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=u password=p",
            "u",
            "p",
        );
        check("x.PlainLoginModule required username=\"a\" password=\"\" user_eve=\"z\";", "a", "");
    }

    #[test]
    fn refuses_other_modules_and_half_lines_without_repeating_them() {
        for line in [
            "com.sun.security.auth.module.JndiLoginModule required password=\"hunter2\";",
            "a.PlainLoginModule required username=\"x\";",
            "a.PlainLoginModule required username=\"x\" password=\"hunter2",
            "",
        ] {
            let error = parse(line).err().unwrap();
            assert!(error.message.starts_with("sasl.jaas.config: "), "{error}");
            assert!(!error.message.contains("hunter2"), "{error}");
        }
    }
}
