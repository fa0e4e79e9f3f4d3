//! The contract battery: what every connector has to hold, checked through its loaded library.
//!
//! ```no_run
//! use penstock_testkit as testkit;
//!
//! let library = testkit::library("penstock-datagen");
//! testkit::Battery::source(library).class("Datagen").setting("topic", "t").run();
//! ```

mod battery;
mod c;
mod library;
mod services;

pub use battery::{Battery, sink::SinkBattery, source::SourceBattery};
pub use c::compile_c;
pub use library::library;
pub use services::TestServices;
