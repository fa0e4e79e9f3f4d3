//! A change of one connector interrupts its own tasks and no other.

use crate::load::{Load, sink};
use crate::squad::{CALM, Squad};
use penstock_tests::{Kafka, SOON, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

const CAUSES: [&str; 8] = ["config", "deleted", "stopped", "restart", "moved", "lost", "shutdown", "fenced"];

#[test]
fn a_change_interrupts_the_tasks_of_its_own_connector_alone() {
    let kafka = Kafka::shared();
    let mut squad = Squad::on(&kafka, CALM);
    let mut load = Load::start(&squad);
    let (topic, dir) = (unique("added"), tempfile::tempdir().unwrap());
    kafka.create_topic(&topic, 5);
    let own = sink(&dir.path().join("out"), &topic, 5);
    let (path, tasks) = (format!("/connectors/{}", own.name), own.tasks as u64);

    let mut books = Books { squad: &squad, expected: counters(&squad) };
    books.check("a create", tasks, &[], || {
        squad.change("POST", "/connectors", &json!({ "name": own.name, "config": own.config }));
    });
    let mut config = own.config.clone();
    config["errors.log.enable"] = json!("true");
    books.check("a new config", tasks, &[("config", tasks)], || {
        squad.change("PUT", &format!("{path}/config"), &config);
    });
    books.check("a stop", 0, &[("stopped", tasks)], || {
        squad.change("PUT", &format!("{path}/stop"), &Value::Null);
    });
    books.check("a resume", tasks, &[], || {
        squad.change("PUT", &format!("{path}/resume"), &Value::Null);
    });
    books.check("a restart", tasks, &[("restart", tasks)], || {
        squad.change("POST", &format!("{path}/restart?includeTasks=true"), &Value::Null);
    });
    books.check("a delete", 0, &[("deleted", tasks)], || {
        squad.change("DELETE", &path, &Value::Null);
    });
    squad.await_settled(&load, &[0, 1, 2]);
    load.await_rows(Instant::now());
    assert_eq!(counters(&squad), books.expected, "something else was interrupted later");
    load.finish(&mut squad);
}

/// What was started and interrupted on all workers together, and what may have been.
struct Books<'a> {
    squad: &'a Squad,
    expected: Counters,
}

type Counters = BTreeMap<&'static str, u64>;

impl Books<'_> {
    /// Later checks also see what an earlier change interrupted late.
    #[track_caller]
    fn check(
        &mut self,
        what: &str,
        started: u64,
        interrupted: &[(&'static str, u64)],
        change: impl FnOnce(),
    ) {
        change();
        *self.expected.get_mut("started").unwrap() += started;
        for (cause, tasks) in interrupted {
            *self.expected.get_mut(cause).unwrap() += tasks;
        }
        let since = Instant::now();
        until(what, SOON * 2, || {
            let now = counters(self.squad);
            assert!(
                now == self.expected || since.elapsed() < SOON,
                "{what}: {now:?}, not {:?}",
                self.expected
            );
            now == self.expected
        });
        println!("{what} started {started} tasks and interrupted {interrupted:?}, nothing else");
    }
}

fn counters(squad: &Squad) -> Counters {
    let one = |cause: &'static str| {
        let label = format!("cause=\"{cause}\"");
        (cause, squad.total("penstock_worker_tasks_interrupted_total", &[&label]))
    };
    let started = squad.total("penstock_worker_task_starts_total", &[]);
    CAUSES.into_iter().map(one).chain([("started", started)]).collect()
}
