//! The 12 connectors with 40 tasks that all scenarios run, and the count of what they carried.

use crate::feed::Feed;
use crate::squad::Squad;
use crate::tally::{Tally, number};
use penstock_tests::{Kafka, SOON, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const PARTITIONS: usize = 6;
const NUMBER_SINKS: usize = 4;
const PAIRS: usize = 2;
const TASKS: usize = 40;

pub struct Connector {
    pub name: String,
    pub config: Value,
    pub tasks: usize,
}

/// A sink, and where its records come from.
struct Sink {
    tally: Tally,
    from: From,
}

enum From {
    /// The feed, through one topic.
    Numbers,
    /// The feed, through a file and a source connector.
    Lines,
    /// A generator, which fills this topic.
    Generator { source: String, topic: String },
}

pub struct Load {
    pub connectors: Vec<Connector>,
    pub feed: Feed,
    kafka: Kafka,
    sinks: Vec<Sink>,
    _dir: TempDir,
}

impl Load {
    /// Creates the connectors and waits until all of them run everywhere.
    pub fn start(squad: &Squad) -> Self {
        let kafka = squad.kafka.clone();
        let dir = tempfile::tempdir().unwrap();
        let numbers = topic(&kafka, "numbers", PARTITIONS);
        let (mut connectors, mut sinks, mut files) = (Vec::new(), Vec::new(), Vec::new());
        let mut add = |connectors: &mut Vec<Connector>, topic: &str, tasks, partitions, from| {
            let connector = sink(&dir.path().join(unique("out")), topic, tasks);
            let path = connector.config["file"].as_str().unwrap().into();
            sinks.push(Sink { tally: Tally::new(path, partitions), from });
            connectors.push(connector);
        };
        for _ in 0..NUMBER_SINKS {
            add(&mut connectors, &numbers, PARTITIONS, PARTITIONS, From::Numbers);
        }
        for _ in 0..PAIRS {
            let (lines, file) = (topic(&kafka, "lines", 2), dir.path().join(unique("in")));
            connectors.push(file_source(&file, &lines));
            files.push(file);
            add(&mut connectors, &lines, 3, 1, From::Lines);
            let made = topic(&kafka, "made", 2);
            let source = generator(&made);
            let from = From::Generator { source: source.name.clone(), topic: made.clone() };
            connectors.push(source);
            add(&mut connectors, &made, 2, 1, from);
        }
        assert_eq!(connectors.iter().map(|connector| connector.tasks).sum::<usize>(), TASKS);
        for Connector { name, config, .. } in &connectors {
            squad.change("POST", "/connectors", &json!({ "name": name, "config": config }));
        }
        let feed = Feed::start(&kafka, &numbers, PARTITIONS as u64, &files);
        let mut load = Self { connectors, feed, kafka, sinks, _dir: dir };
        let took = squad.await_settled(&load, &[0, 1, 2]);
        println!("12 connectors with 40 tasks ran everywhere {took:?} after the last was created");
        load.await_rows(Instant::now());
        load
    }

    /// Waits until rows that were sent from now on have arrived in every sink and partition; the time since `since`.
    pub fn await_rows(&mut self, since: Instant) -> Duration {
        let mark = self.feed.sent();
        let Self { sinks, feed, .. } = self;
        until("rows in every partition of every sink", SOON, || {
            sinks.iter_mut().filter(|sink| !matches!(sink.from, From::Generator { .. })).all(|sink| {
                sink.tally.look();
                sink.tally.has_moved_past(mark)
            }) && feed.sent() > mark
        });
        since.elapsed()
    }

    /// Waits until this many more numbers were sent: a moment that has nothing to do with what the workers do.
    pub fn await_sent(&self, more: u64) {
        let mark = self.feed.sent() + more;
        until(&format!("number {mark} to be sent"), SOON * 10, || self.feed.sent() >= mark);
    }

    /// Ends feed and generators, lets the sinks drain, stops the workers, and counts: a record that is missing
    /// fails the test. Returns how many came more than once.
    pub fn finish(mut self, squad: &mut Squad) -> u64 {
        let sent = self.feed.finish();
        for sink in &self.sinks {
            if let From::Generator { source, .. } = &sink.from {
                squad.change("PUT", &format!("/connectors/{source}/stop"), &Value::Null);
                squad.await_stopped(source);
            }
        }
        let mut doubled = 0;
        for sink in &mut self.sinks {
            let (expected, twice) = match &sink.from {
                From::Numbers | From::Lines => ((0..sent).collect(), 0),
                From::Generator { topic, .. } => made(&self.kafka, topic),
            };
            doubled += twice;
            sink.drain(&expected);
        }
        squad.stop();
        for Sink { tally, .. } in &mut self.sinks {
            tally.look();
        }
        let numbers: u64 = self.doubles(|from| matches!(from, From::Numbers));
        let lines: u64 = self.doubles(|from| matches!(from, From::Lines));
        let all: u64 = self.doubles(|_| true);
        println!(
            "{sent} numbers to {NUMBER_SINKS} sinks and through {PAIRS} files: none lost; more than once: {numbers} \
             numbers, {lines} lines, {} of the generators'",
            all - numbers - lines + doubled
        );
        doubled + all
    }

    fn doubles(&self, is_one: impl Fn(&From) -> bool) -> u64 {
        self.sinks.iter().filter(|sink| is_one(&sink.from)).map(|sink| sink.tally.doubled()).sum()
    }
}

impl Sink {
    #[track_caller]
    fn drain(&mut self, expected: &BTreeSet<u64>) {
        let start = Instant::now();
        let name = self.tally.path.display().to_string();
        until(&format!("all records in {name}"), SOON * 2, || {
            self.tally.look();
            let missing = self.tally.missing(expected.iter().copied());
            assert!(
                missing.is_empty() || start.elapsed() < SOON,
                "{name}: {} of {} records are missing: {:?} ...",
                missing.len(),
                expected.len(),
                &missing[..missing.len().min(20)]
            );
            missing.is_empty()
        });
        assert_eq!(self.tally.strange(|number| expected.contains(&number)), [0; 0], "{name}");
    }
}

/// What a generator has put into its topic: its numbers without a gap for each of its two tasks, and how many records
/// there are beyond one for each.
fn made(kafka: &Kafka, topic: &str) -> (BTreeSet<u64>, u64) {
    let records = kafka.read(topic);
    let numbers: BTreeSet<u64> =
        records.iter().map(|record| number(record.text()).expect("a generated record")).collect();
    for task in 0..2 {
        let own = || numbers.iter().filter(|number| *number % 2 == task);
        let count = own().count() as u64;
        assert!(count > 0, "{topic}: task {task} made nothing");
        assert_eq!(own().max(), Some(&(2 * (count - 1) + task)), "{topic}: task {task} left numbers out");
    }
    let doubled = (records.len() - numbers.len()) as u64;
    (numbers, doubled)
}

fn topic(kafka: &Kafka, name: &str, partitions: usize) -> String {
    let topic = unique(name);
    kafka.create_topic(&topic, partitions as i32);
    topic
}

pub fn sink(file: &Path, topic: &str, tasks: usize) -> Connector {
    let config = json!({
        "connector.class": "FileStreamSink", "tasks.max": tasks.to_string(), "topics": topic, "file": file,
        "value.converter": STRING,
    });
    Connector { name: unique("sink"), config, tasks }
}

fn file_source(file: &Path, topic: &str) -> Connector {
    let config = json!({
        "connector.class": "FileStreamSource", "tasks.max": "1", "topic": topic, "file": file,
        "value.converter": STRING,
    });
    Connector { name: unique("lines"), config, tasks: 1 }
}

fn generator(topic: &str) -> Connector {
    let config = json!({
        "connector.class": "Datagen", "tasks.max": "2", "topic": topic, "fields": "id:sequence", "format": "json",
        "rate": "30", "value.converter": STRING,
    });
    Connector { name: unique("made"), config, tasks: 2 }
}
