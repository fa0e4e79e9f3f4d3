//! Keys of objects: a template, and what of it a record fills in.
use std::fmt::Write;

use penstock_sdk::Record;

use super::cell::{Cell, Look};
use super::clock::Format;

/// A template, read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pieces: Vec<Piece>,
    /// Seconds ahead of UTC that times are written in.
    pub offset: i64,
    /// What `{extension}` stands for.
    pub extension: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Topic,
    Partition(usize),
    /// Written when the object is whole, so many digits wide.
    First(usize),
    Last(usize),
    Time(Format),
    Field(Vec<String>),
    Extension,
}

/// The first and the last record of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Span {
    Offsets(i64, i64),
    /// Records that come from no topic have no offsets: a word of their own, and how many they are.
    Count(String, usize),
}

impl Template {
    pub fn parse(text: &str, offset: i64, extension: &str) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('/') || text.chars().any(char::is_control) {
            return Err(format!("expected a key without a slash at its beginning, got {text:?}"));
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or("expected a } for each {")?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            pieces.push(Piece::parse(name)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        Ok(Self { pieces, offset, extension: extension.into() })
    }

    pub fn names_topic(&self) -> bool {
        self.pieces.contains(&Piece::Topic)
    }

    pub fn names_partition(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Partition(_)))
    }

    pub fn names_first(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::First(_)))
    }

    pub fn names_last(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Last(_)))
    }

    /// Values have to be read.
    pub fn names_fields(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Field(_)))
    }

    /// All of a key but the offsets, for which [`finish`](Self::finish) has the place: records with the same one are of
    /// one object.
    pub fn stem(&self, record: &Record<'_>, value: Option<Cell<'_>>, out: &mut String) -> Result<(), String> {
        out.clear();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Topic => escape(record.topic(), out),
                Piece::Partition(width) => drop(write!(out, "{:0width$}", record.partition())),
                Piece::First(_) => out.push(FIRST),
                Piece::Last(_) => out.push(LAST),
                Piece::Time(format) => {
                    let ms = record.timestamp_ms().ok_or("the record has no timestamp for its key")?;
                    format.write(ms, self.offset, out);
                }
                Piece::Field(path) => field(path, value, out)?,
                Piece::Extension => out.push_str(&self.extension),
            }
        }
        if out.len() + OFFSETS_BYTES > KEY_BYTES_MAX {
            return Err(format!("the key of its object would have more than {KEY_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    pub fn finish(&self, stem: &str, span: &Span) -> String {
        let width = |piece: fn(&Piece) -> Option<usize>| self.pieces.iter().find_map(piece).unwrap_or(0);
        let first = width(|piece| if let Piece::First(width) = piece { Some(*width) } else { None });
        let last = width(|piece| if let Piece::Last(width) = piece { Some(*width) } else { None });
        let (from, to) = match span {
            Span::Offsets(from, to) => (format!("{from:0first$}"), format!("{to:0last$}")),
            Span::Count(word, count) => (word.clone(), count.to_string()),
        };
        stem.replace(FIRST, &from).replace(LAST, &to)
    }
}

impl Piece {
    fn parse(name: &str) -> Result<Self, String> {
        let (name, more) = name.split_once(':').map_or((name, None), |(name, more)| (name, Some(more)));
        let width = || match more {
            None => Ok(0),
            Some(text) => match text.parse() {
                Ok(width @ 1..=20) => Ok(width),
                _ => Err(format!("expected 1 to 20 digits in {{{name}:…}}, got {text:?}")),
            },
        };
        Ok(match (name, more) {
            ("topic", None) => Self::Topic,
            ("extension", None) => Self::Extension,
            ("partition", _) => Self::Partition(width()?),
            ("start_offset", _) => Self::First(width()?),
            ("end_offset", _) => Self::Last(width()?),
            ("timestamp", Some(format)) => Self::Time(Format::parse(format)?),
            ("field", Some(path)) if !path.split('.').any(str::is_empty) => {
                Self::Field(path.split('.').map(str::to_owned).collect())
            }
            _ => {
                return Err(format!(
                    "expected {{topic}}, {{partition}}, {{start_offset}}, {{end_offset}}, {{timestamp:%Y-%m-%d}}, \
                     {{field:NAME}} or {{extension}}, got {{{name}}}"
                ));
            }
        })
    }
}

fn field(path: &[String], value: Option<Cell<'_>>, out: &mut String) -> Result<(), String> {
    let found = path.iter().try_fold(value, |cell, name| Some(cell?.get(name))).flatten();
    let named = || path.join(".");
    match found.map(Cell::look) {
        Some(Look::Text(text)) if !text.is_empty() => escape(text, out),
        Some(Look::Integer(number)) => drop(write!(out, "{number}")),
        Some(Look::Boolean(value)) => drop(write!(out, "{value}")),
        Some(Look::Float32(number)) => drop(write!(out, "{number}")),
        Some(Look::Float64(number)) => drop(write!(out, "{number}")),
        Some(Look::Null | Look::Text(_)) | None => {
            return Err(format!("the record has no field {}, which s3.key.template names", named()));
        }
        Some(other) => {
            let kind = other.name();
            return Err(format!("field {} is {kind}, of which s3.key.template makes no key", named()));
        }
    }
    Ok(())
}

/// A value stays within its part of the key, and what other programs take for a sign stands encoded.
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        if letter.is_control() || "/\\%=:?#*\"<>|{}^`[]~&+;,@$'".contains(letter) {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(letter);
        }
    }
}

/// Where offsets come; no template and no value has these letters.
const FIRST: char = '\u{1}';
const LAST: char = '\u{2}';
/// As AWS has it.
const KEY_BYTES_MAX: usize = 1024;
/// What both of them may add.
const OFFSETS_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(text: &str) -> Template {
        Template::parse(text, 0, "json.gz").unwrap()
    }

    fn named(path: &str, value: &serde_json::Value) -> Result<String, String> {
        let mut out = String::new();
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        field(&path, Some(Cell::Json(value)), &mut out).map(|()| out)
    }

    #[test]
    fn a_template_is_refused_with_what_may_stand_in_it() {
        for wrong in [
            "",
            "/a",
            "a{",
            "{what}",
            "{timestamp}",
            "{timestamp:%Q}",
            "{field:a..b}",
            "{partition:x}",
            "a\n",
        ] {
            assert!(Template::parse(wrong, 0, "").is_err(), "{wrong}");
        }
        let whole = template(
            "{topic}/{partition:5}/{field:a.b}/{timestamp:%H}/{start_offset}-{end_offset}.{extension}",
        );
        assert!(whole.names_topic() && whole.names_partition() && whole.names_first() && whole.names_last());
        assert!(whole.names_fields() && !template("{topic}").names_fields());
    }

    #[test]
    fn offsets_are_filled_in_when_the_object_is_whole() {
        let template = template("a/{start_offset:10}-{end_offset}");
        let stem = format!("a/{FIRST}-{LAST}");
        assert_eq!(template.finish(&stem, &Span::Offsets(7, 12)), "a/0000000007-12");
        assert_eq!(template.finish(&stem, &Span::Count("0af3".into(), 5)), "a/0af3-5");
    }

    #[test]
    fn values_cannot_leave_their_part_of_the_key() {
        let value = json!({"a": {"b": "../x=1 ü\u{1}"}, "n": 7, "t": true, "e": "", "l": [1], "z": null});
        assert_eq!(named("a.b", &value).unwrap(), "..%2Fx%3D1 ü%01");
        assert_eq!(named("n", &value).unwrap(), "7");
        assert_eq!(named("t", &value).unwrap(), "true");
        for missing in ["e", "z", "x", "a.c", "n.a"] {
            assert!(
                named(missing, &value).unwrap_err().contains(&format!("no field {missing},")),
                "{missing}"
            );
        }
        assert_eq!(
            named("l", &value).unwrap_err(),
            "field l is a list, of which s3.key.template makes no key"
        );
    }
}
