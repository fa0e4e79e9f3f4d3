//! Appends whole batches to a file: each one entirely, or not at all.
use penstock_sdk::{Error, Result};
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// A file that is only written at its end. Tasks that share it take turns by a lock on it.
#[derive(Debug)]
pub struct Appender {
    path: String,
    file: File,
    identity: (u64, u64),
    is_regular: bool,
    /// Whether the file was seen to end with a whole line.
    is_ended: bool,
    fsync: bool,
}

/// What a batch needs from outside.
pub struct Means<'a> {
    /// Sleeps and answers true when the task is to end.
    pub wait: &'a dyn Fn(Duration) -> bool,
    /// `write(2)`: a test puts a full disk here.
    pub write: &'a dyn Fn(&mut File, &[u8]) -> std::io::Result<usize>,
}

impl Appender {
    /// Makes the file when there is none.
    pub fn open(path: &str, fsync: bool) -> Result<Self> {
        if let Ok(metadata) = std::fs::metadata(path) {
            let kind = metadata.file_type();
            // Opening a pipe waits for its reader, and nothing could end that wait.
            if kind.is_dir() || kind.is_fifo() || kind.is_socket() {
                return Err(Error::config(format!("file: expected a file to append to, got {path}")));
            }
        }
        let failed = |error| Error::fatal(format!("{path}: cannot be opened for writing: {error}"));
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        Ok(Self {
            path: path.into(),
            identity: identity(&metadata),
            is_regular: metadata.is_file(),
            is_ended: false,
            file,
            fsync,
        })
    }

    /// Writes `batch`, or takes back what was written of it and answers [`penstock_sdk::Kind::Retry`].
    pub fn append(&mut self, batch: &[u8], means: &Means<'_>) -> Result<()> {
        self.follow_the_name()?;
        let is_locked = self.lock(means)?;
        let result = self.append_alone(batch, means);
        if is_locked {
            // Closing the file would unlock it as well; nothing is lost when this fails.
            let _ = self.file.unlock();
        }
        result
    }

    /// A file that was moved away or removed is let go: lines written there would never be found.
    fn follow_the_name(&mut self) -> Result<()> {
        let is_same = std::fs::metadata(&self.path).is_ok_and(|named| identity(&named) == self.identity);
        if !is_same {
            let again = Self::open(&self.path, self.fsync);
            *self = again.map_err(|error| Error::retry(error.message()))?;
        }
        Ok(())
    }

    /// Whether the file is locked now; devices and some network file systems have no locks.
    fn lock(&self, means: &Means<'_>) -> Result<bool> {
        if !self.is_regular {
            return Ok(false);
        }
        for _ in 0..LOCK_TRIES {
            match self.file.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::Error(_)) => return Ok(false),
                Err(TryLockError::WouldBlock) if (means.wait)(LOCK_PAUSE) => break,
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Err(Error::retry(format!("{}: another process keeps it locked", self.path)))
    }

    fn append_alone(&mut self, batch: &[u8], means: &Means<'_>) -> Result<()> {
        let mut written = 0;
        let result = self.end_torn_line(means, &mut written).and_then(|()| {
            self.write_all(batch, means, &mut written)?;
            if self.fsync { self.file.sync_data() } else { Ok(()) }
        });
        result.map_err(|error| {
            let rest = match self.take_back(written) {
                Ok(()) => String::new(),
                Err(reason) => format!("; {written} bytes of the batch stay in it: {reason}"),
            };
            Error::retry(format!("{}: cannot be written: {error}{rest}", self.path))
        })
    }

    /// A worker that was killed in the middle of a write leaves half a line. It stays, as a line of its own, so
    /// that the first record of this batch is not glued to it.
    fn end_torn_line(&mut self, means: &Means<'_>, written: &mut u64) -> std::io::Result<()> {
        if !self.is_ended && self.is_regular && !ends_with_line(&self.path) {
            self.write_all(b"\n", means, written)?;
        }
        self.is_ended = true;
        Ok(())
    }

    fn write_all(&mut self, mut bytes: &[u8], means: &Means<'_>, written: &mut u64) -> std::io::Result<()> {
        while !bytes.is_empty() {
            match (means.write)(&mut self.file, bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    *written += count as u64;
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Cuts the file back to where the batch began.
    fn take_back(&mut self, written: u64) -> Result<(), String> {
        if written == 0 {
            return Ok(());
        }
        if !self.is_regular {
            return Err("it is no regular file".into());
        }
        let cut = |file: &mut File| {
            // Appending leaves the place behind our last byte. When the file goes on there, someone who does not
            // know the lock wrote too, and a cut would take his lines.
            let end = file.stream_position()?;
            let is_ours = file.metadata()?.len() == end;
            if is_ours { file.set_len(end.saturating_sub(written)).map(|()| true) } else { Ok(false) }
        };
        // Whether the file ends with a whole line is asked again before the next batch.
        self.is_ended = false;
        match cut(&mut self.file) {
            Ok(true) => Ok(()),
            Ok(false) => Err("someone else wrote behind them".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// True for an empty file, and for one that cannot be read to know.
fn ends_with_line(path: &str) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(b'\n');
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok::<_, std::io::Error>(last[0])
    };
    last().is_ok_and(|byte| byte == b'\n') || File::open(path).is_err()
}

/// The real `write(2)`.
pub fn write(file: &mut File, bytes: &[u8]) -> std::io::Result<usize> {
    file.write(bytes)
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The lock is held for one write, so a few milliseconds are the rule and five seconds mean a stranger.
const LOCK_PAUSE: Duration = Duration::from_millis(2);
const LOCK_TRIES: usize = 2500;
