//! Finds a table for records, and creates it from them where it is missing and the settings say so.
use crate::decoder::{Appended, Decoder, Keys, Refused};
use crate::exact::Promise;
use crate::failure::{Cause, Failure};
use crate::incoming::{Class, Incoming};
use crate::notice::Notice;
use crate::proposal::{Proposal, Sample};
use crate::server::Check;
use crate::shape::Shape;
use crate::table::Name;
use crate::target::{Link, Outcome, Target};
use crate::values::Zones;

pub enum Opened {
    Ready(Box<Target>),
    /// There is no table, and no record that one could be made of: they are rejected or delete nothing.
    Waits(Outcome),
}

/// Opens the table that the records at `indices` go to.
pub fn open(
    link: &mut Link,
    name: &Name,
    (records, indices): (&[Incoming<'_>], &[usize]),
    promise: Option<&Promise<'_>>,
) -> Result<Opened, Failure> {
    let missing = match Target::open(link, name.clone()) {
        Err(failure) if failure.cause == Cause::MissingTable => failure,
        result => return result.map(Box::new).map(Opened::Ready),
    };
    let all = indices.iter().map(|&index| &records[index]);
    let sample = match Sample::read(all, &link.shape, SAMPLE_RECORDS) {
        Err(_) if !link.wishes.creates => return Err(missing),
        sample => sample?,
    };
    let proposal = Proposal::make(name, &sample, &link.shape, &link.wishes);
    if !link.wishes.creates {
        return Err(match proposal {
            Ok(proposal) if sample.has_fields() => with_proposal(&missing, &proposal.statement),
            _ => missing,
        });
    }
    let is_enough = sample.has_fields() || link.shape.raw_only && sample.records > 0;
    if !is_enough {
        return judge(link, records, indices).map(Opened::Waits);
    }
    let proposal = proposal.map_err(|reason| {
        Failure::new(Cause::Unfit, format!("table {name} does not exist and cannot be created: {reason}"))
    })?;
    create(link, name, &proposal, &|| promise.map_or(Ok(()), Promise::check))?;
    Target::open(link, name.clone()).map(Box::new).map(Opened::Ready).map_err(|failure| match failure.cause {
        Cause::MissingTable => {
            let sentence = format!(
                "table {name} was created and cannot be seen: grant INSERT ON {name}, and where it is replicated wait for it"
            );
            Failure::new(Cause::Refused, sentence)
        }
        _ => failure,
    })
}

fn create(link: &mut Link, name: &Name, proposal: &Proposal, check: Check<'_>) -> Result<(), Failure> {
    link.server.run(&proposal.statement, check).map_err(|failure| {
        let advice = match failure.cause {
            cause if cause.passes() => String::new(),
            Cause::Refused => format!("; grant it, or run {}", proposal.statement),
            _ => format!("; the statement was {}", proposal.statement),
        };
        // A database that is missing, too, is no missing table that may be passed over.
        let cause = if failure.cause == Cause::MissingTable { Cause::Unfit } else { failure.cause };
        let failure = failure.within(&format!("creating table {name}"));
        Failure { sentence: failure.sentence + &advice, cause, ..failure }
    })?;
    let count = proposal.columns.len();
    let sentence = format!("created table {name} with {count} columns: {}", proposal.statement);
    let advice = proposal.advice.iter().take(ADVICE_MAX).map(String::as_str);
    let sentences: Vec<_> = std::iter::once(sentence.as_str()).chain(advice).collect();
    link.notices.push(Notice::done("tables_created", 1, sentences.join("; ")));
    Ok(())
}

/// Says which statement would make the table.
pub fn with_proposal(missing: &Failure, statement: &str) -> Failure {
    let advice = if statement.len() > STATEMENT_MAX {
        "tableCreation=create makes it from the records".to_owned()
    } else {
        format!("tableCreation=create would run {statement}")
    };
    Failure::new(missing.cause, format!("{}; {advice}", missing.sentence))
}

/// Tells records that no table could take from those that have nothing to insert.
fn judge(link: &Link, records: &[Incoming<'_>], indices: &[usize]) -> Result<Outcome, Failure> {
    let Shape { envelope, upserts, schemas, key_schemas, .. } = link.shape.clone();
    let keys = Keys { version: String::new(), deleted: String::new(), required: Vec::new() };
    let shape = Shape { envelope, upserts, schemas, key_schemas, ..Shape::default() };
    let decoder = Decoder::open(&[], &Zones::utc(), &shape, Some(&keys));
    let mut decoder = decoder.map_err(|reason| Failure::new(Cause::Unfit, reason))?;
    let mut outcome = Outcome::default();
    for &index in indices {
        let record = &records[index];
        let has_value = record.value.is_some();
        let refusal = match decoder.take(record) {
            Ok(Appended::Tombstone) => None,
            // Without a table, there is nothing that a delete could reach.
            Ok(Appended::Row) if !has_value || shape.upserts.is_some() => None,
            Ok(Appended::Row) => Some(record.refusal(Class::Parsing, &NO_FIELDS)),
            Err(Refused::Misfit(misfit)) => Some(record.refusal(Class::Parsing, &misfit)),
            Err(Refused::Unread(failure)) => return Err(failure),
        };
        decoder.clear();
        match refusal {
            None => outcome.tombstones += 1,
            Some(refusal) => outcome.rejected.push((index, refusal)),
        }
    }
    Ok(outcome)
}

const NO_FIELDS: &str =
    "the record has no field, and its table does not exist yet, so there is no column to make of it";
/// Records that a table is made from: more of them rarely say more.
const SAMPLE_RECORDS: usize = 1000;
const ADVICE_MAX: usize = 20;
/// A longer statement is no help in a message.
const STATEMENT_MAX: usize = 8000;
