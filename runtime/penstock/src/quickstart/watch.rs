//! Writes a line a second until it is time to stop, nobody reads any more, or something failed.

use std::io::Write;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use worker::Handle;
use worker::api::ConnectorStatus;

use super::report::{self, Rows, Sample};
use super::scene::Scene;
use crate::failure::Failure;

/// `seconds` counts from now.
pub async fn until_stopped(handle: &Handle, scene: &Scene, seconds: Option<u64>) -> Result<(), Failure> {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first comes at once.
    ticks.tick().await;
    let sample = || {
        let (source, sink) = (&scene.source.name, &scene.sink.name);
        Sample::read(&handle.metrics(), start.elapsed(), source, sink)
    };
    let mut before = sample();
    while seconds.is_none_or(|seconds| before.at.as_secs() < seconds) {
        ticks.tick().await;
        for name in [&scene.source.name, &scene.sink.name] {
            // A connector that was deleted by hand is no failure.
            if let Ok(status) = handle.status(name).await
                && let Some(reason) = failure(&status)
            {
                return Err(Failure::Failed(reason));
            }
        }
        let rows = rows(scene).await;
        let now = sample();
        if write(&report::line(&before, &now, rows)).is_err() {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}

async fn rows(scene: &Scene) -> Rows {
    let Some(table) = &scene.table else { return Rows::NoTable };
    match table.rows().await {
        Ok(rows) => Rows::Counted(rows),
        Err(reason) => {
            tracing::info!(reason, "counting rows");
            Rows::Unknown
        }
    }
}

/// Unlike elsewhere a closed pipe matters: who reads the lines has seen enough, and nobody else stops this.
fn write(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// The first thing that is wrong with a connector or its tasks.
fn failure(status: &ConnectorStatus) -> Option<String> {
    let name = &status.name;
    let first = |trace: &str| trace.lines().next().unwrap_or_default().to_owned();
    if let Some(trace) = &status.connector.trace {
        return Some(format!("connector {name} failed: {}", first(trace)));
    }
    let mut tasks = status.tasks.iter();
    tasks.find_map(|(task, status)| {
        let trace = status.trace.as_ref()?;
        Some(format!("task {task} of connector {name} failed: {}", first(trace)))
    })
}

#[cfg(test)]
mod tests {
    use super::failure;
    use cluster::RunState;
    use worker::api::{ConnectorStatus, Status};

    fn status(trace: Option<&str>) -> Status {
        let state = if trace.is_some() { RunState::Failed } else { RunState::Running };
        Status { state, worker_id: "w:1".to_owned(), version: None, trace: trace.map(str::to_owned) }
    }

    fn check(connector: Option<&str>, tasks: &[Option<&str>], expected: Option<&str>) {
        let tasks = (0..).zip(tasks).map(|(task, trace)| (task, status(*trace))).collect();
        let given =
            ConnectorStatus { name: "c".to_owned(), connector: status(connector), tasks, kind: "sink" };
        assert_eq!(failure(&given).as_deref(), expected);
    }

    #[test]
    fn a_failure_is_told_by_the_first_line_of_its_trace() {
        check(None, &[None, None], None);
        check(
            None,
            &[None, Some("config: no table\nat x")],
            Some("task 1 of connector c failed: config: no table"),
        );
        check(Some("fatal: gone\nat"), &[Some("x")], Some("connector c failed: fatal: gone"));
    }
}
