//! Inserts into several tables at the same time: the first attempt of each.
use crate::exact::Promise;
use crate::failure::{Cause, Failure};
use crate::incoming::Incoming;
use crate::server::Sending;
use crate::table::Name;
use crate::target::{Link, Outcome, Target};

/// A table's part of a batch.
pub struct Share<'a> {
    pub name: &'a Name,
    pub target: Target,
    /// Sorted, when there is a promise.
    pub indices: &'a [usize],
}

/// What became of a share.
pub enum Settled {
    Done(Outcome),
    Failed(Failure),
    /// The table has to look closer, by itself. Whatever is stored of it by now is stored under the token of the whole,
    /// if there are tokens.
    Open,
}

/// Decodes and inserts the shares; the answers are in their order.
pub fn send(
    link: &mut Link,
    records: &[Incoming<'_>],
    shares: &mut [Share<'_>],
    promise: Option<&Promise<'_>>,
) -> Vec<Settled> {
    let mut settled: Vec<_> = shares
        .iter_mut()
        .map(|share| share.target.prepare(link, records, share.indices, promise))
        .map(|outcome| outcome.map_or(Settled::Open, Settled::Done))
        .collect();
    let check = || promise.map_or(Ok(()), Promise::check);
    let (mut places, mut sendings): (Vec<usize>, Vec<Sending<'_>>) = (Vec::new(), Vec::new());
    for (place, share) in shares.iter_mut().enumerate() {
        let token =
            promise.map(|promise| promise.token_of(share.name, records, (share.indices, share.indices)));
        if matches!(settled[place], Settled::Done(_))
            && let Some(sending) = share.target.sending(token)
        {
            places.push(place);
            sendings.push(sending);
        }
    }
    let answers = link.server.insert_all(&sendings, &check);
    drop(sendings);
    for (place, answer) in places.into_iter().zip(answers) {
        let share = &mut shares[place];
        match answer {
            Ok(took) => {
                if let Settled::Done(outcome) = &mut settled[place] {
                    outcome.was_delayed = share.target.was_delayed(link, took);
                }
            }
            Err(failure) if matches!(failure.cause, Cause::Schema | Cause::Data | Cause::MissingTable) => {
                settled[place] = Settled::Open;
            }
            Err(failure) => {
                settled[place] = Settled::Failed(failure.within(&format!("inserting into {}", share.name)));
            }
        }
    }
    settled
}
