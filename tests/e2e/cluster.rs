//! Several workers of one cluster: they share tasks, take over from each other and pass requests on.

use penstock_tests::{Kafka, SOON, Worker, unique, until, until_some};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What a test of failures expects in the logs: being out of the cluster is told as a warning.
fn cluster(workers: usize) -> Vec<Worker> {
    let first = Worker::distributed()
        .allow("out of the cluster")
        .allow("Consumer group session timed out")
        .allow("leads no more")
        .allow("leading has to be taken anew")
        // Of tasks whose place was taken while their worker was frozen.
        .allow("partitions were taken away")
        .allow("Static consumer fenced by other consumer")
        .allow("the task did not end well")
        .allow("a worker that is out took the task's place")
        .start();
    let mut all = vec![first];
    while all.len() < workers {
        let next = all[0].sibling().start();
        all.push(next);
    }
    all
}

fn sink(topics: &str, file: &std::path::Path, tasks: usize) -> Value {
    json!({
        "connector.class": "FileStreamSink", "tasks.max": tasks.to_string(),
        "topics": topics, "file": file, "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    })
}

/// How many running tasks of the connector each worker has, by `host:port`, as one worker shows it.
fn spread(worker: &Worker, name: &str, tasks: usize) -> Option<BTreeMap<String, usize>> {
    let status = worker.rest.get(&format!("/connectors/{name}/status")).body;
    let list = status["tasks"].as_array()?;
    let mut spread = BTreeMap::new();
    for task in list {
        (task["state"] == "RUNNING").then_some(())?;
        *spread.entry(task["worker_id"].as_str()?.to_owned()).or_insert(0) += 1;
    }
    (list.len() == tasks).then_some(spread)
}

fn authority(worker: &Worker) -> String {
    worker.url.trim_start_matches("http://").to_owned()
}

/// Waits until exactly these workers share the tasks evenly, as all of them see it.
#[track_caller]
fn await_even(workers: &[&Worker], name: &str, tasks: usize, patience: Duration) -> Duration {
    let started = Instant::now();
    let names: Vec<String> = workers.iter().map(|worker| authority(worker)).collect();
    let is_even = |spread: &BTreeMap<String, usize>| {
        let counts: Vec<usize> = names.iter().map(|name| spread.get(name).copied().unwrap_or(0)).collect();
        counts.iter().sum::<usize>() == tasks
            && counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1
    };
    until(&format!("{name}'s {tasks} tasks to be even over {names:?}"), patience, || {
        workers.iter().all(|worker| spread(worker, name, tasks).as_ref().is_some_and(is_even))
    });
    started.elapsed()
}

#[test]
fn workers_share_tasks_and_a_newcomer_takes_its_share() {
    let mut workers = cluster(2);
    let folder = tempfile::tempdir().unwrap();
    let (name, topic) = (unique("share"), unique("share"));
    Kafka::shared().create_topic(&topic, 6);
    workers[1].submit(&name, &sink(&topic, &folder.path().join("out"), 6));
    await_even(&[&workers[0], &workers[1]], &name, 6, SOON);
    let moved = |workers: &[Worker]| -> f64 {
        let count =
            |worker: &Worker| worker.metric("penstock_worker_tasks_interrupted_total", &["cause=\"moved\""]);
        workers.iter().map(count).sum()
    };
    // The leader may have had them all before it heard of the other.
    let before = moved(&workers);
    let third = workers[0].sibling().start();
    let took = await_even(&[&workers[0], &workers[1], &third], &name, 6, SOON);
    println!("a new worker took its share {took:?} after it was healthy");
    workers.push(third);
    // Nobody was interrupted but the tasks that moved.
    let moved = moved(&workers) - before;
    assert!((moved - 2.0).abs() < 0.5, "{moved} tasks were moved, 2 had to");
    workers.iter_mut().for_each(Worker::stop);
}

#[test]
fn any_worker_answers_and_passes_changes_on_to_the_leader() {
    let mut workers = cluster(3);
    let folder = tempfile::tempdir().unwrap();
    let topic = unique("any");
    Kafka::shared().create_topic(&topic, 1);
    for (number, worker) in workers.iter().enumerate() {
        let name = unique(&format!("any{number}"));
        worker.create(&name, &sink(&topic, &folder.path().join("out"), 1));
        for other in &workers {
            // Whoever passed nothing on hears of it from Kafka.
            until("each worker to know it", SOON, || {
                let answer = other.rest.get(&format!("/connectors/{name}"));
                answer.status == 200 && answer.body["name"] == name.as_str()
            });
        }
        worker.rest.put(&format!("/connectors/{name}/stop"), &Value::Null).expect(204);
        worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    }
    workers.iter_mut().for_each(Worker::stop);
}

#[test]
fn a_killed_leader_s_tasks_run_elsewhere_soon() {
    let mut workers = cluster(3);
    let folder = tempfile::tempdir().unwrap();
    let (name, topic) = (unique("kill"), unique("kill"));
    Kafka::shared().create_topic(&topic, 6);
    workers[0].submit(&name, &sink(&topic, &folder.path().join("out"), 6));
    await_even(&workers.iter().collect::<Vec<_>>(), &name, 6, SOON);
    let leader = until_some("a leader", SOON, || {
        workers.iter().position(|worker| worker.metric("penstock_cluster_leader", &[]) > 0.5)
    });
    let mut killed = workers.remove(leader);
    killed.kill();
    let took = await_even(&workers.iter().collect::<Vec<_>>(), &name, 6, SOON);
    println!("the tasks of a killed leader ran elsewhere after {took:?}");
    workers.iter_mut().for_each(Worker::stop);
}

#[test]
fn a_clean_stop_hands_its_tasks_over_at_once() {
    let mut workers = cluster(2);
    let folder = tempfile::tempdir().unwrap();
    let (name, topic) = (unique("stop"), unique("stop"));
    Kafka::shared().create_topic(&topic, 4);
    workers[0].submit(&name, &sink(&topic, &folder.path().join("out"), 4));
    await_even(&[&workers[0], &workers[1]], &name, 4, SOON);
    for _ in 0..2 {
        let mut leaving = workers.remove(0);
        let started = Instant::now();
        leaving.send("TERM");
        await_even(&[&workers[0]], &name, 4, SOON);
        println!("the tasks of a stopped worker ran elsewhere {:?} after the signal", started.elapsed());
        leaving.wait();
        let next = workers[0].sibling().start();
        workers.push(next);
        await_even(&[&workers[0], &workers[1]], &name, 4, SOON);
    }
    workers.iter_mut().for_each(Worker::stop);
}

#[test]
fn a_frozen_worker_gives_its_tasks_up_and_comes_back() {
    let mut workers = cluster(2);
    let folder = tempfile::tempdir().unwrap();
    let (name, topic) = (unique("freeze"), unique("freeze"));
    Kafka::shared().create_topic(&topic, 4);
    workers[0].submit(&name, &sink(&topic, &folder.path().join("out"), 4));
    await_even(&[&workers[0], &workers[1]], &name, 4, SOON);
    workers[0].send("STOP");
    await_even(&[&workers[1]], &name, 4, SOON);
    workers[0].send("CONT");
    await_even(&[&workers[0], &workers[1]], &name, 4, SOON);
    workers.iter_mut().for_each(Worker::stop);
}
