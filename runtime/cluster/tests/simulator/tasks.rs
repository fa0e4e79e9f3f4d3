//! A model of tasks: they take time to start and stop, hang, fail, and shut each other out of their group.
use crate::options::{GIVE_UP, STOP_MAX};
use crate::process::Instance;
use crate::rpc::Call;
use crate::world::{Happening, World};
use penstock_cluster::{Event, Failure, TaskId, Wanted};

impl World {
    pub fn start_task(&mut self, p: usize, id: TaskId, instance: Instance) {
        let attempt = instance.attempt;
        if self.processes[p].instances.insert(id.clone(), instance).is_some() {
            let what = format!("{} starts {id} twice", self.processes[p].address);
            self.fail(what);
        }
        if self.strikes(self.options.task_failures) {
            let wait = self.random.between(1, 6000);
            self.after(wait, Happening::Fails { p, id: id.clone(), attempt, is_fenced: false });
        }
        self.call(p, Call::StartTask { id, attempt });
    }

    fn strikes(&mut self, percent: u64) -> bool {
        !self.is_healed && self.random.chance(percent)
    }

    /// A task of this name joined its group: whoever had that name is out, and hears of it.
    pub fn new_token(&mut self, id: &TaskId) -> u64 {
        let token = self.tokens.entry(id.clone()).or_default();
        *token += 1;
        let token = *token;
        for p in 0..self.processes.len() {
            if let Some(attempt) =
                self.processes[p].instances.get(id).filter(|it| it.token.is_some()).map(|it| it.attempt)
                && self.links.is_both_ways(p)
            {
                let wait = self.random.between(100, 1500);
                self.after(wait, Happening::Fails { p, id: id.clone(), attempt, is_fenced: true });
            }
        }
        token
    }

    fn instance(&mut self, p: usize, id: &TaskId, attempt: u64) -> Option<&mut Instance> {
        self.processes[p].instances.get_mut(id).filter(|instance| instance.attempt == attempt)
    }

    pub fn task_started(&mut self, p: usize, id: TaskId, attempt: u64, token: Option<u64>) {
        let Some(instance) = self.instance(p, &id, attempt) else { return };
        match token {
            Some(token) => {
                instance.token = Some(token);
                self.look_again(p, &id);
                self.turned(p, id, attempt);
            }
            None if instance.is_stopping => {}
            None => self.call(p, Call::StartTask { id, attempt }),
        }
    }

    pub fn turn(&mut self, p: usize, id: TaskId, wanted: Wanted) {
        let Some(instance) = self.processes[p].instances.get_mut(&id) else {
            let what = format!("{} turns {id}, which is not there", self.processes[p].address);
            return self.fail(what);
        };
        instance.wanted = wanted;
        let attempt = instance.attempt;
        let wait = self.random.between(1, 200);
        self.after(wait, Happening::Turned { p, id, attempt });
    }

    pub fn turned(&mut self, p: usize, id: TaskId, attempt: u64) {
        let Some(instance) = self.instance(p, &id, attempt) else { return };
        if instance.is_stopping || instance.token.is_none() {
            return;
        }
        let wanted = instance.wanted;
        instance.shows = Some(wanted);
        let event = match wanted {
            Wanted::Run => Event::TaskStarted { id, attempt },
            Wanted::Pause => Event::TaskPaused { id, attempt },
        };
        self.feed(p, event);
    }

    pub fn stop_task(&mut self, p: usize, id: TaskId) {
        let hangs = self.strikes(self.options.hangs);
        let Some(instance) = self.processes[p].instances.get_mut(&id) else { return };
        instance.is_stopping = true;
        let attempt = instance.attempt;
        if hangs {
            self.after(GIVE_UP, Happening::GiveUp { p, id, attempt });
        } else {
            let wait = self.random.between(1, STOP_MAX);
            self.after(wait, Happening::Stopped { p, id, attempt });
        }
    }

    pub fn give_up(&mut self, p: usize, id: &TaskId, attempt: u64) {
        if self.instance(p, id, attempt).is_some() {
            self.processes[p].abandoned.push((id.clone(), attempt));
            let wait = self.random.between(1, 20_000);
            self.after(wait, Happening::Buried { p, id: id.clone(), attempt });
            self.ended(p, id, attempt, None);
        }
    }

    /// By itself, or because its group has another of its name.
    pub fn task_fails(&mut self, p: usize, id: &TaskId, attempt: u64, is_fenced: bool) {
        // Some failures cannot be mended by a restart: somebody has to ask for it.
        let is_restartable = !is_fenced && (self.is_healed || self.random.chance(90));
        let failure = Failure { trace: "kind: broken".into(), is_restartable, is_fenced };
        if self.instance(p, id, attempt).is_some_and(|instance| !instance.is_stopping) {
            self.ended(p, id, attempt, Some(failure));
        }
    }

    pub fn ended(&mut self, p: usize, id: &TaskId, attempt: u64, failure: Option<Failure>) {
        if self.instance(p, id, attempt).is_some() {
            self.processes[p].instances.remove(id);
            self.feed(p, Event::TaskEnded { id: id.clone(), attempt, failure });
        }
    }
}
