//! Turns a filled [`Poll`] into the arrays of the contract, in memory that is reused from poll to poll.
use super::view::raw_field;
use crate::poll::{Draft, Part, Poll};
use std::ops::Range;

/// The arrays that a [`abi::SourceBatch`] points into.
#[derive(Default)]
pub struct Arrays {
    records: Vec<abi::Record>,
    headers: Vec<abi::Header>,
    topics: Vec<abi::Str>,
    schemas: Vec<abi::Str>,
    positions: Vec<abi::Position>,
    fields: Vec<abi::Field>,
}

// SAFETY: the pointers refer to the `Poll` beside it, which moves between threads together with it.
unsafe impl Send for Arrays {}

impl Arrays {
    /// Valid until `poll` or these arrays change.
    pub fn fill(&mut self, poll: &Poll) -> abi::SourceBatch {
        self.topics.clear();
        self.topics.extend(poll.topics.iter().map(|topic| abi::Str::new(topic)));
        self.schemas.clear();
        self.schemas.extend(poll.schemas.iter().map(|schema| abi::Str::new(schema)));
        self.headers.clear();
        self.headers.extend(poll.headers.iter().map(|(name, value)| abi::Header {
            name: abi::Str { ptr: poll.arena[name.clone()].as_ptr(), len: name.len() },
            value: value.as_ref().map_or(abi::Bytes::NULL, |span| bytes(poll, span)),
        }));
        self.records.clear();
        let headers = &self.headers;
        self.records.extend(poll.drafts.iter().map(|draft| record(poll, draft, headers)));
        self.fill_positions(poll);
        self.batch()
    }

    fn fill_positions(&mut self, poll: &Poll) {
        self.fields.clear();
        let mut ends = Vec::with_capacity(poll.positions.len());
        for (partition, offset) in &poll.positions {
            self.fields.extend(partition.iter().map(|(name, value)| raw_field(name, value)));
            let middle = self.fields.len();
            self.fields.extend(offset.iter().map(|(name, value)| raw_field(name, value)));
            ends.push((middle, self.fields.len()));
        }
        self.positions.clear();
        let mut start = 0;
        for (middle, end) in ends {
            let span = |range: Range<usize>| abi::Fields {
                ptr: self.fields[range.clone()].as_ptr(),
                len: range.len(),
            };
            self.positions.push(abi::Position { partition: span(start..middle), offset: span(middle..end) });
            start = end;
        }
    }

    fn batch(&self) -> abi::SourceBatch {
        abi::SourceBatch {
            batch: abi::Batch {
                records: self.records.as_ptr(),
                records_len: self.records.len(),
                topics: self.topics.as_ptr(),
                topics_len: self.topics.len(),
                schemas: self.schemas.as_ptr(),
                schemas_len: self.schemas.len(),
            },
            positions: self.positions.as_ptr(),
            positions_len: self.positions.len(),
        }
    }
}

fn record(poll: &Poll, draft: &Draft, headers: &[abi::Header]) -> abi::Record {
    abi::Record {
        key: part(poll, &draft.key),
        value: part(poll, &draft.value),
        headers: headers[draft.headers.clone()].as_ptr(),
        headers_len: draft.headers.len() as u32,
        topic: draft.topic,
        partition: draft.partition,
        key_kind: draft.key.kind,
        value_kind: draft.value.kind,
        reserved: 0,
        key_schema: draft.key.schema,
        value_schema: draft.value.schema,
        offset: i64::from(draft.place),
        timestamp_ms: draft.timestamp_ms,
    }
}

fn part(poll: &Poll, part: &Part) -> abi::Bytes {
    if part.kind == abi::KIND_NULL { abi::Bytes::NULL } else { bytes(poll, &part.span) }
}

fn bytes(poll: &Poll, span: &Range<usize>) -> abi::Bytes {
    abi::Bytes::new(&poll.arena[span.clone()])
}
