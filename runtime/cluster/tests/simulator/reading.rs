//! How processes read the config log and the status log, each at its own pace.
use crate::log::Record;
use crate::options::Mutant;
use crate::rpc::Call;
use crate::world::{Happening, World};
use penstock_cluster::{ConfigRecord, Event, TargetState};

/// How long a reader waits before it asks again.
const RETRY: u64 = 400;

impl World {
    /// There may be something to read.
    pub fn wake(&mut self, p: usize) {
        if self.processes[p].is_up && !self.processes[p].is_fetching {
            self.processes[p].is_fetching = true;
            let delay = self.delay();
            self.after(delay, Happening::Fetch(p));
        }
    }

    pub fn wake_reports(&mut self, p: usize) {
        if self.processes[p].is_up && !self.processes[p].is_fetching_reports {
            self.processes[p].is_fetching_reports = true;
            let delay = self.delay();
            self.after(delay, Happening::FetchReports(p));
        }
    }

    pub fn fetch(&mut self, p: usize) {
        self.processes[p].is_fetching = false;
        if !self.links.is_both_ways(p) {
            self.processes[p].is_fetching = true;
            return self.after(RETRY, Happening::Fetch(p));
        }
        let most = self.random.between(1, 30);
        for _ in 0..most {
            let Some((next, record)) = self.log.read(self.processes[p].pos) else {
                self.processes[p].pos = self.log.end();
                self.position_moved(p);
                return;
            };
            self.processes[p].pos = next;
            self.read(p, record);
            self.position_moved(p);
        }
        self.wake(p);
    }

    fn read(&mut self, p: usize, record: Record) {
        match record {
            Record::Config(ConfigRecord::Target { target: Some(TargetState::Stopped), .. })
                if self.options.has(Mutant::DeafToStop) => {}
            Record::Config(record) => {
                self.feed(p, Event::ConfigRead(record));
            }
            // One from before this process began was carried out, or missed, by whoever ran then.
            Record::Restart { name, restart } if self.processes[p].is_caught_up => {
                self.feed(p, Event::RestartAsked { name, restart });
            }
            Record::Restart { .. } => {}
        }
    }

    /// What waited for the log to be read up to somewhere.
    fn position_moved(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let pos = process.pos;
        if !process.is_caught_up && process.catch_up.is_some_and(|end| end <= pos) {
            process.is_caught_up = true;
            self.feed(p, Event::CaughtUp);
        }
        self.tell_if_read(p);
        let producer = self.processes[p].producer.as_mut();
        if let Some(producer) = producer
            && producer.must_read.is_some_and(|end| end <= pos)
        {
            producer.must_read = None;
            self.feed(p, Event::Leading);
        }
        self.answer_clients(p);
        self.send(p);
    }

    pub fn end_known(&mut self, p: usize, end: Option<u64>) {
        match end {
            Some(end) => {
                self.processes[p].catch_up = Some(end);
                self.wake(p);
            }
            None => self.call(p, Call::End),
        }
    }

    pub fn fetch_reports(&mut self, p: usize) {
        self.processes[p].is_fetching_reports = false;
        if !self.links.is_both_ways(p) {
            self.processes[p].is_fetching_reports = true;
            return self.after(RETRY, Happening::FetchReports(p));
        }
        while let Some((worker, report)) = self.reports.get(self.processes[p].reports_read).cloned() {
            self.processes[p].reports_read += 1;
            self.processes[p].leaving_seen.insert(worker.clone(), report.is_leaving);
            let mut report = report;
            if self.options.has(Mutant::StaleReportsCount) {
                report.turn = u64::MAX;
            }
            self.feed(p, Event::Reported { worker, report });
        }
    }
}
