//! What a source handed over in one poll, checked before anybody reads it.
use super::assembly::Batch;
use super::raw::{self, Flaw};
use penstock_sdk::Fields;
use penstock_sdk::export::view;
use std::marker::PhantomData;

/// Records and positions of one poll. The source cannot be called again while this is alive.
pub struct Polled<'a> {
    batch: abi::Batch,
    positions: Vec<(Fields, Fields)>,
    lifetime: PhantomData<&'a abi::Batch>,
}

const RECORDS_MAX: usize = 10_000_000;
const TABLE_MAX: usize = 100_000;
const HEADERS_MAX: usize = 100_000;
/// Kafka gives the length of a key or value as a signed 32-bit number.
const BYTES_MAX: usize = i32::MAX as usize;

impl Polled<'_> {
    /// # Safety
    /// Whatever the batch points at, and is not null, is readable for `'a`.
    pub(super) unsafe fn check(filled: abi::SourceBatch) -> Result<Self, Flaw> {
        let batch = filled.batch;
        // SAFETY: the caller vouches for every range below.
        unsafe {
            let records = raw::array(batch.records, batch.records_len, RECORDS_MAX, "records")?;
            let topics = raw::array(batch.topics, batch.topics_len, TABLE_MAX, "topics")?;
            let schemas = raw::array(batch.schemas, batch.schemas_len, TABLE_MAX, "schemas")?;
            for topic in topics {
                raw::text(*topic, "a topic")?;
            }
            for schema in schemas {
                raw::text(*schema, "a schema")?;
            }
            for record in records {
                check_record(record, topics.len(), schemas.len())?;
            }
            Ok(Self { batch, positions: positions(&filled)?, lifetime: PhantomData })
        }
    }

    /// The records, read in place.
    pub fn batch(&self) -> penstock_sdk::Batch<'_> {
        // SAFETY: `check` vouches for everything that the batch points at, for longer than `self` lives.
        unsafe { view::batch(&self.batch) }
    }

    /// The same records, to be written by a sink as they are.
    pub fn as_batch(&self) -> Batch<'_> {
        // SAFETY: as in `batch`.
        unsafe { Batch::from_raw(self.batch) }
    }

    /// The place in [`Self::positions`] of the partition that the record is of, from a source that says so.
    pub fn partition_of(&self, record: &penstock_sdk::Record<'_>) -> Option<usize> {
        let place = usize::try_from(record.offset()).ok()?.checked_sub(1)?;
        (place < self.positions.len()).then_some(place)
    }

    /// Where the source goes on, in each of its partitions, once every record is durable.
    pub fn positions(&self) -> Vec<(Fields, Fields)> {
        self.positions.clone()
    }
}

/// # Safety
/// What the record points at is readable.
unsafe fn check_record(record: &abi::Record, topics: usize, schemas: usize) -> Result<(), Flaw> {
    if record.topic as usize >= topics {
        return Err(format!("gave a record topic {} of {topics}", record.topic));
    }
    for (kind, bytes) in [(record.key_kind, record.key), (record.value_kind, record.value)] {
        if kind > abi::KIND_FLAT {
            return Err(format!("gave a key or value of the unknown kind {kind}"));
        }
        check_bytes(bytes)?;
    }
    for schema in [record.key_schema, record.value_schema] {
        if schema != abi::NO_SCHEMA && schema as usize >= schemas {
            return Err(format!("gave a record schema {schema} of {schemas}"));
        }
    }
    // SAFETY: the caller vouches for it.
    let headers = unsafe { raw::array(record.headers, record.headers_len as usize, HEADERS_MAX, "headers") }?;
    for header in headers {
        // SAFETY: as above.
        unsafe { raw::text(header.name, "the name of a header") }?;
        check_bytes(header.value)?;
    }
    Ok(())
}

fn check_bytes(bytes: abi::Bytes) -> Result<(), Flaw> {
    match (bytes.ptr.is_null(), bytes.len) {
        (true, 0) => Ok(()),
        (false, len) if len <= BYTES_MAX => Ok(()),
        (_, len) => Err(format!("gave {len} bytes of key, value or header at address {:p}", bytes.ptr)),
    }
}

/// # Safety
/// What the batch points at is readable.
unsafe fn positions(filled: &abi::SourceBatch) -> Result<Vec<(Fields, Fields)>, Flaw> {
    // SAFETY: the caller vouches for it.
    let positions = unsafe { raw::array(filled.positions, filled.positions_len, TABLE_MAX, "positions") }?;
    // SAFETY: as above.
    positions.iter().map(|at| unsafe { Ok((raw::fields(at.partition)?, raw::fields(at.offset)?)) }).collect()
}

/// A batch before the plugin filled it.
pub(super) fn nothing() -> abi::SourceBatch {
    let batch = abi::Batch {
        records: std::ptr::null(),
        records_len: 0,
        topics: std::ptr::null(),
        topics_len: 0,
        schemas: std::ptr::null(),
        schemas_len: 0,
    };
    abi::SourceBatch { batch, positions: std::ptr::null(), positions_len: 0 }
}
