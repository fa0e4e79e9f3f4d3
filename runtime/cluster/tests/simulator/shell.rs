//! Performs what a herder decided, as the worker's shell does.
use crate::checks::show;
use crate::fences::Fence;
use crate::log::Draft;
use crate::options::{Mutant, TIMING};
use crate::process::{Batch, BatchKind, Departure, Instance, Intent, Process, Producer, Status, StatusKey};
use crate::rpc::{Answer, Call, Refused};
use crate::world::{Happening, World};
use penstock_cluster::{Action, Event, Failure, Fences, Herder, Place, Placement, Properties};

impl World {
    pub fn spawn(&mut self, address: &str) {
        if self.processes.iter().any(|process| process.is_up && process.address == address) {
            return;
        }
        let mut process = Process::new(address);
        // Compaction leaves the newest report of each worker; everything older has been read before.
        process.reports_read = 0;
        if self.options.fences {
            process.herder = with_fences(address);
        }
        self.processes.push(process);
        let p = self.processes.len() - 1;
        self.links.add();
        self.note(|| format!("{address} starts as process {p}"));
        self.call(p, Call::End);
        self.wake_reports(p);
        let wait = self.random.between(1, 800);
        self.after(wait, Happening::Heartbeat(p));
    }

    /// Lets the herder take the event, and performs what it answers.
    pub fn feed(&mut self, p: usize, event: Event) {
        self.steps += 1;
        let address = self.processes[p].address.clone();
        self.note(|| format!("{address}#{p} <- {event:?}"));
        let is_restart = matches!(event, Event::RestartAsked { .. } | Event::RestartTaskAsked { .. });
        let may_change_tasks = !matches!(event, Event::TaskStarted { .. } | Event::TaskPaused { .. });
        self.processes[p].note_available();
        let actions = self.processes[p].herder.step(self.now, event);
        for action in actions {
            self.note(|| format!("{address}#{p}    -> {action:?}"));
            self.perform(p, action, is_restart);
        }
        if may_change_tasks {
            self.check_tasks(p);
        }
        let leads = self.processes[p].herder.leads();
        if leads != std::mem::replace(&mut self.processes[p].is_leader, leads) && leads {
            self.erase_orphans(p);
        }
        self.watch_tick(p);
        self.watch_shutdown(p);
    }

    fn watch_tick(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let Some(due) = process.herder.next_tick() else { return };
        // The shell looks a few times a second.
        let due = due.max(self.now + 1);
        if process.tick_at.is_none_or(|at| at > due) {
            process.tick_at = Some(due);
            self.at(due, Happening::Tick(p));
        }
    }

    pub fn tick(&mut self, p: usize) {
        // An earlier tick may have taken the place of this one.
        if self.processes[p].tick_at.is_none_or(|at| at > self.now) {
            return;
        }
        self.processes[p].tick_at = None;
        let before = self.processes[p].herder.next_tick();
        self.feed(p, Event::Ticked);
        // What a tick did not change is no reason to look again at once.
        let process = &mut self.processes[p];
        if process.herder.next_tick() == before && before.is_some_and(|due| due <= self.now) {
            process.tick_at = Some(self.now + 250);
            self.after(250, Happening::Tick(p));
        }
    }

    fn perform(&mut self, p: usize, action: Action, is_restart: bool) {
        match action {
            Action::Lead => self.lead(p),
            Action::Announce { epoch } => {
                self.enqueue(p, Batch { kind: BatchKind::Lead, intent: Intent::Announce { epoch } });
            }
            Action::Place(changed) => self.place(p, changed),
            Action::Resign => self.resign(p),
            Action::Report(report) => self.put(p, StatusKey::Report, Status::Report(report)),
            Action::Plan { name, revision, config } => self.plan(p, name, revision, &config),
            Action::WriteTasks { name, tasks } => {
                let kind = BatchKind::Tasks(name.clone());
                self.enqueue(p, Batch { kind, intent: Intent::Tasks { name, tasks } });
            }
            Action::StartTask { id, attempt, config, wanted } => {
                self.check_start(p, &id, &config);
                self.check_fenced(p, &id);
                let mut instance = Instance::new(attempt, config, wanted);
                instance.generation = self.log.reference.commits(&id.connector, self.processes[p].pos);
                self.start_task(p, id, instance);
            }
            Action::Turn { id, wanted } => self.turn(p, id, wanted),
            Action::StopTask { id, cause } => {
                self.check_stop(p, &id, cause, is_restart);
                self.stop_task(p, id);
            }
            Action::SetConnector { name, state, .. } => {
                self.processes[p].shown.insert(name.clone(), state);
                self.put(p, StatusKey::Connector(name), Status::State(Some(state)));
            }
            Action::SetTask { id, state, .. } => self.put(p, StatusKey::Task(id), Status::State(Some(state))),
            Action::EraseConnector { name } => self.erase(p, StatusKey::Connector(name)),
            Action::EraseTask { id } => self.erase(p, StatusKey::Task(id)),
            Action::Fence { name, generation, former, tasks } => {
                let wait = self.random.between(1, 1500);
                let fence = Fence { name, generation, former, tasks };
                self.after(wait, Happening::ShutOut { p, fence });
            }
        }
    }

    fn plan(&mut self, p: usize, name: String, revision: u64, config: &Properties) {
        let failures = if self.is_healed { 0 } else { self.options.plan_failures };
        // What the plugin looks at, such as the tables of a database, has changed, or has changed back.
        let changes = if self.is_healed { 0 } else { self.options.plan_changes };
        let surplus = if self.random.chance(changes) { self.random.between(1, 3) } else { 0 };
        let outcome = if self.random.chance(failures) {
            Err(Failure { trace: "kind: no plan".into(), is_restartable: true, is_fenced: false })
        } else {
            let tasks = planned(config, surplus as u32);
            self.plans.entry(show(config)).or_default().insert(tasks.len());
            Ok(tasks)
        };
        let wait = self.random.between(1, 400);
        self.after(wait, Happening::Planned { p, name, revision, outcome });
    }

    fn lead(&mut self, p: usize) {
        let process = &mut self.processes[p];
        process.sessions += 1;
        let session = process.sessions;
        process.producer = Some(Producer { session, ..Producer::default() });
        process.moves.has_changed = true;
        process.shown.clear();
        self.call(p, Call::NewProducer { session });
    }

    fn resign(&mut self, p: usize) {
        if let Some(producer) = self.processes[p].producer.take() {
            self.drop_writes(p, producer);
        }
    }

    /// What was not sent yet is never written; what was sent may be.
    fn drop_writes(&mut self, p: usize, producer: Producer) {
        self.processes[p].busy.clear();
        self.processes[p].unread.clear();
        for batch in producer.queue {
            self.batch_failed(p, batch.kind);
        }
    }

    fn batch_failed(&mut self, p: usize, kind: BatchKind) {
        match kind {
            // The herder has resigned, or is told that it is deposed.
            BatchKind::Lead => {}
            BatchKind::Tasks(name) => self.after(1, Happening::NotWritten { p, name }),
            // What was not written is still due.
            BatchKind::Fence(name, generation) => {
                self.after(1, Happening::Fenced { p, name, generation, end: 0 });
            }
            BatchKind::Client { name, .. } => drop(self.processes[p].busy.remove(&name)),
        }
    }

    fn place(&mut self, p: usize, mut changed: Vec<(String, Placement)>) {
        self.check_moves(p, &changed);
        let departures = self.departures(p, &changed);
        if self.options.has(Mutant::NoWaitForRelease) {
            for place in changed.iter_mut().flat_map(|(_, placement)| &mut placement.tasks) {
                if let Place::Moving { to, .. } = place {
                    *place = Place::On(to.clone());
                }
            }
        }
        self.enqueue(p, Batch { kind: BatchKind::Lead, intent: Intent::Place { changed, departures } });
    }

    /// Which tasks leave a worker for good by these placements, and whether that worker was waited for.
    fn departures(&self, p: usize, changed: &[(String, Placement)]) -> Vec<Departure> {
        let process = &self.processes[p];
        let members = process.membership.told.as_ref().map(|view| &view.members);
        let mut departures = Vec::new();
        for (name, placement) in changed {
            for (task, place) in placement.tasks.iter().enumerate() {
                let id = penstock_cluster::TaskId::new(name, task as u32);
                let old = process.herder.configs().placements().place(&id);
                let old = old.or_else(|| self.log.reference.last_place(&id));
                let (Some(Place::On(from) | Place::Moving { from, .. }), Place::On(to)) = (old, place) else {
                    continue;
                };
                if from != to {
                    let is_gone = members.is_none_or(|members| !members.contains(from));
                    let is_forced = is_gone || self.is_overdue(&id);
                    departures.push(Departure { id, from: from.clone(), is_forced });
                }
            }
        }
        departures
    }

    /// Whether a worker has had the time to give the task up since it was told to.
    fn is_overdue(&self, id: &penstock_cluster::TaskId) -> bool {
        let placed = self.log.reference.placed_since(&id.connector, 0).iter().rev();
        let is_moving = |placement: &Option<Placement>| {
            let place = placement.as_ref().and_then(|placement| placement.tasks.get(id.task as usize));
            matches!(place, Some(Place::Moving { .. }))
        };
        let since = placed.take_while(|placed| is_moving(&placed.placement)).last();
        since.is_some_and(|since| self.now >= since.at + TIMING.release)
    }

    pub fn enqueue(&mut self, p: usize, batch: Batch) {
        match &mut self.processes[p].producer {
            Some(producer) => {
                producer.queue.push_back(batch);
                self.send(p);
            }
            None => self.batch_failed(p, batch.kind),
        }
    }

    /// One transaction at a time, and only once the one before was read: each is made from what the log says.
    pub fn send(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let pos = process.pos;
        let Some(producer) = &mut process.producer else { return };
        let (Some(epoch), false, true) = (producer.epoch, producer.is_busy, producer.end <= pos) else {
            return;
        };
        let Some(batch) = producer.queue.pop_front() else { return };
        producer.is_busy = true;
        let session = producer.session;
        let (drafts, departures) = self.drafts(p, batch.intent);
        self.call(p, Call::Append { session, producer: epoch, kind: batch.kind, drafts, departures });
    }

    pub fn append(
        &mut self,
        p: usize,
        producer: u64,
        kind: &BatchKind,
        (drafts, departures): (Vec<Draft>, Vec<Departure>),
    ) -> Result<u64, Refused> {
        if !self.log.is_newest(producer) && !self.options.has(Mutant::UnfencedLeader) {
            return Err(Refused::Fenced);
        }
        if matches!(kind, BatchKind::Tasks(_)) && !self.is_healed && self.random.chance(4) {
            return Err(Refused::Unwritten);
        }
        let address = self.processes[p].address.clone();
        let end = self.log.end();
        self.note(|| format!("config log {end}: {address}#{p} writes {drafts:?}"));
        let now = self.now;
        for departure in departures {
            self.departures.entry(departure.id.clone()).or_default().push(departure);
        }
        if let Err(what) = self.log.append(now, drafts) {
            self.fail(format!("{address} wrote what must not be: {what}"));
        }
        for reader in 0..self.processes.len() {
            self.wake(reader);
        }
        Ok(self.log.end())
    }

    fn leading(&mut self, p: usize, session: u64, outcome: Option<(u64, u64)>) {
        let pos = self.processes[p].pos;
        let Some(producer) = self.processes[p].producer.as_mut().filter(|it| it.session == session) else {
            return;
        };
        let Some((epoch, end)) = outcome else {
            self.processes[p].producer = None;
            return self.feed(p, Event::Deposed);
        };
        producer.epoch = Some(epoch);
        if end <= pos {
            self.feed(p, Event::Leading);
        } else {
            producer.must_read = Some(end);
        }
    }

    fn appended(&mut self, p: usize, session: u64, kind: BatchKind, outcome: Option<Result<u64, Refused>>) {
        let Some(producer) = self.processes[p].producer.as_mut().filter(|it| it.session == session) else {
            return;
        };
        producer.is_busy = false;
        match outcome {
            Some(Ok(end)) => {
                producer.end = end;
                match kind {
                    BatchKind::Client { name, request } => {
                        self.processes[p].unread.push((end, name, request));
                        self.answer_clients(p);
                    }
                    BatchKind::Fence(name, generation) => {
                        self.after(1, Happening::Fenced { p, name, generation, end });
                    }
                    BatchKind::Lead | BatchKind::Tasks(_) => {}
                }
                self.send(p);
            }
            Some(Err(Refused::Unwritten)) => {
                self.batch_failed(p, kind);
                self.send(p);
            }
            // Whether it was written is not known, or somebody else leads: this producer is of no use any more.
            Some(Err(Refused::Fenced)) | None => {
                if let Some(producer) = self.processes[p].producer.take() {
                    self.batch_failed(p, kind);
                    self.drop_writes(p, producer);
                }
                self.feed(p, Event::Deposed);
            }
        }
    }

    pub fn answered(&mut self, p: usize, answer: Answer) {
        match answer {
            Answer::End(end) => self.end_known(p, end),
            Answer::Beat { sent, outcome } => self.beaten(p, sent, outcome),
            Answer::Left => {}
            Answer::NewProducer { session, outcome } => self.leading(p, session, outcome),
            Answer::Appended { session, kind, outcome } => self.appended(p, session, kind, outcome),
            Answer::StatusPut(outcome) => self.status_written(p, outcome.is_some()),
            Answer::TaskStarted { id, attempt, token } => self.task_started(p, id, attempt, token),
        }
    }
}

/// What the simulated plugin makes of a connector's settings.
pub fn planned(config: &Properties, surplus: u32) -> Vec<Properties> {
    let count = config.get("tasks").and_then(|count| count.parse().ok()).unwrap_or(0u32);
    let version = config.get("version").unwrap_or_default();
    (0..count + surplus)
        .map(|task| [("version", version.to_owned()), ("task", task.to_string())].into_iter().collect())
        .collect()
}

fn with_fences(address: &str) -> Herder {
    Herder::member(TIMING, address).with_fences(Fences { is_fenced: Box::new(|_| true), waits: true })
}
