//! Kafka itself is restarted, and is gone for a while.

use crate::chosen;
use crate::load::Load;
use crate::partition::AWAY;
use crate::squad::Squad;
use penstock_tests::services::Own;
use penstock_tests::{Answer, Kafka, SOON, Worker, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// No answer that needs nothing of Kafka may take longer than this; the look at Kafka that /health takes has five seconds.
const READ: Duration = Duration::from_secs(10);
/// The longest that a change may wait for a leader before it is refused.
const CHANGE: Duration = Duration::from_secs(95);

#[test]
fn a_broker_that_goes_and_comes_back_fails_no_task_and_loses_nothing() {
    let broker = Own::start("kafka");
    let kafka = Kafka { bootstrap: broker.address.clone() };
    let mut squad = Squad::on(&kafka, AWAY);
    let mut load = Load::start(&squad);
    restart(&squad, &mut load, &broker);
    disappear(&squad, &mut load, &broker);
    let failures: Vec<String> = squad.workers.iter().flat_map(failures).collect();
    assert!(failures.is_empty(), "tasks failed:\n{}", failures.join("\n"));
    load.finish(&mut squad);
}

fn failures(worker: &Worker) -> Vec<String> {
    worker.log.text().lines().filter(|line| line.contains("the task failed")).map(str::to_owned).collect()
}

fn restart(squad: &Squad, load: &mut Load, broker: &Own) {
    broker.stop();
    broker.start_again();
    let back = Instant::now();
    squad.await_settled(load, &[0, 1, 2]);
    println!(
        "all ran as before {:?} after the broker's restart, rows moved {:?}",
        back.elapsed(),
        load.await_rows(back)
    );
}

fn disappear(squad: &Squad, load: &mut Load, broker: &Own) {
    let seconds = Duration::from_secs(chosen("PENSTOCK_CHAOS_OUTAGE_SECONDS", 40));
    let changed = &load.connectors[0];
    let path = format!("/connectors/{}/config", changed.name);
    let mut config = changed.config.clone();
    config["note"] = json!("changed while Kafka is away");
    broker.stop();
    let gone = Instant::now();
    until("health to tell that Kafka is away", SOON, || {
        squad.workers.iter().all(|worker| health(worker).status != 200)
    });
    println!("health of all workers told it {:?} after the broker was gone", gone.elapsed());
    std::thread::scope(|scope| {
        let asked = &squad.workers[0].rest;
        let change = scope.spawn(move || {
            let started = Instant::now();
            (asked.send("PUT", &path, Some(&config)), started.elapsed())
        });
        let mut slowest = Duration::ZERO;
        until("the outage to be over", seconds + SOON, || {
            slowest = squad.workers.iter().map(|worker| read_all(worker, load)).max().unwrap().max(slowest);
            gone.elapsed() > seconds
        });
        println!("reads were answered within {slowest:?} all the while");
        broker.start_again();
        let (answer, took) = change.join().unwrap();
        assert!(took < CHANGE, "a change was answered after {took:?}");
        let answer = answer.expect("an answer to a change");
        println!("a change was answered {} after {took:?}: {}", answer.status, answer.body);
        assert!(matches!(answer.status, 200 | 409), "{} {}", answer.status, answer.body);
    });
    let back = Instant::now();
    squad.await_settled(load, &[0, 1, 2]);
    println!("gone for {:?}; all ran {:?} after it was back", gone.elapsed(), back.elapsed());
    println!("rows moved again after {:?}", load.await_rows(back));
    assert!(squad.workers.iter().all(|worker| health(worker).status == 200));
}

fn health(worker: &Worker) -> Answer {
    timed(worker, "/health").0
}

/// Asks everything that a worker knows by itself; the longest that an answer took.
fn read_all(worker: &Worker, load: &Load) -> Duration {
    let one = format!("/connectors/{}/status", load.connectors[0].name);
    let (status, first) = timed(worker, &one);
    let tasks = status.body["tasks"].as_array().cloned().unwrap_or_default();
    let failed: Vec<&Value> = tasks.iter().filter(|task| task["state"] == "FAILED").collect();
    assert!(failed.is_empty(), "{failed:?}");
    let others = ["/", "/connectors", "/connectors?expand=status&expand=info", "/metrics"].map(|path| {
        let (answer, took) = timed(worker, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        took
    });
    let (answer, last) = timed(worker, "/health");
    assert_ne!(answer.status, 200, "Kafka is away: {}", answer.body);
    others.into_iter().chain([first, last]).max().unwrap()
}

fn timed(worker: &Worker, path: &str) -> (Answer, Duration) {
    let started = Instant::now();
    let answer = worker.rest.get(path);
    let took = started.elapsed();
    assert!(took < READ, "GET {path} took {took:?}");
    (answer, took)
}
