//! Turns what librdkafka logs into the worker's log.

use std::time::Instant;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::flood::Flood;
use crate::probe::Probe;
use crate::trouble::{NO_TOKEN, Trouble, judge};

/// One for all clients: they mostly have the same brokers.
static FLOOD: Flood = Flood::new();

/// Of librdkafka's levels only the upper five are asked for, see `ClientSettings`.
pub(crate) fn write(client: &str, level: i32, facility: &str, line: &str) {
    match level {
        // A producer whose place was taken: whoever it belongs to says so where it matters.
        _ if matches!(facility, "TXNERR" | "FATAL" | "ADDPARTS") && is_of_fencing(line) => {
            tracing::debug!(client, facility, "{line}");
        }
        0..=2 => tracing::error!(client, facility, "{line}"),
        // A topic that was created a moment ago: the client asks again by itself.
        _ if facility == "METADATAUPDATE" => tracing::debug!(client, facility, "{line}"),
        // A lost connection; the client goes on by itself.
        3..=4 if matches!(facility, "FAIL" | "ERROR") => {
            if let Some(others) = FLOOD.pass(Instant::now()) {
                tracing::warn!(client, facility, others, "{line}");
            } else {
                tracing::debug!(client, facility, "{line}");
            }
        }
        3..=4 => tracing::warn!(client, facility, "{line}"),
        _ => tracing::debug!(client, facility, "{line}"),
    }
}

fn is_of_fencing(line: &str) -> bool {
    line.contains("fenced by a newer instance") || line.contains("an operation with an old epoch")
}

/// Context of the safe clients.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub client: String,
    pub trouble: Trouble,
    probe: Probe,
}

impl Context {
    pub(crate) fn new(settings: &crate::ClientSettings) -> Self {
        let client = settings.get("client.id").unwrap_or("penstock").to_owned();
        Self { client, trouble: Trouble::default(), probe: Probe::new(|key| settings.get(key)) }
    }

    pub(crate) fn log_line(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        write(&self.client, level as i32, facility, line);
    }

    pub(crate) fn without_token(&self, reason: &str) {
        self.failed(RDKafkaErrorCode::Authentication, &format!("{NO_TOKEN}{reason}"));
    }

    /// A fault that a person has to repair is kept for whoever waits for this client.
    pub(crate) fn failed(&self, code: RDKafkaErrorCode, reason: &str) {
        let (code, reason) = judge(code, reason, &self.probe);
        if self.trouble.report(code, &reason) {
            tracing::error!(client = self.client, reason, "the connection to Kafka needs attention");
        } else {
            tracing::debug!(client = self.client, %code, reason, "client error");
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        self.failed(code.unwrap_or(RDKafkaErrorCode::Unknown), reason);
    }
}
