//! Shows what a connector would bring: some records as they come, and what its converters and transforms make of them.
//! Nothing is written, no group is joined, and offsets are neither asked for nor stored.
mod shown;
mod tail;

use super::config::{TaskSpec, Upstream, wrong};
use super::failure::{failure, failure_of};
use super::pipe::Intake;
use super::sink::{Assembler, Batch, Place, Reject, Stage};
use super::source::retry;
use crate::delivery::Backoff;
use crate::transform::{Reshaped, Reshaper, Shaper};
use cluster::Failure;
use host::{ConnectorKind, OpenTask, Polled, SourceInstance};
use kafka::{Composer, Messages};
use serde_json::{Value, json};
use shown::Shown;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// By this setting a source hears that it is opened for a preview: `Task::is_preview` of the SDK.
pub const SETTING: &str = "penstock.preview";

/// How long records are waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// A source that has given some and gives nothing more for so long is not waited for.
const QUIET: Duration = Duration::from_secs(1);

/// Up to `wanted` records, each with what becomes of it.
pub fn preview(spec: &Arc<TaskSpec>, wanted: usize) -> Result<Value, Failure> {
    let control = Arc::clone(&spec.control);
    let end = spec.runtime.spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        control.stop(Instant::now());
    });
    let records = match (&spec.upstream, spec.plugin.kind()) {
        (Some(upstream), _) => of_pipe(spec, upstream, wanted).and_then(|part| delivered(spec, vec![part])),
        (None, ConnectorKind::Sink) => tail::read(spec, wanted).and_then(|parts| delivered(spec, parts)),
        (None, ConnectorKind::Source) => of_source(spec, wanted),
    };
    end.abort();
    records.map(|records| json!({ "records": records })).map_err(|failure| spec.scrubber.failure(failure))
}

/// Records as the source gives them, and as they would be written to Kafka but for the converters: those of schemas
/// register what they write.
fn of_source(spec: &Arc<TaskSpec>, wanted: usize) -> Result<Vec<Value>, Failure> {
    let (key, value) = (spec.key_converter()?, spec.value_converter()?);
    let mut source = open(spec, &spec.plugin, &spec.open_task(&key, &value))?;
    let (mut reshaper, mut shown) = (Reshaper::open(spec)?, Shown::new(&spec.scrubber)?);
    let mut entries = Vec::new();
    poll(spec, &mut source, wanted, |polled| {
        for record in polled.batch().records().take(wanted - entries.len()) {
            let (place, at) = (None, record.timestamp_ms());
            let before = shown.record(&Reshaped::plain(record), place, at);
            let outcome = match &mut reshaper {
                None => Ok(Some(Reshaped::plain(record))),
                Some(reshaper) => reshaper.reshape(record),
            };
            entries.push(match outcome {
                Ok(after) => {
                    let after = after.map(|after| shown.record(&after, place, at));
                    shown.entry(before, after, None)
                }
                Err(reason) => shown.entry(before, None, Some((Stage::Transformation, &reason))),
            });
        }
        Ok(entries.len())
    })?;
    Ok(entries)
}

/// What a pipe's source brings, as its sink's side takes it.
fn of_pipe(spec: &Arc<TaskSpec>, upstream: &Upstream, wanted: usize) -> Result<Messages, Failure> {
    for (part, converter) in [("key", spec.key_converter()?), ("value", spec.value_converter()?)] {
        if converter.needs_registry() {
            let sentence =
                "writing the source's values would register their schemas: a preview needs another converter";
            return Err(wrong(&format!("{part}.converter: {sentence}")));
        }
    }
    let (mut intake, mut composer) = (Intake::open(spec)?, Composer::default());
    let mut source = open(spec, &upstream.plugin, &upstream.opening(spec))?;
    poll(spec, &mut source, wanted, |polled| {
        let left = wanted - composer.len();
        polled
            .batch()
            .records()
            .take(left)
            .try_for_each(|record| intake.take(spec, record, &mut composer))?;
        Ok(composer.len())
    })?;
    Ok(composer.finish())
}

fn open(spec: &TaskSpec, plugin: &host::Connector, task: &OpenTask<'_>) -> Result<SourceInstance, Failure> {
    plugin.open_source(task, spec.services(None)).map_err(|error| failure_of("opening the source", &error))
}

/// Polls until `take`, which answers how many there are, has enough, or nothing more comes.
fn poll(
    spec: &TaskSpec,
    source: &mut SourceInstance,
    wanted: usize,
    mut take: impl FnMut(&Polled<'_>) -> Result<usize, Failure>,
) -> Result<(), Failure> {
    let (mut count, mut moved_at, mut unready) = (0, Instant::now(), None);
    let mut backoff = Backoff::default();
    while count < wanted && !spec.control.is_stopping() && (count == 0 || moved_at.elapsed() < QUIET) {
        match source.poll() {
            Ok(polled) if polled.batch().is_empty() => {}
            Ok(polled) => (count, moved_at) = (take(&polled)?, Instant::now()),
            Err(error) => {
                let error = spec.scrubber.error(error);
                retry(spec, &mut backoff, &error)?;
                unready = Some(failure_of("polling the source", &error));
            }
        }
    }
    unready.filter(|_| count == 0).map_or(Ok(()), Err)
}

/// Records as a sink would be given them.
fn delivered(spec: &TaskSpec, parts: Vec<Messages>) -> Result<Vec<Value>, Failure> {
    let (key, value) = (spec.key_converter()?, spec.value_converter()?);
    let shaper = Shaper::open(spec, &key, &value)?;
    let mut assembler = Assembler::new(spec, key, value, shaper)?;
    let (mut shown, mut batch) = (Shown::new(&spec.scrubber)?, Batch::new(Instant::now()));
    for part in parts {
        batch.add(part, &spec.budget, Instant::now());
    }
    let unready = |error: crate::converter::Error| failure("RetriableException", &error.to_string(), true);
    let rejects = assembler.convert(&batch).map_err(unready)?;
    let (handed, origin) = assembler.assemble(&batch);
    let given = handed.view().records().enumerate().map(|(index, record)| {
        let place = (record.partition(), record.offset());
        (origin.place(index), shown.record(&Reshaped::plain(record), Some(place), record.timestamp_ms()))
    });
    let mut given: Vec<(Place, Value)> = given.collect();
    let mut entries = Vec::new();
    for (part, messages) in batch.parts.iter().enumerate() {
        for (index, message) in messages.iter().enumerate() {
            let at = Place { part, index };
            let after = given.iter_mut().find(|(place, _)| *place == at).map(|(_, value)| value.take());
            let error = rejects.iter().find(|reject| reject.at == at);
            let error = error.map(|Reject { stage, reason, .. }| (*stage, reason.as_str()));
            let before = shown.message(message);
            entries.push(shown.entry(before, after, error));
        }
    }
    Ok(entries)
}
