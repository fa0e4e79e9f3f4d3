//! `TimestampRouter`: another topic by the record's time.
use crate::date::DateFormat;
use crate::record::Record;
use crate::settings::Settings;
use crate::{Error, Result};

#[derive(Debug)]
pub struct TimestampRouter {
    topic: String,
    format: DateFormat,
    /// Reused from record to record.
    time: String,
    renamed: String,
}

impl TimestampRouter {
    pub fn open(settings: &Settings<'_>) -> Result<Self> {
        let format = DateFormat::compile(settings.required("timestamp.format"))
            .map_err(|why| Error::new(format!("timestamp.format: {why}")))?;
        let topic = settings.required("topic.format").to_owned();
        Ok(Self { topic, format, time: String::new(), renamed: String::new() })
    }

    pub fn apply(&mut self, record: &mut Record) -> Result<()> {
        let Some(ms) = record.timestamp_ms else {
            return Err(Error::new("the record has no timestamp to name its topic by"));
        };
        self.time.clear();
        self.format.format(ms, &mut self.time);
        self.renamed.clear();
        let mut rest = self.topic.as_str();
        while let Some(at) = rest.find("${") {
            self.renamed.push_str(&rest[..at]);
            rest = &rest[at..];
            let placeholders = [("${topic}", &record.topic), ("${timestamp}", &self.time)];
            if let Some((name, value)) = placeholders.iter().find(|(name, _)| rest.starts_with(name)) {
                self.renamed.push_str(value);
                rest = &rest[name.len()..];
            } else {
                self.renamed.push_str("${");
                rest = &rest[2..];
            }
        }
        self.renamed.push_str(rest);
        record.rename(&self.renamed);
        Ok(())
    }
}
