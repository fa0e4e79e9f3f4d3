//! The source against a real server: every row once, every type as documented, and no failure taken for data.
mod follow;
mod trouble;
mod types;

use penstock_sdk::flat::{Value, Writer};
use penstock_sdk::{Fields, Result};

use super::Lab;
use crate::server::Server;
use crate::source::{Fault, Layout, Outcome, Outlet, Parts, Reader, Settings};

/// A task with one table, and the worker's memory of where it stands.
struct Run {
    settings: Settings,
    server: Server,
    reader: Reader,
    stored: Option<Fields>,
    taken: Taken,
}

/// What came out.
#[derive(Default)]
struct Taken {
    values: Vec<String>,
    schema: String,
    bytes: usize,
    position: Option<Fields>,
}

impl Outlet for Taken {
    fn row(&mut self, _: &str, layout: &Layout, parts: &Parts<'_>) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        layout.write_value(parts, &mut Writer::new(&mut bytes))?;
        self.values.push(Value::parse(&bytes).unwrap().to_string());
        self.schema = layout.value_schema().to_owned();
        self.bytes += bytes.len();
        Ok(())
    }

    fn position(&mut self, _: Fields, offset: Fields) {
        self.position = Some(offset);
    }

    fn rows(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Run {
    fn new(lab: &Lab, settings: &[(&str, &str)]) -> Self {
        let database = [("database", lab.database.as_str())];
        let pairs: Vec<_> = database.iter().chain(settings).copied().collect();
        let settings = Settings::test(&pairs);
        let server = Server::new(&settings.connection).unwrap();
        let reader = Reader::new(settings.relations[0].clone(), &settings);
        Run { settings, server, reader, stored: None, taken: Taken::default() }
    }

    /// One call of the worker, which stores the position at once.
    fn poll(&mut self) -> Result<Outcome> {
        if !self.reader.is_prepared() {
            let stored = &self.stored;
            self.reader.prepare(&self.server, &self.settings, |_| stored.clone())?;
        }
        let mut taken = Taken::default();
        let outcome = self.reader.read(&self.server, &self.settings, &mut taken)?;
        self.taken.values.append(&mut taken.values);
        self.taken.schema = taken.schema;
        if taken.position.is_some() {
            self.stored = taken.position;
        }
        Ok(outcome)
    }

    /// Until there is nothing for now.
    fn drain(&mut self) -> &mut Self {
        while self.poll().unwrap() != Outcome::Idle {}
        self
    }

    /// A new task goes on where the last one stored.
    fn restart(&mut self) -> &mut Self {
        self.reader = Reader::new(self.settings.relations[0].clone(), &self.settings);
        self
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.taken.values)
    }

    /// The sentence of a task that cannot go on.
    fn refused(lab: &Lab, settings: &[(&str, &str)], stored: Option<Fields>) -> String {
        let mut run = Run::new(lab, settings);
        run.stored = stored;
        loop {
            match run.poll() {
                Ok(Outcome::Idle) => panic!("{settings:?} was accepted"),
                Ok(_) => {}
                Err(error) => return format!("{:?}: {error}", error.kind()),
            }
        }
    }
}

fn ids(rows: &[String]) -> Vec<u64> {
    let id = |row: &String| {
        let rest = &row[row.find("id=").unwrap() + 3..];
        let end = rest.find([',', '}']).unwrap();
        rest[..end].parse().unwrap()
    };
    rows.iter().map(id).collect()
}
