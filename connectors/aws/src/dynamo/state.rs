//! How far a table's snapshot is, as the worker stores it.
use penstock_sdk::{Error, Fields, Result, Scalar};

/// Changes are followed from `since_ms` on, which is before the export whatever comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// An export is about to be asked for: with this token it is the same one, however often.
    Preparing { since_ms: i64, token: String },
    /// DynamoDB writes it.
    Exporting { since_ms: i64, export: String },
    /// Its files are read.
    Loading { since_ms: i64, export: String, manifest: String },
    /// All of them were.
    Loaded { since_ms: i64, export: String },
}

/// How far a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub rows: u64,
    pub is_done: bool,
}

impl State {
    /// What it is kept under.
    pub fn partition(table: &str) -> Fields {
        Fields::new().with(TABLE, table)
    }

    pub fn since_ms(&self) -> i64 {
        match self {
            State::Preparing { since_ms, .. }
            | State::Exporting { since_ms, .. }
            | State::Loading { since_ms, .. }
            | State::Loaded { since_ms, .. } => *since_ms,
        }
    }

    /// The export that it is about, as soon as there is one.
    pub fn export(&self) -> Option<&str> {
        match self {
            State::Preparing { .. } => None,
            State::Exporting { export, .. }
            | State::Loading { export, .. }
            | State::Loaded { export, .. } => Some(export),
        }
    }

    pub fn write(&self) -> Fields {
        let fields = |phase: &str| Fields::new().with(PHASE, phase).with(SINCE, self.since_ms());
        match self {
            State::Preparing { token, .. } => fields(PREPARING).with(TOKEN, token.as_str()),
            State::Exporting { export, .. } => fields(EXPORTING).with(EXPORT, export.as_str()),
            State::Loading { export, manifest, .. } => {
                fields(LOADING).with(EXPORT, export.as_str()).with(MANIFEST, manifest.as_str())
            }
            State::Loaded { export, .. } => fields(LOADED).with(EXPORT, export.as_str()),
        }
    }

    /// Reads what was stored, or what a person put in its place.
    pub fn read(fields: &Fields) -> Result<Self> {
        let text = |name: &str| match fields.get(name) {
            Some(Scalar::Text(text)) if !text.is_empty() => Ok(text.clone()),
            other => Err(wrong(&format!("{name}: expected text, got {other:?}"))),
        };
        let since_ms = match fields.integer(SINCE) {
            Some(ms) if ms >= 0 => ms,
            _ => return Err(wrong(&format!("{SINCE}: expected milliseconds, got {:?}", fields.get(SINCE)))),
        };
        match text(PHASE)?.as_str() {
            PREPARING => Ok(State::Preparing { since_ms, token: text(TOKEN)? }),
            EXPORTING => Ok(State::Exporting { since_ms, export: text(EXPORT)? }),
            LOADING => Ok(State::Loading { since_ms, export: text(EXPORT)?, manifest: text(MANIFEST)? }),
            LOADED => Ok(State::Loaded { since_ms, export: text(EXPORT)? }),
            other => Err(wrong(&format!(
                "{PHASE}: expected {PREPARING}, {EXPORTING}, {LOADING} or {LOADED}, got {other:?}"
            ))),
        }
    }
}

impl Place {
    pub fn partition(table: &str, file: &str) -> Fields {
        Fields::new().with(TABLE, table).with(FILE, file)
    }

    pub fn write(self) -> Fields {
        let fields = Fields::new().with(ROWS, i64::try_from(self.rows).unwrap_or(i64::MAX));
        if self.is_done { fields.with(DONE, true) } else { fields }
    }

    pub fn read(fields: &Fields) -> Result<Self> {
        let rows = fields.integer(ROWS).and_then(|rows| u64::try_from(rows).ok());
        let rows = rows
            .ok_or_else(|| wrong(&format!("{ROWS}: expected a number from 0, got {:?}", fields.get(ROWS))))?;
        match fields.get(DONE) {
            None | Some(Scalar::Null | Scalar::Boolean(false)) => Ok(Self { rows, is_done: false }),
            Some(Scalar::Boolean(true)) => Ok(Self { rows, is_done: true }),
            other => Err(wrong(&format!("{DONE}: expected true or false, got {other:?}"))),
        }
    }
}

fn wrong(reason: &str) -> Error {
    Error::config(format!("stored offset: {reason}"))
}

const TABLE: &str = "table";
const FILE: &str = "file";
const PHASE: &str = "phase";
const SINCE: &str = "since";
const TOKEN: &str = "token";
const EXPORT: &str = "export";
const MANIFEST: &str = "manifest";
const ROWS: &str = "rows";
const DONE: &str = "done";
const PREPARING: &str = "preparing";
const EXPORTING: &str = "exporting";
const LOADING: &str = "loading";
const LOADED: &str = "loaded";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let (since_ms, export) = (17, "arn".to_owned());
        for state in [
            State::Preparing { since_ms, token: "t".into() },
            State::Exporting { since_ms, export: export.clone() },
            State::Loading { since_ms, export: export.clone(), manifest: "m".into() },
            State::Loaded { since_ms, export },
        ] {
            assert_eq!(State::read(&state.write()), Ok(state));
        }
        for place in [Place::default(), Place { rows: 9, is_done: true }] {
            assert_eq!(Place::read(&place.write()), Ok(place));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |fields: Fields, expected: &str| {
            let error = State::read(&fields).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        };
        check(Fields::new(), "since: expected milliseconds");
        check(Fields::new().with(SINCE, -1), "since: expected milliseconds");
        check(Fields::new().with(SINCE, 1), "phase: expected text");
        check(Fields::new().with(SINCE, 1).with(PHASE, "dreaming"), "got \"dreaming\"");
        check(Fields::new().with(SINCE, 1).with(PHASE, LOADING), "export: expected text");
        assert!(Place::read(&Fields::new().with(ROWS, -1)).unwrap_err().message().contains("rows: expected"));
        let odd = Fields::new().with(ROWS, 1).with(DONE, "yes");
        assert!(Place::read(&odd).unwrap_err().message().contains("done: expected true or false"));
    }
}
