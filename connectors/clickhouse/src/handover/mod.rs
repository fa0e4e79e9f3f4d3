//! Takes partitions over from clickhouse-kafka-connect, by the state which it keeps of its inserts.
//!
//! Its exactly-once mode notes in a `KeeperMap` table which range of offsets it is about to insert, and that it has. What
//! it inserted after its worker's last commit comes to this sink again, and is left out or goes under its token.
mod decide;
mod state;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::exact::Promise;
use crate::failure::{Cause, Failure};
use crate::incoming::Incoming;
use crate::notice::Notice;
use crate::server::Server;
use crate::settings::{Settings, StateImport};
use crate::table::Name;
use decide::{Asked, Mark, Theirs, Verdict};
pub use state::look;

/// Reads states when partitions are first written, and remembers which are of no more concern.
pub struct Handover {
    import: StateImport,
    table: Name,
    /// What stands between database and table in a topic's name.
    separator: Option<String>,
    /// There is no such table, or its state of the partition is behind us.
    over: Over,
}

#[derive(Default)]
struct Over {
    all: bool,
    partitions: HashSet<(String, i32)>,
}

/// Which records of a batch are not for the plan's own inserts.
#[derive(Default)]
pub struct Split {
    /// By index; empty when all records are the plan's own.
    taken: Vec<bool>,
    /// Ranges that were begun: the token of each, and its records in the order of their offsets.
    pub begun: Vec<(String, Vec<usize>)>,
}

impl Split {
    pub fn is_own(&self, index: usize) -> bool {
        !self.taken.get(index).copied().unwrap_or(false)
    }
}

/// A partition in a batch.
struct Span<'a> {
    topic: &'a str,
    partition: i32,
    begin: i64,
    end: i64,
    indices: Vec<usize>,
    names: Names,
}

/// What the Java connector calls a partition: as the key of its state, and in its tokens.
struct Names {
    key: String,
    token: String,
}

impl Handover {
    pub fn new(settings: &Settings) -> Option<Self> {
        let import = settings.state_import.clone()?;
        let table = Name { database: settings.database.clone(), table: import.table.clone() };
        Some(Handover { import, table, separator: settings.split.clone(), over: Over::default() })
    }

    /// Tells the plan's own records from those that the Java connector inserted or began to insert, and marks in the state
    /// table that this plan has them.
    pub fn split(
        &mut self,
        server: &Server,
        records: &[Incoming<'_>],
        promise: &Promise<'_>,
        notices: &mut Vec<Notice>,
    ) -> Result<Split, Failure> {
        let spans = self.spans(records, promise);
        if spans.is_empty() {
            return Ok(Split::default());
        }
        let Some(mut states) = state::read(server, &self.table, spans.iter().map(|span| &*span.names.key))?
        else {
            if self.import.is_required {
                return Err(state::missing(&self.table));
            }
            self.over.all = true;
            return Ok(Split::default());
        };
        let (mut split, mut marks) = (Split::default(), Vec::new());
        for span in &spans {
            let (theirs, mark) = states.remove(&span.names.key).unwrap_or_default();
            let asked = self.asked(span, promise);
            match decide::decide(theirs, mark.as_ref(), &asked) {
                Verdict::Ours { mark, sentence } => {
                    notices.extend(sentence.map(|text| Notice::done("state_imports_ended", 1, text)));
                    marks.extend(mark.map(|mark| (span.names.key.as_str(), mark)));
                }
                Verdict::Shared { theirs, mark } => {
                    let counts = split.take(records, span, theirs);
                    if let Some(mark) = mark {
                        notices.push(told(span, theirs, counts));
                        marks.push((&span.names.key, mark));
                    }
                }
                Verdict::Unclear(sentence) => return Err(Failure::new(Cause::Unfit, sentence)),
            }
        }
        state::write(server, &self.table, &marks, &|| promise.check())?;
        self.remember(&spans, &marks, &split);
        Ok(split)
    }

    /// The partitions of the batch whose state may be of concern. A plan that is found may be older than what is known.
    fn spans<'a>(&self, records: &[Incoming<'a>], promise: &Promise<'_>) -> Vec<Span<'a>> {
        if self.over.all {
            return Vec::new();
        }
        let mut spans: Vec<Span<'a>> = Vec::new();
        let mut places: HashMap<(&str, i32), Option<usize>> = HashMap::new();
        let mut first = 0;
        for run in
            records.chunk_by(|left, right| (left.partition, left.topic) == (right.partition, right.topic))
        {
            let (topic, partition) = (run[0].topic, run[0].partition);
            let place = *places.entry((topic, partition)).or_insert_with(|| {
                if !promise.is_repeated && self.over.partitions.contains(&(topic.to_owned(), partition)) {
                    return None;
                }
                let names = Names::new(topic, partition, self.separator.as_deref(), &self.table.database);
                spans.push(Span { topic, partition, begin: i64::MAX, end: -1, indices: Vec::new(), names });
                Some(spans.len() - 1)
            });
            if let Some(span) = place.map(|place| &mut spans[place]) {
                for (index, record) in run.iter().enumerate() {
                    span.begin = span.begin.min(record.offset);
                    span.end = span.end.max(record.offset);
                    span.indices.push(first + index);
                }
            }
            first += run.len();
        }
        spans
    }

    fn asked<'a>(&'a self, span: &'a Span<'_>, promise: &'a Promise<'_>) -> Asked<'a> {
        Asked {
            place: (span.topic, span.partition),
            connector: &self.import.connector,
            token: promise.token,
            begin: span.begin,
            end: span.end,
            is_required: self.import.is_required,
        }
    }

    /// Partitions that had no part in this need not be asked for again.
    fn remember(&mut self, spans: &[Span<'_>], marks: &[(&str, Mark)], split: &Split) {
        for span in spans {
            let is_open = marks.iter().any(|(key, mark)| *key == span.names.key && !mark.is_over);
            if !is_open && span.indices.iter().all(|index| split.is_own(*index)) {
                self.over.partitions.insert((span.topic.to_owned(), span.partition));
            }
        }
    }
}

impl Split {
    /// Takes what is theirs out of the plan's own records. Answers how many are left out.
    fn take(&mut self, records: &[Incoming<'_>], span: &Span<'_>, theirs: Theirs) -> usize {
        self.taken.resize(records.len(), false);
        let mut begun = Vec::new();
        let mut left_out = 0;
        for index in &span.indices {
            let offset = records[*index].offset;
            if offset > theirs.max {
                continue;
            }
            self.taken[*index] = true;
            if theirs.is_begun && offset >= theirs.min {
                begun.push(*index);
            } else {
                left_out += 1;
            }
        }
        if !begun.is_empty() {
            begun.sort_unstable_by_key(|index| records[*index].offset);
            let token = format!("{}-{}-{}", span.names.token, theirs.min, theirs.max);
            self.begun.push((token, begun));
        }
        left_out
    }
}

impl Names {
    /// A topic's name is split where it has exactly one separator, and the state's key is put together again.
    fn new(topic: &str, partition: i32, separator: Option<&str>, database: &str) -> Self {
        let Some(separator) = separator else {
            let name = format!("{topic}-{partition}");
            return Names { key: name.clone(), token: name };
        };
        let parts: Vec<&str> = topic.trim_end_matches(separator).split(separator).collect();
        let (database, rest) = match parts[..] {
            [database, rest] => (database, rest),
            _ => (database, topic),
        };
        Names {
            key: format!("{database}{separator}{rest}-{partition}"),
            token: format!("{rest}-{partition}"),
        }
    }
}

fn told(span: &Span<'_>, theirs: Theirs, left_out: usize) -> Notice {
    let Theirs { min, max, is_begun } = theirs;
    let place = format!("{}-{}", span.topic, span.partition);
    let up_to = if is_begun { min - 1 } else { max };
    let mut sentence = format!(
        "stateImport: {left_out} records of {place} up to offset {up_to} were inserted by clickhouse-kafka-connect and are \
         left out"
    );
    if is_begun && span.end >= min {
        let _ =
            write!(sentence, "; offsets {min} to {max}, which it had begun, are inserted under its token");
    }
    Notice::done("records_inserted_before", left_out, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(topic: &str, separator: Option<&str>) -> [String; 2] {
        let names = Names::new(topic, 3, separator, "base");
        [names.key, names.token]
    }

    #[test]
    fn partitions_have_the_names_that_the_java_connector_gives_them() {
        assert_eq!(names("orders", None), ["orders-3", "orders-3"]);
        assert_eq!(names("shop.orders", Some(".")), ["shop.orders-3", "orders-3"]);
        assert_eq!(names("orders", Some(".")), ["base.orders-3", "orders-3"]);
        assert_eq!(names("a.b.c", Some(".")), ["base.a.b.c-3", "a.b.c-3"]);
    }

    #[test]
    fn a_batch_is_split_by_offsets_wherever_its_records_stand() {
        let record = |partition, offset| Incoming { topic: "t", partition, offset, ..Incoming::default() };
        let records = [record(0, 7), record(1, 4), record(0, 4), record(0, 5), record(0, 3), record(0, 6)];
        let names = Names::new("t", 0, None, "d");
        let span = Span { topic: "t", partition: 0, begin: 3, end: 7, indices: vec![0, 2, 3, 4, 5], names };
        let mut split = Split::default();
        assert_eq!(split.take(&records, &span, Theirs { min: 4, max: 6, is_begun: true }), 1);
        let own: Vec<_> = (0..records.len()).filter(|index| split.is_own(*index)).collect();
        assert_eq!(own, [0, 1]);
        assert_eq!(split.begun, [("t-0-4-6".to_owned(), vec![2, 3, 5])]);
        let mut split = Split::default();
        assert_eq!(split.take(&records, &span, Theirs { min: 4, max: 6, is_begun: false }), 4);
        assert!(split.begun.is_empty() && !split.is_own(4));
    }
}
