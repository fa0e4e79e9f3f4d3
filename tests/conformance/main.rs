//! Replays what Apache Kafka Connect 4.3.1 answered to 713 requests, and keeps what agrees agreeing.
//! (28 of them ask workers with basic authentication or CORS. Of the other 685 the reference itself, replayed,
//! agrees exactly in 676: the rest depends on what else its host has run.)
//!
//! `baseline.tsv` says of every request how far our answer agreed when it was written: `none`, `refused` (400 where
//! Java leaks a 500, as we mean to), `status`, `shape` (status and shape of the body) or `exact` (headers, values and
//! messages too). A request that agrees less fails
//! the test. After an improvement write it anew: `PENSTOCK_CONFORMANCE_WRITE=1 ./test conformance`.
//!
//! What a status shows in the very moment of a change depends on the moment, here as in the reference. So a group
//! with a request that agrees less is asked again, and a baseline holds the worst of several replays.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this crate is test code")]

mod outcome;
mod setup;

use outcome::{Outcome, worse};
use penstock_tests::{Builder, services};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Bounds every wait of the replay: the real worker needed 9 s for the slowest step.
const PATIENCE_SECONDS: &str = "15";
const REPLAYS: usize = 3;

fn folder() -> PathBuf {
    services::checkout().join("tests/conformance")
}

/// Asks fresh workers all requests of these groups; of all groups when none is named.
fn replay(groups: &[String]) -> Outcome {
    let is_own = |group: &String| setup::GROUPS.contains(&group.as_str());
    let (own, plain): (Vec<_>, Vec<_>) = groups.iter().cloned().partition(is_own);
    let own = if groups.is_empty() { setup::GROUPS.map(str::to_owned).to_vec() } else { own };
    let dir = tempfile::tempdir().unwrap();
    let mut all = Outcome::parse("");
    if groups.is_empty() || !plain.is_empty() {
        all = all.best(ask(setup::plain(), &plain, "all"));
    }
    for group in own {
        all = all.best(ask(setup::of(&group, dir.path()), std::slice::from_ref(&group), &group));
    }
    all
}

fn ask(builder: Builder, groups: &[String], name: &str) -> Outcome {
    // What the requests leave behind (failing connectors, refused configs) is reported in the log as it should be.
    let mut worker = builder.allow("").start();
    let outcome = worker.path("outcome");
    let report = services::checkout().join(format!("target/conformance-differences-{name}.jsonl"));
    let mut command = Command::new(std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()));
    command.arg(folder().join("golden.py")).args(["replay", "--level", "status", "--base", &worker.url]);
    command.args(["--patience", PATIENCE_SECONDS, "--in"]).arg(folder().join("golden"));
    command.arg("--outcome").arg(&outcome).arg("--report").arg(&report).stdin(Stdio::null());
    for group in groups {
        command.args(["--only", group]);
    }
    // Its own exit status says whether all of it agrees, which is not what is asked here.
    command.status().expect("python3 is needed to replay the requests");
    worker.stop();
    println!("every difference is in {}", report.display());
    Outcome::parse(&std::fs::read_to_string(outcome).expect("the replay writes its outcome"))
}

#[test]
fn no_request_agrees_less_with_connect_than_before() {
    let baseline = folder().join("baseline.tsv");
    if std::env::var_os("PENSTOCK_CONFORMANCE_WRITE").is_some() {
        let worst = (1..REPLAYS).fold(replay(&[]), |worst, _| worst.worst(replay(&[])));
        println!("{}", worst.summary());
        std::fs::write(&baseline, worst.to_text()).unwrap();
        return;
    }
    let before = Outcome::parse(&std::fs::read_to_string(&baseline).expect("the baseline is committed"));
    let mut now = replay(&[]);
    println!("{}", now.summary());
    assert_eq!(now.len(), before.len(), "requests replayed and requests in the baseline");
    for _ in 1..REPLAYS {
        let groups = before.groups_worse_in(&now);
        if groups.is_empty() {
            break;
        }
        println!("asking again, because requests agreed less: {}", groups.join(", "));
        now = now.best(replay(&groups));
    }
    let lost = worse(&before, &now);
    assert!(lost.is_empty(), "{} requests agree less than in the baseline:\n{}", lost.len(), lost.join("\n"));
    let gained = worse(&now, &before).len();
    if gained > 0 {
        println!("{gained} requests agree more: write the baseline anew with PENSTOCK_CONFORMANCE_WRITE=1");
    }
}
