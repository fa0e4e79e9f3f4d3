//! One worker's way to Kafka is cut: both ways, or one alone.

use crate::SESSION;
use crate::load::Load;
use crate::squad::{Squad, UNREST, running};
use penstock_tests::{Cut, Kafka, Proxy, SOON, until};
use std::time::{Duration, Instant};

/// What a loaded machine may take more than the goal, which is one and a half seconds after the session.
const GENEROUS: Duration = Duration::from_secs(20);

#[test]
fn a_worker_that_is_cut_off_stops_its_tasks_in_time_and_comes_back() {
    let kafka = Kafka::shared();
    let proxy = Proxy::start(&kafka.bootstrap);
    let ways = [kafka.bootstrap.as_str(), kafka.bootstrap.as_str(), proxy.address.as_str()];
    let mut squad = Squad::start(&kafka, ways, &[UNREST, AWAY].concat());
    let mut load = Load::start(&squad);
    for cut in [Cut::Both, Cut::Requests, Cut::Answers] {
        cut_off(&squad, &mut load, &proxy, cut);
    }
    load.await_rows(Instant::now());
    load.finish(&mut squad);
}

fn cut_off(squad: &Squad, load: &mut Load, proxy: &Proxy, cut: Cut) {
    let alone = &squad.workers[2];
    let held = running(alone);
    assert!(held > 0);
    let started = Instant::now();
    proxy.cut(cut);
    let (mut stopped, mut last_run) = (Duration::ZERO, Duration::ZERO);
    until("the worker to have stopped its tasks", SOON, || {
        let looked = started.elapsed();
        let runs = running(alone) != 0;
        if runs {
            last_run = looked;
        }
        stopped = started.elapsed();
        !runs
    });
    assert!(last_run < SESSION, "its tasks still ran after {last_run:?}: the session was over by then");
    let health = alone.rest.get("/health");
    assert_ne!(health.status, 200, "out of the cluster it is not healthy: {}", health.body);
    let moved = load.await_rows(started);
    squad.await_settled(load, &[0, 1]);
    let elsewhere = started.elapsed();
    assert!(moved < SESSION + GENEROUS, "rows moved again after {moved:?}");
    assert_eq!(running(alone), 0, "it stays without tasks while it is cut off");
    println!(
        "{cut:?} cut: {held} tasks stopped after {stopped:?}, ran elsewhere after {elsewhere:?}, rows {moved:?}"
    );
    proxy.heal();
    println!("  healed, it had its share again after {:?}", squad.await_settled(load, &[0, 1, 2]));
}

/// What a worker says of a Kafka that does not answer, and of its own past once it answers again: who took a sink's
/// task over has fenced it, and a source's task cannot end well without Kafka.
pub const AWAY: &[&str] =
    &[" WARN ", "Static consumer fenced by other consumer", "the task did not end in time and is abandoned"];
