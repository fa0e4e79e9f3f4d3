//! The writing thread of a pipe: every call to the sink is made here.
use super::exchange::{Exchange, Load};
use crate::task::config::TaskSpec;
use crate::task::failure::failure;
use crate::task::sink::{Batch, Delivery, Writer, open_delivery};
use cluster::Failure;
use std::sync::Arc;
use std::time::Instant;

/// Starts the thread, which first opens the sink and tells the exchange.
pub fn start(spec: &Arc<TaskSpec>, exchange: &Arc<Exchange>) -> Result<Writer, Failure> {
    let span = tracing::Span::current();
    let (spec, exchange) = (Arc::clone(spec), Arc::clone(exchange));
    let name = format!("{}-write", spec.id);
    let work = move || span.in_scope(|| write_all(&spec, &exchange));
    let thread = std::thread::Builder::new().name(name).spawn(work);
    thread
        .map(Writer::new)
        .map_err(|error| failure("ConnectException", &format!("starting a thread: {error}"), true))
}

fn write_all(spec: &Arc<TaskSpec>, exchange: &Exchange) {
    // A panic of ours must not leave the other thread waiting.
    let _ended = exchange.ended_on_drop();
    let mut delivery = match open_delivery(spec) {
        Ok(delivery) => delivery,
        Err(failure) => return exchange.fail(failure),
    };
    exchange.sink_is_open();
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

fn write(spec: &TaskSpec, delivery: &mut Delivery, load: Load) -> Result<super::source::Positions, Failure> {
    let Load { messages, positions, reservation } = load;
    // A source may go on without having brought anything.
    if messages.is_empty() {
        return Ok(positions);
    }
    let started = Instant::now();
    let mut batch = Batch::new(started);
    batch.add(messages, &spec.budget, started);
    drop(reservation);
    delivery.deliver(&batch, None)?;
    delivery.observe(started.elapsed());
    Ok(positions)
}
