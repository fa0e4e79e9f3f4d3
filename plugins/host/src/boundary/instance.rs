//! An open task of a plugin: one call at a time, closed once, on drop.
use super::assembly::Batch;
pub use super::polled::Polled;
use super::raw;
use super::report::{Limits, reported};
use super::services::{HostTable, Services};
use crate::{Call, CallWatch, Connector, Error, OpenTask};
use core::ffi::c_void;
use penstock_sdk::{Fields, Plan};
use std::sync::Arc;

/// A task of a source. Dropping it closes it, and waits until it has closed.
pub struct SourceInstance(Instance);

/// A task of a sink. Dropping it closes it, and waits until it has closed.
pub struct SinkInstance(Instance);

pub(crate) struct Instance {
    raw: *mut c_void,
    connector: Connector,
    watch: CallWatch,
    /// Freed after `close` returned.
    _host: HostTable,
}

// SAFETY: the contract asks for one call at a time, which `&mut` gives, and not for always the same thread.
unsafe impl Send for Instance {}

pub(crate) fn open(
    connector: &Connector,
    task: &OpenTask<'_>,
    services: Arc<dyn Services>,
) -> Result<Instance, Error> {
    let host = HostTable::new(services);
    let pairs = raw::pairs(task.config);
    let open = abi::Open {
        size: size_of::<abi::Open>(),
        config: raw::borrow_pairs(&pairs),
        connector: abi::Str::new(task.connector),
        task: task.task,
        reserved: 0,
        key_format: abi::Str::new(task.key_format),
        value_format: abi::Str::new(task.value_format),
        host: host.as_ptr(),
    };
    let mut instance = std::ptr::null_mut();
    let running = task.watch.enter(Call::Open);
    let opened = reported(connector.class(), Limits::default(), |report| {
        // SAFETY: the table is this connector's; all that is passed outlives the call, and the host outlives `close`.
        unsafe { (connector.table().raw.open)(&raw const open, &raw mut instance, report) }
    });
    drop(running);
    let outcome = opened.and_then(|_| {
        let sentence = "broke the contract: it answered that the task is open, and gave no instance";
        let missing = || Error::fatal(format!("plugin {} {sentence}", connector.class()));
        (!instance.is_null()).then_some(instance).ok_or_else(missing)
    });
    match outcome {
        Ok(raw) => Ok(Instance { raw, connector: connector.clone(), watch: task.watch.clone(), _host: host }),
        Err(error) => {
            host.retire();
            Err(error)
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _running = self.watch.enter(Call::Close);
        // SAFETY: `open` made the instance, and it is closed here only.
        unsafe { (self.connector.table().raw.close)(self.raw) };
    }
}

impl Instance {
    fn missing(&self, function: &str) -> Error {
        Error::fatal(format!("plugin {} has no function `{function}`", self.connector.class()))
    }
}

impl SinkInstance {
    pub(crate) fn new(instance: Instance) -> Self {
        Self(instance)
    }

    /// Makes the batch durable, or says what came of it. Indices of rejected records count from the batch's first.
    pub fn write(&mut self, batch: &Batch<'_>) -> Result<(), Error> {
        let Instance { raw, connector, watch, .. } = &self.0;
        let Some(write) = connector.table().raw.write else { return Err(self.0.missing("write")) };
        let limits = Limits { tasks: 0, records: batch.len() };
        let _running = watch.enter(Call::Write);
        reported(connector.class(), limits, |report| {
            // SAFETY: the instance is open; the batch's lifetime vouches for all that it points at.
            unsafe { write(*raw, batch.as_ptr(), report) }
        })
        .map(drop)
    }

    /// As [`Self::write`], under a plan that was stored before.
    pub fn write_planned(&mut self, batch: &Batch<'_>, plan: &Plan<'_>) -> Result<(), Error> {
        let Instance { raw, connector, watch, .. } = &self.0;
        let Some(write) = connector.table().raw.write_planned else {
            return Err(self.0.missing("write_planned"));
        };
        let limits = Limits { tasks: 0, records: batch.len() };
        let plan = abi::Plan {
            size: size_of::<abi::Plan>(),
            token: abi::Str::new(plan.token),
            age_ms: u64::try_from(plan.age.as_millis()).unwrap_or(u64::MAX),
            flags: if plan.is_repeated { abi::PLAN_REPEATED } else { 0 },
            reserved: 0,
        };
        let _running = watch.enter(Call::Write);
        reported(connector.class(), limits, |report| {
            // SAFETY: as in `write`; the plan outlives the call.
            unsafe { write(*raw, batch.as_ptr(), &raw const plan, report) }
        })
        .map(drop)
    }

    /// What another thread may look at while this one is in a call.
    pub fn watch(&self) -> CallWatch {
        self.0.watch.clone()
    }
}

impl SourceInstance {
    pub(crate) fn new(instance: Instance) -> Self {
        Self(instance)
    }

    /// The next records; an empty batch means that there is nothing at the moment.
    pub fn poll(&mut self) -> Result<Polled<'_>, Error> {
        let Instance { raw, connector, watch, .. } = &self.0;
        let Some(poll) = connector.table().raw.poll else { return Err(self.0.missing("poll")) };
        let mut filled = super::polled::nothing();
        let running = watch.enter(Call::Poll);
        reported(connector.class(), Limits::default(), |report| {
            // SAFETY: the instance is open; batch and report outlive the call.
            unsafe { poll(*raw, &raw mut filled, report) }
        })?;
        drop(running);
        // SAFETY: the plugin keeps the memory until its next call, which `&mut self` puts off for the answer's life.
        unsafe { Polled::check(filled) }.map_err(|flaw| {
            Error::fatal(format!("plugin {} broke the contract: it {flaw}", connector.class()))
        })
    }

    /// Tells the source that these positions are stored.
    pub fn committed(&mut self, positions: &[(Fields, Fields)]) {
        let Instance { raw, connector, watch, .. } = &self.0;
        let Some(committed) = connector.table().raw.committed else { return };
        let fields: Vec<_> = positions
            .iter()
            .map(|(partition, offset)| (raw::raw_fields(partition), raw::raw_fields(offset)))
            .collect();
        let positions: Vec<abi::Position> = fields
            .iter()
            .map(|(partition, offset)| abi::Position {
                partition: raw::borrow_fields(partition),
                offset: raw::borrow_fields(offset),
            })
            .collect();
        let _running = watch.enter(Call::Committed);
        // SAFETY: the instance is open; the positions outlive the call.
        unsafe { committed(*raw, positions.as_ptr(), positions.len()) };
    }

    /// What another thread may look at while this one is in a call.
    pub fn watch(&self) -> CallWatch {
        self.0.watch.clone()
    }
}
