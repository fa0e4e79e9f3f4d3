//! A source that counts, unless it was asked to fail.
use crate::fault::{self, Fault};
use penstock_sdk::{About, Config, Fields, Poll, Problem, Result, Setting, Source, Task};
use std::time::Duration;

pub struct FaultySource {
    task: Task,
    fault: Fault,
    topic: String,
    partition: Fields,
    next: i64,
    end: i64,
    batch: i64,
    pause: Duration,
}

impl Source for FaultySource {
    fn about() -> About {
        fault::declare(About::new("FaultySource", "Counts from 0 and fails on demand."))
            .setting(Setting::string("topic").required().doc("Where the numbers go."))
            .setting(Setting::long("records").default("-1").doc("How many in all; -1 is without end."))
            .setting(Setting::int("batch").range(1, 100_000).default("10").doc("How many at once."))
            .setting(Setting::long("pause.ms").range(0, None).default("0").doc("Between two batches."))
    }

    fn validate(config: &Config) -> Vec<Problem> {
        fault::validate(config)
    }

    fn plan(config: &Config, _tasks_max: usize) -> Result<Vec<Config>> {
        Ok(vec![fault::plan(config)?])
    }

    fn open(task: &Task) -> Result<Self> {
        let config = task.config();
        let mut fault = Fault::read(config)?;
        fault.talk(task);
        fault.strike("open")?;
        let partition = Fields::new().with("source", task.connector());
        let next = task.resume(&partition).and_then(|offset| offset.integer("position")).unwrap_or(0);
        Ok(Self {
            topic: config.required("topic")?.to_owned(),
            end: config.parsed("records")?.filter(|count| *count >= 0).unwrap_or(i64::MAX),
            batch: config.parsed("batch")?.unwrap_or(10),
            pause: Duration::from_millis(config.parsed("pause.ms")?.unwrap_or(0)),
            task: task.clone(),
            fault,
            partition,
            next,
        })
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        self.fault.strike("call")?;
        let pause = if self.next >= self.end { Duration::from_secs(1) } else { self.pause };
        if !pause.is_zero() && self.task.wait(pause) {
            return Ok(());
        }
        for number in self.next..self.end.min(self.next.saturating_add(self.batch)) {
            poll.record(&self.topic).key_text(self.task.connector()).value_text(&number.to_string());
            self.next = number + 1;
        }
        if !poll.is_empty() {
            poll.position(self.partition.clone(), Fields::new().with("position", self.next));
        }
        Ok(())
    }

    fn committed(&mut self, positions: &[(Fields, Fields)]) {
        self.task.count("committed", positions.len() as u64);
    }
}

impl Drop for FaultySource {
    fn drop(&mut self) {
        // Nobody asks a closing task for its reason.
        let _ = self.fault.strike("close");
    }
}
