//! Files of Parquet: row groups, read column by column in small batches, each row written as the text of a JSON object.

use arrow_array::{RecordBatch, StructArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

use super::columns::Columns;
use super::{Fault, Form, Place, Rows};

/// What holds the bytes of a file. It is told which of them are wanted together.
pub trait Store: ChunkReader + Clone + 'static {
    /// The columns of a row group, each from a byte to before another, and those of the group behind it.
    fn expect(&self, now: &[(u64, u64)], next: &[(u64, u64)]);

    /// Why bytes did not come, if that was the reason.
    fn failure(&self) -> Option<crate::access::Failure>;
}

impl Store for bytes::Bytes {
    fn expect(&self, _: &[(u64, u64)], _: &[(u64, u64)]) {}

    fn failure(&self) -> Option<crate::access::Failure> {
        None
    }
}

pub struct Parquet<S: Store> {
    store: S,
    metadata: ArrowReaderMetadata,
    /// Which columns are read.
    mask: ProjectionMask,
    form: Form,
    /// The next row group.
    group: usize,
    reader: Option<ParquetRecordBatchReader>,
    columns: Columns,
    batch: Option<RecordBatch>,
    in_batch: usize,
    place: Place,
    /// Rows that are left in the group.
    left: u64,
}

impl<S: Store> Parquet<S> {
    /// Goes on behind `place.row` rows. Without `columns` all are read.
    pub fn open(store: S, place: Place, columns: &[String], form: Form) -> Result<Self, Fault> {
        // The types are Parquet's own: what a writer keeps of Arrow's beside them is not asked.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&store, options).map_err(|error| fault(&store, &error))?;
        let mask = mask(&metadata, columns).map_err(Fault::File)?;
        let mut new = Self {
            columns: Columns::default(),
            store,
            metadata,
            mask,
            form,
            group: 0,
            reader: None,
            batch: None,
            in_batch: 0,
            place: Place { at: 0, row: 0, skip: 0 },
            left: 0,
        };
        new.seek(place.row)?;
        Ok(new)
    }

    /// Rows of the whole file.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    fn seek(&mut self, row: u64) -> Result<(), Fault> {
        while self.place.row < row && self.group < self.metadata.metadata().num_row_groups() {
            let rows = self.rows_of(self.group);
            let wanted = row - self.place.row;
            self.place.row += rows.min(wanted);
            if wanted >= rows {
                self.group += 1;
            } else {
                return self.begin(wanted);
            }
        }
        Ok(())
    }

    fn rows_of(&self, group: usize) -> u64 {
        u64::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0)
    }

    /// Begins the next row group, behind so many of its rows.
    fn begin(&mut self, skip: u64) -> Result<(), Fault> {
        self.store.expect(&self.chunks(self.group), &self.chunks(self.group + 1));
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.store.clone(), self.metadata.clone())
                .with_row_groups(vec![self.group])
                .with_projection(self.mask.clone())
                .with_batch_size(BATCH_ROWS)
                .with_offset(skip as usize);
        self.reader = Some(builder.build().map_err(|error| fault(&self.store, &error))?);
        self.left = self.rows_of(self.group) - skip;
        self.group += 1;
        Ok(())
    }

    /// Where the columns of a row group are.
    fn chunks(&self, group: usize) -> Vec<(u64, u64)> {
        let metadata = self.metadata.metadata();
        if group >= metadata.num_row_groups() {
            return Vec::new();
        }
        let columns = metadata.row_group(group).columns().iter().enumerate();
        columns
            .filter(|(at, _)| self.mask.leaf_included(*at))
            .map(|(_, column)| column.byte_range())
            .map(|(start, length)| (start, start.saturating_add(length)))
            .collect()
    }

    /// Makes the next batch of rows ready; false at the end of the file.
    fn advance(&mut self) -> Result<bool, Fault> {
        loop {
            if let Some(reader) = &mut self.reader {
                match reader.next() {
                    Some(Ok(batch)) if batch.num_rows() == 0 => {}
                    Some(Ok(batch)) => {
                        self.columns = Columns::of(&StructArray::from(batch.clone()), self.form);
                        (self.batch, self.in_batch) = (Some(batch), 0);
                        return Ok(true);
                    }
                    Some(Err(error)) => return Err(fault(&self.store, &error.into())),
                    None if self.left > 0 => {
                        let reason = format!("row group {}: {} rows are missing", self.group - 1, self.left);
                        return Err(Fault::File(reason));
                    }
                    None => self.reader = None,
                }
                continue;
            }
            if self.group >= self.metadata.metadata().num_row_groups() {
                return Ok(false);
            }
            self.begin(0)?;
        }
    }
}

impl<S: Store> Rows for Parquet<S> {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, Fault> {
        let rows = self.batch.as_ref().map_or(0, RecordBatch::num_rows);
        if self.in_batch >= rows && !self.advance()? {
            return Ok(None);
        }
        let start = out.len();
        let written = self.columns.row(self.in_batch, out);
        self.in_batch += 1;
        self.place.row += 1;
        self.left = self.left.saturating_sub(1);
        written.map_err(Fault::Record)?;
        if out.len() - start > self.form.bytes_max {
            return Err(self.form.too_large());
        }
        Ok(Some(self.place))
    }

    fn place(&self) -> Place {
        self.place
    }
}

fn mask(metadata: &ArrowReaderMetadata, columns: &[String]) -> Result<ProjectionMask, String> {
    if columns.is_empty() {
        return Ok(ProjectionMask::all());
    }
    let schema = metadata.parquet_schema();
    let roots: Vec<&str> = schema.root_schema().get_fields().iter().map(|field| field.name()).collect();
    let place = |name: &String| roots.iter().position(|root| root == name);
    let missing = columns.iter().find(|name| place(name).is_none());
    if let Some(name) = missing {
        return Err(format!("s3.columns: there is no column {name}, expected some of {}", roots.join(", ")));
    }
    Ok(ProjectionMask::roots(schema, columns.iter().filter_map(place)))
}

fn fault<S: Store>(store: &S, error: &ParquetError) -> Fault {
    match store.failure() {
        Some(failure) => Fault::Fetch(failure),
        None => Fault::File(error.to_string()),
    }
}

/// Shared by the columns of a batch: pages are unpacked as far as a batch needs.
const BATCH_ROWS: usize = 1024;
