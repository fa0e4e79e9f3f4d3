//! Rules of the framework that look at more than one setting.

use super::Config;
use super::draft::Draft;
use super::validate::{Plugin, Worker};
use super::validator::full_match;
use super::value::{list, trim};
use super::version::{Range, mismatch};

/// The plugin's version has to be one that the config asks for.
pub fn check_version(draft: &mut Draft, plugin: &Plugin<'_>, worker: &Worker, config: &Config) {
    let Some(wanted) = given(config, "connector.plugin.version") else { return };
    match Range::parse(wanted) {
        Ok(range) if range.fits(plugin.class, plugin.version, &worker.version) => {}
        Ok(range) => {
            let error = mismatch(plugin.class, &range, plugin.version);
            draft.refuse("connector.class", error.clone());
            draft.refuse("connector.plugin.version", error);
        }
        Err(error) => draft.refuse("connector.plugin.version", error),
    }
}

/// A sink reads either listed topics or those of a pattern, and never its own dead letters.
pub fn check_sink(draft: &mut Draft, config: &Config) {
    let (topics, pattern) = (given(config, "topics"), given(config, "topics.regex"));
    let both = match (topics, pattern) {
        (Some(_), Some(_)) => {
            Some("topics and topics.regex are mutually exclusive options, but both are set.")
        }
        (None, None) => Some("Must configure one of topics or topics.regex"),
        _ => None,
    };
    if let Some(error) = both {
        draft.refuse("topics", error);
        draft.refuse("topics.regex", error);
    }
    let Some(letters) = given(config, "errors.deadletterqueue.topic.name") else { return };
    let listed = topics.map(list).unwrap_or_default();
    if listed.iter().any(|topic| topic == letters) {
        let listed = listed.join(", ");
        let error = format!(
            "The DLQ topic '{letters}' may not be included in the list of topics ('topics=[{listed}]') consumed by the connector"
        );
        draft.refuse("topics", error);
    }
    if let Some(pattern) = pattern.filter(|p| full_match(p).is_ok_and(|regex| regex.is_match(letters))) {
        let error = format!(
            "The DLQ topic '{letters}' may not be matched by the regex for the topics ('topics.regex={pattern}') consumed by the connector"
        );
        draft.refuse("topics.regex", error);
    }
}

/// A source may only ask for guarantees that the worker and the plugin can give.
pub fn check_source(draft: &mut Draft, worker: &Worker, config: &Config) {
    let is = |key: &str, word: &str| given(config, key).is_some_and(|v| v.eq_ignore_ascii_case(word));
    if is("exactly.once.support", "required") && !worker.exactly_once_source {
        draft
            .refuse("exactly.once.support", "This worker does not have exactly-once source support enabled.");
    }
    // The plugin boundary has no transactions that a plugin could define.
    if is("transaction.boundary", "connector") {
        draft.refuse(
            "transaction.boundary",
            "The connector does not support connector-defined transaction boundaries with the given \
             configuration. Please reconfigure it to use a different transaction boundary definition.",
        );
    }
}

/// A value that is set to more than blanks.
pub fn given<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key)?.as_deref().map(trim).filter(|text| !text.is_empty())
}
