//! What runs beside the task's thread: finding files, fetching them, reading them. It ends when it is dropped.
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use penstock_sdk::{Error, Result, Task};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Sender;

use super::choice::Choice;
use super::feed::Feeder;
use super::lister::{Item, Lister, survey};
use super::progress::Progress;
use super::queue::{Follower, Open};
use super::reader::{News, Reader};
use super::replay::{Finder, Wanted};
use super::settings::{Mode, Settings};
use crate::access;
use crate::bucket::Bucket;

pub struct Pipeline {
    /// Until the end it is there.
    runtime: Option<Runtime>,
    news: Option<Receiver<News>>,
    reader: Option<JoinHandle<()>>,
}

/// The task, how far it is, and the messages that it has of a queue.
type Around<'a> = (&'a Task, &'a Arc<Progress>, &'a Arc<Open>);

/// Which files are read.
pub enum Work {
    New(Choice),
    Again(Vec<Wanted>),
}

impl Pipeline {
    pub fn start(settings: &Arc<Settings>, work: Work, around: Around<'_>) -> Result<Self> {
        let runtime = access::runtime("s3")?;
        let bucket = runtime.block_on(access::opened(Bucket::open(&settings.bucket, &settings.access)))?;
        let (items, found) = tokio::sync::mpsc::channel(FOUND_MAX);
        match work {
            Work::Again(wanted) => {
                runtime.spawn(Finder { bucket: bucket.clone(), wanted, items }.run());
            }
            Work::New(choice) => find(&runtime, settings, (bucket.clone(), choice, items), around),
        }
        let (news, receiver) = sync_channel(PARTS_MAX);
        let reader = Reader {
            feeder: Feeder::start(runtime.handle(), &bucket, settings.buffer_bytes),
            settings: Arc::clone(settings),
            task: around.0.clone(),
            items: found,
            news,
        };
        let reader = std::thread::Builder::new().name("s3-reader".into()).spawn(|| reader.run());
        let reader = reader.map_err(|error| Error::retry(format!("starting a thread: {error}")))?;
        Ok(Self { runtime: Some(runtime), news: Some(receiver), reader: Some(reader) })
    }

    /// Waits for news, at most `patience`.
    pub fn news(&self, patience: Duration) -> Option<News> {
        match self.news.as_ref()?.recv_timeout(patience) {
            Ok(news) => Some(news),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(News::Failed(Error::fatal("the reader of files has ended")))
            }
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // The reader waits for one of these two, and notices that they are gone.
        drop(self.news.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(CLOSE_PATIENCE);
        }
        if let Some(reader) = self.reader.take() {
            // It has told what there was to tell.
            let _ = reader.join();
        }
    }
}

/// Starts what finds files that were not read yet.
fn find(
    runtime: &Runtime,
    settings: &Arc<Settings>,
    (bucket, choice, items): (Bucket, Choice, Sender<Item>),
    (task, progress, open): Around<'_>,
) {
    let is_counted = progress.is_counted.load(Relaxed) || progress.files_total.load(Relaxed) > 0;
    if settings.mode == Mode::Once && !is_counted {
        runtime.spawn(survey(bucket.clone(), Arc::clone(settings), choice.clone(), Arc::clone(progress)));
    }
    let (settings, task, progress) = (Arc::clone(settings), task.clone(), Arc::clone(progress));
    if let Mode::Queue(queue) = &settings.mode {
        open.give_back();
        let (queue, open) = (queue.clone(), Arc::clone(open));
        runtime.spawn(Follower { bucket, settings, queue, open, task, progress, items }.run());
    } else {
        runtime.spawn(Lister { bucket, settings, choice, task, progress, items }.run());
    }
}

const CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// Files that are found ahead of their turn.
const FOUND_MAX: usize = 1000;
/// Parts of files that are read ahead of the worker.
const PARTS_MAX: usize = 4;
