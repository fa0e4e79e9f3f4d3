//! What the whole log says at each of its offsets, told a second time and without compaction.
use penstock_cluster::{ConfigRecord, Place, Placement, Properties, TargetState, TaskId};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A connector at one offset.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The offset that created it; `None` when it does not exist.
    pub created: Option<u64>,
    pub config: Rc<Properties>,
    pub target: TargetState,
    pub tasks: Rc<Vec<Properties>>,
}

/// A placement, from its offset on.
#[derive(Debug, Clone)]
pub struct Placed {
    pub offset: u64,
    pub at: u64,
    pub placement: Option<Placement>,
}

/// Each connector's states with the offsets from which they hold.
#[derive(Debug, Default)]
pub struct Reference {
    states: BTreeMap<String, Vec<(u64, State)>>,
    placed: BTreeMap<String, Vec<Placed>>,
    values: BTreeMap<TaskId, Properties>,
    pub epoch: u64,
    turn: u64,
    /// Where commits stand.
    commits: BTreeMap<String, Vec<u64>>,
}

impl Reference {
    /// The state that whoever read everything before `pos` has to know.
    pub fn state(&self, name: &str, pos: u64) -> Option<&State> {
        let states = self.states.get(name)?;
        let known = states.partition_point(|(offset, _)| *offset < pos);
        states[..known].last().map(|(_, state)| state).filter(|state| state.created.is_some())
    }

    pub fn newest(&self) -> impl Iterator<Item = (&str, &State)> {
        let newest = self.states.iter().filter_map(|(name, states)| Some((name.as_str(), &states.last()?.1)));
        newest.filter(|(_, state)| state.created.is_some())
    }

    pub fn place(&self, id: &TaskId, pos: u64) -> Option<&Place> {
        let placed = self.placed.get(&id.connector)?;
        let known = placed.partition_point(|placed| placed.offset < pos);
        placed[..known].last()?.placement.as_ref()?.tasks.get(id.task as usize)
    }

    /// The newest place of a task, be it over or not.
    pub fn last_place(&self, id: &TaskId) -> Option<&Place> {
        let mut placements = self.placed.get(&id.connector)?.iter().rev();
        placements.find_map(|placed| placed.placement.as_ref()?.tasks.get(id.task as usize))
    }

    /// The placements of a connector that come at `pos` or later.
    pub fn placed_since(&self, name: &str, pos: u64) -> &[Placed] {
        let placed = self.placed.get(name).map_or(&[][..], Vec::as_slice);
        &placed[placed.partition_point(|placed| placed.offset < pos)..]
    }

    /// How many commits of a connector stand before `pos`, those of others of its name included.
    pub fn commits(&self, name: &str, pos: u64) -> usize {
        self.commits.get(name).map_or(0, |commits| commits.partition_point(|offset| *offset < pos))
    }

    /// Whether these settings were committed for the task since the connector that exists at `pos` was created.
    pub fn was_committed(&self, id: &TaskId, config: &Properties, pos: u64) -> bool {
        let Some(created) = self.state(&id.connector, pos).and_then(|state| state.created) else {
            return false;
        };
        let states = self.states.get(&id.connector).map_or(&[][..], Vec::as_slice);
        let since = states.iter().filter(|(offset, _)| (created..pos).contains(offset));
        since.filter_map(|(_, state)| state.tasks.get(id.task as usize)).any(|task| task.same_as(config))
    }

    pub fn apply(&mut self, offset: u64, now: u64, record: &ConfigRecord) -> Result<(), String> {
        match record {
            ConfigRecord::Connector { name, config } => self.connector(offset, name, config.as_ref()),
            ConfigRecord::Target { name, target } => {
                let target = target.unwrap_or_default();
                self.change(offset, name, |state| state.target = target);
            }
            ConfigRecord::Task { id, config: Some(config) } => {
                self.values.insert(id.clone(), config.clone());
            }
            ConfigRecord::Task { id, config: None } => drop(self.values.remove(id)),
            ConfigRecord::Commit { name, tasks } => {
                self.commits.entry(name.clone()).or_default().push(offset);
                let value = |task| self.values.get(&TaskId::new(name, task)).cloned();
                let tasks: Option<Vec<_>> = (0..*tasks).map(value).collect();
                let tasks = Rc::new(tasks.unwrap_or_default());
                self.change(offset, name, |state| {
                    if state.created.is_some() {
                        state.tasks = tasks;
                    }
                });
            }
            ConfigRecord::Leader { epoch, .. } => {
                if *epoch <= self.epoch {
                    return Err(format!("epoch {epoch} was announced after epoch {}", self.epoch));
                }
                self.epoch = *epoch;
            }
            ConfigRecord::Fenced { .. } => {}
            ConfigRecord::Placement { name, placement } => {
                return self.placement(offset, now, name, placement.as_ref());
            }
        }
        Ok(())
    }

    fn connector(&mut self, offset: u64, name: &str, config: Option<&Properties>) {
        self.change(offset, name, |state| match config {
            Some(config) => {
                state.created.get_or_insert(offset);
                state.config = Rc::new(config.clone());
            }
            None => *state = State::default(),
        });
        if config.is_none() {
            self.values.retain(|id, _| id.connector != name);
            self.placed.entry(name.into()).or_default().push(Placed { offset, at: 0, placement: None });
        }
    }

    fn placement(
        &mut self,
        offset: u64,
        at: u64,
        name: &str,
        placement: Option<&Placement>,
    ) -> Result<(), String> {
        let placed = Placed { offset, at, placement: placement.cloned() };
        self.placed.entry(name.into()).or_default().push(placed);
        let Some(placement) = placement else { return Ok(()) };
        if placement.epoch != self.epoch {
            return Err(format!("a placement of epoch {} came in epoch {}", placement.epoch, self.epoch));
        }
        if placement.turn <= self.turn {
            return Err(format!("turn {} came after turn {}", placement.turn, self.turn));
        }
        self.turn = placement.turn;
        Ok(())
    }

    fn change(&mut self, offset: u64, name: &str, change: impl FnOnce(&mut State)) {
        let states = self.states.entry(name.to_owned()).or_default();
        let mut state = states.last().map(|(_, state)| state.clone()).unwrap_or_default();
        change(&mut state);
        states.push((offset, state));
    }
}
