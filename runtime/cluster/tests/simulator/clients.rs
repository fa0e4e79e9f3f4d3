//! Clients: they create, change, stop, restart and delete connectors, and remember what they were told.
use crate::options::Mutant;
use crate::process::{Batch, BatchKind, Intent};
use crate::world::{Happening, World};
use penstock_cluster::{Event, Properties, Restart, RunState, TargetState, TaskId};

/// A request, with what it leaves behind; `None` where it does not touch it.
#[derive(Debug, Clone)]
pub struct Request {
    pub name: String,
    /// The version of the settings; [`GONE`] when there are none any more.
    pub version: Option<u64>,
    pub target: Option<TargetState>,
    pub asked: u64,
    pub answered: Option<u64>,
}

/// The version of a connector that was deleted.
pub const GONE: u64 = 0;

/// What a request is to leave behind.
#[derive(Debug, Clone, Copy, Default)]
struct Effect {
    version: Option<u64>,
    target: Option<TargetState>,
}

/// All requests that were carried out, or may have been.
#[derive(Debug, Default)]
pub struct Ledger {
    pub requests: Vec<Request>,
    pub versions: u64,
}

impl Ledger {
    /// Whether a request that left `is_it` behind may have been the last to count: none was asked after its answer
    /// and was answered too.
    pub fn may_be_last(
        &self,
        name: &str,
        touches: impl Fn(&Request) -> bool,
        is_it: impl Fn(&Request) -> bool,
    ) -> bool {
        let of = || self.requests.iter().filter(|request| request.name == name && touches(request));
        let is_later = |candidate: &Request, other: &Request| {
            let is_other = !std::ptr::eq(candidate, other);
            is_other
                && other.answered.is_some()
                && candidate.answered.is_some_and(|answered| other.asked >= answered)
        };
        of().filter(|request| is_it(request)).any(|candidate| !of().any(|other| is_later(candidate, other)))
    }

    pub fn was_answered(&self, name: &str, touches: impl Fn(&Request) -> bool) -> bool {
        self.requests
            .iter()
            .any(|request| request.name == name && touches(request) && request.answered.is_some())
    }
}

/// Settings that nobody else has.
fn settings(version: u64, tasks: u64) -> Properties {
    [("version", version.to_string()), ("tasks", tasks.to_string())].into_iter().collect()
}

pub fn version(config: &Properties) -> Option<u64> {
    config.get("version").and_then(|version| version.parse().ok())
}

impl World {
    pub fn request(&mut self) {
        if self.is_healed {
            return self.repair();
        }
        let wait = self.random.between(1, 2 * self.options.request_every);
        self.after(wait, Happening::Request);
        let name = format!("c{}", self.random.below(self.options.connectors));
        let leading: Vec<usize> = (0..self.processes.len()).filter(|p| self.serves(*p)).collect();
        let Some(p) = self.random.pick(&leading) else { return };
        self.check_lease(p);
        let exists = self.processes[p].herder.configs().get(&name).is_some();
        if !self.serves(p) || self.processes[p].busy.contains(&name) {
            return;
        }
        if !exists {
            return self.create(p, &name);
        }
        match self.random.below(12) {
            0 | 1 => self.delete(p, &name),
            2..=4 => self.reconfigure(p, &name),
            5 => self.set_target(p, &name, TargetState::Paused),
            6 => self.set_target(p, &name, TargetState::Stopped),
            7..=9 => self.set_target(p, &name, TargetState::Started),
            10 => self.ask_restart(p, &name),
            _ => self.ask_task_restart(&name),
        }
    }

    fn serves(&self, p: usize) -> bool {
        let process = &self.processes[p];
        let can_write = process.producer.as_ref().is_some_and(|producer| producer.epoch.is_some());
        process.is_up && !process.is_frozen(self.now) && process.herder.leads() && can_write
    }

    fn new_settings(&mut self) -> (u64, Properties) {
        self.ledger.versions += 1;
        let tasks = self.random.between(1, self.options.tasks_max);
        (self.ledger.versions, settings(self.ledger.versions, tasks))
    }

    fn create(&mut self, p: usize, name: &str) {
        let (version, config) = self.new_settings();
        let target = self.random.pick(&[TargetState::Paused, TargetState::Stopped]);
        let target = target.filter(|_| self.random.chance(20));
        let effect = Effect { version: Some(version), target: Some(target.unwrap_or_default()) };
        self.write(p, Intent::Create { name: name.into(), config, target }, effect);
    }

    fn reconfigure(&mut self, p: usize, name: &str) {
        let (version, config) = self.new_settings();
        let effect = Effect { version: Some(version), target: None };
        self.write(p, Intent::Configure { name: name.into(), config }, effect);
    }

    fn delete(&mut self, p: usize, name: &str) {
        self.write(p, Intent::Delete { name: name.into() }, Effect { version: Some(GONE), target: None });
    }

    fn set_target(&mut self, p: usize, name: &str, target: TargetState) {
        let effect = Effect { version: None, target: Some(target) };
        self.write(p, Intent::Target { name: name.into(), target }, effect);
    }

    fn ask_restart(&mut self, p: usize, name: &str) {
        let restart = Restart { include_tasks: self.random.chance(70), only_failed: self.random.chance(50) };
        if restart == Restart::default() {
            return self.feed(p, Event::RestartAsked { name: name.into(), restart });
        }
        self.write(p, Intent::Restart { name: name.into(), restart }, Effect::default());
    }

    /// Goes to the worker that has the task.
    fn ask_task_restart(&mut self, name: &str) {
        let id = TaskId::new(name, self.random.below(self.options.tasks_max) as u32);
        let has = |p: &usize| self.processes[*p].is_up && self.processes[*p].instances.contains_key(&id);
        if let Some(p) =
            (0..self.processes.len()).find(has).filter(|p| !self.processes[*p].is_frozen(self.now))
        {
            self.check_lease(p);
            self.feed(p, Event::RestartTaskAsked { id });
        }
    }

    fn write(&mut self, p: usize, intent: Intent, effect: Effect) {
        let request = self.ledger.requests.len();
        let (asked, early) = (self.now, self.options.has(Mutant::EarlyAnswer));
        let name = intent.name().to_owned();
        self.note(|| format!("client: request {request}: {intent:?}"));
        let Effect { version, target } = effect;
        let answered = early.then_some(asked);
        self.ledger.requests.push(Request { name: name.clone(), version, target, asked, answered });
        self.processes[p].busy.insert(name.clone());
        self.enqueue(p, Batch { kind: BatchKind::Client { name, request }, intent });
    }

    /// Answers requests whose records were written and read back.
    pub fn answer_clients(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let pos = process.pos;
        let (done, unread) =
            std::mem::take(&mut process.unread).into_iter().partition(|(end, ..)| *end <= pos);
        process.unread = unread;
        let done: Vec<(u64, String, usize)> = done;
        for (_, name, request) in done {
            self.processes[p].busy.remove(&name);
            self.ledger.requests[request].answered.get_or_insert(self.now);
            self.note(|| format!("client: request {request} was answered"));
        }
    }

    /// After the faults an operator restarts what has failed, as often as it takes.
    fn repair(&mut self) {
        self.after(3000, Happening::Request);
        let leading: Vec<usize> = (0..self.processes.len()).filter(|p| self.serves(*p)).collect();
        let Some(p) = leading.last().copied() else { return };
        let names: Vec<String> =
            self.processes[p].herder.configs().iter().map(|(name, _)| name.to_owned()).collect();
        let restart = Restart { include_tasks: true, only_failed: true };
        let has_failed = |name: &String| self.failed(name);
        for name in names.into_iter().filter(has_failed).collect::<Vec<_>>() {
            if !self.processes[p].busy.contains(&name) {
                self.write(p, Intent::Restart { name, restart }, Effect::default());
            }
        }
    }

    /// Whether the connector's plan failed, or a task is missing on the worker that should have it.
    fn failed(&self, name: &str) -> bool {
        let mut up = self.processes.iter().filter(|process| process.is_up && process.is_in());
        up.any(|process| {
            let configs = process.herder.configs();
            let tasks = configs.get(name).map_or(0, |connector| connector.tasks.len());
            let is_missing = |id: &TaskId| {
                let place = configs.placements().place(id);
                let is_here =
                    matches!(place, Some(penstock_cluster::Place::On(on)) if *on == process.address);
                is_here && !process.instances.contains_key(id)
            };
            (process.herder.leads() && process.shown.get(name) == Some(&RunState::Failed))
                || (0..tasks as u32).any(|task| is_missing(&TaskId::new(name, task)))
        })
    }
}
