//! Reads the little language of the `fields` setting: `id:sequence,name:string(8..16),country:choice(DE|FR)`.
//!
//! ```text
//! fields = field { "," field }
//! field  = name ":" kind [ "(" arguments ")" ]
//! name   = letter or "_", then letters, digits, "_", "-", "."
//! ```
//! Spaces may stand around every part. An error names the column it was found at.
use crate::fields::{Field, Kind};

/// The fields, or a sentence on the first thing that is wrong.
pub fn parse(text: &str) -> Result<Vec<Field>, String> {
    let mut cursor = Cursor { text, at: 0 };
    let mut fields: Vec<Field> = Vec::new();
    loop {
        cursor.skip_spaces();
        let at = cursor.at;
        let field = cursor.field()?;
        if fields.iter().any(|known| known.name == field.name) {
            return Err(cursor.wrong(at, &format!("the name {:?} stands twice", field.name)));
        }
        if fields.len() == FIELDS_MAX {
            return Err(cursor.wrong(at, &format!("expected at most {FIELDS_MAX} fields")));
        }
        fields.push(field);
        cursor.skip_spaces();
        if cursor.rest().is_empty() {
            return Ok(fields);
        }
        cursor.take(",", "a comma between fields")?;
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// The sentence of an error: where, what, and what stands there.
    fn wrong(&self, at: usize, what: &str) -> String {
        let column = self.text[..at].chars().count() + 1;
        let found: String = self.text[at..].chars().take(20).collect();
        let found = if found.is_empty() { "the end".into() } else { format!("{found:?}") };
        format!("column {column}: {what}, got {found}")
    }

    fn take(&mut self, expected: &str, what: &str) -> Result<(), String> {
        self.skip_spaces();
        if !self.rest().starts_with(expected) {
            return Err(self.wrong(self.at, &format!("expected {what}")));
        }
        self.at += expected.len();
        Ok(())
    }

    fn word(&mut self, what: &str) -> Result<&'a str, String> {
        self.skip_spaces();
        let is_inside = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let word = &self.rest()[..self.rest().find(|letter| !is_inside(letter)).unwrap_or(self.rest().len())];
        if !word.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
            return Err(self.wrong(self.at, &format!("expected {what}")));
        }
        self.at += word.len();
        Ok(word)
    }

    fn field(&mut self) -> Result<Field, String> {
        let name = self.word("the name of a field")?.to_owned();
        self.take(":", "a colon after the name")?;
        self.skip_spaces();
        let at = self.at;
        let kind = self.word("the kind of the field")?;
        let arguments = self.arguments()?;
        let kind = self.kind((at, kind), arguments)?;
        Ok(Field { name, kind })
    }

    /// What stands between the parentheses, with its place; `None` without parentheses.
    fn arguments(&mut self) -> Result<Option<Argument<'a>>, String> {
        self.skip_spaces();
        let open = self.at;
        let Some(rest) = self.rest().strip_prefix('(') else { return Ok(None) };
        let Some(length) = rest.find(')') else {
            return Err(self.wrong(open, "expected a closing parenthesis"));
        };
        self.at += length + 2;
        Ok(Some(Argument { text: &rest[..length], at: open + 1 }))
    }

    fn kind(&self, (at, name): (usize, &str), arguments: Option<Argument<'a>>) -> Result<Kind, String> {
        let kind = match (name, arguments) {
            ("boolean", None) => Ok(Kind::Boolean),
            ("uuid", None) => Ok(Kind::Uuid),
            ("now", None) => Ok(Kind::Now),
            ("sequence", None) => Ok(Kind::Sequence { start: 0, step: 1 }),
            ("sequence", Some(argument)) => argument.sequence(),
            ("int", Some(argument)) => argument.int(),
            ("long", Some(argument)) => {
                argument.range("whole numbers").map(|(min, max)| Kind::Long { min, max })
            }
            ("double", Some(argument)) => argument.double(),
            ("decimal", Some(argument)) => argument.decimal(),
            ("string", Some(argument)) => argument.string(),
            ("choice", Some(argument)) => argument.choice(),
            ("int" | "long" | "double", None) => {
                return Err(self.wrong(at, &format!("expected bounds after {name}, as in {name}(0..100)")));
            }
            ("decimal", None) => return Err(self.wrong(at, "expected decimal(MIN..MAX,DIGITS)")),
            ("string", None) => return Err(self.wrong(at, "expected string(LENGTH) or string(MIN..MAX)")),
            ("choice", None) => return Err(self.wrong(at, "expected choice(A|B|C)")),
            ("boolean" | "uuid" | "now", Some(argument)) => {
                Err(Wrong { at: argument.at, what: format!("{name} takes nothing in parentheses") })
            }
            _ => return Err(self.wrong(at, &format!("expected one of {KINDS}"))),
        };
        kind.map_err(|wrong| self.wrong(wrong.at, &wrong.what))
    }
}

/// Part of the text, with its place in it.
#[derive(Clone, Copy)]
struct Argument<'a> {
    text: &'a str,
    at: usize,
}

struct Wrong {
    at: usize,
    what: String,
}

impl Argument<'_> {
    fn wrong(self, what: &str) -> Wrong {
        Wrong { at: self.at, what: what.into() }
    }

    fn split(self, separator: &str) -> Option<(Self, Self)> {
        let (left, right) = self.text.split_once(separator)?;
        let at = self.at + left.len() + separator.len();
        Some((Self { text: left, at: self.at }, Self { text: right, at }))
    }

    fn number<T: std::str::FromStr>(self, what: &str) -> Result<T, Wrong> {
        self.text.trim().parse().map_err(|_| self.wrong(&format!("expected {what}")))
    }

    fn range<T: std::str::FromStr + PartialOrd>(self, what: &str) -> Result<(T, T), Wrong> {
        let what = format!("{what}, as in 1..9");
        let (min, max) = self.split("..").ok_or_else(|| self.wrong(&format!("expected two {what}")))?;
        let (min, max) = (min.number::<T>(&what)?, max.number::<T>(&what)?);
        if min <= max { Ok((min, max)) } else { Err(self.wrong("expected the smaller bound first")) }
    }

    fn sequence(self) -> Result<Kind, Wrong> {
        let (start, step) = self.split(",").map_or((self, None), |(start, step)| (start, Some(step)));
        let start = start.number("a whole number to start from")?;
        let step = step.map_or(Ok(1), |step| step.number("a whole number as step"))?;
        Ok(Kind::Sequence { start, step })
    }

    fn int(self) -> Result<Kind, Wrong> {
        let (min, max) = self.range::<i32>("whole numbers of 32 bits")?;
        Ok(Kind::Int { min: min.into(), max: max.into() })
    }

    fn double(self) -> Result<Kind, Wrong> {
        let (min, max) = self.range::<f64>("numbers")?;
        // Infinite bounds, and bounds further apart than a number can say, would make fields JSON has no word for.
        if (max - min).is_finite() {
            Ok(Kind::Double { min, max })
        } else {
            Err(self.wrong("expected finite bounds"))
        }
    }

    fn decimal(self) -> Result<Kind, Wrong> {
        let shape = "expected MIN..MAX,DIGITS";
        let (bounds, digits) = self.split(",").ok_or_else(|| self.wrong(shape))?;
        let places = digits.number::<u32>("the number of digits after the point")?;
        if places > DIGITS_MAX {
            return Err(digits.wrong(&format!("expected at most {DIGITS_MAX} digits after the point")));
        }
        let (min, max) = bounds.range::<f64>("numbers")?;
        let scaled = |bound: f64| (bound * 10_f64.powi(places as i32)).round();
        // Beyond 2^53 a double no longer tells neighbours apart.
        if scaled(min).abs().max(scaled(max).abs()) > (1_u64 << 53) as f64 {
            return Err(bounds.wrong("expected bounds of at most 15 digits in all"));
        }
        Ok(Kind::Decimal { min: scaled(min) as i64, max: scaled(max) as i64, digits: places })
    }

    fn string(self) -> Result<Kind, Wrong> {
        let (min, max) = if self.text.contains("..") {
            self.range::<usize>("lengths")?
        } else {
            self.number("a length, as in 8 or 8..16").map(|length| (length, length))?
        };
        if max <= LENGTH_MAX {
            Ok(Kind::Text { min, max })
        } else {
            Err(self.wrong(&format!("expected a length of at most {LENGTH_MAX}")))
        }
    }

    fn choice(self) -> Result<Kind, Wrong> {
        let words: Vec<String> = self.text.split('|').map(|word| word.trim().to_owned()).collect();
        if words.iter().any(String::is_empty) {
            return Err(self.wrong("expected words between bars, as in A|B|C"));
        }
        Ok(Kind::Choice(words))
    }
}

const KINDS: &str = "boolean, choice, decimal, double, int, long, now, sequence, string, uuid";
/// Bounds of a record's size: a wrong setting must not fill the memory.
const FIELDS_MAX: usize = 1000;
const LENGTH_MAX: usize = 10_000;
const DIGITS_MAX: u32 = 15;
