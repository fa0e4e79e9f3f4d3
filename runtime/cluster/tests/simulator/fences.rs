//! A model of identities that are taken over: of a task's producer, which nobody but the newest can commit with.
use crate::options::Mutant;
use crate::process::{Batch, BatchKind, Intent};
use crate::world::{Happening, World};
use penstock_cluster::{Event, Failure, TaskId};

/// What a leader was asked to do.
#[derive(Debug, Clone)]
pub struct Fence {
    pub name: String,
    pub generation: u64,
    pub former: u32,
    pub tasks: Option<u32>,
}

impl World {
    /// The leader takes the identities of all former tasks over.
    pub fn shut_out(&mut self, p: usize, fence: Fence) {
        let Fence { name, generation, former, tasks } = fence;
        if !self.is_healed && self.random.chance(10) {
            let outcome = Err(Failure { trace: "no answer".into(), is_restartable: true, is_fenced: false });
            return self.feed(p, Event::Fenced { name, generation, outcome });
        }
        let former = if self.options.has(Mutant::FencesNobody) { 0 } else { former };
        for task in 0..former {
            self.new_token(&TaskId::new(name.clone(), task));
        }
        let kind = BatchKind::Fence(name.clone(), generation);
        self.enqueue(p, Batch { kind, intent: Intent::Fence { name, generation, tasks } });
    }

    pub fn fenced(&mut self, p: usize, name: String, generation: u64, end: u64) {
        if self.processes[p].pos < end {
            return self.after(50, Happening::Fenced { p, name, generation, end });
        }
        self.feed(p, Event::Fenced { name, generation, outcome: Ok(()) });
    }

    /// After it took its identity over, a task reads the log to its end: what was committed meanwhile stops it.
    pub fn look_again(&mut self, p: usize, id: &TaskId) {
        let commits = self.log.reference.commits(&id.connector, u64::MAX);
        let is_deaf = self.options.has(Mutant::LooksNotAgain);
        if let Some(instance) = self.processes[p].instances.get_mut(id) {
            instance.may_commit = is_deaf || instance.generation == commits;
        }
    }

    /// When a task begins, none of earlier settings can commit anything any more, wherever it is.
    pub fn check_fenced(&mut self, p: usize, id: &TaskId) {
        if !self.options.fences {
            return;
        }
        let generation = self.log.reference.commits(&id.connector, self.processes[p].pos);
        let mut wrong = None;
        for process in self.processes.iter().filter(|process| process.is_up) {
            for (other, instance) in &process.instances {
                let is_former = other.connector == id.connector && instance.generation < generation;
                let is_newest = instance.token.is_some() && instance.token == self.tokens.get(other).copied();
                if is_former && is_newest && instance.may_commit {
                    wrong = Some(format!("{id} begins while {other} of {} may commit", process.address));
                }
            }
        }
        if let Some(what) = wrong {
            self.fail(what);
        }
    }
}
