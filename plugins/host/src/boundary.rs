//! The one module that speaks C with plugins. What a plugin passes is copied out or checked before it is believed.
#![allow(unsafe_code)]

pub(crate) mod assembly;
pub(crate) mod instance;
pub(crate) mod load;
mod polled;
pub(crate) mod process;
mod raw;
mod report;
pub(crate) mod services;
pub(crate) mod table;
