//! A sink that appends a line per record to a file, unless it was asked to fail.
use crate::fault::{self, Fault};
use penstock_sdk::{About, Batch, Config, Error, Kind, Problem, Result, Setting, Sink, Task};
use std::fs::{File, OpenOptions};
use std::io::Write;

pub struct FaultySink {
    fault: Fault,
    file: Option<File>,
}

impl Sink for FaultySink {
    fn about() -> About {
        let file = Setting::string("file")
            .doc("Each record becomes a line: topic, partition, offset, key and value between tabs.");
        fault::declare(About::new("FaultySink", "Writes records to a file and fails on demand."))
            .setting(file)
    }

    fn validate(config: &Config) -> Vec<Problem> {
        fault::validate(config)
    }

    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        Ok(vec![fault::plan(config)?; tasks_max])
    }

    fn open(task: &Task) -> Result<Self> {
        let mut fault = Fault::read(task.config())?;
        fault.talk(task);
        fault.strike("open")?;
        let file = task.config().get("file").map(open).transpose()?;
        Ok(Self { fault, file })
    }

    fn write(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.fault.strike("call")?;
        let outcome = self.fault.look(batch);
        let rejected: Vec<usize> = match outcome.as_ref().map_err(Error::kind) {
            Ok(()) => Vec::new(),
            Err(Kind::Records(rejected)) => rejected.iter().map(|(index, _)| *index).collect(),
            Err(_) => return outcome,
        };
        let mut lines = Vec::new();
        for (index, record) in batch.records().enumerate() {
            if rejected.binary_search(&index).is_err() {
                let (key, value) = (record.key(), record.value());
                let place = format!("{}\t{}\t{}", record.topic(), record.partition(), record.offset());
                lines.extend(format!("{place}\t{}\t{}\n", key.display(), value.display()).into_bytes());
            }
        }
        if let Some(file) = &mut self.file {
            file.write_all(&lines).map_err(|reason| Error::fatal(format!("writing the file: {reason}")))?;
        }
        outcome
    }
}

impl Drop for FaultySink {
    fn drop(&mut self) {
        // Nobody asks a closing task for its reason.
        let _ = self.fault.strike("close");
    }
}

fn open(path: &str) -> Result<File> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|reason| Error::config(format!("file: opening {path}: {reason}")))
}
