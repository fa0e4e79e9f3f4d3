//! The source: rows of tables and queries become records, in the order of a growing column.
mod cursor;
mod declare;
mod fingerprint;
mod layout;
mod measure;
mod outlet;
mod page;
mod position;
mod program;
mod reader;
mod relation;
mod schema;
mod settings;
mod start;
mod text;
mod track;
mod trouble;
mod value;

use std::time::{Duration, Instant};

use penstock_sdk::{About, Config, Error, Kind, Level, Poll, Problem, Result, Source, Task};

use crate::check;
use crate::server::Server;
#[cfg(test)]
pub use layout::{Layout, Parts};
#[cfg(test)]
pub use outlet::Outlet;
pub use reader::{Outcome, Reader};
pub use settings::Settings;
#[cfg(test)]
pub use value::Fault;

/// One task: it reads its tables in turns.
pub struct ClickHouseSource {
    task: Task,
    settings: Settings,
    server: Server,
    readers: Vec<Reader>,
    /// Which reader comes next.
    turn: usize,
    /// Nothing was found before, so that nothing is asked until then.
    rest_until: Option<Instant>,
    /// Tables whose newest value has more rows than an offset remembers.
    crowded: Vec<bool>,
}

impl Source for ClickHouseSource {
    fn about() -> About {
        About::new(
            "ClickHouseSource",
            "Makes records of the rows of ClickHouse tables and queries, and follows them by a growing column.",
        )
        .alias("ClickHouseSourceConnector")
        .alias("io.penstock.ClickHouseSource")
        .version(env!("CARGO_PKG_VERSION"))
        .exactly_once()
        .settings(declare::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        match Settings::parse(config) {
            Ok(settings) => check::server(&settings.connection).err().unwrap_or_default(),
            Err(_) => settings::problems(config),
        }
    }

    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        Settings::parse(config)?;
        Ok(settings::plan(config, tasks_max))
    }

    fn open(task: &Task) -> Result<Self> {
        let settings = Settings::of_task(task.config(), task.number())?;
        let server = Server::new(&settings.connection).map_err(crate::failure::Failure::into_error)?;
        let readers: Vec<_> =
            settings.relations.iter().map(|relation| Reader::new(relation.clone(), &settings)).collect();
        let crowded = vec![false; readers.len()];
        let mut source =
            Self { task: task.clone(), settings, server, readers, turn: 0, rest_until: None, crowded };
        for at in 0..source.readers.len() {
            match source.prepare(at) {
                // A server that is away now is asked again with the first poll.
                Err(error) if matches!(error.kind(), Kind::Retry { .. }) => break,
                other => other?,
            }
        }
        Ok(source)
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        if let Some(until) = self.rest_until {
            let rest = until.saturating_duration_since(Instant::now());
            if self.task.wait(rest.min(WAIT_MAX)) || Instant::now() < until {
                return Ok(());
            }
            self.rest_until = None;
        }
        for _ in 0..self.readers.len() {
            let at = self.turn;
            self.turn = (at + 1) % self.readers.len();
            self.prepare(at)?;
            let outcome = self.readers[at].read(&self.server, &self.settings, poll)?;
            self.warn_of_crowds(at);
            if outcome != Outcome::Idle || !poll.is_empty() {
                return Ok(());
            }
        }
        self.rest_until = Some(Instant::now() + self.settings.poll_interval);
        Ok(())
    }
}

impl ClickHouseSource {
    fn prepare(&mut self, at: usize) -> Result<()> {
        let Self { task, settings, server, readers, .. } = self;
        let Some(reader) = readers.get_mut(at).filter(|reader| !reader.is_prepared()) else { return Ok(()) };
        let label = reader.relation.label();
        reader
            .prepare(server, settings, |partition| task.resume(partition))
            .map_err(|error: Error| error.within(label))
    }

    /// Once for each value with which it begins: such rows may come twice after a restart.
    fn warn_of_crowds(&mut self, at: usize) {
        let (Some(reader), Some(crowded)) = (self.readers.get(at), self.crowded.get_mut(at)) else { return };
        let is_crowded = reader.known_rows() > self.settings.ties_max;
        if is_crowded && !*crowded {
            let message = format!(
                "{}: more than tiesMax={} rows share a value of {}; some come twice if the task restarts among them",
                reader.relation.label(),
                self.settings.ties_max,
                self.settings.cursor.first().map_or("", String::as_str)
            );
            self.task.log(Level::Warn, &message);
        }
        *crowded = is_crowded;
    }
}

/// A stop is noticed by the worker between two calls.
const WAIT_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_are_not_there_are_told_when_settings_are_validated() {
        let pairs = [
            ("hostname", "a"),
            ("ssl", "true"),
            ("table", "t"),
            ("cursorColumn", "id"),
            ("topic", "t"),
            ("sslRootCertificate", "/nowhere/ca.pem"),
        ];
        let problems = ClickHouseSource::validate(&pairs.into_iter().collect());
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.setting, "sslRootCertificate");
        assert!(problem.message.starts_with("reading /nowhere/ca.pem: "), "{problem:?}");
        assert_eq!(ClickHouseSource::validate(&pairs[..5].iter().copied().collect()), []);
    }
}
