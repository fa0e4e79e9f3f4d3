//! Spreads tasks over workers: evenly, and with as few moves as can be.
use crate::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// Gives every task of `tasks` to one of `workers`. Tasks stay where `current` has them as long as that keeps the
/// load even (max − min ≤ 1 in all); the rest goes to whoever has least, fewest of the same connector first.
pub fn assign(
    tasks: &BTreeSet<TaskId>,
    workers: &BTreeSet<String>,
    current: &BTreeMap<TaskId, String>,
) -> BTreeMap<TaskId, String> {
    let mut load: BTreeMap<&str, Vec<&TaskId>> =
        workers.iter().map(|worker| (worker.as_str(), Vec::new())).collect();
    if load.is_empty() {
        return BTreeMap::new();
    }
    let (low, extra) = (tasks.len() / load.len(), tasks.len() % load.len());
    let mut homeless = Vec::new();
    let mut full = 0;
    for task in tasks {
        let home = current.get(task).and_then(|worker| load.get_mut(worker.as_str()));
        match home {
            Some(held) if held.len() < low => held.push(task),
            Some(held) if held.len() == low && full < extra => {
                full += 1;
                held.push(task);
            }
            _ => homeless.push(task),
        }
    }
    for task in homeless {
        let same =
            |held: &Vec<&TaskId>| held.iter().filter(|other| other.connector == task.connector).count();
        let least = load.values_mut().min_by_key(|held| (held.len(), same(held)));
        if let Some(held) = least {
            held.push(task);
        }
    }
    load.into_iter()
        .flat_map(|(worker, held)| held.into_iter().map(move |t| (t.clone(), worker.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(assignment: &BTreeMap<TaskId, String>, workers: &BTreeSet<String>) -> usize {
        let count = |worker: &String| assignment.values().filter(|owner| *owner == worker).count();
        let counts: Vec<_> = workers.iter().map(count).collect();
        counts.iter().max().unwrap() - counts.iter().min().unwrap()
    }

    proptest! {
        #[test]
        fn every_task_has_one_worker_and_the_load_is_even(
            tasks in prop::collection::btree_set(("[a-c]", 0u32..8), 0..24),
            before in 1usize..6,
            after in 1usize..6,
        ) {
            let tasks: BTreeSet<_> = tasks.into_iter().map(|(c, t)| TaskId::new(c, t)).collect();
            let workers = |n: usize| (0..n).map(|i| format!("w{i}")).collect::<BTreeSet<_>>();
            let first = assign(&tasks, &workers(before), &BTreeMap::new());
            let second = assign(&tasks, &workers(after), &first);
            prop_assert_eq!(second.len(), tasks.len());
            prop_assert!(spread(&second, &workers(after)) <= 1);
            // Nothing moves when nothing changed.
            prop_assert_eq!(assign(&tasks, &workers(after), &second), second);
        }
    }
}
