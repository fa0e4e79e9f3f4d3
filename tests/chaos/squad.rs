//! Three workers of one cluster, and what all of them must agree on.

use crate::load::Load;
use penstock_tests::{Answer, Kafka, SOON, Worker, until, until_some};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub struct Squad {
    pub workers: Vec<Worker>,
    pub kafka: Kafka,
}

/// Where the tasks of each connector run: counts by worker.
type Spread = BTreeMap<String, BTreeMap<String, usize>>;

impl Squad {
    /// `ways` are the addresses of Kafka, one for each worker; `allowed` is what their logs may warn of.
    pub fn start(kafka: &Kafka, ways: [&str; 3], allowed: &[&str]) -> Self {
        let first = allowed.iter().fold(Worker::distributed(), |builder, text| builder.allow(text));
        let mut workers = vec![first.set("bootstrap.servers", ways[0]).start()];
        for way in &ways[1..] {
            let next = workers[0].sibling().set("bootstrap.servers", way).start();
            workers.push(next);
        }
        Self { workers, kafka: kafka.clone() }
    }

    pub fn on(kafka: &Kafka, allowed: &[&str]) -> Self {
        Self::start(kafka, [&kafka.bootstrap; 3], allowed)
    }

    pub fn leader(&self) -> usize {
        until_some("a leader", SOON, || {
            let leads =
                |worker: &Worker| worker.is_up() && worker.metric("penstock_cluster_leader", &[]) > 0.5;
            self.workers.iter().position(leads)
        })
    }

    /// Asks for a change until the cluster takes it: a conflict is a request to try again, for any client.
    pub fn change(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer: Answer = until_some(&format!("{method} {path} to be taken"), SOON, || {
            let leader = &self.workers[self.leader()];
            let answer = leader.rest.send(method, path, Some(body)).ok()?;
            (answer.status != 409).then_some(answer)
        });
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        answer.body
    }

    pub fn await_stopped(&self, name: &str) {
        let path = format!("/connectors/{name}/status");
        until(&format!("{name} to be stopped"), SOON, || {
            let status = self.workers[self.leader()].rest.get(&path).body;
            status["connector"]["state"] == "STOPPED" && status["tasks"].as_array().is_some_and(Vec::is_empty)
        });
    }

    /// Waits until exactly these workers share all tasks evenly, as statuses on each and their own metrics say.
    pub fn await_settled(&self, load: &Load, on: &[usize]) -> Duration {
        let started = Instant::now();
        let mut last = String::new();
        until_some("", SOON * 2, || {
            match self.unsettled(load, on) {
                None => return Some(()),
                Some(reason) => last = reason,
            }
            assert!(started.elapsed() < SOON, "the workers {on:?} do not share all tasks: {last}");
            None
        });
        started.elapsed()
    }

    /// What is not as it shall be yet.
    fn unsettled(&self, load: &Load, on: &[usize]) -> Option<String> {
        let names: Vec<&str> = on.iter().map(|worker| self.workers[*worker].authority()).collect();
        for (worker, name) in on.iter().map(|worker| &self.workers[*worker]).zip(&names) {
            let seen = match spread(worker) {
                Ok(seen) => seen,
                Err(reason) => return Some(format!("{name}: {reason}")),
            };
            for connector in &load.connectors {
                let counts = seen.get(&connector.name).cloned().unwrap_or_default();
                if counts.values().sum::<usize>() != connector.tasks || !is_even(&counts, &names) {
                    return Some(format!("{name}: {} is at {counts:?}", connector.name));
                }
            }
            let mut all = BTreeMap::new();
            for (who, count) in seen.values().flatten() {
                *all.entry(who.clone()).or_insert(0) += count;
            }
            if !is_even(&all, &names) {
                return Some(format!("{name}: all together are at {all:?}"));
            }
            let (running, said) = (running(worker), all.get(*name).copied().unwrap_or(0));
            if running != said as i64 {
                return Some(format!("{name} runs {running} tasks, statuses say {said}"));
            }
        }
        None
    }

    /// A clean stop of all that run.
    pub fn stop(&mut self) {
        self.workers.iter_mut().filter(|worker| worker.is_up()).for_each(Worker::stop);
    }

    /// The sum over all workers of a counter, by cause.
    pub fn total(&self, metric: &str, labels: &[&str]) -> u64 {
        self.workers.iter().map(|worker| worker.metric(metric, labels)).sum::<f64>() as u64
    }
}

/// Tasks that are alive in the worker's process by its own count, whatever statuses say.
pub fn running(worker: &Worker) -> i64 {
    let count = |name: &str| worker.metric(name, &[]) as i64;
    count("penstock_worker_task_starts_total")
        - count("penstock_worker_tasks_interrupted_total")
        - count("penstock_worker_task_failures_total")
}

/// A failed task ends the test: no fault of the scenarios here is a reason to fail one.
fn spread(worker: &Worker) -> Result<Spread, String> {
    let answer =
        worker.rest.send("GET", "/connectors?expand=status", None).map_err(|error| error.to_string())?;
    let Value::Object(all) = answer.body else { return Err(format!("{} {}", answer.status, answer.body)) };
    let mut seen = Spread::new();
    for (name, one) in all {
        let (status, counts) = (&one["status"], seen.entry(name.clone()).or_default());
        for part in
            std::iter::once(&status["connector"]).chain(status["tasks"].as_array().into_iter().flatten())
        {
            assert_ne!(part["state"], "FAILED", "{name}: {part:#}");
            if part["state"] != "RUNNING" {
                return Err(format!("{name} {part}"));
            }
            if part["id"].is_number() {
                *counts.entry(part["worker_id"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
            }
        }
    }
    Ok(seen)
}

fn is_even(counts: &BTreeMap<String, usize>, names: &[&str]) -> bool {
    let shares: Vec<usize> = names.iter().map(|name| counts.get(*name).copied().unwrap_or(0)).collect();
    let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
    shares.iter().sum::<usize>() == counts.values().sum::<usize>() && most - least <= 1
}

/// What a cluster whose members come and go may warn of.
pub const UNREST: &[&str] = &[
    "no such file, waiting for it",
    "out of the cluster",
    "Consumer group session timed out",
    "leads no more",
    "leading has to be taken anew",
    "this worker shall lead and cannot yet",
    "Static consumer fenced by other consumer",
    "partitions were taken away",
    "the task did not end well",
    "a worker that is out took the task's place",
];

/// What a cluster without faults may warn of: a source waits for its file, and a worker that leaves says so.
pub const CALM: &[&str] = &["no such file, waiting for it", "the worker leaves"];
