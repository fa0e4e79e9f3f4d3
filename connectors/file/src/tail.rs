//! Follows a file that others write: waits for it, reads what is added, notices when it starts over.
use crate::lines::{Bounds, Lines};
use penstock_sdk::{Error, Result};
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

#[cfg(test)]
mod tests;

/// A file by name, and the place up to which its lines were handed out.
#[derive(Debug)]
pub struct Tail {
    path: String,
    file: Option<File>,
    lines: Lines,
    /// In bytes.
    position: u64,
    /// The name was seen to belong to another file, while this one was read to its end.
    is_replaced: bool,
}

/// What a look at the file brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be new lines.
    More,
    /// Nothing new.
    End,
    /// There is no such file, yet or any more.
    Missing,
    /// The file begins again: why. The position is 0 now.
    StartedOver(String),
}

impl Tail {
    pub fn new(path: &str, position: u64, bounds: Bounds) -> Self {
        Self { path: path.into(), file: None, lines: Lines::new(bounds), position, is_replaced: false }
    }

    /// Bytes of the file whose lines were handed out.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next whole line that was read.
    pub fn line(&mut self) -> Option<&[u8]> {
        let (line, taken) = self.lines.next()?;
        self.position += taken as u64;
        Some(line)
    }

    /// Reads once; never waits.
    pub fn read(&mut self) -> Result<Progress> {
        let Some(file) = &mut self.file else { return self.open() };
        let Some(room) = self.lines.room() else {
            let (path, position, pending) = (&self.path, self.position, self.lines.pending());
            let message = format!("{path}: the line at byte {position} has no end within {pending} bytes");
            return Err(Error::fatal(message));
        };
        match file.read(room) {
            Ok(0) => self.at_end(),
            Ok(bytes) => {
                self.is_replaced = false;
                self.lines.filled(bytes);
                Ok(Progress::More)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Progress::More),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn open(&mut self) -> Result<Progress> {
        let metadata = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Progress::Missing),
            Err(error) => return Err(self.failed(&error)),
        };
        if !metadata.is_file() {
            // Opening a pipe waits for its writer, and nothing could end that wait.
            return Err(Error::config(format!("file: expected a regular file, got {}", self.path)));
        }
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Progress::Missing),
            Err(error) => return Err(self.failed(&error)),
        };
        let length = file.metadata().map_err(|error| self.failed(&error))?.len();
        let position = self.position;
        if length < position {
            self.file = Some(file);
            self.position = 0;
            return Ok(Progress::StartedOver(format!("it has {length} bytes and was read up to {position}")));
        }
        file.seek(SeekFrom::Start(position)).map_err(|error| self.failed(&error))?;
        self.file = Some(file);
        Ok(Progress::More)
    }

    /// Nothing more to read now: is this still the file that the name means, and as long as it was? One that was cut
    /// and grew past the old place between two looks cannot be told from one that only grew.
    fn at_end(&mut self) -> Result<Progress> {
        let Some(file) = &mut self.file else { return Ok(Progress::End) };
        let read_to = self.position + self.lines.pending() as u64;
        let opened = file.metadata();
        let named = std::fs::metadata(&self.path);
        let opened = opened.map_err(|error| self.failed(&error))?;
        if opened.len() < read_to {
            self.start_over();
            return Ok(Progress::StartedOver(format!("it was cut from {read_to} to {} bytes", opened.len())));
        }
        match named {
            // A file that was only taken away may still be written to; its name may come back.
            Err(_) => Ok(Progress::End),
            Ok(named) if identity(&named) == identity(&opened) => Ok(Progress::End),
            // Whoever writes may not have changed over yet: the old file gets one more look after a pause.
            Ok(_) if !self.is_replaced => {
                self.is_replaced = true;
                Ok(Progress::End)
            }
            // The end of the old file's last line will not come any more.
            Ok(_) if self.lines.pending() > 0 => {
                self.lines.finish();
                Ok(Progress::More)
            }
            Ok(_) => {
                self.start_over();
                Ok(Progress::StartedOver("another file took its name".into()))
            }
        }
    }

    fn start_over(&mut self) {
        (self.file, self.position, self.is_replaced) = (None, 0, false);
        self.lines.clear();
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        Error::fatal(format!("{}: cannot be read at byte {}: {error}", self.path, self.position))
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
