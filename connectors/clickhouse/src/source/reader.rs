//! Reads one table or query: page after page, each from the newest value on.
use std::time::{Duration, Instant};

use penstock_sdk::{Error, Fields, Result};

use crate::failure::{Cause, Failure, OUT_OF_MEMORY};
use crate::server::Server;

use super::cursor::Column;
use super::layout::Layout;
use super::outlet::Outlet;
use super::page::{self, Next, Page};
use super::position::{self, Stored};
use super::relation::{Relation, Selection};
use super::settings::Settings;
use super::start::{Asked, Start};
use super::track::{Track, Verdict};
use super::trouble::Trouble;

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// There may be more at once.
    More,
    /// The server is still at it.
    Waiting,
    /// Nothing for now.
    Idle,
}

/// One relation and how far it was read.
pub struct Reader {
    pub relation: Relation,
    topic: String,
    /// The columns by which it stands somewhere, as they are stored.
    by: String,
    /// Asked for at the start, and again when it seems to be outdated.
    selection: Option<Selection>,
    selected_at: Instant,
    /// The column by which values were read since the task began.
    cursor: Option<Column>,
    layout: Option<Layout>,
    start: Start,
    track: Track,
    page: Option<Open>,
    /// Rows that are asked for at once.
    limit: usize,
    calm: Calm,
    /// There is something to store, be it that there are no rows.
    is_unsaved: bool,
    /// Met after rows that had to be answered first.
    trouble: Option<Error>,
    /// How often in a row the server did not know what was asked for.
    misfits: u32,
}

/// A page that is being read.
struct Open {
    page: Page,
    has_layout: bool,
    new: usize,
    rows: usize,
    bytes: usize,
}

/// While nothing changes, the rows with the newest value need not be read again and again: their number tells.
#[derive(Debug, Default)]
struct Calm {
    /// The last page had no new row.
    is_calm: bool,
    /// How many rows there were before that page was asked for.
    rows: Option<String>,
}

impl Reader {
    pub fn new(relation: Relation, settings: &Settings) -> Self {
        Reader {
            topic: settings.topic(&relation),
            relation,
            by: settings.cursor.join(","),
            selection: None,
            selected_at: Instant::now(),
            cursor: None,
            layout: None,
            start: Start::Unknown,
            track: Track::default(),
            page: None,
            limit: settings.batch_rows.min(LIMIT_FIRST),
            calm: Calm::default(),
            is_unsaved: false,
            trouble: None,
            misfits: 0,
        }
    }

    /// Asks for the columns, so that settings that do not fit them are told at the start. `stored` answers where the
    /// relation stood.
    pub fn prepare(
        &mut self,
        server: &Server,
        settings: &Settings,
        stored: impl FnOnce(&Fields) -> Option<Fields>,
    ) -> Result<()> {
        let selection = self.relation.select(server, settings)?;
        self.selected_at = Instant::now();
        if self.start == Start::Unknown {
            match stored(&self.partition()) {
                None => self.start = Start::Afresh,
                Some(fields) => {
                    let stored = position::read(&fields, &selection.cursor, &self.relation, &self.by)?;
                    self.track = Track::new(stored.position);
                    self.start = Start::Done { until: stored.until, is_complete: stored.is_complete };
                }
            }
        }
        if let Some(before) = &self.cursor
            && *before != selection.cursor
        {
            return Err(Trouble::retyped(before));
        }
        self.cursor = Some(selection.cursor.clone());
        self.selection = Some(selection);
        Ok(())
    }

    pub fn is_prepared(&self) -> bool {
        // Columns may have been added since.
        let is_outdated = self.page.is_none() && self.selected_at.elapsed() >= REFRESH;
        self.selection.is_some() && !is_outdated
    }

    fn partition(&self) -> Fields {
        position::partition(&self.relation, &self.topic)
    }

    /// Rows with the newest value so far.
    pub fn known_rows(&self) -> usize {
        self.track.known_rows()
    }

    /// Adds the next rows to `out`, and where to go on after them.
    pub fn read(&mut self, server: &Server, settings: &Settings, out: &mut impl Outlet) -> Result<Outcome> {
        if let Some(error) = self.trouble.take() {
            return Err(error);
        }
        let before = out.rows();
        let outcome = match self.turn(server, settings, out) {
            Ok(outcome) => outcome,
            Err(Trouble::Told(error)) => return Err(error.within(self.relation.label())),
            Err(Trouble::Server(failure)) => {
                self.page = None;
                // Rows that were counted before this page were not read by it.
                self.calm = Calm::default();
                let error = self.blamed(failure).within(self.relation.label());
                if out.rows() == before {
                    return Err(error);
                }
                // Whole rows are rows: they are answered first.
                self.trouble = Some(error);
                Outcome::More
            }
        };
        if out.rows() > before {
            self.misfits = 0;
        } else if !self.is_unsaved {
            return Ok(outcome);
        }
        self.store(settings, out);
        // What is to be stored must not wait for another table, whose trouble would take it along.
        Ok(if outcome == Outcome::Idle { Outcome::More } else { outcome })
    }

    fn store(&mut self, settings: &Settings, out: &mut impl Outlet) {
        let Some(selection) = &self.selection else { return };
        let Some((until, is_complete)) = self.start.stored() else { return };
        let stored = Stored { position: self.track.position(settings.ties_max), until, is_complete };
        out.position(self.partition(), position::write(&stored, &selection.cursor, &self.relation, &self.by));
        self.is_unsaved = false;
    }

    fn turn(
        &mut self,
        server: &Server,
        settings: &Settings,
        out: &mut impl Outlet,
    ) -> Result<Outcome, Trouble> {
        if self.page.is_none() {
            let selection = self.selection.as_ref().ok_or_else(Trouble::unprepared)?;
            let asked = Asked { server, relation: &self.relation, selection, settings };
            if self.start.find(&asked, &mut self.track)? {
                self.is_unsaved = true;
            }
            if self.start.has_ended(settings) || self.is_unchanged(server, settings)? {
                return Ok(Outcome::Idle);
            }
            self.open(server, settings)?;
        }
        if !self.has_layout(server, settings)? {
            return Ok(Outcome::Waiting);
        }
        self.take_rows(server, settings, out)
    }

    fn is_unchanged(&mut self, server: &Server, settings: &Settings) -> Result<bool, Trouble> {
        if !self.calm.is_calm {
            return Ok(false);
        }
        let selection = self.selection.as_ref().ok_or_else(Trouble::unprepared)?;
        let sql = self.relation.count(selection, &self.start.bounds(&self.track, settings));
        let count = server.query(&sql, &[])?.into_iter().flatten().next();
        let is_same = count.is_some() && count == self.calm.rows;
        self.calm.rows = count;
        Ok(is_same)
    }

    fn open(&mut self, server: &Server, settings: &Settings) -> Result<(), Trouble> {
        let selection = self.selection.as_ref().ok_or_else(Trouble::unprepared)?;
        let (token, known) = (page::token(), self.track.known_rows());
        // A page has room for as many new rows as known ones, so that many rows with one value need few pages.
        let limit = known + self.limit.max(known);
        let bounds = self.start.bounds(&self.track, settings);
        let sql = self.relation.page(selection, &bounds, limit, &token);
        let page = Page::open(server, &sql, token)?;
        self.page = Some(Open { page, has_layout: false, new: 0, rows: 0, bytes: 0 });
        self.track.begin_page();
        Ok(())
    }

    /// False while the answer has not begun.
    fn has_layout(&mut self, server: &Server, settings: &Settings) -> Result<bool, Trouble> {
        let (Some(open), Some(selection)) = (&mut self.page, &self.selection) else { return Ok(false) };
        if open.has_layout {
            return Ok(true);
        }
        let Some(types) = open.page.header(server, SLICE)? else {
            return open
                .page
                .check_patience(server, settings.query_timeout)
                .map(|()| false)
                .map_err(Trouble::from);
        };
        if !self.layout.as_ref().is_some_and(|layout| layout.is_of(&types)) {
            let layout = Layout::new(types, selection, &self.relation, settings)?;
            if *layout.cursor() != selection.cursor {
                return Err(Trouble::Told(Trouble::retyped(&selection.cursor)));
            }
            self.layout = Some(layout);
        }
        open.has_layout = true;
        Ok(true)
    }

    fn take_rows(
        &mut self,
        server: &Server,
        settings: &Settings,
        out: &mut impl Outlet,
    ) -> Result<Outcome, Trouble> {
        let (Some(open), Some(layout)) = (&mut self.page, &self.layout) else { return Ok(Outcome::Waiting) };
        let first = out.rows();
        while out.bytes() < POLL_BYTES && out.rows() - first < settings.batch_rows {
            let (row, cuts) = match open.page.next(server, layout, SLICE)? {
                Next::Row(row, cuts) => (row, cuts),
                Next::Late if out.rows() > first => return Ok(Outcome::More),
                Next::Late => {
                    open.page.check_patience(server, settings.query_timeout)?;
                    return Ok(Outcome::Waiting);
                }
                Next::End => return Ok(self.end_page(settings)),
            };
            open.rows += 1;
            open.bytes += row.len();
            let parts = layout.parts(open.page.bytes(&row), cuts)?;
            match self.track.admit(&parts.at, layout.fingerprint(&parts)) {
                Verdict::Known => continue,
                Verdict::New => open.new += 1,
                Verdict::OutOfOrder => return Err(Trouble::out_of_order(layout.cursor(), &parts.at)),
                Verdict::TooMany => return Err(Trouble::too_many(layout.cursor(), &parts.at)),
            }
            if self.start != Start::PassingOver {
                out.row(&self.topic, layout, &parts)?;
            }
        }
        Ok(Outcome::More)
    }

    fn end_page(&mut self, settings: &Settings) -> Outcome {
        let Some(open) = self.page.take() else { return Outcome::Idle };
        if open.bytes > 0 {
            let fits = PAGE_BYTES / (open.bytes / open.rows).max(1);
            self.limit = fits.clamp(1, settings.batch_rows);
        }
        if open.new > 0 {
            self.calm = Calm::default();
            return Outcome::More;
        }
        self.calm.is_calm = true;
        self.is_unsaved |= self.start.reached_end(settings);
        Outcome::Idle
    }

    /// What is to be done about a failure, beside telling it.
    fn blamed(&mut self, failure: Failure) -> Error {
        if failure.code == Some(OUT_OF_MEMORY) {
            // Fewer rows at once may fit, down to a single one.
            self.limit = (self.limit / 2).max(1);
        }
        if failure.cause == Cause::Schema && self.misfits < MISFITS_MAX {
            // A column went or changed its type: the next call asks what there is now.
            self.misfits += 1;
            self.selection = None;
            return Error::retry(failure.sentence);
        }
        failure.into_error()
    }
}

/// Columns are asked for again after this time.
const REFRESH: Duration = Duration::from_secs(60);
/// A stop is noticed between two waits of this length.
const SLICE: Duration = Duration::from_millis(200);
/// What a poll hands over; the worker has it in memory twice.
const POLL_BYTES: usize = 4 << 20;
/// What a page should have: a server that sorts keeps it in memory.
const PAGE_BYTES: usize = 32 << 20;
/// Rows of the first page, whose size nobody knows.
const LIMIT_FIRST: usize = 1000;
/// After so many answers about columns that are not there, asking again is no use.
const MISFITS_MAX: u32 = 3;
