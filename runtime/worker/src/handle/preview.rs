//! Previews: what a connector with these settings would bring, which is nowhere written and of which nobody else hears.
use super::{Handle, bounded};
use crate::api::Refusal;
use crate::herder::{Request, Shared, planned};
use crate::pipe;
use crate::task::{self, PREVIEW};
use cluster::{Failure, Properties, TaskId};
use std::sync::Arc;

/// Each holds a plugin open, and what its source has read ahead.
pub const AT_ONCE: usize = 2;

impl Handle {
    /// Up to `records` of them, as JSON.
    pub async fn preview(&self, config: Properties, records: usize) -> Result<serde_json::Value, Refusal> {
        let busy = |_| Refusal::Conflict(format!("{AT_ONCE} previews are running already, try again"));
        let permit = Arc::clone(&self.previews).try_acquire_owned().map_err(busy)?;
        let shared = Arc::clone(&self.shared);
        let planning = tokio::task::spawn_blocking(move || first_task(&shared, config));
        let (id, config) = bounded(async { planning.await.map_err(broken)? }).await?;
        let of = id.clone();
        let spec = self.ask(|reply| Request::Draft { id: of, config, reply }).await?.map_err(refusal)?;
        let shared = Arc::clone(&self.shared);
        // Author code: it must not hold up the worker's threads, and may hang.
        let reading = tokio::task::spawn_blocking(move || {
            let shown = task::preview(&Arc::new(spec), records).map_err(refusal);
            shared.metrics.forget(&id);
            drop(permit);
            shown
        });
        bounded(async { reading.await.map_err(broken)? }).await
    }
}

/// The settings of a task that has all of the connector's work.
fn first_task(shared: &Shared, mut config: Properties) -> Result<(TaskId, Properties), Refusal> {
    let name = config.get("name").unwrap_or("preview").to_owned();
    config.set("name", name.as_str());
    shared.check(&config)?;
    config.set("tasks.max", "1");
    let none =
        || Refusal::Conflict("The connector has no task at this moment: there is nothing to read".into());
    let mut task = planned(shared, &config).map_err(refusal)?.into_iter().next().ok_or_else(none)?;
    task.set(PREVIEW, "true");
    task.set(format!("{}{PREVIEW}", pipe::SOURCE), "true");
    // A connector of this name may be running, whose metrics are its own.
    Ok((TaskId::new(format!("preview of {name}"), 0), task))
}

fn broken(_: tokio::task::JoinError) -> Refusal {
    Refusal::Internal("the preview broke off".into())
}

fn refusal(failure: Failure) -> Refusal {
    let kind = if failure.is_restartable { Refusal::Conflict } else { Refusal::Invalid };
    kind(task::sentence(failure))
}
