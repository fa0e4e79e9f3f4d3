//! The functions of the contract for a [`Source`].
use super::guard::{Reporter, guard, quietly};
use super::host::{CutOnDrop, HostHandle};
use super::{
    Functions, ask_with, check, plan_with, problems, raw::Arrays, sink::open_task, table, view, with_defaults,
};
use crate::{Poll, Source};
use core::ffi::c_void;

/// One open task.
struct Instance<S> {
    source: S,
    poll: Poll,
    arrays: Arrays,
    host: HostHandle,
}

/// The table of a source.
pub fn source<S: Source>() -> &'static abi::Connector {
    table(
        S::about(),
        &Functions {
            kind: abi::KIND_SOURCE,
            validate: validate::<S>,
            plan: plan::<S>,
            open: open::<S>,
            poll: Some(poll::<S>),
            committed: Some(committed::<S>),
            write: None,
            close: close::<S>,
            write_planned: None,
            ask: ask::<S>,
        },
    )
}

unsafe extern "C" fn validate<S: Source>(config: abi::Pairs, report: *const abi::Report) -> u32 {
    // SAFETY: the worker passes a report that is valid for this call.
    let report = unsafe { Reporter::new(report) };
    guard(&report, || {
        let (about, config) = (S::about(), view::config(config));
        let own = S::validate(&with_defaults(&about, config.clone()));
        problems(&about, &config, own, &report);
        Ok(())
    })
}

unsafe extern "C" fn ask<S: Source>(
    question: abi::Str,
    config: abi::Pairs,
    input: abi::Str,
    report: *const abi::Report,
) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    guard(&report, || {
        let ask = |config: &_| S::ask(view::text(question), config, view::text(input));
        ask_with(&S::about(), view::config(config), ask, &report)
    })
}

unsafe extern "C" fn plan<S: Source>(config: abi::Pairs, tasks_max: u32, report: *const abi::Report) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    guard(&report, || {
        let plan = |config: &_| S::plan(config, tasks_max as usize);
        plan_with(&S::about(), &view::config(config), plan, &report)
    })
}

unsafe extern "C" fn open<S: Source>(
    open: *const abi::Open,
    instance: *mut *mut c_void,
    report: *const abi::Report,
) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    guard(&report, || {
        let about = S::about();
        // SAFETY: the worker passes a valid `Open`, whose host lives until `close` has returned.
        let task = unsafe { open_task(&*open, &about) };
        // Whatever the author's code keeps of the task must not reach the worker after a failure.
        let uncut = CutOnDrop::new(&task.host);
        check(&about, &task.config)?;
        let source = S::open(&task)?;
        uncut.keep();
        let made = Instance { source, poll: Poll::default(), arrays: Arrays::default(), host: task.host };
        // SAFETY: the worker passes a place for the instance.
        unsafe { *instance = Box::into_raw(Box::new(made)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn poll<S: Source>(
    instance: *mut c_void,
    batch: *mut abi::SourceBatch,
    report: *const abi::Report,
) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    // SAFETY: `instance` came from `open::<S>`, and the worker makes one call at a time.
    let instance = unsafe { &mut *instance.cast::<Instance<S>>() };
    guard(&report, || {
        instance.poll.clear();
        instance.source.poll(&mut instance.poll)?;
        // SAFETY: the worker passes a place for the batch.
        unsafe { *batch = instance.arrays.fill(&instance.poll) };
        Ok(())
    })
}

unsafe extern "C" fn committed<S: Source>(
    instance: *mut c_void,
    positions: *const abi::Position,
    len: usize,
) {
    // SAFETY: as in `poll`.
    let instance = unsafe { &mut *instance.cast::<Instance<S>>() };
    quietly(|| {
        // SAFETY: the worker passes `len` positions that are valid for this call.
        let positions = unsafe { abi::array(positions, len) };
        let positions: Vec<_> =
            positions.iter().map(|at| (view::fields(at.partition), view::fields(at.offset))).collect();
        instance.source.committed(&positions);
    });
}

unsafe extern "C" fn close<S: Source>(instance: *mut c_void) {
    // SAFETY: `instance` came from `open::<S>` and is closed once.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<S>>()) };
    let host = instance.host.clone();
    quietly(move || drop(instance));
    host.cut();
}
