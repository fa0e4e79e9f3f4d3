//! Gives records again that were given before: of some shards, whoever reads them now, between two places in each.
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::types::Record;
use penstock_sdk::{Bound, Error, Result};
use tokio::task::JoinSet;

use crate::access::{Cause, Failure};

use super::feed::News;
use super::lineage::Shard;
use super::pace::Backoff;
use super::polling;
use super::position::{self, Start, Stored};
use super::reader::{Reader, Surroundings};

/// Where a shard's records end that are to be given again.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    pub sequence: String,
    /// The last part of that record; all of them where nothing is said.
    pub part: Option<u64>,
}

impl Until {
    /// Drops the records behind. True once the last one is there; an error when it was passed without having been seen.
    pub fn cut(&self, records: &mut Vec<Record>) -> Result<bool, Failure> {
        let behind = records.iter().position(|record| order(&record.sequence_number, &self.sequence).is_gt());
        if let Some(behind) = behind {
            records.truncate(behind);
        }
        match records.last() {
            Some(last) if last.sequence_number == self.sequence => Ok(true),
            _ if behind.is_some() => Err(self.lost("later records are there")),
            _ => Ok(false),
        }
    }

    /// Nothing more is to come, or nothing now.
    pub fn lost(&self, how: &str) -> Failure {
        let reason = format!("records up to {} are not kept any more: {how}", self.sequence);
        Failure { cause: Cause::Invalid, action: "kinesis:GetRecords", reason }
    }
}

/// Sequence numbers are too long for any number type.
fn order(one: &str, other: &str) -> Ordering {
    let [one, other] = [one, other].map(|digits| digits.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Reads what the bounds say and ends.
pub async fn run(around: Arc<Surroundings>, bounds: Vec<Bound>) {
    if let Err(error) = give(&around, bounds).await {
        around.feed.send(News::Failed(error));
        return;
    }
    // The task goes on asking for more, and there is none.
    std::future::pending::<()>().await;
}

async fn give(around: &Arc<Surroundings>, bounds: Vec<Bound>) -> Result<()> {
    let listed = shards(around).await?;
    let mut readers = JoinSet::new();
    for bound in bounds {
        let mut reader = reader(around, &listed, &bound)?;
        readers.spawn(async move {
            let outcome = polling::follow(&mut reader).await;
            (reader, outcome)
        });
    }
    while let Some(joined) = readers.join_next().await {
        let (reader, outcome) =
            joined.map_err(|panic| Error::fatal(format!("a reader of a shard has ended: {panic}")))?;
        outcome.map_err(|failure| around.stream.error(&failure).within(&reader.shard.id))?;
    }
    Ok(())
}

async fn shards(around: &Surroundings) -> Result<HashMap<String, Shard>> {
    let mut backoff = Backoff::default();
    loop {
        let failure = match around.stream.shards().await {
            Ok(shards) => return Ok(shards.into_iter().map(|shard| (shard.id.clone(), shard)).collect()),
            Err(failure) => failure,
        };
        if !around.stream.is_passing(&failure) {
            return Err(around.stream.error(&failure));
        }
        around.feed.send(News::Failed(around.stream.error(&failure)));
        tokio::time::sleep(backoff.failed(fastrand::f64()).max(PAUSE_MIN)).await;
    }
}

fn reader(around: &Arc<Surroundings>, listed: &HashMap<String, Shard>, bound: &Bound) -> Result<Reader> {
    let stream = &around.stream.name.name;
    let id = bound.partition.text("shard").unwrap_or_default();
    if bound.partition != position::partition(stream, id) {
        return Err(Error::config(format!(
            "kinesis.stream: {stream} has no records of {:?}, which are to be given again",
            bound.partition
        )));
    }
    let Some(shard) = listed.get(id) else {
        return Err(Error::config(format!(
            "stream {stream}: shard {id} is no longer kept, and its records are lost that are to be given again"
        )));
    };
    let from = bound.from.as_ref().map(position::read).transpose()?;
    let until = match position::read(&bound.until)? {
        Stored::End => None,
        Stored::From(Start::Behind { sequence, part }) => Some(Until { sequence, part }),
        Stored::From(_) => {
            return Err(Error::config(format!("no record of {id} stands at {:?}", bound.until)));
        }
    };
    let from = match (from, &around.settings.start) {
        (Some(Stored::From(start)), _) => start,
        (Some(Stored::End), _) => return Err(Error::config(format!("{id} has no records behind its end"))),
        // What came of a shard from its very beginning was the child of one that was read.
        (None, Start::Latest) => Start::TrimHorizon,
        (None, start) => start.clone(),
    };
    let mut reader = Reader::new(Arc::clone(around), Arc::new(shard.clone()), from);
    reader.until = until;
    Ok(reader)
}

const PAUSE_MIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_kinesis::primitives::Blob;

    fn cut(sequences: &[&str], until: &str) -> (Vec<String>, Option<bool>) {
        let record = |sequence: &&str| {
            let record = Record::builder().sequence_number(*sequence).partition_key("k");
            record.data(Blob::new("x")).build().unwrap()
        };
        let mut records: Vec<_> = sequences.iter().map(record).collect();
        let done = Until { sequence: until.into(), part: None }.cut(&mut records);
        (records.into_iter().map(|record| record.sequence_number).collect(), done.ok())
    }

    #[test]
    fn records_behind_the_last_one_are_left_out_by_their_number_and_not_their_text() {
        assert_eq!(cut(&["8", "9"], "10"), (vec!["8".into(), "9".into()], Some(false)));
        assert_eq!(cut(&["9", "10", "11"], "10"), (vec!["9".into(), "10".into()], Some(true)));
        assert_eq!(cut(&[], "10"), (vec![], Some(false)));
    }

    #[test]
    fn a_last_record_that_is_gone_is_noticed() {
        assert_eq!(cut(&["9", "11"], "10").1, None);
        assert_eq!(cut(&["11"], "10").1, None);
    }
}
