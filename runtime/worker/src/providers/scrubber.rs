//! Puts references where their values stand, in any text that comes back from those who know the values.
use super::forms;
use super::reference::{Part, parts};
use crate::api::Refusal;
use cluster::Failure;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// A reference as it was written and what it stands for.
#[derive(Clone)]
pub struct Secret {
    pub reference: String,
    pub value: String,
}

/// Knows the values of one config, and every form in which they are likely to show up again.
#[derive(Default)]
pub struct Scrubber {
    secrets: Vec<Secret>,
    /// Longest first.
    needles: Vec<Needle>,
}

struct Needle {
    text: String,
    secret: usize,
    /// The value itself, from its first character to its last.
    is_whole: bool,
}

/// Shorter values are in every other word: nothing is said by them, and nothing could be read without them.
const LENGTH_MIN: usize = 3;
/// A log is read by machines too: short values would tear its words and its structure.
const LOGGED_LENGTH_MIN: usize = 8;
const MASK: &str = "***";
/// How a plugin's sentence ends that was too long.
const CUT: char = '…';
/// Beyond this length matches are taken not to overlap with themselves.
const OVERLAP_MAX: usize = 64;

impl Scrubber {
    pub fn new(secrets: Vec<Secret>) -> Self {
        let mut needles = Vec::new();
        for (secret, Secret { value, .. }) in secrets.iter().enumerate() {
            let whole = Needle { text: value.clone(), secret, is_whole: true };
            needles.push(whole);
            let forms = forms::of(value).into_iter().filter(|form| form != value);
            needles.extend(forms.map(|text| Needle { text, secret, is_whole: false }));
        }
        needles.retain(|needle| needle.text.chars().nth(LENGTH_MIN - 1).is_some());
        // Of equal texts the whole value comes first.
        needles.sort_by(|a, b| (b.text.len(), &a.text, b.is_whole).cmp(&(a.text.len(), &b.text, a.is_whole)));
        needles.dedup_by(|later, earlier| later.text == earlier.text);
        Self { secrets, needles }
    }

    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with references for values, in whatever form they are there.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        replaced(text, &self.spans(text, |_| true), |needle| self.reference(needle))
    }

    /// The same in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(scrubbed) = self.text(text) {
            *text = scrubbed;
        }
    }

    pub fn failure(&self, mut failure: Failure) -> Failure {
        self.clean(&mut failure.trace);
        failure
    }

    pub fn refusal(&self, mut refusal: Refusal) -> Refusal {
        match &mut refusal {
            Refusal::Invalid(text)
            | Refusal::NotFound(text)
            | Refusal::Conflict(text)
            | Refusal::Exists(text)
            | Refusal::Internal(text) => self.clean(text),
            Refusal::Elsewhere { .. } => {}
        }
        refusal
    }

    /// An error of the plugin, with the reasons that it gives for single records.
    pub fn error(&self, mut error: host::Error) -> host::Error {
        self.clean(&mut error.message);
        if let host::Kind::Records(rejected) = &mut error.kind {
            for (_, reason) in rejected {
                self.clean(reason);
            }
        }
        error
    }

    /// All texts of an answer whose names of fields are nobody's but the program's.
    pub fn answer(&self, answer: &mut Value) {
        match answer {
            Value::String(text) => self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.answer(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.answer(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// All texts of a record's value, and the names of its fields.
    pub fn record(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.record(item)),
            Value::Object(fields) => {
                let clean = |(mut name, mut value)| {
                    self.clean(&mut name);
                    self.record(&mut value);
                    (name, value)
                };
                *fields = std::mem::take(fields).into_iter().map(clean).collect();
            }
            other => self.answer(other),
        }
    }

    /// A line of the log with a mask over values.
    pub fn line<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let spans = self.spans(line, |needle| needle.text.len() >= LOGGED_LENGTH_MIN);
        replaced(line, &spans, |_| MASK)
    }

    /// A task's setting as it may be written down: whole values are references again. `None` when the text would
    /// not give the same value once it is resolved, or shows a value in another form.
    pub fn put_back<'a>(&self, value: &'a str) -> Option<Cow<'a, str>> {
        let spans = self.spans(value, |needle| needle.is_whole);
        let back = replaced(value, &spans, |needle| self.reference(needle));
        let mut again = String::with_capacity(value.len());
        for part in parts(&back) {
            match part {
                Part::Text(text) if self.spans(text, |_| true).is_empty() => again.push_str(text),
                Part::Text(_) => return None,
                Part::Reference(reference) => {
                    let known = self.secrets.iter().find(|secret| secret.reference == reference.text);
                    again.push_str(known.map_or(reference.text, |secret| &secret.value));
                }
            }
        }
        (again == value).then_some(back)
    }

    /// The beginnings of values at the end of a text that was cut for its length.
    fn cut(&self, text: &str, counts: fn(&Needle) -> bool) -> Option<(Range<usize>, usize)> {
        let kept = text.strip_suffix(CUT)?;
        let begun = |(index, needle): (usize, &Needle)| {
            let longest = needle.text.len().min(kept.len());
            let length = (LENGTH_MIN..longest).rev().find(|length| {
                needle.text.is_char_boundary(*length) && kept.ends_with(&needle.text[..*length])
            })?;
            Some((kept.len() - length..kept.len(), index))
        };
        let needles = self.needles.iter().enumerate().filter(|(_, needle)| counts(needle));
        needles.filter_map(begun).max_by_key(|(place, _)| place.len())
    }

    fn reference(&self, needle: usize) -> &str {
        &self.secrets[self.needles[needle].secret].reference
    }

    /// Where values are, in order and apart from each other, with the longest of those that overlap.
    fn spans(&self, text: &str, counts: fn(&Needle) -> bool) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        for (index, needle) in self.needles.iter().enumerate().filter(|(_, needle)| counts(needle)) {
            found.extend(places(text, &needle.text).map(|place| (place, index)));
        }
        found.extend(self.cut(text, counts));
        found.sort_by_key(|(place, index)| (place.start, *index));
        let mut spans: Vec<(Range<usize>, usize)> = Vec::new();
        for (place, index) in found {
            match spans.last_mut().filter(|(last, _)| place.start < last.end) {
                Some((last, longest)) => {
                    last.end = last.end.max(place.end);
                    *longest = index.min(*longest);
                }
                None => spans.push((place, index)),
            }
        }
        spans
    }
}

/// Every place of a needle, also where it overlaps with itself: half of a secret must not stay behind.
fn places<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let first = needle.chars().next().map_or(1, char::len_utf8);
    let step = if needle.len() > OVERLAP_MAX { needle.len() } else { first };
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(needle)?;
        from = start + step;
        Some(start..start + needle.len())
    })
}

fn replaced<'a, 'b>(
    text: &'a str,
    spans: &[(Range<usize>, usize)],
    shown: impl Fn(usize) -> &'b str,
) -> Cow<'a, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for (span, needle) in spans {
        out.push_str(&text[from..span.start]);
        out.push_str(shown(*needle));
        from = span.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// How many values there are, and none of them.
impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber({})", self.secrets.len())
    }
}

#[cfg(test)]
#[path = "scrubber_tests.rs"]
mod tests;
