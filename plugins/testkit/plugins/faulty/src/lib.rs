//! A plugin that fails on demand: what the worker promises about bad plugins is tested with it.
//!
//! `fault` says what happens, `fault.in` in which call, `fault.after` after how many good ones, `fault.times` how
//! often, and `fault.once` names a file that makes it happen once for all restarts.
#![forbid(unsafe_code)]

mod fault;
mod sink;
mod source;

penstock_sdk::export!(sources: [source::FaultySource], sinks: [sink::FaultySink]);
