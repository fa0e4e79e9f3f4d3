//! This worker's place in the cluster: whether it is in, whether it leads, and what it tells the others.
use super::leader::Leading;
use super::{Herder, Timing};
use crate::slot::Slot;
use crate::{Action, Event, Place, Placements, Report, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// A worker of a cluster.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) me: String,
    /// `None`: out of the cluster.
    pub(super) members: Option<BTreeSet<String>>,
    /// The cluster wants this worker to lead.
    is_first: bool,
    pub(super) lead: Lead,
    /// The last report of this worker since it joined.
    told: Option<Report>,
    pub(super) reports: BTreeMap<String, Report>,
    /// When a shutdown found nothing running here any more.
    idle_since: Option<u64>,
}

/// The way to leading. Only `Leads` writes.
#[derive(Debug)]
pub(super) enum Lead {
    Follows,
    TakingOver,
    Announcing { epoch: u64 },
    Leads(Leading),
    Waiting { retry_at: u64 },
}

impl Seat {
    pub(super) fn new(me: String) -> Self {
        Self {
            me,
            members: None,
            is_first: false,
            lead: Lead::Follows,
            told: None,
            reports: BTreeMap::new(),
            idle_since: None,
        }
    }

    pub(super) fn is_in(&self) -> bool {
        self.members.is_some()
    }

    pub(super) fn leads(&self) -> bool {
        matches!(self.lead, Lead::Leads(_))
    }

    pub(super) fn leader<'a>(&'a self, placements: &'a Placements) -> Option<&'a str> {
        let is_member =
            |worker: &&str| self.members.as_ref().is_some_and(|members| members.contains(*worker));
        placements.leader().filter(is_member).filter(|worker| self.leads() || *worker != self.me)
    }

    pub(super) fn has(&self, place: Option<&Place>) -> bool {
        matches!(place, Some(Place::On(worker)) if *worker == self.me)
    }

    pub(super) fn is_leaving(&self, worker: &str) -> bool {
        self.reports.get(worker).is_some_and(|report| report.is_leaving)
    }

    /// Whether others have what ran here, or nobody is there to take it.
    pub(super) fn is_handed_over(&self, placements: &Placements, now: u64, handover: u64) -> bool {
        let Some(members) = &self.members else { return true };
        let has_others = members.iter().any(|worker| *worker != self.me && !self.is_leaving(worker));
        let is_late = self.idle_since.is_some_and(|since| now >= since + handover);
        let is_writing = matches!(&self.lead, Lead::Leads(leading) if leading.is_writing());
        is_late || (!is_writing && (!has_others || !placements.names(&self.me)))
    }

    pub(super) fn next_tick(&self, timing: &Timing) -> Option<u64> {
        let idle = self.idle_since.map(|since| since + timing.handover);
        let lead = match &self.lead {
            Lead::Waiting { retry_at } => Some(*retry_at),
            Lead::Leads(leading) => leading.next_tick(timing),
            Lead::Follows | Lead::TakingOver | Lead::Announcing { .. } => None,
        };
        idle.into_iter().chain(lead).min()
    }

    fn take(&mut self, event: Event, placements: &Placements) -> Option<Action> {
        match event {
            Event::Joined { is_first, members } => {
                self.is_first = is_first;
                self.members = Some(members);
            }
            Event::Lost => {
                self.is_first = false;
                self.members = None;
                self.told = None;
            }
            Event::Reported { worker, report } => {
                // The last words of a former worker of this address, which came late: others take them for this one's.
                let is_former = |told: &Report| told.is_leaving != report.is_leaving;
                if worker == self.me && self.told.as_ref().is_some_and(is_former) {
                    self.told = None;
                }
                self.reports.insert(worker, report);
            }
            Event::Leading if matches!(self.lead, Lead::TakingOver) => {
                let epoch = placements.epoch() + 1;
                self.lead = Lead::Announcing { epoch };
                return Some(Action::Announce { epoch });
            }
            _ => {}
        }
        None
    }
}

impl Herder {
    pub(super) fn cluster_event(&mut self, event: Event) {
        let is_deposed = matches!(event, Event::Deposed);
        if let Some(seat) = &mut self.seat {
            let action = seat.take(event, self.configs.placements());
            self.actions.extend(action);
        }
        if is_deposed {
            self.step_down();
        }
    }

    /// Somebody announced itself as the leader.
    pub(super) fn leader_read(&mut self, epoch: u64, worker: &str) {
        let Some(seat) = &mut self.seat else { return };
        match seat.lead {
            Lead::Announcing { epoch: mine } if mine == epoch && worker == seat.me => {
                seat.lead = Lead::Leads(Leading::new(epoch));
                self.fencing.clear();
                self.plans.clear();
                self.shown.clear();
            }
            Lead::Announcing { epoch: mine } if mine <= epoch => self.step_down(),
            Lead::Leads(ref leading) if leading.epoch < epoch => self.step_down(),
            _ => {}
        }
    }

    /// Leads no more, for now: whether it shall lead again is asked in a while.
    fn step_down(&mut self) {
        let Some(seat) = &mut self.seat else { return };
        if !matches!(seat.lead, Lead::Follows | Lead::Waiting { .. }) {
            seat.lead = Lead::Waiting { retry_at: self.now + self.timing.lead_retry };
            self.resigned();
        }
    }

    fn resigned(&mut self) {
        self.fencing.clear();
        self.plans.clear();
        self.shown.clear();
        self.actions.push(Action::Resign);
    }

    pub(super) fn reconcile_seat(&mut self) {
        let Some(seat) = &mut self.seat else { return };
        match &seat.lead {
            Lead::Follows if seat.is_first && !self.is_shutting_down => {
                seat.lead = Lead::TakingOver;
                self.actions.push(Action::Lead);
            }
            Lead::Waiting { .. } if !seat.is_first => seat.lead = Lead::Follows,
            Lead::Waiting { retry_at } if *retry_at <= self.now => {
                seat.lead = Lead::TakingOver;
                self.actions.push(Action::Lead);
            }
            Lead::TakingOver | Lead::Announcing { .. } | Lead::Leads(_) if !seat.is_first => {
                seat.lead = Lead::Follows;
                self.resigned();
            }
            _ => {}
        }
    }

    /// Tells what the leader waits for: that this worker is leaving, and that it has given tasks up.
    pub(super) fn report(&mut self) {
        let holding: BTreeSet<TaskId> =
            self.slots.iter().filter(|(_, slot)| slot.is_alive()).map(|(id, _)| id.clone()).collect();
        let is_leaving = self.is_shutting_down;
        let Some(seat) = self.seat.as_mut().filter(|seat| seat.is_in()) else { return };
        let placements = self.configs.placements();
        let is_news = seat.told.as_ref().is_none_or(|told| {
            let is_due = |(id, turn): (TaskId, u64)| {
                turn > told.turn || (told.holding.contains(&id) && !holding.contains(&id))
            };
            told.is_leaving != is_leaving || placements.leaving(&seat.me).any(is_due)
        });
        if is_news {
            let report = Report { turn: placements.turn(), is_leaving, holding };
            seat.told = Some(report.clone());
            self.actions.push(Action::Report(report));
        }
    }

    pub(super) fn note_idle(&mut self) {
        let is_idle = self.is_shutting_down && !self.slots.values().any(Slot::is_alive);
        if let Some(seat) = self.seat.as_mut().filter(|_| is_idle) {
            seat.idle_since.get_or_insert(self.now);
        }
    }
}
