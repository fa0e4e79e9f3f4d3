//! Reads a file line by line and follows it.
use crate::lines::Bounds;
use crate::tail::{Progress, Tail};
use penstock_sdk::{
    About, Config, Error, Fields, Importance, Level, Poll, Problem, Result, Setting, Source, Task,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The one task of the connector: a file has one reader, however large `tasks.max` is.
pub struct FileStreamSource {
    task: Task,
    path: String,
    topic: String,
    batch_size: usize,
    tail: Tail,
    /// Lines up to this byte and no more, which were read before.
    until: Option<u64>,
    is_missing: bool,
}

impl Source for FileStreamSource {
    fn about() -> About {
        About::new(
            "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "follows a text file and makes a record of each line",
        )
        .alias("FileStreamSourceConnector")
        .alias("FileStreamSource")
        .version(env!("CARGO_PKG_VERSION"))
        .replays()
        .setting(Setting::string(FILE).importance(Importance::High).doc(
            "Path of the file to follow. It may come later, grow, be cut or be replaced: a line counts once it has \
             its end, bytes that are no UTF-8 become replacement characters. Standard input is not supported.",
        ))
        .setting(
            Setting::string(TOPIC).required().non_empty().doc("Topic that gets the lines, as values without key."),
        )
        // Without a range, as configs with 0 exist: it means 1 there, and so it does here.
        .setting(Setting::int(BATCH_SIZE).default("2000").importance(Importance::Low).doc(
            "Lines that the task hands over at once, at most. Lower it when lines are very long.",
        ))
    }

    fn validate(config: &Config) -> Vec<Problem> {
        // Whoever names no topic either hears that first, as from Connect.
        if path(config).is_err() && config.required(TOPIC).is_ok() {
            return vec![Problem { setting: FILE.into(), message: NO_FILE.into() }];
        }
        Vec::new()
    }

    fn open(task: &Task) -> Result<Self> {
        let config = task.config();
        let path = path(config)?.to_owned();
        let position = position(task.resume(&partition(&path)).as_ref())?;
        let until = until(task, &path)?;
        Ok(Self {
            task: task.clone(),
            topic: config.required(TOPIC)?.to_owned(),
            batch_size: usize::try_from(config.parsed::<i64>(BATCH_SIZE)?.unwrap_or(2000))
                .unwrap_or(0)
                .max(1),
            tail: Tail::new(&path, position, BOUNDS),
            path,
            until,
            is_missing: false,
        })
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        let from = self.tail.position();
        let pause = self.fill(poll)?;
        if self.tail.position() != from {
            let offset = Fields::new().with(POSITION, self.tail.position() as i64);
            poll.position(partition(&self.path), offset);
        }
        if poll.is_empty() {
            let _is_ending = self.task.wait(pause);
        }
        Ok(())
    }
}

impl FileStreamSource {
    /// Takes lines until the batch is full or the file has no more; answers how long an empty batch should wait.
    fn fill(&mut self, poll: &mut Poll) -> Result<Duration> {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(-1, |time| time.as_millis() as i64);
        loop {
            while self.until.is_none_or(|until| self.tail.position() < until)
                && let Some(line) = self.tail.line()
            {
                let mut record = poll.record(&self.topic);
                if let Ok(text) = std::str::from_utf8(line) {
                    record.value_text(text);
                } else {
                    self.task.count("file_source_lines_not_utf8", 1);
                    record.value_text(&String::from_utf8_lossy(line));
                }
                record.value_schema(TEXT_SCHEMA).timestamp_ms(now_ms);
                if poll.len() >= self.batch_size || poll.bytes() >= BYTES_MAX {
                    return Ok(Duration::ZERO);
                }
            }
            if let Some(until) = self.until.filter(|until| self.tail.position() >= *until) {
                return self.ended(until);
            }
            let progress = match self.tail.read() {
                // The lines before the trouble are good. The next poll meets the same trouble with empty hands.
                Err(_) if !poll.is_empty() => return Ok(Duration::ZERO),
                other => other?,
            };
            self.tell(&progress);
            if let (Some(until), Progress::End | Progress::StartedOver(_)) = (self.until, &progress) {
                return Err(self.lost(until));
            }
            match progress {
                Progress::More => {}
                Progress::StartedOver(_) => return Ok(Duration::ZERO),
                Progress::End => return Ok(PAUSE_AT_END),
                Progress::Missing => return Ok(PAUSE_MISSING),
            }
        }
    }

    /// The lines that were asked for are given.
    fn ended(&self, until: u64) -> Result<Duration> {
        if self.tail.position() == until { Ok(PAUSE_AT_END) } else { Err(self.lost(until)) }
    }

    fn lost(&self, until: u64) -> Error {
        Error::config(format!(
            "{}: the lines that ended at byte {until} are not there any more: it was cut or replaced",
            self.path
        ))
    }

    fn tell(&mut self, progress: &Progress) {
        let is_missing = *progress == Progress::Missing;
        if is_missing && !self.is_missing {
            self.task.log(Level::Warn, &format!("{}: no such file, waiting for it", self.path));
        }
        self.is_missing = is_missing;
        if let Progress::StartedOver(why) = progress {
            self.task.log(Level::Warn, &format!("{}: read again from its beginning: {why}", self.path));
        }
    }
}

fn path(config: &Config) -> Result<&str> {
    let path = config.get(FILE).filter(|path| !path.is_empty());
    path.ok_or_else(|| Error::config(format!("{FILE}: {NO_FILE}")))
}

/// Where the lines end that are to be read again.
fn until(task: &Task, path: &str) -> Result<Option<u64>> {
    let bounds = task.bounds();
    let Some(bound) = bounds.first() else { return Ok(None) };
    if bounds.len() > 1 || bound.partition != partition(path) {
        let asked: Vec<_> = bounds.iter().filter_map(|bound| bound.partition.text(FILENAME)).collect();
        return Err(Error::config(format!("{FILE}: {path} holds no lines of {}", asked.join(", "))));
    }
    position(Some(&bound.until)).map(Some)
}

fn partition(path: &str) -> Fields {
    Fields::new().with(FILENAME, path)
}

/// The stored place, or the beginning.
pub fn position(stored: Option<&Fields>) -> Result<u64> {
    let Some(offset) = stored else { return Ok(0) };
    let position = offset.integer(POSITION).and_then(|position| u64::try_from(position).ok());
    position.ok_or_else(|| {
        Error::config(format!("stored offset: {POSITION}: expected a number of bytes from 0, got {offset:?}"))
    })
}

const FILE: &str = "file";
const FILENAME: &str = "filename";
const TOPIC: &str = "topic";
const BATCH_SIZE: &str = "batch.size";
const POSITION: &str = "position";
const NO_FILE: &str = "a path is required: a worker has no standard input of its own to read";
const TEXT_SCHEMA: &str = r#"{"type":"string","optional":false}"#;
const BOUNDS: Bounds = Bounds { chunk: 256 << 10, line_max: 16 << 20 };
/// A poll stays small beside the worker's memory, whatever `batch.size` says.
const BYTES_MAX: usize = 4 << 20;
/// How old a new line may get before it is seen; a look costs three system calls.
const PAUSE_AT_END: Duration = Duration::from_millis(200);
const PAUSE_MISSING: Duration = Duration::from_secs(1);
