//! How a process stays in the group, and how it hears of it: by its lease, not by the broker's word.
use crate::group::View;
use crate::options::{GIVE_UP, HEARTBEAT, MARGIN, Mutant, SESSION, STOP_MAX};
use crate::rpc::{Beat, Call};
use crate::world::{Happening, World};
use penstock_cluster::Event;

impl World {
    /// Time to join, or to say that the process is still there.
    pub fn heartbeat(&mut self, p: usize) {
        self.check_leases();
        let membership = &self.processes[p].membership;
        if !membership.is_asking && self.processes[p].is_caught_up {
            let membership = &mut self.processes[p].membership;
            membership.is_asking = true;
            let id = membership.id;
            self.call(p, Call::Beat(id));
        }
        let wait = self.random.between(HEARTBEAT - 300, HEARTBEAT);
        self.after(wait, Happening::Heartbeat(p));
    }

    pub fn beat(&mut self, p: usize, id: Option<u64>) -> Beat {
        let address = &self.processes[p].address;
        let id = match id {
            Some(id) if self.group.heartbeat(self.now, id) => id,
            Some(_) => return Beat::Unknown,
            None => match self.group.join(self.now, address, &mut self.random) {
                Some(id) => id,
                None => return Beat::Unknown,
            },
        };
        self.watch_sessions();
        Beat::In { id, view: self.group.view(id), end: self.log.end() }
    }

    pub fn watch_sessions(&mut self) {
        if let Some(deadline) = self.group.next_deadline()
            && self.sessions_end_at.is_none_or(|at| at > deadline)
        {
            self.sessions_end_at = Some(deadline);
            self.at(deadline.max(self.now), Happening::SessionsEnd);
        }
    }

    pub fn sessions_end(&mut self) {
        self.sessions_end_at = None;
        if !self.links.is_broker_down {
            self.group.expire(self.now, &mut self.random);
            self.watch_sessions();
        }
    }

    pub fn beaten(&mut self, p: usize, sent: u64, outcome: Option<Beat>) {
        let process = &mut self.processes[p];
        process.membership.is_asking = false;
        match outcome {
            None => {}
            Some(Beat::Unknown) => {
                process.membership.id = None;
                process.membership.waiting = None;
                self.lose(p);
            }
            Some(Beat::In { id, view, end }) => {
                process.membership.id = Some(id);
                process.membership.lease = sent + SESSION - MARGIN;
                let lease = process.membership.lease;
                // An answer that comes too late, as after a freeze, says nothing about now.
                if lease > self.now {
                    self.at(lease, Happening::LeaseEnds(p));
                    self.hear(p, view, end);
                }
            }
        }
    }

    fn hear(&mut self, p: usize, view: View, end: u64) {
        let must_read = !self.options.has(Mutant::JoinsBeforeReading);
        let process = &mut self.processes[p];
        match &process.membership.told {
            Some(told) if *told == view => {}
            Some(_) => self.tell(p, view),
            None => {
                if process.membership.waiting.is_none() {
                    process.membership.since = end;
                }
                let since = process.membership.since;
                process.membership.waiting = Some((view, if must_read { since } else { 0 }));
                self.tell_if_read(p);
            }
        }
    }

    /// The log has been read far enough: the herder may know that it is in.
    pub fn tell_if_read(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let is_read = process.membership.waiting.as_ref().is_some_and(|(_, end)| *end <= process.pos);
        if is_read && let Some((view, _)) = process.membership.waiting.take() {
            self.tell(p, view);
        }
    }

    fn tell(&mut self, p: usize, view: View) {
        let event = Event::Joined { is_first: view.is_first, members: view.members.clone() };
        self.processes[p].membership.told = Some(view);
        self.feed(p, event);
    }

    /// Whatever a process does, it looks at its lease first.
    pub fn check_lease(&mut self, p: usize) {
        let is_over = self.processes[p].membership.lease <= self.now;
        if is_over {
            self.processes[p].membership.waiting = None;
            self.lose(p);
        }
    }

    fn lose(&mut self, p: usize) {
        if self.processes[p].membership.told.is_none() || self.options.has(Mutant::DeafToLoss) {
            return;
        }
        self.processes[p].membership.told = None;
        self.feed(p, Event::Lost);
    }

    /// Nothing may run any more a while after the lease was over.
    pub fn check_leases(&mut self) {
        for p in 0..self.processes.len() {
            let process = &self.processes[p];
            let over = process.membership.lease.max(process.frozen_until) + STOP_MAX.max(GIVE_UP) + 1;
            let is_over = process.is_up && over < self.now;
            if is_over && let Some(id) = process.instances.keys().next() {
                let what = format!("{} runs {id} although its lease was over at {over}", process.address);
                self.fail(what);
            }
        }
    }
}
