//! Finds the files: lists the bucket, in the order of keys, and hands on what is to be read.
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use penstock_sdk::{Error, Level, Result, Task};
use tokio::sync::mpsc::Sender;

use super::choice::{Choice, Decision};
use super::position;
use super::progress::Progress;
use super::read::Place;
use super::settings::{Mode, Settings};
use crate::bucket::{Bucket, From, Object, Page};

/// What is found, in order.
#[derive(Debug)]
pub enum Item {
    File(Arc<File>),
    /// There are no more, and there will be none.
    Complete,
    Failed(Error),
}

/// A file that is to be read.
#[derive(Debug)]
pub struct File {
    pub object: Arc<Object>,
    pub from: Place,
    /// Rows up to here, which were read before; all of them where there is none.
    pub until: Option<Place>,
    pub origin: Origin,
}

/// Who is told when it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Lane(u32),
    /// A queue told of it; files are numbered as they come.
    Queue(u64),
    /// It is given again, as one of several.
    Again(usize),
}

impl File {
    /// What its position is kept under, of files that have one.
    pub fn lane(&self) -> Option<u32> {
        match self.origin {
            Origin::Lane(lane) => Some(lane),
            Origin::Again(_) => Some(position::lane(&self.object.key)),
            Origin::Queue(_) => None,
        }
    }
}

pub struct Lister {
    pub bucket: Bucket,
    pub settings: Arc<Settings>,
    pub choice: Choice,
    pub task: Task,
    pub progress: Arc<Progress>,
    pub items: Sender<Item>,
}

impl Lister {
    pub async fn run(mut self) {
        let outcome = self.follow().await;
        // Without a receiver the task ends.
        let _ = match outcome {
            Ok(()) => self.items.send(Item::Complete).await,
            Err(error) => self.items.send(Item::Failed(error)).await,
        };
    }

    async fn follow(&mut self) -> Result<()> {
        let mut after = self.choice.floor();
        loop {
            after = self.list(after).await?;
            match &self.settings.mode {
                Mode::Listing { interval } => tokio::time::sleep(*interval).await,
                Mode::Once | Mode::Queue(_) => return Ok(()),
            }
            self.choice.begin();
        }
    }

    /// Lists once; answers the last key that there is.
    async fn list(&mut self, after: Option<String>) -> Result<Option<String>> {
        let prefix = self.settings.listed();
        let mut last = after.clone();
        let mut page = self.page(&prefix, after.as_deref().map_or(From::Start, From::After)).await?;
        loop {
            for object in page.objects {
                last = Some(object.key.clone());
                if self.settings.wants(&object.key) {
                    self.hand_on(object).await?;
                }
            }
            let Some(next) = page.next else { break };
            page = self.page(&prefix, From::Next(&next)).await?;
        }
        for key in self.choice.missing() {
            self.gone(&key)?;
        }
        Ok(last)
    }

    async fn page(&self, prefix: &str, from: From<'_>) -> Result<Page> {
        self.bucket.list(prefix, from).await.map_err(|failure| self.bucket.error(&failure))
    }

    async fn hand_on(&mut self, object: Object) -> Result<()> {
        loop {
            match self.choice.decide(&object) {
                Decision::Skip => return Ok(()),
                Decision::Gone(key) => self.gone(&key)?,
                Decision::Replaced => return Err(self.replaced(&object.key)),
                Decision::Read { lane, place } => {
                    self.choice.handed(lane, &object);
                    self.count(&object);
                    let (object, origin) = (Arc::new(object), Origin::Lane(lane));
                    let file = File { object, from: place, until: None, origin };
                    // Without a receiver the task ends, and this with it.
                    let _ = self.items.send(Item::File(Arc::new(file))).await;
                    return Ok(());
                }
            }
        }
    }

    /// What goes on without end has no total but what was seen.
    fn count(&self, object: &Object) {
        if self.settings.mode != Mode::Once {
            self.progress.files_total.fetch_add(1, Relaxed);
            self.progress.bytes_total.fetch_add(object.size, Relaxed);
        }
    }

    fn replaced(&self, key: &str) -> Error {
        Error::config(format!(
            "s3://{}/{key}: the file is another one than the one that was begun; expected s3.file.changed=restart to read it \
             from its beginning, or an offset that is behind it",
            self.bucket.name()
        ))
    }

    fn gone(&self, key: &str) -> Result<()> {
        let message = format!(
            "s3://{}/{key}: the file was deleted before it was read to its end: the rest of it is lost",
            self.bucket.name()
        );
        if !self.settings.skips {
            return Err(Error::config(format!(
                "{message}; expected errors.tolerance=all to go on without it"
            )));
        }
        self.task.count("files_gone", 1);
        self.task.log(Level::Error, &message);
        Ok(())
    }
}

/// Counts what there is to read, ahead of the reading: the listing goes only as far as files are read.
pub async fn survey(bucket: Bucket, settings: Arc<Settings>, mut choice: Choice, progress: Arc<Progress>) {
    let prefix = settings.listed();
    let mut token: Option<String> = None;
    loop {
        let from = token.as_deref().map_or(From::Start, From::Next);
        let Ok(page) = bucket.list(&prefix, from).await else {
            // The listing that matters meets the same, and tells it.
            tokio::time::sleep(SURVEY_PAUSE).await;
            continue;
        };
        for object in page.objects.iter().filter(|object| settings.wants(&object.key)) {
            let mut decision = choice.decide(object);
            if let Decision::Gone(_) = decision {
                decision = choice.decide(object);
            }
            if let Decision::Read { lane, .. } = decision {
                choice.handed(lane, object);
                progress.files_total.fetch_add(1, Relaxed);
                progress.bytes_total.fetch_add(object.size, Relaxed);
            }
        }
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    progress.is_counted.store(true, Relaxed);
}

const SURVEY_PAUSE: Duration = Duration::from_secs(10);
