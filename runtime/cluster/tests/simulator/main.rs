//! The seeded simulator: clusters of herders in virtual time, with everything going wrong that can.
//!
//! `PENSTOCK_SIM_SEEDS` is how many seeds to run, `PENSTOCK_SIM_SEED` runs one of them, and `PENSTOCK_SIM_TRACE` is how
//! many lines of its trace a failing one shows.
mod checks;
mod clients;
mod drafts;
mod faults;
mod fences;
mod finish;
mod group;
mod log;
mod membership;
mod options;
mod process;
mod random;
mod reading;
mod reference;
mod rpc;
mod shell;
mod statuses;
mod tasks;
mod world;

use options::{Mutant, Options};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use world::World;

const SEEDS: u64 = 10_000;
/// Every planted bug has to show within this many seeds.
const MUTANT_SEEDS: u64 = 600;
const THREADS: usize = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What went wrong under this seed, if anything did; and how many steps it took.
fn run(seed: u64, mutant: Option<Mutant>) -> (Option<String>, u64) {
    let mut world = World::new(Options::expand(seed, mutant), 0);
    world.run();
    (world.violation, world.steps)
}

/// The same run once more, with all that is needed to understand it.
fn explain(seed: u64, mutant: Option<Mutant>) -> String {
    let options = Options::expand(seed, mutant);
    let mut world = World::new(options.clone(), number("PENSTOCK_SIM_TRACE").unwrap_or(150) as usize);
    world.run();
    let what = world.violation.clone().unwrap_or_else(|| "nothing went wrong".into());
    format!(
        "seed {seed}: {what}\n{options:#?}\n{}seed {seed}: {what}\nagain: PENSTOCK_SIM_SEED={seed} cargo test -p \
         penstock-cluster --test simulator",
        world.trace()
    )
}

/// Runs seeds until one fails, and answers the least that did.
fn first_failure(seeds: std::ops::Range<u64>, mutant: Option<Mutant>) -> Option<u64> {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if run(seed, mutant).0.is_some() {
                next.store(seeds.end, Ordering::Relaxed);
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some(failed.map_or(seed, |least: u64| least.min(seed)));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn clusters_keep_their_promises_whatever_goes_wrong() {
    let failed = match number("PENSTOCK_SIM_SEED") {
        Some(seed) => run(seed, None).0.map(|_| seed),
        None => first_failure(0..number("PENSTOCK_SIM_SEEDS").unwrap_or(SEEDS), None),
    };
    if let Some(seed) = failed {
        panic!("{}", explain(seed, None));
    }
}

#[test]
fn planted_bugs_are_found() {
    let missed: Vec<Mutant> = Mutant::ALL
        .into_iter()
        .filter(|mutant| first_failure(0..MUTANT_SEEDS, Some(*mutant)).is_none())
        .collect();
    assert!(missed.is_empty(), "not found within {MUTANT_SEEDS} seeds: {missed:?}");
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 0..20 {
        assert_eq!(run(seed, None), run(seed, None));
        assert_eq!(explain(seed, None), explain(seed, None));
    }
}
