//! The writing thread of a pipe: every call to the sink is made here.
use super::exchange::{Exchange, Load, Stage};
use crate::delivery::Reservation;
use crate::task::config::TaskSpec;
use crate::task::failure::failure;
use crate::task::sink::{Batch, Delivery, Planned, Writer, open_delivery};
use crate::task::source::Positions;
use cluster::Failure;
use kafka::Messages;
use std::sync::Arc;
use std::time::Instant;

/// Starts the thread, which first opens the sink and tells the exchange.
pub fn start(
    spec: &Arc<TaskSpec>,
    exchange: &Arc<Exchange>,
    write_all: fn(&Arc<TaskSpec>, &Exchange),
) -> Result<Writer, Failure> {
    let span = tracing::Span::current();
    let (spec, exchange) = (Arc::clone(spec), Arc::clone(exchange));
    let name = format!("{}-write", spec.id);
    let work = move || {
        span.in_scope(|| {
            // A panic of ours must not leave the other thread waiting.
            let _ended = exchange.ended_on_drop();
            write_all(&spec, &exchange);
        });
    };
    let thread = std::thread::Builder::new().name(name).spawn(work);
    thread
        .map(Writer::new)
        .map_err(|error| failure("ConnectException", &format!("starting a thread: {error}"), true))
}

/// Delivers at least once.
pub fn write_all(spec: &Arc<TaskSpec>, exchange: &Exchange) {
    let mut delivery = match open_delivery(spec) {
        Ok(delivery) => delivery,
        Err(failure) => return exchange.fail(failure),
    };
    exchange.reach(Stage::Ready);
    while let Some(load) = exchange.take() {
        if !spec.control.wait_for_lease() {
            return;
        }
        match write(spec, &mut delivery, load) {
            Ok(positions) => exchange.written(positions),
            Err(failure) => return exchange.fail(failure),
        }
    }
}

fn write(spec: &TaskSpec, delivery: &mut Delivery, load: Load) -> Result<Positions, Failure> {
    let positions = load.drafted.positions();
    deliver(spec, delivery, (load.drafted.messages, load.reservation), None)?;
    Ok(positions)
}

/// Returns once every record is durable or was dealt with.
pub fn deliver(
    spec: &TaskSpec,
    delivery: &mut Delivery,
    (messages, reservation): (Messages, Option<Reservation>),
    planned: Option<Planned<'_>>,
) -> Result<(), Failure> {
    // A source may go on without having brought anything.
    if messages.is_empty() {
        return Ok(());
    }
    let started = Instant::now();
    let mut batch = Batch::new(started);
    batch.add(messages, &spec.budget, started);
    drop(reservation);
    delivery.deliver(&batch, planned)?;
    delivery.observe(started.elapsed());
    Ok(())
}
