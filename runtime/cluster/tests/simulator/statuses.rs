//! The status log: what workers say of themselves, of connectors and of tasks, the newest of each counting.
use crate::process::{Status, StatusKey};
use crate::rpc::Call;
use crate::world::{Happening, World};
use penstock_cluster::{RunState, Wanted};

impl World {
    pub fn put(&mut self, p: usize, key: StatusKey, status: Status) {
        self.processes[p].put_status(key, status);
        self.write_status(p);
    }

    fn write_status(&mut self, p: usize) {
        let process = &mut self.processes[p];
        if process.is_writing_status {
            return;
        }
        if let Some((key, status)) = process.statuses.front().cloned() {
            process.is_writing_status = true;
            self.call(p, Call::PutStatus { key, status });
        }
    }

    pub fn status_written(&mut self, p: usize, is_written: bool) {
        let process = &mut self.processes[p];
        process.is_writing_status = false;
        // A newer status of the same key takes the place of one that could not be written.
        if let Some((key, status)) = process.statuses.pop_front()
            && !is_written
            && !process.statuses.iter().any(|(newer, _)| *newer == key)
        {
            process.statuses.push_front((key, status));
        }
        self.write_status(p);
    }

    pub fn erase(&mut self, p: usize, key: StatusKey) {
        let process = &mut self.processes[p];
        if let StatusKey::Connector(name) = &key {
            process.shown.remove(name);
        }
        if process.is_caught_up && process.herder.leads() {
            self.put(p, key, Status::State(None));
        }
    }

    pub fn status_put(&mut self, p: usize, key: &StatusKey, status: Status) {
        match status {
            Status::Report(report) => {
                let address = self.processes[p].address.clone();
                self.note(|| format!("status log: {address} reports {report:?}"));
                self.reports.push((address, report));
                for reader in 0..self.processes.len() {
                    self.wake_reports(reader);
                }
            }
            Status::State(state) => {
                self.note(|| format!("status log: {key:?} is {state:?} by {p}"));
                self.states.insert(key.clone(), state.map(|state| (state, p)));
                self.show(key);
            }
        }
    }

    /// Whoever knows better will read it.
    fn show(&mut self, key: &StatusKey) {
        for reader in 0..self.processes.len() {
            let process = &self.processes[reader];
            let is_owner = matches!(key, StatusKey::Task(id) if process.instances.contains_key(id));
            if process.is_up && (is_owner || process.herder.leads()) {
                let delay = self.delay();
                self.after(delay, Happening::StatusSeen { p: reader, key: key.clone() });
            }
        }
    }

    /// A status came late, of a worker whose turn is over: the one that knows better says so.
    pub fn status_seen(&mut self, p: usize, key: StatusKey) {
        let says = self.states.get(&key).copied().flatten();
        if let Some(state) = self.own_status(p, &key) {
            if says != Some((state, p)) {
                self.put(p, key, Status::State(Some(state)));
            }
        } else if says.is_some() && !self.is_known(p, &key) {
            self.erase(p, key);
        }
    }

    fn own_status(&self, p: usize, key: &StatusKey) -> Option<RunState> {
        let process = &self.processes[p];
        match key {
            StatusKey::Report => None,
            StatusKey::Connector(name) => process.shown.get(name).copied().filter(|_| process.herder.leads()),
            StatusKey::Task(id) => {
                let instance = process.instances.get(id).filter(|instance| !instance.is_stopping)?;
                Some(if instance.shows? == Wanted::Run { RunState::Running } else { RunState::Paused })
            }
        }
    }

    fn is_known(&self, p: usize, key: &StatusKey) -> bool {
        let configs = self.processes[p].herder.configs();
        match key {
            StatusKey::Report => true,
            StatusKey::Connector(name) => configs.get(name).is_some(),
            StatusKey::Task(id) => {
                configs.get(&id.connector).is_some_and(|connector| (id.task as usize) < connector.tasks.len())
            }
        }
    }

    /// A new leader clears away what the one before could not any more.
    pub fn erase_orphans(&mut self, p: usize) {
        let is_left = |key: &&StatusKey| self.states[*key].is_some() && !self.is_known(p, key);
        let orphans: Vec<StatusKey> = self.states.keys().filter(is_left).cloned().collect();
        for key in orphans {
            self.erase(p, key);
        }
    }
}
