//! The battery of a sink.
use super::{PATIENCE, Refused, Subject, ends_in_time, task};
use crate::TestServices;
use host::{Assembly, Connector, Error, Item, Kind, SinkInstance, Value};
use penstock_sdk::Config;
use std::path::PathBuf;
use std::time::Instant;

/// Takes the destination away, or gives it back.
type Switch = Box<dyn Fn()>;

/// What is told of a sink before its checks run.
pub struct SinkBattery {
    subject: Subject,
    topic: String,
    value: Box<dyn Fn(usize) -> String>,
    arrived: Option<Box<dyn Fn() -> Vec<String>>>,
    outage: Option<(Switch, Switch)>,
    rejected: Option<String>,
}

impl SinkBattery {
    pub(super) fn new(library: PathBuf) -> Self {
        Self {
            subject: Subject::new(library),
            topic: "battery".into(),
            value: Box::new(|number| format!("record-{number}")),
            arrived: None,
            outage: None,
            rejected: None,
        }
    }

    #[must_use]
    pub fn class(mut self, class: &str) -> Self {
        self.subject.class = class.into();
        self
    }

    #[must_use]
    pub fn setting(mut self, key: &str, value: impl Into<String>) -> Self {
        self.subject.config.set(key, value);
        self
    }

    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.subject.config = config;
        self
    }

    /// The topic that records come from; `battery` by default.
    #[must_use]
    pub fn topic(mut self, topic: &str) -> Self {
        self.topic = topic.into();
        self
    }

    /// The value of each record, different for each number; `record-NUMBER` by default.
    #[must_use]
    pub fn value(mut self, value: impl Fn(usize) -> String + 'static) -> Self {
        self.value = Box::new(value);
        self
    }

    /// Reads the destination: the values of all records that arrived, in any order. Needed.
    #[must_use]
    pub fn arrived(mut self, arrived: impl Fn() -> Vec<String> + 'static) -> Self {
        self.arrived = Some(Box::new(arrived));
        self
    }

    /// How to take the destination away and give it back: the sink must ask to be called again meanwhile.
    #[must_use]
    pub fn outage(mut self, down: impl Fn() + 'static, up: impl Fn() + 'static) -> Self {
        self.outage = Some((Box::new(down), Box::new(up)));
        self
    }

    /// A value that the sink cannot write, and has to reject by its index while its neighbours arrive.
    #[must_use]
    pub fn rejects(mut self, value: &str) -> Self {
        self.rejected = Some(value.into());
        self
    }

    /// With this value the sink must refuse to start, with a sentence that holds `expected`.
    #[must_use]
    pub fn refuses(mut self, key: &str, value: &str, expected: &str) -> Self {
        let (key, value, expected) = (key.into(), value.into(), expected.into());
        self.subject.refused.push(Refused { key, value, expected });
        self
    }

    /// Runs every check, all against the one destination.
    pub fn run(self) {
        let connector = self.subject.connector();
        self.subject.check_settings(&connector);
        let mut run = Run { battery: &self, connector: &connector, next: 0, expected: Vec::new() };
        run.expected = run.arrived();
        run.check_receipts();
        run.check_rejection();
        run.check_outage();
        run.check_close();
    }
}

/// One battery while it runs: what was sent so far, and has to be there once.
struct Run<'b> {
    battery: &'b SinkBattery,
    connector: &'b Connector,
    next: usize,
    expected: Vec<String>,
}

impl Run<'_> {
    /// `Ok` is a receipt: the records are there at once, and stay there once, whatever is written later.
    fn check_receipts(&mut self) {
        for round in 0..2 {
            let mut sink = self.open();
            for size in [1, 10, 500] {
                let values = self.fresh(size);
                self.deliver(&mut sink, &values);
                self.expect(&values, &format!("after {size} records were written by instance {round}"));
            }
        }
    }

    fn check_rejection(&mut self) {
        let Some(bad) = &self.battery.rejected else { return };
        let mut sink = self.open();
        let good = self.fresh(2);
        let outcome = self.write(&mut sink, &[good[0].clone(), bad.clone(), good[1].clone()]);
        let indices = match outcome.as_ref().map_err(|error| &error.kind) {
            Err(Kind::Records(rejected)) => rejected.iter().map(|(index, _)| *index).collect(),
            _ => Vec::new(),
        };
        assert_eq!(indices, [1], "the contract: a sink rejects a bad record by its index; got {outcome:?}");
        self.expect(&good, "the neighbours of a rejected record");
    }

    fn check_outage(&mut self) {
        let Some((down, up)) = &self.battery.outage else { return };
        let mut sink = self.open();
        let before = self.fresh(10);
        self.deliver(&mut sink, &before);
        let during = self.fresh(10);
        down();
        let outcome = self.write(&mut sink, &during);
        up();
        let is_retry = matches!(&outcome, Err(Error { kind: Kind::Retry { .. }, .. }));
        assert!(
            is_retry,
            "the contract: while its destination is away a sink asks for a retry; got {outcome:?}"
        );
        self.deliver(&mut sink, &during);
        self.expect(&[before, during].concat(), "after the destination was away");
    }

    fn check_close(&self) {
        let sink = self.open();
        ends_in_time("close of the sink", || {}, move || drop(sink));
    }

    fn fresh(&mut self, count: usize) -> Vec<String> {
        let numbers = self.next..self.next + count;
        self.next += count;
        numbers.map(&self.battery.value).collect()
    }

    fn open(&self) -> SinkInstance {
        let opened = self.connector.open_sink(&task(&self.battery.subject.config), TestServices::new());
        opened.unwrap_or_else(|error| panic!("the sink does not open: {error}"))
    }

    /// As the worker does: the same batch until it is written.
    fn deliver(&self, sink: &mut SinkInstance, values: &[String]) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.write(sink, values) {
            let is_retry = matches!(error.kind, Kind::Retry { .. });
            assert!(is_retry, "writing {} records failed: {error}", values.len());
            assert!(Instant::now() < deadline, "the sink still asks for a retry after {PATIENCE:?}: {error}");
            std::thread::yield_now();
        }
    }

    fn write(&self, sink: &mut SinkInstance, values: &[String]) -> Result<(), Error> {
        let mut assembly = Assembly::new();
        let mut builder = assembly.begin();
        for (index, value) in values.iter().enumerate() {
            let is_encoded = self.connector.is_encoded();
            let value = if is_encoded { Value::Bytes(value.as_bytes()) } else { Value::Text(value) };
            builder.push(&Item {
                topic: &self.battery.topic,
                partition: 0,
                offset: (self.next - values.len() + index) as i64,
                timestamp_ms: Some(1_700_000_000_000),
                key: Value::Null,
                value,
                key_schema: None,
                value_schema: None,
            });
        }
        sink.write(&builder.finish())
    }

    fn expect(&mut self, values: &[String], when: &str) {
        self.expected.extend_from_slice(values);
        self.expected.sort();
        let mut arrived = self.arrived();
        arrived.sort();
        assert!(
            arrived == self.expected,
            "the contract: what a sink reports as written is there, once; {when}: expected {} records, found {}, \
             first difference {:?}",
            self.expected.len(),
            arrived.len(),
            arrived.iter().zip(&self.expected).find(|(found, expected)| found != expected)
        );
    }

    fn arrived(&self) -> Vec<String> {
        let arrived = self.battery.arrived.as_ref();
        arrived.unwrap_or_else(|| panic!("tell the battery how to read the destination: .arrived(…)"))()
    }
}
