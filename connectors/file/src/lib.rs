//! Lines of a file in and out, under the names and with the behaviour of Kafka Connect's file connectors.

mod append;
mod lines;
mod sink;
mod source;
mod tail;
#[cfg(test)]
mod tests;

pub use sink::FileStreamSink;
pub use source::FileStreamSource;

penstock_sdk::export!(sources: [FileStreamSource], sinks: [FileStreamSink]);
