//! Finds the fields that a record's key names: a table of the newest rows is sorted by them.
use super::row::field;
use crate::json::Cursor;
use crate::shape::KeyForm;

/// What the keys of a sample have in common.
#[derive(Debug, Default)]
pub struct Keys {
    /// Names of the fields that all keys agree on; `None` before the first key.
    names: Option<Vec<String>>,
    /// Some keys are a single value, so a single field must be the key.
    is_plain: bool,
}

impl Keys {
    /// Takes in a key, and the row that it is the key of.
    pub fn read(&mut self, key: Option<&[u8]>, row: Option<&Cursor<'_>>, form: &KeyForm) {
        let Some(text) = key.and_then(|key| text(key, form)) else { return };
        let mut json = Cursor::new(&text);
        let payload = match form {
            KeyForm::Envelope => field(&json, "payload"),
            KeyForm::Json | KeyForm::Text => Some(json.clone()),
            KeyForm::Integer | KeyForm::Other(_) => None,
        };
        let object = payload.clone().filter(|payload| payload.clone().peek() == b'{');
        self.is_plain |= object.is_none();
        let found = match (object, row) {
            (Some(object), _) => names(&object, |_| true),
            // A row is needed to see which of its fields is the key.
            (None, None) => return,
            (None, Some(row)) => {
                let plain = match form {
                    KeyForm::Json | KeyForm::Envelope => payload.and_then(|mut value| scalar(&mut value)),
                    KeyForm::Text | KeyForm::Integer | KeyForm::Other(_) => {
                        json.raw().ok().map(str::to_owned).or(Some(text.clone()))
                    }
                };
                names(row, |value| scalar(value).is_some_and(|value| Some(&value) == plain.as_ref()))
            }
        };
        match &mut self.names {
            Some(names) => names.retain(|name| found.contains(name)),
            None => self.names = Some(found),
        }
    }

    /// The fields that all keys name; none if there were no keys, they do not agree, or it is not clear.
    pub fn names(&self) -> &[String] {
        let names = self.names.as_deref().unwrap_or_default();
        if self.is_plain && names.len() != 1 { &[] } else { names }
    }
}

fn text(key: &[u8], form: &KeyForm) -> Option<String> {
    match form {
        KeyForm::Other(_) => None,
        KeyForm::Integer => match key.len() {
            2 => key.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).to_string()),
            4 => key.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).to_string()),
            _ => key.try_into().ok().map(|bytes| i64::from_be_bytes(bytes).to_string()),
        },
        KeyForm::Json | KeyForm::Envelope | KeyForm::Text => std::str::from_utf8(key).ok().map(str::to_owned),
    }
}

/// The names of the fields whose values are wanted.
fn names(object: &Cursor<'_>, is_wanted: impl Fn(&mut Cursor<'_>) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut json = object.clone();
    let mut read = || {
        json.enter()?;
        let mut more = json.any(b'}')?;
        while more {
            let name = json.string()?.into_owned();
            json.expect(b':', "\":\"")?;
            if is_wanted(&mut json.clone()) && !names.contains(&name) {
                names.push(name);
            }
            json.skip()?;
            more = json.more(b'}')?;
        }
        Ok::<_, crate::json::Fault>(())
    };
    if read().is_ok() { names } else { Vec::new() }
}

/// The text of a string or number.
fn scalar(value: &mut Cursor<'_>) -> Option<String> {
    match value.peek() {
        b'"' => value.string().ok().map(std::borrow::Cow::into_owned),
        b'-' | b'0'..=b'9' => value.number().ok().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &KeyForm, records: &[(&[u8], &str)], expected: &[&str]) {
        let mut keys = Keys::default();
        for (key, value) in records {
            keys.read(Some(key), Some(&Cursor::new(value)), form);
        }
        assert_eq!(keys.names(), expected, "{records:?}");
    }

    #[test]
    fn keys_name_fields_or_equal_one() {
        let text = KeyForm::Text;
        check(
            &KeyForm::Json,
            &[(b"{\"id\":1,\"at\":2}", "{}"), (b"{\"id\":2,\"at\":2}", "{}")],
            &["id", "at"],
        );
        check(&KeyForm::Json, &[(b"{\"id\":1}", "{}"), (b"{\"at\":2}", "{}")], &[]);
        check(&KeyForm::Envelope, &[(b"{\"schema\":0,\"payload\":{\"id\":1}}", "{}")], &["id"]);
        check(&text, &[(b"{\"id\":1}", "{}")], &["id"]);
        check(&text, &[(b"7", "{\"a\":7,\"b\":\"7\"}"), (b"8", "{\"a\":8,\"b\":7}")], &["a"]);
        check(&text, &[(b"ann", "{\"name\":\"ann\"}")], &["name"]);
        check(&KeyForm::Json, &[(b"\"x\"", "{\"a\":\"x\"}")], &["a"]);
        check(&text, &[(b"7", "{\"a\":7,\"b\":7}")], &[]);
        check(&KeyForm::Integer, &[(&5_i32.to_be_bytes(), "{\"a\":5}")], &["a"]);
        check(&KeyForm::Other("avro".into()), &[(b"7", "{\"a\":7}")], &[]);
        check(&text, &[(b"\xff", "{\"a\":7}")], &[]);
    }
}
