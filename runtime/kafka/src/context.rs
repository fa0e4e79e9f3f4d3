//! Turns what librdkafka logs into the worker's log.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// Of librdkafka's levels only the upper five are asked for, see `ClientSettings`.
pub(crate) fn write(client: &str, level: i32, facility: &str, line: &str) {
    match level {
        0..=2 => tracing::error!(client, facility, "{line}"),
        // A topic that was created a moment ago: the client asks again by itself.
        _ if facility == "METADATAUPDATE" => tracing::debug!(client, facility, "{line}"),
        // Connection failures come as errors; the client goes on by itself.
        3..=4 => tracing::warn!(client, facility, "{line}"),
        _ => tracing::debug!(client, facility, "{line}"),
    }
}

/// Context of the safe clients.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub client: String,
}

impl Context {
    pub(crate) fn new(settings: &crate::ClientSettings) -> Self {
        Self { client: settings.get("client.id").unwrap_or("penstock").to_owned() }
    }

    pub(crate) fn log_line(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        write(&self.client, level as i32, facility, line);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(client = self.client, %error, reason, "client error");
    }
}
