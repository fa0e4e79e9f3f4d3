//! Leads a table from nothing to a loaded snapshot, beside the task's thread, and says from when on changes are followed.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock_sdk::{Error, Kind, Level, Result, Task};
use tokio::sync::mpsc::Sender;

use crate::bucket::Bucket;

use super::control::{Control, Described};
use super::file::Lines;
use super::manifest::{File, Manifest};
use super::progress::Progress;
use super::settings::{Given, Mode, Settings};
use super::setup::Setup;
use super::state::{Place, State};

/// What comes to the task's thread, in this order as far as it comes at all.
pub enum News {
    /// The table is known, and these attributes are its key.
    Table(Vec<String>),
    /// It shall be stored.
    State(State),
    /// Changes may be read: from this time on, if a snapshot goes before them.
    Follow(Option<i64>),
    Rows(Rows),
    Failed(Error),
}

/// Rows of a file of the export.
pub struct Rows {
    pub file: Arc<File>,
    pub lines: Lines,
    /// So many rows of the file were given before.
    pub skip: u64,
    pub is_last: bool,
    /// Of the export.
    pub time_ms: i64,
}

/// One task's part of it.
pub struct Conductor {
    pub(super) task: Task,
    pub(super) settings: Settings,
    pub(super) sender: Sender<News>,
    pub(super) progress: Progress,
    is_known: bool,
    follows: bool,
    /// Rows of a file that were handed on in this run of the task.
    pub(super) sent: HashMap<String, u64>,
}

impl Conductor {
    pub fn new(task: &Task, settings: &Settings, sender: Sender<News>) -> Self {
        Self {
            progress: Progress::new(task, settings),
            task: task.clone(),
            settings: settings.clone(),
            sender,
            is_known: false,
            follows: false,
            sent: HashMap::new(),
        }
    }

    /// Runs until its part is done, or something happens that waiting does not mend.
    pub async fn run(mut self) {
        let (mut tried, mut since) = (0_u32, None);
        loop {
            let error = match self.go().await {
                Ok(()) => return,
                Err(error) => error,
            };
            let Kind::Retry { .. } = error.kind() else { return self.send(News::Failed(error)).await };
            let since = *since.get_or_insert_with(Instant::now);
            if since.elapsed() > TOLD_AFTER {
                self.send(News::Failed(error)).await;
            }
            tried = (tried + 1).min(6);
            tokio::time::sleep(PAUSE.mul_f64(f64::from(1 << tried) * (0.5 + fastrand::f64()))).await;
        }
    }

    async fn go(&mut self) -> Result<()> {
        let control = Control::open(&self.settings).await?;
        let described = control.describe().await.map_err(|failure| control.error(&failure))?;
        self.introduce(&described).await?;
        let is_first = self.settings.task == 0;
        if self.settings.mode == Mode::Never {
            if is_first {
                Setup::new(&self.settings, &control, &described, &self.task).connect().await?;
            }
            self.follow(None).await;
            return Ok(());
        }
        let state = self.prepared(&control, &described).await?;
        if let State::Loading { manifest, .. } = &state {
            let bucket = Bucket::open(&self.settings.export.bucket, &self.settings.s3).await?;
            let manifest = Manifest::read(&bucket, manifest).await?;
            self.refuse(&manifest)?;
            self.load(&bucket, &manifest).await?;
            self.loaded(&manifest, &state).await?;
        }
        self.follow(Some(state.since_ms())).await;
        self.progress.phase("loaded");
        Ok(())
    }

    async fn introduce(&mut self, described: &Described) -> Result<()> {
        let shape = &self.settings.shape;
        if let Some(key) = described.keys.iter().find(|key| shape.name(&key.name).is_none()) {
            return Err(Error::config(format!(
                "dynamodb.columns: {} is part of the table's key and cannot be left out",
                key.name
            )));
        }
        if !std::mem::replace(&mut self.is_known, true) {
            self.send(News::Table(described.keys.iter().map(|key| key.name.clone()).collect())).await;
        }
        Ok(())
    }

    /// Waits for an export that is whole, and with the first task makes one.
    async fn prepared(&mut self, control: &Control, described: &Described) -> Result<State> {
        let is_first = self.settings.task == 0;
        let mut is_looked_at = false;
        loop {
            let state = self.stored()?;
            if let (Some(State::Exporting { since_ms, .. } | State::Loading { since_ms, .. }), false) =
                (&state, self.settings.stream_waits)
            {
                self.follow(Some(*since_ms)).await;
            }
            if let Some(state) = &state {
                self.progress.phase_of(state);
            }
            if is_first {
                let setup = Setup::new(&self.settings, control, described, &self.task);
                if state.is_some() && !std::mem::replace(&mut is_looked_at, true) {
                    setup.look_after(state.as_ref()).await?;
                }
                if let Some(next) = setup.next(state.as_ref()).await? {
                    self.announce(&next.state).await?;
                    if let Some(error) = next.error {
                        return Err(error);
                    }
                    continue;
                }
            }
            match state {
                Some(state @ (State::Loading { .. } | State::Loaded { .. })) => return Ok(state),
                _ => tokio::time::sleep(WATCH).await,
            }
        }
    }

    /// What the worker holds of the table, whichever task has brought it.
    fn stored(&self) -> Result<Option<State>> {
        let found = self.task.resume(&State::partition(&self.settings.table.name));
        let Some(state) = found.map(|fields| State::read(&fields)).transpose()? else { return Ok(None) };
        let wanted = match &self.settings.export.given {
            Given::Arn(arn) => Some(arn.as_str()),
            Given::Nothing | Given::Path(_) => None,
        };
        if let (Some(wanted), Some(export)) = (wanted, state.export())
            && wanted != export
        {
            return Err(Error::config(format!(
                "dynamodb.export.arn: the stored offsets are of export {export}; stop the connector and reset its offsets \
                 (DELETE /connectors/NAME/offsets) to load another one"
            )));
        }
        Ok(Some(state))
    }

    /// Has the state stored, and waits until it is: whoever comes after a crash goes on from it.
    async fn announce(&mut self, state: &State) -> Result<()> {
        self.send(News::State(state.clone())).await;
        while self.stored()?.as_ref() != Some(state) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// An export of another table would delete nothing and still fill this one.
    fn refuse(&self, manifest: &Manifest) -> Result<()> {
        let table = &self.settings.table.name;
        if manifest.table != *table {
            return Err(Error::config(format!(
                "dynamodb.table: export {} is of table {}, expected {table}",
                manifest.export, manifest.table
            )));
        }
        if manifest.repeated > 0 && self.settings.task == 0 {
            self.task.count("files_listed_again", manifest.repeated as u64);
            let message = format!("export {}: {} files are listed again", manifest.export, manifest.repeated);
            self.task.log(Level::Warn, &message);
        }
        Ok(())
    }

    /// Waits until all tasks have loaded their files.
    async fn loaded(&mut self, manifest: &Manifest, state: &State) -> Result<()> {
        let State::Loading { since_ms, export, .. } = state else { return Ok(()) };
        let is_first = self.settings.task == 0;
        loop {
            if matches!(self.stored()?, Some(State::Loaded { .. })) {
                return Ok(());
            }
            if is_first && self.are_done(manifest)? {
                return self.announce(&State::Loaded { since_ms: *since_ms, export: export.clone() }).await;
            }
            // Without a need to hold changes back there is nothing to wait for.
            if !is_first && !self.settings.stream_waits {
                return Ok(());
            }
            tokio::time::sleep(WATCH).await;
        }
    }

    fn are_done(&self, manifest: &Manifest) -> Result<bool> {
        for file in &manifest.files {
            if !self.place(&file.key)?.is_done {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How far a file is, as it is stored.
    pub(super) fn place(&self, file: &str) -> Result<Place> {
        let found = self.task.resume(&Place::partition(&self.settings.table.name, file));
        Ok(found.map(|fields| Place::read(&fields)).transpose()?.unwrap_or_default())
    }

    async fn follow(&mut self, since_ms: Option<i64>) {
        if self.settings.stream.is_some() && !std::mem::replace(&mut self.follows, true) {
            self.send(News::Follow(since_ms)).await;
        }
    }

    pub(super) async fn send(&self, news: News) {
        // Without a receiver the task is gone, and this in a moment as well.
        let _ = self.sender.send(news).await;
    }
}

const TOLD_AFTER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at what other tasks have done.
const WATCH: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(50);
