//! Spreads tasks over workers: evenly, and with as few moves as can be.
use crate::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// What there is to spread, and what may change about it.
#[derive(Debug)]
pub struct Spread<'a> {
    pub tasks: &'a BTreeSet<TaskId>,
    pub workers: &'a BTreeSet<String>,
    /// Where tasks are, or are on their way to.
    pub current: &'a BTreeMap<TaskId, String>,
    /// Connectors whose tasks may move; of others only tasks without a living worker get a new one. `None`: all.
    pub movable: Option<&'a BTreeSet<String>>,
}

/// How many tasks of one connector each worker gets: `base`, and one more for those in `extra`.
struct Share<'a> {
    base: usize,
    extra: BTreeSet<&'a str>,
    held: BTreeMap<&'a str, usize>,
    is_movable: bool,
}

/// Gives every task to a worker. When everything may move, each connector's tasks and all tasks together are spread
/// evenly (max − min ≤ 1), and a task leaves its worker only where that needs it.
pub fn assign(spread: &Spread<'_>) -> BTreeMap<TaskId, String> {
    if spread.workers.is_empty() {
        return BTreeMap::new();
    }
    let mut load: BTreeMap<&str, usize> = spread.workers.iter().map(|worker| (worker.as_str(), 0)).collect();
    let mut shares = shares(spread);
    for share in shares.values() {
        for (worker, count) in share.counts(spread.workers) {
            *load.entry(worker).or_default() += count;
        }
    }
    fill(&mut shares, spread, &mut load);
    level(&mut shares, &mut load);
    settle(&shares, spread)
}

impl<'a> Share<'a> {
    /// What each worker has for certain so far.
    fn counts(&self, workers: &'a BTreeSet<String>) -> Vec<(&'a str, usize)> {
        let count = |worker: &str| {
            if self.is_movable {
                self.base + usize::from(self.extra.contains(worker))
            } else {
                self.held.get(worker).copied().unwrap_or(0)
            }
        };
        workers.iter().map(|worker| (worker.as_str(), count(worker))).collect()
    }
}

/// Who holds what, and, where tasks may move, who keeps one more than the rest.
fn shares<'a>(spread: &Spread<'a>) -> BTreeMap<&'a str, Share<'a>> {
    let mut shares: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for task in spread.tasks {
        let (total, held) = shares.entry(&task.connector).or_default();
        *total += 1;
        if let Some(worker) = spread.current.get(task).filter(|worker| spread.workers.contains(*worker)) {
            *held.entry(worker).or_default() += 1;
        }
    }
    let share = |(name, (total, held)): (&'a str, (usize, BTreeMap<&'a str, usize>))| {
        let (base, extras) = (total / spread.workers.len(), total % spread.workers.len());
        let is_movable = spread.movable.is_none_or(|names| names.contains(name));
        let above = held.iter().filter(|(_, count)| **count > base).map(|(worker, _)| *worker);
        let extra = if is_movable { above.take(extras).collect() } else { BTreeSet::new() };
        (name, Share { base, extra, held, is_movable })
    };
    shares.into_iter().map(share).collect()
}

/// Hands out what nobody keeps: to whoever has fewest of the connector, and of those to whoever has least in all.
fn fill<'a>(
    shares: &mut BTreeMap<&'a str, Share<'a>>,
    spread: &Spread<'a>,
    load: &mut BTreeMap<&'a str, usize>,
) {
    for (name, share) in shares.iter_mut() {
        let total = spread.tasks.range(TaskId::new(*name, 0)..=TaskId::new(*name, u32::MAX)).count();
        let given: usize = share.counts(spread.workers).iter().map(|(_, count)| count).sum();
        for _ in given..total {
            let counts = share.counts(spread.workers);
            let least = counts.iter().min_by_key(|(worker, count)| (*count, load[worker]));
            let Some((worker, _)) = least.copied() else { return };
            if share.is_movable {
                share.extra.insert(worker);
            } else {
                *share.held.entry(worker).or_default() += 1;
            }
            *load.entry(worker).or_default() += 1;
        }
    }
}

/// Moves single tasks from the fullest worker to the emptiest. Two workers that differ by two differ in the extra of
/// some connector, because all else is the same for both: so there is one to move as long as everything may move.
fn level<'a>(shares: &mut BTreeMap<&'a str, Share<'a>>, load: &mut BTreeMap<&'a str, usize>) {
    loop {
        let most = load.iter().max_by_key(|(_, count)| **count).map(|(worker, count)| (*worker, *count));
        let least = load.iter().min_by_key(|(_, count)| **count).map(|(worker, count)| (*worker, *count));
        let (Some((full, high)), Some((empty, low))) = (most, least) else { return };
        if high - low < 2 {
            return;
        }
        let can = |share: &&mut Share<'_>| {
            share.is_movable && share.extra.contains(full) && !share.extra.contains(empty)
        };
        // A task that is not running there yet, or that comes home, interrupts nothing.
        let dear = |share: &&mut Share<'_>| {
            let holds = |worker| share.held.get(worker).is_some_and(|count| *count > share.base);
            (holds(full), !holds(empty))
        };
        let Some(share) = shares.values_mut().filter(can).min_by_key(dear) else { return };
        share.extra.remove(full);
        share.extra.insert(empty);
        *load.entry(full).or_default() -= 1;
        *load.entry(empty).or_default() += 1;
    }
}

/// Names the tasks: whoever holds one keeps it as long as there is room, lower numbers first.
fn settle(shares: &BTreeMap<&str, Share<'_>>, spread: &Spread<'_>) -> BTreeMap<TaskId, String> {
    let mut room: BTreeMap<&str, BTreeMap<&str, usize>> = shares
        .iter()
        .map(|(name, share)| (*name, share.counts(spread.workers).into_iter().collect()))
        .collect();
    let mut settled = BTreeMap::new();
    let mut homeless = Vec::new();
    for task in spread.tasks {
        let home = spread.current.get(task);
        let left = home.and_then(|worker| room.get_mut(task.connector.as_str())?.get_mut(worker.as_str()));
        match (home, left) {
            (Some(home), Some(left)) if *left > 0 => {
                *left -= 1;
                settled.insert(task.clone(), home.clone());
            }
            _ => homeless.push(task),
        }
    }
    for task in homeless {
        let rooms = room.get_mut(task.connector.as_str());
        if let Some((worker, left)) = rooms.and_then(|rooms| rooms.iter_mut().find(|(_, left)| **left > 0)) {
            *left -= 1;
            settled.insert(task.clone(), (*worker).to_owned());
        }
    }
    settled
}

/// The difference between the fullest and the emptiest worker.
pub(crate) fn unevenness(settled: &BTreeMap<TaskId, String>, workers: &BTreeSet<String>) -> usize {
    let mut load: BTreeMap<&str, usize> = workers.iter().map(|worker| (worker.as_str(), 0)).collect();
    for worker in settled.values() {
        *load.entry(worker).or_default() += 1;
    }
    let most = load.values().max().copied().unwrap_or(0);
    most - load.values().min().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn workers(n: usize) -> BTreeSet<String> {
        (0..n).map(|i| format!("w{i}")).collect()
    }

    fn tasks(counts: &[u32]) -> BTreeSet<TaskId> {
        let of = |(number, count): (usize, &u32)| {
            (0..*count).map(move |task| TaskId::new(format!("c{number}"), task)).collect::<Vec<_>>()
        };
        counts.iter().enumerate().flat_map(of).collect()
    }

    fn all(
        tasks: &BTreeSet<TaskId>,
        workers: &BTreeSet<String>,
        current: &BTreeMap<TaskId, String>,
    ) -> BTreeMap<TaskId, String> {
        assign(&Spread { tasks, workers, current, movable: None })
    }

    fn is_even(settled: &BTreeMap<TaskId, String>, workers: &BTreeSet<String>) -> bool {
        let names: BTreeSet<_> = settled.keys().map(|task| task.connector.clone()).collect();
        let of = |name: &String| {
            settled
                .iter()
                .filter(|(task, _)| &task.connector == name)
                .map(|(t, w)| (t.clone(), w.clone()))
                .collect()
        };
        unevenness(settled, workers) <= 1 && names.iter().all(|name| unevenness(&of(name), workers) <= 1)
    }

    fn moved(before: &BTreeMap<TaskId, String>, after: &BTreeMap<TaskId, String>) -> usize {
        before.iter().filter(|(task, worker)| after.get(*task).is_some_and(|now| now != *worker)).count()
    }

    proptest! {
        #[test]
        fn every_task_has_one_worker_and_all_is_even(
            first in prop::collection::vec(0u32..7, 0..8),
            second in prop::collection::vec(0u32..7, 0..8),
            before in 1usize..6,
            after in 1usize..6,
        ) {
            let (old, new) = (tasks(&first), tasks(&second));
            let start = all(&old, &workers(before), &BTreeMap::new());
            prop_assert!(is_even(&start, &workers(before)));
            let next = all(&new, &workers(after), &start);
            prop_assert_eq!(next.len(), new.len());
            prop_assert!(is_even(&next, &workers(after)));
            // Nothing moves when nothing changed.
            prop_assert_eq!(all(&new, &workers(after), &next), next);
        }

        #[test]
        fn a_worker_that_goes_moves_only_its_own_and_one_that_comes_takes_its_share(
            counts in prop::collection::vec(0u32..7, 0..8),
            n in 2usize..6,
        ) {
            let tasks = tasks(&counts);
            let full = all(&tasks, &workers(n), &BTreeMap::new());
            let came = all(&tasks, &workers(n + 1), &full);
            // The newcomer's share, and what evens the connectors out: never more than each connector's own share.
            let share: u32 = counts.iter().map(|count| count.div_ceil(n as u32 + 1)).sum();
            prop_assert!(moved(&full, &came) <= share as usize + counts.len());
            prop_assert!(is_even(&came, &workers(n + 1)));
        }

        #[test]
        fn what_may_not_move_stays_and_orphans_find_a_worker(
            first in prop::collection::vec(0u32..7, 1..8),
            n in 1usize..5,
        ) {
            let start = all(&tasks(&first), &workers(n), &BTreeMap::new());
            let mut grown = first.clone();
            grown[0] += 3;
            let movable = BTreeSet::from(["c0".to_owned()]);
            let (all, workers) = (tasks(&grown), workers(n));
            let spread = Spread { tasks: &all, workers: &workers, current: &start, movable: Some(&movable) };
            let next = assign(&spread);
            prop_assert_eq!(next.len(), all.len());
            for (task, worker) in &start {
                prop_assert!(task.connector == "c0" || next[task] == *worker);
            }
        }
    }
}
