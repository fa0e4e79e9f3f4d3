//! Asks a source whether it could go on from given offsets, by opening it with them and closing it again.
//!
//! Plugins have no word of their own for it. A source reads the offsets of its partitions when it is opened, and
//! refuses there what makes no sense to it; what it would refuse later would fail the connector's task.
use super::source::Wanted;
use crate::store::SourceOffsets;
use crate::store::offsets::fields;
use host::{CallWatch, Connector, OpenTask, Services};
use penstock_sdk::{Config, Fields, Level};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Who is asked.
pub struct Stage {
    pub plugin: Connector,
    pub connector: String,
    pub config: Config,
    pub tasks_max: usize,
    pub offsets: SourceOffsets,
}

/// Stands in for the worker: nothing that the plugin says or counts here reaches anybody.
struct Prompter {
    connector: String,
    /// The partition and offset to try. Every partition that looks like it gets that offset: a source may well be
    /// given the offset of a partition that it does not read yet.
    tried: Option<(Fields, Fields)>,
    offsets: SourceOffsets,
    /// Field names of the partitions that the plugin asked for.
    asked: Mutex<BTreeSet<Vec<String>>>,
}

impl Stage {
    /// An error is the plugin's sentence. A source that cannot even be opened as it is has no say.
    pub fn rehearse(&self, wanted: &[Wanted]) -> Result<(), String> {
        let Ok(tasks) = self.plugin.plan(&self.config, self.tasks_max) else { return Ok(()) };
        let (Ok(()), asked) = self.open(&tasks, None) else { return Ok(()) };
        for (partition, offset) in wanted {
            let partition = fields(partition);
            if !asked.is_empty() && !asked.contains(&shape(&partition)) {
                return Err(format!("Partition objects should contain {}", expected(&asked)));
            }
            let Some(offset) = offset else { continue };
            if let (Err(why), _) = self.open(&tasks, Some((partition, fields(offset)))) {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Opens and closes every task; tells which partitions were asked for.
    fn open(
        &self,
        tasks: &[Config],
        tried: Option<(Fields, Fields)>,
    ) -> (Result<(), String>, BTreeSet<Vec<String>>) {
        let prompter = Arc::new(Prompter {
            connector: self.connector.clone(),
            tried,
            offsets: self.offsets.clone(),
            asked: Mutex::default(),
        });
        let open = |(number, config): (usize, &Config)| {
            let task = OpenTask {
                connector: &self.connector,
                task: u32::try_from(number).unwrap_or(u32::MAX),
                config,
                key_format: "",
                value_format: "",
                watch: CallWatch::new(),
            };
            let services: Arc<dyn Services> = Arc::clone(&prompter) as Arc<dyn Services>;
            self.plugin.open_source(&task, services).map(drop).or_else(verdict)
        };
        let outcome = tasks.iter().enumerate().try_for_each(open);
        let asked = prompter.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (outcome, asked)
    }
}

/// Only what the plugin calls a wrong setting is about the offsets; that a system is not reachable now is not.
fn verdict(error: host::Error) -> Result<(), String> {
    if error.kind == host::Kind::Config { Err(error.message) } else { Ok(()) }
}

fn shape(partition: &Fields) -> Vec<String> {
    let mut names: Vec<_> = partition.iter().map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}

fn expected(asked: &BTreeSet<Vec<String>>) -> String {
    let keys = |names: &Vec<String>| match names.as_slice() {
        [one] => format!("the key '{one}'"),
        many => format!("the keys '{}'", many.join("', '")),
    };
    asked.iter().map(keys).collect::<Vec<_>>().join(" or ")
}

impl Services for Prompter {
    fn log(&self, _level: Level, _message: &str) {}

    fn count(&self, _name: &str, _add: u64) {}

    fn gauge(&self, _name: &str, _value: f64) {}

    /// The task is to end: whoever waits is told so at once.
    fn wait(&self, _time: Duration) -> bool {
        true
    }

    fn resume(&self, partition: &Fields) -> Option<Fields> {
        let names = shape(partition);
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(names.clone());
        match &self.tried {
            Some((tried, offset)) if shape(tried) == names => Some(offset.clone()),
            _ => self.offsets.get(&self.connector, partition),
        }
    }
}
