//! A worker that was frozen and thaws, and one that has the address of another.

use crate::SESSION;
use crate::load::Load;
use crate::squad::{CALM, Squad, UNREST, running};
use penstock_tests::{Kafka, SOON, until};
use std::time::Instant;

#[test]
fn a_thawed_worker_gives_up_its_tasks_by_itself_and_comes_back() {
    let mut squad = Squad::on(&Kafka::shared(), UNREST);
    let mut load = Load::start(&squad);
    let frozen = squad.leader();
    let others: Vec<usize> = (0..3).filter(|number| *number != frozen).collect();
    let held = running(&squad.workers[frozen]);
    assert!(held > 0);
    // Whichever it notices first: that its time is up, that another took a task's place, or what the log says by now.
    let given_up = |squad: &Squad| -> f64 {
        let worker = &squad.workers[frozen];
        let by = |cause| worker.metric("penstock_worker_tasks_interrupted_total", &[cause]);
        ["cause=\"lost\"", "cause=\"fenced\"", "cause=\"moved\""].into_iter().map(by).sum()
    };
    let before = given_up(&squad);
    let started = Instant::now();
    squad.workers[frozen].send("STOP");
    squad.await_settled(&load, &others);
    println!("the {held} tasks of a frozen leader ran elsewhere after {:?}", started.elapsed());
    println!("their rows moved again after {:?}", load.await_rows(started));
    until("three sessions to pass", SOON, || started.elapsed() > 3 * SESSION);
    squad.workers[frozen].send("CONT");
    let thawed = Instant::now();
    until("the thawed worker to have given up all its tasks by itself", SOON, || {
        given_up(&squad) - before > held as f64 - 0.5
    });
    println!("thawed, it had given up all of them {:?} later", thawed.elapsed());
    squad.await_settled(&load, &[0, 1, 2]);
    println!("and had its share again {:?} after the thaw", thawed.elapsed());
    load.await_rows(Instant::now());
    load.finish(&mut squad);
}

#[test]
fn a_second_worker_with_the_same_address_says_who_holds_it_and_does_not_join() {
    let mut squad = Squad::on(&Kafka::shared(), CALM);
    let holder = squad.workers[0].authority().to_owned();
    let port = holder.rsplit_once(':').unwrap().1;
    let rival = squad.workers[0].sibling().set("rest.advertised.port", port);
    let rival = rival.set("rest.advertised.host.name", "127.0.0.1").run_to_its_end();
    assert!(!rival.status.success(), "it ended with {}", rival.status);
    let said = format!("{}{}", rival.stdout, rival.stderr);
    let line =
        said.lines().find(|line| line.contains("is taken")).unwrap_or_else(|| panic!("it said: {said}"));
    assert!(line.contains(&holder) && line.contains("rest.advertised.port"), "{line}");
    println!("{line}");
    for worker in &squad.workers {
        assert!(
            (worker.metric("penstock_cluster_members", &[]) - 3.0).abs() < 0.5,
            "the others are three still"
        );
    }
    squad.stop();
}
