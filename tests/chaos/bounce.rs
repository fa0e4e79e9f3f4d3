//! Workers that are restarted one after the other, and workers that are killed at any moment.

use crate::chosen;
use crate::load::Load;
use crate::squad::{CALM, Squad, UNREST};
use penstock_tests::Kafka;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const ROUNDS: usize = 3;

#[test]
fn rolling_restarts_lose_nothing_and_double_nothing() {
    let mut squad = Squad::on(&Kafka::shared(), CALM);
    let mut load = Load::start(&squad);
    for round in 1..=ROUNDS {
        let started = Instant::now();
        for number in 0..3 {
            squad.workers[number].stop();
            squad.workers[number].start();
            // The last round leaves the cluster no time between two restarts.
            if round < ROUNDS {
                squad.await_settled(&load, &[0, 1, 2]);
            }
        }
        squad.await_settled(&load, &[0, 1, 2]);
        println!("rolling restart {round} of three workers took {:?}", started.elapsed());
    }
    load.await_rows(Instant::now());
    assert_eq!(load.finish(&mut squad), 0, "records came more than once");
}

#[test]
fn kills_at_random_moments_lose_nothing() {
    let kills = chosen("PENSTOCK_CHAOS_KILLS", 5);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = chosen("PENSTOCK_CHAOS_SEED", now);
    println!("{kills} kills with PENSTOCK_CHAOS_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut squad = Squad::on(&Kafka::shared(), UNREST);
    let mut load = Load::start(&squad);
    for kill in 1..=kills {
        // From at once to six seconds, more often soon: also while the cluster still rearranges itself.
        let most = [50, 300, 1500][random.usize(..3)];
        load.await_sent(random.u64(..most));
        let victim = random.usize(..3);
        let leads = squad.workers[victim].metric("penstock_cluster_leader", &[]) > 0.5;
        // Back at the address that its dead self still holds, or at another.
        let keeps_address = random.bool();
        if keeps_address {
            squad.workers[victim].keep_address();
        }
        squad.workers[victim].kill();
        let killed = Instant::now();
        println!("kill {kill}: worker {victim}, leads: {leads}, keeps its address: {keeps_address}");
        if random.bool() {
            println!("  rows moved again on the others after {:?}", load.await_rows(killed));
        } else {
            load.await_sent(random.u64(..most));
        }
        squad.workers[victim].start();
        println!("  the worker was back and healthy {:?} after the kill", killed.elapsed());
    }
    println!("all tasks were shared again after {:?}", squad.await_settled(&load, &[0, 1, 2]));
    load.await_rows(Instant::now());
    load.finish(&mut squad);
}
