//! The battery of a source.
use super::{PATIENCE, Refused, Subject, ends_in_time, task};
use crate::TestServices;
use host::{Connector, Kind, SourceInstance};
use penstock_sdk::{Config, Fields, Record};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is told of a source before its checks run.
pub struct SourceBattery {
    subject: Subject,
    pub(super) records: usize,
    pub(super) identify: Box<dyn Fn(&Record<'_>) -> String>,
}

/// Records of one run, as the test's identity of each, and where the source stood after them.
struct Taken {
    identities: Vec<String>,
    positions: Vec<(Fields, Fields)>,
}

impl SourceBattery {
    pub(super) fn new(library: PathBuf) -> Self {
        let identify = Box::new(|record: &Record<'_>| record.value().display().into_owned());
        Self { subject: Subject::new(library), records: 20, identify }
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

    /// How many records to take before the restart; the source must have twice as many. 20 by default.
    #[must_use]
    pub fn records(mut self, records: usize) -> Self {
        self.records = records;
        self
    }

    /// What is the same whenever a record is read again; its value by default.
    #[must_use]
    pub fn identify(mut self, identify: impl Fn(&Record<'_>) -> String + 'static) -> Self {
        self.identify = Box::new(identify);
        self
    }

    /// With this value the source must refuse to start, with a sentence that holds `expected`.
    #[must_use]
    pub fn refuses(mut self, key: &str, value: &str, expected: &str) -> Self {
        let (key, value, expected) = (key.into(), value.into(), expected.into());
        self.subject.refused.push(Refused { key, value, expected });
        self
    }

    /// Runs every check.
    pub fn run(self) {
        let connector = self.subject.connector();
        self.subject.check_settings(&connector);
        self.check_resume(&connector);
        self.check_replay(&connector);
        self.check_close(&connector);
    }

    /// A run that is interrupted gives what a run without interruption gives: no gap, nothing twice.
    fn check_resume(&self, connector: &Connector) {
        let whole = self.take(connector, Vec::new(), self.records * 2).identities;
        let first = self.take(connector, Vec::new(), self.records);
        assert!(!first.positions.is_empty(), "the contract: records come with the position after them");
        let rest = whole.len().saturating_sub(first.identities.len()).max(1);
        let second = self.take(connector, first.positions, rest);
        let mut joined = first.identities;
        joined.extend(second.identities);
        let compared = whole.len().min(joined.len());
        assert_eq!(
            joined[..compared],
            whole[..compared],
            "the contract: a source goes on after its committed positions, without gap or repetition"
        );
    }

    fn take(&self, connector: &Connector, stored: Vec<(Fields, Fields)>, wanted: usize) -> Taken {
        let services = TestServices::resuming(stored.clone());
        let mut source = self.open(connector, &services);
        let mut taken = Taken { identities: Vec::new(), positions: stored };
        let deadline = Instant::now() + PATIENCE;
        while taken.identities.len() < wanted {
            let got = taken.identities.len();
            assert!(Instant::now() < deadline, "the source gave {got} of {wanted} records in {PATIENCE:?}");
            let positions = match source.poll() {
                Ok(polled) => {
                    taken.identities.extend(polled.batch().records().map(|record| (self.identify)(&record)));
                    polled.positions()
                }
                Err(error) => match error.kind {
                    Kind::Retry { .. } => Vec::new(),
                    _ => panic!("polling failed: {error}"),
                },
            };
            if !positions.is_empty() {
                source.committed(&positions);
                taken.positions.extend(positions);
            }
        }
        taken
    }

    /// A source that waits for records notices a stop.
    fn check_close(&self, connector: &Connector) {
        let services = TestServices::new();
        let mut source = self.open(connector, &services);
        let flag = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_stopped = Arc::clone(&flag);
        let stop = || {
            // A source that always has records never waits: it is stopped between two polls.
            services.is_waiting_within(Duration::from_secs(2));
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
            services.stop();
        };
        ends_in_time("poll and close of the source", stop, move || {
            while !is_stopped.load(std::sync::atomic::Ordering::SeqCst) && source.poll().is_ok() {}
            drop(source);
        });
    }

    pub(super) fn open(&self, connector: &Connector, services: &Arc<TestServices>) -> SourceInstance {
        let opened = connector.open_source(&task(&self.subject.config), services.clone());
        opened.unwrap_or_else(|error| panic!("the source does not open: {error}"))
    }
}
