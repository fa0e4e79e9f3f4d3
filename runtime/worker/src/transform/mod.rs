//! Connect's transforms between a connector and Kafka: a task's chain, and what it takes to feed it.
mod headers;
mod recent;
mod rewriting;
mod schemas;
mod sink;
mod source;

pub use recent::Recent;
pub use rewriting::{Rewriting, is_needed, plain_json};
pub use sink::{Converters, Memory, Refused, Shaped, Shaper, Shapes, leaving};
pub use source::{Raw, Reshaped, Reshaper, refuse};

use crate::converter::{self, Converter};
use crate::definition::ConverterConfig;
use crate::task::{TaskSpec, wrong};
use cluster::Failure;
use headers::HeaderWriter;
use schemas::Schemas;
use transforms::{Chain, Step};

/// What sinks and sources have in common.
struct Pipeline {
    chain: Chain,
    schemas: Schemas,
    headers: HeaderWriter,
}

impl Pipeline {
    /// `None` when no transform is configured.
    fn open(spec: &TaskSpec) -> Result<Option<Self>, Failure> {
        if spec.connector.transforms.is_empty() {
            return Ok(None);
        }
        Self::new(&spec.connector.transforms, &spec.connector.header_converter).map(Some)
    }

    fn new(steps: &[Step], header_converter: &ConverterConfig) -> Result<Self, Failure> {
        let chain = Chain::open(steps).map_err(|error| wrong(&error.to_string()))?;
        let headers = Converter::open(header_converter)
            .map_err(|error| wrong(&format!("header.converter: {error}")))?;
        Ok(Self { chain, schemas: Schemas::default(), headers: HeaderWriter::new(headers) })
    }
}

/// A converter's value as a chain takes it.
fn entering(value: converter::Value<'_>) -> transforms::Value<'_> {
    match value {
        converter::Value::Null => transforms::Value::Null,
        converter::Value::Bytes(bytes) => transforms::Value::Bytes(bytes),
        converter::Value::Text(text) => transforms::Value::Text(text),
        converter::Value::Flat(bytes) => transforms::Value::Flat(bytes),
    }
}
