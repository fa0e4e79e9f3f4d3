//! Replays what Apache Kafka Connect 4.3.1 answered to 713 requests, and names every difference.
//! (28 of them ask workers with basic authentication or CORS. Of the other 685 the reference itself, replayed,
//! agrees exactly in 676: the rest depends on what else its host has run.)
//!
//! `differences.tsv` lists what may differ, with the reason. Requests stand there by group, number and name; the group
//! `refused` is for those where Java leaks a 500 and we answer 400; rows of the group `exact` allow a kind of value to
//! differ in answers that agree in status and shape. Whatever differs otherwise fails the test.
//!
//! What a status shows in the very moment of a change depends on the moment, here as in the reference. So a group
//! with an unlisted difference is asked again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod accepted;
mod replayed;
mod setup;

use accepted::Accepted;
use penstock_tests::{Builder, services};
use replayed::Replayed;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bounds every wait of the replay: the real worker needed 9 s for the slowest step.
const PATIENCE_SECONDS: &str = "15";
const REPLAYS: usize = 3;

fn folder() -> PathBuf {
    services::checkout().join("tests/conformance")
}

/// Asks fresh workers all requests of these groups; of all groups when none is named.
fn replay(groups: &[String]) -> Replayed {
    let is_own = |group: &String| setup::GROUPS.contains(&group.as_str());
    let (own, plain): (Vec<_>, Vec<_>) = groups.iter().cloned().partition(is_own);
    let own = if groups.is_empty() { setup::GROUPS.map(str::to_owned).to_vec() } else { own };
    let dir = tempfile::tempdir().unwrap();
    let mut all = Replayed::parse("", "");
    if groups.is_empty() || !plain.is_empty() {
        all = all.best(ask(setup::plain(), &plain, "all"));
    }
    for group in own {
        all = all.best(ask(setup::of(&group, dir.path()), std::slice::from_ref(&group), &group));
    }
    all
}

fn ask(builder: Builder, groups: &[String], name: &str) -> Replayed {
    // What the requests leave behind (failing connectors, refused configs) is reported in the log as it should be.
    let mut worker = builder.allow("").start();
    let outcome = worker.path("outcome");
    let report = services::checkout().join(format!("target/conformance-differences-{name}.jsonl"));
    let mut command = Command::new(std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()));
    command.arg(folder().join("golden.py")).args(["replay", "--level", "exact", "--base", &worker.url]);
    command.args(["--patience", PATIENCE_SECONDS, "--in"]).arg(folder().join("golden"));
    command.arg("--outcome").arg(&outcome).arg("--report").arg(&report).stdin(Stdio::null());
    for group in groups {
        command.args(["--only", group]);
    }
    // Its own exit status says whether all of it agrees, which is not what is asked here.
    command.status().expect("python3 is needed to replay the requests");
    worker.stop();
    println!("every difference is in {}", report.display());
    let read = |path: &Path| std::fs::read_to_string(path).expect("the replay writes its outcome");
    Replayed::parse(&read(&outcome), &read(&report))
}

#[test]
fn every_difference_from_connect_is_listed_with_its_reason() {
    let list = std::fs::read_to_string(folder().join("differences.tsv")).expect("the list is committed");
    let accepted = Accepted::parse(&list);
    let mut now = replay(&[]);
    println!("{}", now.summary());
    for _ in 1..REPLAYS {
        let groups = now.groups_with(|request| accepted.objection(request).is_some());
        if groups.is_empty() {
            break;
        }
        println!("asking again, because requests differ: {}", groups.join(", "));
        now = now.best(replay(&groups));
    }
    let agreeing = now.share(|request| !accepted.is_listed(request), replayed::Request::agrees_in_shape);
    println!("of the requests that are not listed, {agreeing} agree in status and shape");
    for name in accepted.stale(&now) {
        println!("agrees by now, although it is listed: {name}");
    }
    for (reason, count) in accepted.counts(&now) {
        println!("{count:4} {reason}");
    }
    let unlisted: Vec<String> = now.requests().filter_map(|request| accepted.objection(request)).collect();
    assert!(unlisted.is_empty(), "{} unlisted differences:\n{}", unlisted.len(), unlisted.join("\n"));
}
