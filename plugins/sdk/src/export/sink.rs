//! The functions of the contract for a [`Sink`].
use super::guard::{Reporter, guard, quietly};
use super::host::{CutOnDrop, HostHandle};
use super::{Functions, ask_with, check, plan_with, problems, table, view, with_defaults};
use crate::{About, Plan, Sink, Task};
use core::ffi::c_void;

struct Instance<S> {
    sink: S,
    host: HostHandle,
}

/// The table of a sink.
pub fn sink<S: Sink>() -> &'static abi::Connector {
    table(
        S::about(),
        &Functions {
            kind: abi::KIND_SINK,
            validate: validate::<S>,
            plan: plan::<S>,
            open: open::<S>,
            poll: None,
            committed: None,
            write: Some(write::<S>),
            close: close::<S>,
            write_planned: Some(write_planned::<S>),
            ask: ask::<S>,
        },
    )
}

/// # Safety
/// Everything that `open` points at is valid for the call, and its host until `close` has returned.
pub(super) unsafe fn open_task(open: &abi::Open, about: &About) -> Task {
    Task {
        connector: view::text(open.connector).to_owned(),
        number: open.task,
        config: with_defaults(about, view::config(open.config)),
        key_format: view::text(open.key_format).to_owned(),
        value_format: view::text(open.value_format).to_owned(),
        // SAFETY: the caller vouches for the host.
        host: unsafe { HostHandle::new(open.host) },
    }
}

unsafe extern "C" fn validate<S: Sink>(config: abi::Pairs, report: *const abi::Report) -> u32 {
    // SAFETY: the worker passes a report that is valid for this call.
    let report = unsafe { Reporter::new(report) };
    guard(&report, || {
        let (about, config) = (S::about(), view::config(config));
        let own = S::validate(&with_defaults(&about, config.clone()));
        problems(&about, &config, own, &report);
        Ok(())
    })
}

unsafe extern "C" fn ask<S: Sink>(
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

unsafe extern "C" fn plan<S: Sink>(config: abi::Pairs, tasks_max: u32, report: *const abi::Report) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    guard(&report, || {
        let plan = |config: &_| S::plan(config, tasks_max as usize);
        plan_with(&S::about(), &view::config(config), plan, &report)
    })
}

unsafe extern "C" fn open<S: Sink>(
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
        let sink = S::open(&task)?;
        uncut.keep();
        let made = Instance { sink, host: task.host };
        // SAFETY: the worker passes a place for the instance.
        unsafe { *instance = Box::into_raw(Box::new(made)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn write<S: Sink>(
    instance: *mut c_void,
    batch: *const abi::Batch,
    report: *const abi::Report,
) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    // SAFETY: `instance` came from `open::<S>`, and the worker makes one call at a time.
    let instance = unsafe { &mut *instance.cast::<Instance<S>>() };
    // SAFETY: the batch and all that it points at are valid for this call.
    let batch = unsafe { view::batch(&*batch) };
    guard(&report, || instance.sink.write(&batch))
}

unsafe extern "C" fn write_planned<S: Sink>(
    instance: *mut c_void,
    batch: *const abi::Batch,
    plan: *const abi::Plan,
    report: *const abi::Report,
) -> u32 {
    // SAFETY: as in `validate`.
    let report = unsafe { Reporter::new(report) };
    // SAFETY: as in `write`.
    let instance = unsafe { &mut *instance.cast::<Instance<S>>() };
    // SAFETY: the batch, the plan and all that they point at are valid for this call.
    let (batch, plan) = unsafe { (view::batch(&*batch), &*plan) };
    let plan = Plan {
        token: view::text(plan.token),
        age: std::time::Duration::from_millis(plan.age_ms),
        is_repeated: plan.flags & abi::PLAN_REPEATED != 0,
    };
    guard(&report, || instance.sink.write_planned(&batch, &plan))
}

unsafe extern "C" fn close<S: Sink>(instance: *mut c_void) {
    // SAFETY: `instance` came from `open::<S>` and is closed once.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<S>>()) };
    let host = instance.host.clone();
    quietly(move || drop(instance));
    host.cut();
}
