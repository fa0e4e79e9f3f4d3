//! How long it takes until others carry on, and until a new worker has its share.

use crate::SESSION;
use crate::load::Load;
use crate::squad::{Squad, UNREST};
use penstock_tests::Kafka;
use std::time::{Duration, Instant};

/// What a loaded machine may take more than the goals that are printed.
const GENEROUS: Duration = Duration::from_secs(20);

#[test]
fn others_carry_on_after_a_kill_and_a_clean_stop_and_a_newcomer_has_its_share() {
    let mut squad = Squad::on(&Kafka::shared(), UNREST);
    let mut load = Load::start(&squad);
    for leads in [true, false] {
        let leader = squad.leader();
        let victim = if leads { leader } else { (leader + 1) % 3 };
        squad.workers[victim].kill();
        report(
            &format!("kill, leader: {leads}"),
            "rows",
            load.await_rows(Instant::now()),
            SESSION + ms(1500),
        );
        come_back(&mut squad, &load, victim);
    }
    for leads in [true, false] {
        let leader = squad.leader();
        let leaving = if leads { leader } else { (leader + 1) % 3 };
        let started = Instant::now();
        squad.workers[leaving].send("TERM");
        report(&format!("clean stop, leader: {leads}"), "rows", load.await_rows(started), ms(1000));
        squad.workers[leaving].wait();
        println!("  the process had ended after {:?}", started.elapsed());
        come_back(&mut squad, &load, leaving);
    }
    load.finish(&mut squad);
}

fn come_back(squad: &mut Squad, load: &Load, number: usize) {
    let others: Vec<usize> = (0..3).filter(|other| *other != number).collect();
    squad.await_settled(load, &others);
    squad.workers[number].start();
    report("new worker", "balanced", squad.await_settled(load, &[0, 1, 2]), ms(3000));
}

#[track_caller]
fn report(what: &str, then: &str, took: Duration, goal: Duration) {
    println!("{what}: {then} after {took:?}, the goal is {goal:?}");
    assert!(took < goal + GENEROUS, "{what}: {then} after {took:?}");
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
