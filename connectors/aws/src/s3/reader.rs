//! Reads files one behind the other on a thread of its own, and hands on their rows in parts.
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use penstock_sdk::{Error, Level, Task};
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::feed::Feeder;
use super::lister::{File, Item, Origin};
use super::open::{Ahead, Opened};
use super::read::{Fault, Place};
use super::replay;
use super::settings::Settings;
use crate::access::{Cause, Failure};

/// What comes.
pub enum News {
    Rows(Part),
    Complete,
    /// Nothing more is to be expected.
    Failed(Error),
}

/// Rows of one file, in order.
pub struct Part {
    pub file: Arc<File>,
    pub bytes: Vec<u8>,
    pub rows: Vec<Row>,
    /// Where the file goes on behind all of them; none when it was read to its end.
    pub after: Option<Place>,
    /// Bytes of the file that have been read.
    pub read: u64,
}

pub struct Row {
    /// Where its bytes end; they begin where those of the row before end.
    pub end: usize,
    pub number: u64,
    pub next: Place,
}

pub struct Reader {
    pub feeder: Feeder,
    pub settings: Arc<Settings>,
    pub task: Task,
    pub items: Receiver<Item>,
    pub news: SyncSender<News>,
}

/// Nobody listens any more.
struct Gone;

/// How a part ended.
enum Turn {
    More,
    End,
    Failed(Fault),
}

impl Reader {
    pub fn run(mut self) {
        // Nobody listens any more, and nothing is left to tell.
        let _ = self.follow();
    }

    fn follow(&mut self) -> Result<(), Gone> {
        let mut ahead: VecDeque<Ahead> = VecDeque::new();
        let mut last = None;
        loop {
            while last.is_none() && ahead.len() < FILES_AHEAD {
                match self.items.try_recv() {
                    Ok(Item::File(file)) => ahead.push_back(Ahead::begin(file, &self.feeder, &self.settings)),
                    Ok(other) => last = Some(other),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            if let Some(next) = ahead.pop_front() {
                if !self.file(next)? {
                    return Ok(());
                }
                continue;
            }
            match last.take().or_else(|| self.items.blocking_recv()) {
                Some(Item::File(file)) => ahead.push_back(Ahead::begin(file, &self.feeder, &self.settings)),
                Some(Item::Complete) => return self.send(News::Complete),
                Some(Item::Failed(error)) => return self.send(News::Failed(error)),
                None => return Ok(()),
            }
        }
    }

    /// Reads a file to its end; false when that ended everything.
    fn file(&self, ahead: Ahead) -> Result<bool, Gone> {
        let file = Arc::clone(&ahead.file);
        let opened = guarded(|| ahead.open(&self.feeder, &self.settings)).and_then(|opened| opened);
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(fault) => return self.failed(&file, fault, file.from),
        };
        loop {
            let mut part = Part {
                file: Arc::clone(&file),
                bytes: Vec::with_capacity(PART_BYTES + PART_BYTES / 4),
                rows: Vec::new(),
                after: None,
                read: 0,
            };
            let turn = guarded(|| self.fill(&mut part, &mut opened)).unwrap_or_else(Turn::Failed);
            let place = opened.rows.place();
            part.read = opened.bytes();
            match turn {
                Turn::More => {
                    part.after = Some(place);
                    self.send(News::Rows(part))?;
                }
                Turn::End => {
                    part.read = file.object.size;
                    self.send(News::Rows(part))?;
                    return Ok(true);
                }
                Turn::Failed(fault) => {
                    self.before(part)?;
                    return self.failed(&file, opened.cause(fault), place);
                }
            }
        }
    }

    /// Hands on what was read before something went wrong.
    fn before(&self, mut part: Part) -> Result<(), Gone> {
        let Some(last) = part.rows.last() else { return Ok(()) };
        part.after = Some(last.next);
        self.send(News::Rows(part))
    }

    fn fill(&self, part: &mut Part, opened: &mut Opened) -> Turn {
        while part.bytes.len() < PART_BYTES && part.rows.len() < PART_ROWS {
            let (start, place) = (part.bytes.len(), opened.rows.place());
            if place.has_reached(part.file.until) {
                return Turn::End;
            }
            match opened.rows.next(&mut part.bytes) {
                Ok(Some(next)) => {
                    // Blank lines and the like are no rows.
                    let number = next.row.saturating_sub(1).max(place.row);
                    part.rows.push(Row { end: part.bytes.len(), number, next });
                }
                Ok(None) => return Turn::End,
                Err(Fault::Record(reason)) if self.settings.skips => {
                    part.bytes.truncate(start);
                    self.task.count("records_skipped", 1);
                    let message = self.sentence(&part.file, opened.rows.place(), &reason);
                    self.task
                        .log(Level::Error, &format!("left out, as errors.tolerance=all says: {message}"));
                }
                Err(fault) => {
                    part.bytes.truncate(start);
                    return Turn::Failed(fault);
                }
            }
        }
        Turn::More
    }

    /// True when the next file may be read.
    fn failed(&self, file: &Arc<File>, fault: Fault, place: Place) -> Result<bool, Gone> {
        let error = match fault {
            Fault::Fetch(failure) if matches!(file.origin, Origin::Again(_)) => {
                replay::lost(&self.feeder.bucket, file, &failure)
            }
            Fault::Fetch(failure) if failure.cause == Cause::Gone && self.settings.skips => {
                return self.left_out(file, "files_gone", &self.lost(file, &failure).to_string());
            }
            Fault::Fetch(failure) => self.lost(file, &failure),
            Fault::File(reason) if self.settings.skips => {
                return self.left_out(file, "files_cut", &self.sentence(file, place, &reason));
            }
            Fault::File(reason) | Fault::Record(reason) => Error::config(self.sentence(file, place, &reason)),
        };
        self.send(News::Failed(error))?;
        Ok(false)
    }

    fn lost(&self, file: &File, failure: &Failure) -> Error {
        let error = self.feeder.bucket.error_at(&file.object.key, failure);
        if failure.cause == Cause::Changed && self.settings.restarts {
            return Error::retry(error.message());
        }
        error
    }

    /// The rest of a file is left out.
    fn left_out(&self, file: &Arc<File>, count: &str, message: &str) -> Result<bool, Gone> {
        self.task.count(count, 1);
        let message = format!("the rest of the file is left out, as errors.tolerance=all says: {message}");
        self.task.log(Level::Error, &message);
        let (bytes, rows, read) = (Vec::new(), Vec::new(), file.object.size);
        self.send(News::Rows(Part { file: Arc::clone(file), bytes, rows, after: None, read }))?;
        Ok(true)
    }

    fn sentence(&self, file: &File, place: Place, reason: &str) -> String {
        let (bucket, key, row) = (self.feeder.bucket.name(), &file.object.key, place.row);
        let at = if place.at > 0 { format!(", before byte {}", place.at) } else { String::new() };
        format!("s3://{bucket}/{key}: by row {row}{at}: {reason}")
    }

    fn send(&self, news: News) -> Result<(), Gone> {
        self.news.send(news).map_err(|_| Gone)
    }
}

/// Readers of formats are other people's: what one of them did not foresee is the file's fault.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason was given");
        Fault::File(format!("the file cannot be read: {said}"))
    })
}

/// Files whose bytes are asked for while another is read.
const FILES_AHEAD: usize = 16;
const PART_BYTES: usize = 256 << 10;
const PART_ROWS: usize = 4096;
