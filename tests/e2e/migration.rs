//! A Java Connect cluster is taken over where it stands, and given back: nothing is lost, nothing comes twice.

use penstock_tests::java::await_state;
use penstock_tests::{JavaWorker, Kafka, Rest, SOON, Worker, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Lines that are on their way when a worker is stopped.
const MANY: usize = 60_000;

/// A file whose lines are numbered, from its first to as many as were written.
struct Lines {
    file: PathBuf,
    written: usize,
}

impl Lines {
    fn new(folder: &Path, name: &str) -> Self {
        Self { file: folder.join(name), written: 0 }
    }

    fn write(&mut self, count: usize) {
        let mut text = Vec::new();
        for number in self.written..self.written + count {
            writeln!(text, "line {number}").unwrap();
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file).unwrap();
        file.write_all(&text).unwrap();
        self.written += count;
    }

    /// Every line is there once, and nothing else.
    #[track_caller]
    fn assert_once(&self, what: &str, found: impl Iterator<Item = String>) {
        let mut counts: BTreeMap<String, usize> =
            (0..self.written).map(|n| (format!("line {n}"), 0)).collect();
        for line in found {
            *counts.entry(line).or_default() += 1;
        }
        let wrong: Vec<_> = counts.iter().filter(|(_, count)| **count != 1).collect();
        let (of, some) = (wrong.len(), &wrong[..wrong.len().min(5)]);
        assert!(wrong.is_empty(), "{what}: {of} of {} lines are not there once: {some:?}", self.written);
        println!("{what}: {} lines, each once", self.written);
    }

    #[track_caller]
    fn await_once_in_topic(&self, topic: &str) {
        let what = format!("{} lines in {topic}", self.written);
        until(&what, SOON, || total(topic) >= self.written);
        let records = Kafka::shared().read(topic);
        self.assert_once(topic, records.iter().map(|record| serde_json::from_str(record.text()).unwrap()));
    }

    #[track_caller]
    fn await_once_in_file(&self, file: &Path) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let read = || std::fs::read_to_string(file).unwrap_or_default();
        until(&format!("{} lines in {name}", self.written), SOON * 2, || {
            read().lines().count() >= self.written
        });
        self.assert_once(&name, read().lines().map(ToOwned::to_owned));
    }
}

fn total(topic: &str) -> usize {
    Kafka::shared().ends(topic).iter().sum::<i64>() as usize
}

/// The batch is never full: Java keeps what it has read beyond a full one until the file grows again.
fn source(lines: &Lines, topic: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
        "file": lines.file, "topic": topic, "batch.size": "1000000",
    })
}

fn sink(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "2",
        "file": file, "topics": topic,
    })
}

/// What is moved to and fro.
struct Estate {
    /// Runs all the time, with `sink`.
    busy: Lines,
    /// Paused now and then.
    resting: Lines,
    /// Deleted and created anew.
    anew: Lines,
    topics: [String; 3],
    out: PathBuf,
    stopped_out: PathBuf,
}

impl Estate {
    fn new(folder: &Path) -> Self {
        let topics = ["busy", "resting", "anew"].map(unique);
        for topic in &topics {
            Kafka::shared().create_topic(topic, 2);
        }
        Self {
            busy: Lines::new(folder, "busy.txt"),
            resting: Lines::new(folder, "resting.txt"),
            anew: Lines::new(folder, "anew.txt"),
            topics,
            out: folder.join("out.txt"),
            stopped_out: folder.join("stopped.out.txt"),
        }
    }

    fn all(&mut self) -> [&mut Lines; 3] {
        [&mut self.busy, &mut self.resting, &mut self.anew]
    }

    /// Everything by Java: one connector paused, one stopped, one deleted and created anew, one deleted for good.
    fn settle(&mut self, java: &JavaWorker) {
        self.all().into_iter().for_each(|lines| lines.write(400));
        let [busy, resting, anew] = self.topics.clone();
        java.create("busy", &source(&self.busy, &busy));
        java.create("resting", &source(&self.resting, &resting));
        java.create("anew", &source(&self.anew, &anew));
        java.create("gone", &source(&self.anew, &unique("gone")));
        java.create("sink", &sink(&self.out, &busy));
        java.create("stopped", &sink(&self.stopped_out, &busy));
        for name in ["busy", "resting", "anew", "gone"] {
            java.await_state(name, "RUNNING", 1);
        }
        self.busy.await_once_in_file(&self.out);
        self.busy.await_once_in_file(&self.stopped_out);
        self.resting.await_once_in_topic(&resting);
        self.anew.await_once_in_topic(&anew);
        turn(&java.rest, "PUT", "/connectors/resting/pause", 202);
        turn(&java.rest, "PUT", "/connectors/stopped/stop", 204);
        turn(&java.rest, "DELETE", "/connectors/gone", 204);
        self.replace_anew(&java.rest);
        java.await_state("resting", "PAUSED", 1);
        java.await_state("stopped", "STOPPED", 0);
    }

    /// Deleted and created with the same name: its offsets stay, its old task records do not count.
    fn replace_anew(&self, rest: &Rest) {
        turn(rest, "DELETE", "/connectors/anew", 204);
        let config = source(&self.anew, &self.topics[2]);
        until("anew to be created", SOON, || {
            rest.post("/connectors", &json!({ "name": "anew", "config": config })).status == 201
        });
        await_state(rest, "anew", "RUNNING", 1);
    }

    /// Puts many lines on their way and returns while they are.
    fn hurry(&mut self) {
        let before = total(&self.topics[0]);
        self.busy.write(MANY);
        until("the first of many lines", SOON, || total(&self.topics[0]) > before);
    }

    /// Lines that come while no worker runs at all.
    fn write_to_all(&mut self) {
        let there = total(&self.topics[0]);
        println!("stopped with {there} of {} lines in the topic", self.busy.written);
        self.all().into_iter().for_each(|lines| lines.write(300));
    }

    /// The next worker goes on with everything as it was, and what rested starts again.
    fn go_on(&mut self, rest: &Rest, committed: &[i64]) {
        let [busy, resting, anew] = self.topics.clone();
        await_state(rest, "sink", "RUNNING", 2);
        for name in ["busy", "anew"] {
            await_state(rest, name, "RUNNING", 1);
        }
        await_state(rest, "resting", "PAUSED", 1);
        await_state(rest, "stopped", "STOPPED", 0);
        let mut names: Vec<String> = serde_json::from_value(rest.get("/connectors").expect(200)).unwrap();
        names.sort();
        assert_eq!(names, ["anew", "busy", "resting", "sink", "stopped"]);
        self.busy.await_once_in_topic(&busy);
        self.anew.await_once_in_topic(&anew);
        assert_eq!(total(&resting), self.resting.written - 300, "a paused source went on");
        assert_eq!(self.committed(), committed, "a stopped sink went on");
        turn(rest, "PUT", "/connectors/resting/resume", 202);
        turn(rest, "PUT", "/connectors/stopped/resume", 202);
        await_state(rest, "resting", "RUNNING", 1);
        await_state(rest, "stopped", "RUNNING", 2);
        self.resting.await_once_in_topic(&resting);
        self.busy.await_once_in_file(&self.out);
        self.busy.await_once_in_file(&self.stopped_out);
    }

    fn committed(&self) -> Vec<i64> {
        Kafka::shared().committed("connect-stopped", &self.topics[0])
    }
}

/// Java answers 409 while it rebalances: clients try again.
#[track_caller]
fn turn(rest: &Rest, method: &str, path: &str, status: u16) {
    let body = (method == "PUT").then_some(Value::Null);
    until(&format!("{method} {path} to be done"), SOON, || {
        let answer = rest.send(method, path, body.as_ref()).unwrap();
        assert!(answer.status == status || answer.status == 409, "{method} {path}: {answer:?}");
        answer.status == status
    });
}

/// What Java says of keys that it does not know, and of tombstones that it never writes, is no harm; all else is.
#[track_caller]
fn assert_unharmed(java: &JavaWorker) {
    const KNOWN: [&str; 3] = ["penstock-", "is unexpectedly null", "is in the wrong format: null"];
    let alarms = java.alarms();
    let harm: Vec<_> = alarms.iter().filter(|line| !KNOWN.iter().any(|known| line.contains(known))).collect();
    assert!(harm.is_empty(), "Java complains:\n{harm:#?}");
    let log = java.log();
    let thrown =
        log.lines().filter(|line| line.contains("Exception") && !line.contains("INFO")).collect::<Vec<_>>();
    assert!(thrown.is_empty(), "Java threw:\n{thrown:#?}");
}

#[test]
fn a_java_cluster_is_taken_over_where_it_stands_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let java = JavaWorker::start(&unique("takeover"));
    let mut estate = Estate::new(folder.path());
    estate.settle(&java);
    estate.hurry();
    java.stop();
    let stopped = estate.committed();
    estate.write_to_all();

    let mut ours = Worker::takeover(&java.properties()).start();
    estate.go_on(&ours.rest, &stopped);
    // The same again, so that Java finds all of it written by us.
    turn(&ours.rest, "PUT", "/connectors/resting/pause", 202);
    turn(&ours.rest, "PUT", "/connectors/stopped/stop", 204);
    await_state(&ours.rest, "resting", "PAUSED", 1);
    await_state(&ours.rest, "stopped", "STOPPED", 0);
    ours.submit("gone", &source(&estate.anew, &unique("gone")));
    await_state(&ours.rest, "gone", "RUNNING", 1);
    turn(&ours.rest, "DELETE", "/connectors/gone", 204);
    estate.replace_anew(&ours.rest);
    estate.hurry();
    ours.stop();
    let stopped = estate.committed();
    estate.write_to_all();

    java.start_again();
    estate.go_on(&java.rest, &stopped);
    assert_unharmed(&java);
    java.stop();
}

#[test]
fn topics_made_by_us_serve_java_and_neither_runs_beside_the_other() {
    let (group, topic, kafka) = (unique("fresh"), unique("fresh"), Kafka::shared());
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Lines::new(folder.path(), "in.txt");
    kafka.create_topic(&topic, 1);
    let fresh = ["config", "offset", "status"].iter().fold(
        Worker::distributed().set("group.id", &group),
        |all, kind| {
            let plural = if *kind == "status" { "status".to_owned() } else { format!("{kind}s") };
            all.set(&format!("{kind}.storage.topic"), &format!("{group}-{plural}"))
        },
    );
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let mut ours = fresh.set("key.converter", json).set("key.converter.schemas.enable", "false").start();
    for (kind, partitions) in [("configs", 1), ("offsets", 25), ("status", 5)] {
        let topic = format!("{group}-{kind}");
        assert_eq!(kafka.partitions(&topic), partitions, "{topic}");
        assert_eq!(kafka.topic_setting(&topic, "cleanup.policy").as_deref(), Some("compact"), "{topic}");
    }
    lines.write(1_000);
    ours.create("lines", &source(&lines, &topic));
    lines.await_once_in_topic(&topic);

    // Java finds the group in use and ends.
    let said = JavaWorker::refused(&group);
    assert!(said.contains("InconsistentGroupProtocolException"), "{said}");
    lines.write(1_000);
    lines.await_once_in_topic(&topic);
    ours.stop();

    let java = JavaWorker::start(&group);
    java.await_state("lines", "RUNNING", 1);
    lines.write(1_000);
    lines.await_once_in_topic(&topic);

    // Ours finds the group in use, says whose it is, and waits.
    let mut ours = Worker::takeover(&java.properties())
        .set("listeners", "http://127.0.0.1:0")
        .allow("belongs to Java Connect workers that still run")
        .launch();
    until("the worker to say who holds the group", SOON, || {
        ours.log
            .text()
            .contains(&format!("group {group} belongs to Java Connect workers that still run: stop them"))
    });
    let health = ours.rest.get("/health");
    assert_ne!(health.status, 200, "{health:?}");
    lines.write(1_000);
    lines.await_once_in_topic(&topic);
    assert_unharmed(&java);
    java.stop();
    ours.await_health();
    ours.await_running("lines", 1);
    lines.write(1_000);
    lines.await_once_in_topic(&topic);
    ours.stop();
}
