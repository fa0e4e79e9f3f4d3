//! Appends each value as a line to a file, or prints it to the worker's standard output.
use crate::append::{Appender, Means, write};
use penstock_sdk::{About, Batch, Config, Error, Importance, Problem, Result, Setting, Sink, Task, Value};
use std::io::Write;

/// One task. Several may append to the same file: a batch stays together.
pub struct FileStreamSink {
    task: Task,
    target: Target,
    /// The lines of one batch, so that it goes out in one system call.
    lines: Vec<u8>,
}

enum Target {
    File(Appender),
    Stdout,
}

impl Sink for FileStreamSink {
    fn about() -> About {
        About::new(
            "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "appends each value as a line to a text file",
        )
        .alias("FileStreamSinkConnector")
        .alias("FileStreamSink")
        .version(env!("CARGO_PKG_VERSION"))
        .setting(Setting::string("file").importance(Importance::High).doc(
            "Path of the file to append to, made when it is missing; without one, the worker's standard output. A \
             batch counts as written when the system has it; penstock.fsync=true waits for the disk instead.",
        ))
    }

    fn validate(config: &Config) -> Vec<Problem> {
        // Settings with the prefix penstock. are declared nowhere, so that the list of settings is Connect's own.
        let wrong = config.flag(FSYNC, false).err();
        wrong
            .map(|error| Problem { setting: FSYNC.into(), message: error.message().into() })
            .into_iter()
            .collect()
    }

    fn open(task: &Task) -> Result<Self> {
        let fsync = task.config().flag(FSYNC, false)?;
        let target = match task.config().get("file").filter(|path| !path.is_empty()) {
            Some(path) => Target::File(Appender::open(path, fsync)?),
            None => Target::Stdout,
        };
        Ok(Self { task: task.clone(), target, lines: Vec::new() })
    }

    fn write(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.lines.clear();
        for record in batch.records() {
            line(&record.value(), &mut self.lines);
        }
        if self.lines.is_empty() {
            return Ok(());
        }
        let written = match &mut self.target {
            Target::File(file) => {
                file.append(&self.lines, &Means { wait: &|time| self.task.wait(time), write: &write })
            }
            Target::Stdout => print(&self.lines),
        };
        // One huge batch must not be remembered for ever.
        self.lines.shrink_to(LINES_KEPT);
        written
    }
}

/// The value as Java's `toString` has it, and a line end. Bytes stay the bytes they are.
pub fn line(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        Value::Flat(value) => {
            // Writing to memory does not fail.
            let _ = write!(out, "{value}");
        }
    }
    out.push(b'\n');
}

fn print(lines: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    // What was printed cannot be taken back, so after an error some of these lines may come twice.
    out.write_all(lines)
        .and_then(|()| out.flush())
        .map_err(|error| Error::retry(format!("standard output: cannot be written: {error}")))
}

const FSYNC: &str = "penstock.fsync";
const LINES_KEPT: usize = 8 << 20;
