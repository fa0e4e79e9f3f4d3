//! `RegexRouter`: another topic for records whose topic matches a pattern.
use crate::pattern::{Pattern, Replacement};
use crate::record::Record;
use crate::settings::Settings;
use crate::{Error, Result};

#[derive(Debug)]
pub struct RegexRouter {
    pattern: Pattern,
    replacement: Replacement,
    /// The topic that was looked at last, and what became of it: records come in runs of one topic.
    last: String,
    outcome: Option<String>,
    has_last: bool,
}

impl RegexRouter {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let pattern = Pattern::compile(settings.required("regex"))
            .map_err(|why| Error::new(format!("regex: {why}")))?;
        let replacement = Replacement::parse(settings.required("replacement"), &pattern)
            .map_err(|why| Error::new(format!("replacement: {why}")))?;
        Ok(Self { pattern, replacement, last: String::new(), outcome: None, has_last: false })
    }

    pub fn apply(&mut self, record: &mut Record) -> Result<()> {
        if !self.has_last || self.last != record.topic {
            self.has_last = false;
            self.outcome = self.route(&record.topic).map_err(|why| Error::new(format!("regex: {why}")))?;
            self.last.clone_from(&record.topic);
            self.has_last = true;
        }
        if let Some(topic) = &self.outcome {
            record.rename(topic);
        }
        Ok(())
    }

    fn route(&self, topic: &str) -> Result<Option<String>, String> {
        if !self.pattern.matches(topic)? {
            return Ok(None);
        }
        let mut renamed = String::new();
        self.replacement.replace_first(&self.pattern, topic, &mut renamed)?;
        Ok(Some(renamed))
    }
}
