//! What a transform can be bound to: the record's topic, its headers, or that it is a tombstone.
use crate::catalog::Kind;
use crate::pattern::Pattern;
use crate::record::{Given, Record};
use crate::settings::Settings;
use crate::{Class, Error, Result};

/// An opened predicate.
#[derive(Debug)]
pub enum Predicate {
    TopicNameMatches {
        pattern: Pattern,
        /// The topic that was looked at last, and whether it matched.
        last: Option<(String, bool)>,
    },
    HasHeaderKey(String),
    RecordIsTombstone,
}

impl Predicate {
    pub fn open(class: Class, settings: &Settings<'_>) -> Result<Self> {
        match class.kind {
            Kind::TopicNameMatches => {
                let pattern = Pattern::compile(settings.required("pattern"));
                let pattern = pattern.map_err(|why| Error::new(format!("pattern: {why}")))?;
                Ok(Self::TopicNameMatches { pattern, last: None })
            }
            Kind::HasHeaderKey => Ok(Self::HasHeaderKey(settings.required("name").to_owned())),
            Kind::RecordIsTombstone => Ok(Self::RecordIsTombstone),
            _ => Err(Error::new(format!("{} is a transform, not a predicate", class.name))),
        }
    }

    pub fn holds(&mut self, record: &Record, given: &Given<'_>) -> Result<bool> {
        match self {
            Self::TopicNameMatches { pattern, last } => {
                if let Some((_, matches)) = last.as_ref().filter(|(topic, _)| *topic == record.topic) {
                    return Ok(*matches);
                }
                let matches =
                    pattern.matches(&record.topic).map_err(|why| Error::new(format!("pattern: {why}")))?;
                *last = Some((record.topic.clone(), matches));
                Ok(matches)
            }
            Self::HasHeaderKey(name) => {
                Ok(record.headers.iter().any(|header| header.name(given.headers) == name))
            }
            Self::RecordIsTombstone => Ok(record.value.is_null()),
        }
    }
}
