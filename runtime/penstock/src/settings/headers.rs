//! Reads the rules of `response.http.headers.config`: `set X-Frame-Options: DENY, add Cache-Control: no-store`.

use worker::settings::{HeaderRule, HeaderText};

/// The rules in their order, or what was expected.
pub fn parse(text: &str) -> Result<Vec<HeaderRule>, String> {
    split(text)?.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).map(rule).collect()
}

/// At commas outside of double quotes; a backslash inside of them takes the next letter as it is.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => parts.push(String::new()),
            letter => {
                let escaped = if is_quoted && letter == '\\' { letters.next() } else { None };
                if let Some(last) = parts.last_mut() {
                    last.push(escaped.unwrap_or(letter));
                }
            }
        }
    }
    if is_quoted { Err("a second double quote for each first one".to_owned()) } else { Ok(parts) }
}

fn rule(text: &str) -> Result<HeaderRule, String> {
    let expected = || {
        "rules such as `set X-Frame-Options: DENY`, with set, add, setDate or addDate, separated by commas"
            .to_owned()
    };
    let (action, header) = text.split_once(char::is_whitespace).ok_or_else(expected)?;
    let (name, value) = header.split_once(':').ok_or_else(expected)?;
    let (name, value) = (name.trim(), value.trim());
    let (is_added, is_date) = match action.to_ascii_lowercase().as_str() {
        "set" => (false, false),
        "add" => (true, false),
        "setdate" => (false, true),
        "adddate" => (true, true),
        _ => return Err(expected()),
    };
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(format!("the name of a header after {action}"));
    }
    let value = if is_date {
        let millis = value.parse().map_err(|_| format!("a whole number of milliseconds for {name}"))?;
        HeaderText::DateAfterMs(millis)
    } else if value.is_empty() || value.chars().any(char::is_control) {
        return Err(format!("a value for {name} on one line"));
    } else {
        HeaderText::Fixed(value.to_owned())
    };
    Ok(HeaderRule { is_added, name: name.to_owned(), value })
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(is_added: bool, name: &str, value: &str) -> HeaderRule {
        HeaderRule { is_added, name: name.into(), value: HeaderText::Fixed(value.into()) }
    }

    #[test]
    fn rules_are_read_as_java_reads_them() {
        let given = "set X-Frame-Options: DENY, \"add Cache-Control: no-cache, no-store\",\
                     add  X-XSS-Protection: 1; mode=block,setDate Expires: 31540000000 , adddate X-Due:-5";
        let date = |is_added, name: &str, millis| HeaderRule {
            is_added,
            name: name.into(),
            value: HeaderText::DateAfterMs(millis),
        };
        let expected = [
            fixed(false, "X-Frame-Options", "DENY"),
            fixed(true, "Cache-Control", "no-cache, no-store"),
            fixed(true, "X-XSS-Protection", "1; mode=block"),
            date(false, "Expires", 31_540_000_000),
            date(true, "X-Due", -5),
        ];
        assert_eq!(parse(given).unwrap(), expected);
        assert_eq!(parse(" , ").unwrap(), []);
        assert_eq!(parse(r#"add X: "a\"b,c""#).unwrap(), [fixed(true, "X", "a\"b,c")]);
    }

    #[test]
    fn broken_rules_say_what_was_expected() {
        let check = |given, expected: &str| {
            let error = parse(given).unwrap_err();
            assert!(error.contains(expected), "{given}: {error}");
        };
        check("X-Frame-Options: DENY", "set, add, setDate or addDate");
        check("set X-Frame-Options", "set, add, setDate or addDate");
        check("drop X: y", "set, add, setDate or addDate");
        check("set X Y: z", "the name of a header after set");
        check("set : z", "the name of a header after set");
        check("set X:", "a value for X on one line");
        check("setDate X: soon", "a whole number of milliseconds for X");
        check("set X: \"y", "a second double quote");
    }
}
