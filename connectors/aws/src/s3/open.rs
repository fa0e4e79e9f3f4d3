//! Opens files: what is fetched ahead of it, and how its bytes become rows when its turn has come.
use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::feed::{Feeder, Lost, Pieces, Reserved};
use super::lister::File;
use super::read::{Avro, Cells, Dialect, Fault, Header, Lines, Packing, Parquet, Place, Rows, unpack};
use super::remote::Remote;
use super::settings::{Format, Settings};

/// A file whose bytes are on their way.
pub struct Ahead {
    pub file: Arc<File>,
    how: Result<How, String>,
}

struct How {
    format: Format,
    packing: Option<Packing>,
    fetched: Fetched,
}

enum Fetched {
    /// From a byte on.
    Stream(Pieces, u64),
    Reserved(Reserved),
}

/// Rows, and how far in the file they are.
pub struct Opened {
    pub rows: Box<dyn Rows>,
    read: Read,
    lost: Lost,
}

enum Read {
    Bytes(Arc<AtomicU64>),
    /// The file is read here and there: its rows say it.
    Rows {
        total: u64,
        size: u64,
    },
}

impl Ahead {
    /// Asks for the file's bytes, and waits for none.
    pub fn begin(file: Arc<File>, feeder: &Feeder, settings: &Settings) -> Self {
        let how = settings.how(&file.object).map(|(format, packing)| {
            let is_large = file.object.size as usize > feeder.half() / 4;
            let fetched = if format == Format::Parquet && packing == Some(Packing::None) && is_large {
                Fetched::Reserved(feeder.reserve())
            } else {
                // Nothing but a file that is not packed can be entered in its middle.
                let from = if packing == Some(Packing::None) { file.from.at } else { 0 };
                Fetched::Stream(feeder.stream(&file.object, from), from)
            };
            How { format, packing, fetched }
        });
        Self { file, how }
    }

    /// The rows from where the file goes on.
    pub fn open(self, feeder: &Feeder, settings: &Settings) -> Result<Opened, Fault> {
        let How { format, packing, fetched } = self.how.map_err(Fault::File)?;
        let file = &*self.file;
        let (pieces, from) = match fetched {
            Fetched::Reserved(room) => {
                let room = room.wait(&feeder.handle).map_err(Fault::Fetch)?;
                let remote = Remote::new(feeder, &file.object, room);
                let rows = Parquet::open(remote, file.from, &settings.columns, settings.form)?;
                let read = Read::Rows { total: rows.rows(), size: file.object.size };
                return Ok(Opened { rows: Box::new(rows), read, lost: Lost::default() });
            }
            Fetched::Stream(pieces, from) => (pieces, from),
        };
        let (read, lost) = (Read::Bytes(pieces.progress()), pieces.lost());
        match (Building { feeder, settings, file, format, from }).rows(pieces, packing) {
            Ok(rows) => Ok(Opened { rows, read, lost }),
            Err(fault) => Err(cause(&lost, fault)),
        }
    }
}

/// A file is not broken because its bytes did not come.
fn cause(lost: &Lost, fault: Fault) -> Fault {
    let failure = lost.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(fault, Fault::Fetch)
}

impl Opened {
    /// What went wrong, of what a reader of rows says that it was.
    pub fn cause(&self, fault: Fault) -> Fault {
        cause(&self.lost, fault)
    }

    /// Bytes of the file that have been read.
    pub fn bytes(&self) -> u64 {
        match &self.read {
            Read::Bytes(read) => read.load(Ordering::Relaxed),
            Read::Rows { total, size } => {
                let share = self.rows.place().row as f64 / (*total).max(1) as f64;
                (*size as f64 * share) as u64
            }
        }
    }
}

struct Building<'a> {
    feeder: &'a Feeder,
    settings: &'a Settings,
    file: &'a File,
    format: Format,
    /// Where the bytes begin.
    from: u64,
}

impl Building<'_> {
    fn rows(&self, mut pieces: Pieces, packing: Option<Packing>) -> Result<Box<dyn Rows>, Fault> {
        let packing = match packing {
            Some(packing) => packing,
            None => Packing::by_content(pieces.fill_buf()?),
        };
        if self.format == Format::Parquet {
            return self.parquet(pieces, packing);
        }
        if packing == Packing::None && self.from > 0 {
            return self.middle(pieces);
        }
        let input = unpack(pieces, packing, self.settings.ratio_max)?;
        let mut rows = self.beginning(input)?;
        skip(rows.as_mut(), self.file.from.row)?;
        Ok(rows)
    }

    fn parquet(&self, pieces: Pieces, packing: Packing) -> Result<Box<dyn Rows>, Fault> {
        if packing != Packing::None {
            let reason =
                "expected a Parquet file that is not compressed as a whole: what is in it is already";
            return Err(Fault::File(reason.into()));
        }
        let bytes: Bytes = pieces.whole()?;
        let rows = Parquet::open(bytes, self.file.from, &self.settings.columns, self.settings.form)?;
        Ok(Box::new(rows))
    }

    fn beginning(&self, mut input: Box<dyn BufRead + Send>) -> Result<Box<dyn Rows>, Fault> {
        let (form, place) = (self.settings.form, Place::default());
        Ok(match self.format {
            Format::Json => Box::new(Lines::new(input, place, form, true)),
            Format::Lines | Format::Parquet => Box::new(Lines::new(input, place, form, false)),
            Format::Csv | Format::Tsv => Box::new(Cells::new(input, &self.dialect(), place, None, form)),
            Format::Avro => {
                let header = Header::read(&mut input)?;
                Box::new(Avro::new(input, header, place, form))
            }
        })
    }

    /// Where rows can be found from any place, but for what stands at the beginning of the file.
    fn middle(&self, pieces: Pieces) -> Result<Box<dyn Rows>, Fault> {
        let (form, place) = (self.settings.form, self.file.from);
        Ok(match self.format {
            Format::Json => Box::new(Lines::new(pieces, place, form, true)),
            Format::Lines | Format::Parquet => Box::new(Lines::new(pieces, place, form, false)),
            Format::Csv | Format::Tsv => {
                let dialect = self.dialect();
                let header = Cells::new(self.head()?, &dialect, Place::default(), None, form).header()?;
                Box::new(Cells::new(pieces, &dialect, place, header, form))
            }
            Format::Avro => {
                let header = Header::read(&mut self.head()?)?;
                Box::new(Avro::new(pieces, header, place, form))
            }
        })
    }

    /// The first bytes of the file: enough for what stands before all rows, which ends before `from`.
    fn head(&self) -> Result<std::io::Cursor<Bytes>, Fault> {
        let end = self.from.min(HEAD_MAX);
        self.feeder.fetch(&self.file.object, (0, end)).map(std::io::Cursor::new).map_err(Fault::Fetch)
    }

    fn dialect(&self) -> Dialect {
        self.settings.dialect(self.format)
    }
}

/// Goes on behind rows that were given before.
fn skip(rows: &mut dyn Rows, until: u64) -> Result<(), Fault> {
    let mut out = Vec::new();
    while rows.place().row < until {
        out.clear();
        match rows.next(&mut out) {
            Ok(None) => {
                let reason = format!("the file has {} rows, expected more than {until}", rows.place().row);
                return Err(Fault::File(reason));
            }
            // It was told when it was met first.
            Ok(Some(_)) | Err(Fault::Record(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// Of a header.
const HEAD_MAX: u64 = 16 << 20;
