//! Where reading begins and where a snapshot ends.
use penstock_sdk::Error;

use crate::failure::Failure;
use crate::server::Server;

use super::cursor::Value;
use super::layout::Layout;
use super::page::{self, Next, Page};
use super::relation::{Bounds, Relation, Selection};
use super::settings::{Mode, Settings};
use super::track::{Position, Track};
use super::trouble::Trouble;

/// What is known of it.
#[derive(Debug, PartialEq)]
pub enum Start {
    /// Nobody has looked for a stored offset yet.
    Unknown,
    /// Nothing was stored.
    Afresh,
    /// The rows that are there already are passed over: those with the newest value are noted.
    PassingOver,
    Done {
        /// The last value of the snapshot.
        until: Option<Value>,
        /// The snapshot has ended.
        is_complete: bool,
    },
}

/// Who is asked for what.
pub struct Asked<'a> {
    pub server: &'a Server,
    pub relation: &'a Relation,
    pub selection: &'a Selection,
    pub settings: &'a Settings,
}

impl Start {
    /// Asks the server for what is not known yet. True when something was found that is to be stored.
    pub fn find(&mut self, asked: &Asked<'_>, track: &mut Track) -> Result<bool, Trouble> {
        let Asked { selection, settings, .. } = *asked;
        let is_snapshot = settings.mode == Mode::Snapshot;
        match self {
            // A snapshot that goes on from another mode's offset ends at what is there now.
            Start::Done { until, is_complete } if is_snapshot && until.is_none() && !*is_complete => {
                *until = asked.newest()?;
                *is_complete = until.is_none();
                return Ok(true);
            }
            Start::PassingOver | Start::Done { .. } => return Ok(false),
            Start::Unknown | Start::Afresh => {}
        }
        let given = settings.start_from.as_deref().map(|text| selection.cursor.parse(text)).transpose();
        let given = given.map_err(|reason| Trouble::Told(Error::config(format!("startFrom: {reason}"))))?;
        let passes_over = given.is_none() && settings.mode == Mode::Follow;
        let from = if passes_over { asked.newest()? } else { given };
        let until = if is_snapshot { asked.newest()? } else { None };
        let is_complete = is_snapshot && until.is_none();
        *self = if passes_over && from.is_some() {
            Start::PassingOver
        } else {
            Start::Done { until, is_complete }
        };
        *track = Track::new(Position { at: from, ties: Vec::new() });
        Ok(true)
    }

    pub fn bounds<'a>(&'a self, track: &'a Track, settings: &Settings) -> Bounds<'a> {
        let until = match self {
            // Of the rows that are passed over, only those with the newest value have to be known.
            Start::PassingOver => track.at(),
            Start::Done { until, .. } if settings.mode == Mode::Snapshot => until.as_ref(),
            Start::Done { .. } | Start::Unknown | Start::Afresh => None,
        };
        Bounds { from: track.at(), until, lag_ms: settings.lag_ms }
    }

    /// There is nothing more to read, ever.
    pub fn has_ended(&self, settings: &Settings) -> bool {
        settings.mode == Mode::Snapshot && matches!(self, Start::Done { is_complete: true, .. })
    }

    /// A page had nothing new. True when that is to be stored.
    pub fn reached_end(&mut self, settings: &Settings) -> bool {
        match self {
            Start::PassingOver => {
                *self = Start::Done { until: None, is_complete: false };
                true
            }
            Start::Done { is_complete, .. } if settings.mode == Mode::Snapshot => {
                *is_complete = true;
                true
            }
            Start::Done { .. } | Start::Unknown | Start::Afresh => false,
        }
    }

    /// What is stored of it, when there is something.
    pub fn stored(&self) -> Option<(Option<Value>, bool)> {
        match self {
            Start::Done { until, is_complete } => Some((until.clone(), *is_complete)),
            Start::Unknown | Start::Afresh | Start::PassingOver => None,
        }
    }
}

impl Asked<'_> {
    /// The newest value that there is.
    fn newest(&self) -> Result<Option<Value>, Trouble> {
        let Asked { server, relation, selection, settings } = *self;
        let token = page::token();
        let sql = relation.newest(selection, settings.lag_ms, &token);
        let mut page = Page::open(server, &sql, token)?;
        let limit = settings.query_timeout;
        let late = |page: &Page| {
            let sentence =
                format!("no answer within {} ms to the question for the newest value", limit.as_millis());
            Err(Trouble::Server(page.blame(server, Failure::silence(sentence))))
        };
        let Some(types) = page.header(server, limit)? else { return late(&page) };
        let layout = Layout::of_cursor(types, selection)?;
        match page.next(server, &layout, limit)? {
            Next::Row(row, cuts) => Ok(Some(layout.parts(page.bytes(&row), cuts)?.at)),
            Next::End => Ok(None),
            Next::Late => late(&page),
        }
    }
}
