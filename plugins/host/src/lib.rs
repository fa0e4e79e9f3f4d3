//! Finds, checks, loads and calls plugins; whatever is wrong with one is an answer, never the end of the worker.
//!
//! Everything `unsafe` lies in the private module `boundary`: it turns the C tables of a plugin into safe values
//! and treats whatever comes back as untrusted, as far as a plain C contract allows.

mod boundary;
mod connector;
mod discovery;
mod error;
mod plugins;
pub mod trial;
mod watch;

pub use boundary::assembly::{Assembly, Batch, Builder, Item, Value};
pub use boundary::instance::{Polled, SinkInstance, SourceInstance};
pub use boundary::load::load;
pub use boundary::services::Services;
pub use connector::{Connector, ConnectorInfo, ConnectorKind, Found, OpenTask, Severity};
pub use discovery::{Discovery, Listed};
pub use error::{Error, Kind, Reason};
pub use penstock_sdk::Level;
pub use plugins::Plugins;
pub use trial::Trial;
pub use watch::{Call, CallWatch};
