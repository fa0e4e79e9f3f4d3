//! Sends numbered records all the while: to a topic, and as lines to files.

use penstock_tests::Kafka;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(50);
/// Of each partition at a time: 240 numbers a second in six partitions.
const ROUND: u64 = 2;
/// Longer than any outage here: what was sent arrives.
const FLUSH: Duration = Duration::from_secs(200);

pub struct Feed {
    sent: Arc<AtomicU64>,
    stop: Sender<()>,
    sending: Option<JoinHandle<()>>,
}

impl Feed {
    /// Number `n` goes to partition `n % partitions`, and is a line of each file.
    pub fn start(kafka: &Kafka, topic: &str, partitions: u64, files: &[PathBuf]) -> Self {
        let open =
            |path| OpenOptions::new().create(true).append(true).open(path).expect("a file to append to");
        let mut files: Vec<File> = files.iter().map(open).collect();
        let (producer, topic, sent) = (producer(kafka), topic.to_owned(), Arc::new(AtomicU64::new(0)));
        let (stop, stopped) = channel();
        let counter = Arc::clone(&sent);
        let sending = std::thread::spawn(move || {
            let mut next = 0;
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let round = next..next + ROUND * partitions;
                for number in round.clone() {
                    let text = number.to_string();
                    let record: BaseRecord<'_, (), str> =
                        BaseRecord::to(&topic).partition((number % partitions) as i32).payload(&text);
                    producer.send(record).map_err(|(error, _)| error).expect("room in the producer's queue");
                }
                for file in &mut files {
                    file.write_all(&lines(round.clone())).unwrap();
                }
                next = round.end;
                counter.store(next, Ordering::Release);
                producer.poll(Duration::ZERO);
            }
            producer.flush(FLUSH).expect("the broker acknowledges all numbers");
        });
        Self { sent, stop, sending: Some(sending) }
    }

    /// Numbers below this were sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// Returns how many numbers there are, once the broker has them all.
    pub fn finish(&mut self) -> u64 {
        let _ = self.stop.send(());
        if let Some(sending) = self.sending.take() {
            sending.join().expect("the feed ends well");
        }
        self.sent()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        // A test that has failed has nothing to flush for: the thread ends with the process.
        let _ = self.stop.send(());
    }
}

fn producer(kafka: &Kafka) -> BaseProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &kafka.bootstrap)
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "280000")
        .set("reconnect.backoff.max.ms", "1000")
        .set("log_level", "0");
    config.create().expect("a producer")
}

fn lines(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut lines = Vec::new();
    for number in numbers {
        writeln!(lines, "{number}").unwrap();
    }
    lines
}
