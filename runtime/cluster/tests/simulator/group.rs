//! A model of the workers' Kafka group: sessions that end when heartbeats stay out, and who is first.
use crate::options::SESSION;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};

/// What the group tells a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub generation: u64,
    pub is_first: bool,
    pub members: BTreeSet<String>,
}

#[derive(Debug)]
struct Member {
    address: String,
    deadline: u64,
}

/// The group as its coordinator knows it.
#[derive(Debug, Default)]
pub struct Group {
    members: BTreeMap<u64, Member>,
    generation: u64,
    first: Option<u64>,
    ids: u64,
}

impl Group {
    /// `None`: another process has this address.
    pub fn join(&mut self, now: u64, address: &str, random: &mut Random) -> Option<u64> {
        if self.members.values().any(|member| member.address == address) {
            return None;
        }
        self.ids += 1;
        self.members.insert(self.ids, Member { address: address.into(), deadline: now + SESSION });
        self.changed(random);
        Some(self.ids)
    }

    /// Answers whether the member is one; its session begins anew then.
    pub fn heartbeat(&mut self, now: u64, id: u64) -> bool {
        let Some(member) = self.members.get_mut(&id) else { return false };
        member.deadline = now + SESSION;
        true
    }

    pub fn remove(&mut self, id: u64, random: &mut Random) {
        if self.members.remove(&id).is_some() {
            self.changed(random);
        }
    }

    /// Ends the sessions that are over.
    pub fn expire(&mut self, now: u64, random: &mut Random) {
        let before = self.members.len();
        self.members.retain(|_, member| member.deadline > now);
        if self.members.len() != before {
            self.changed(random);
        }
    }

    /// A coordinator that comes back gives everybody a whole session.
    pub fn restart(&mut self, now: u64) {
        self.members.values_mut().for_each(|member| member.deadline = now + SESSION);
    }

    pub fn next_deadline(&self) -> Option<u64> {
        self.members.values().map(|member| member.deadline).min()
    }

    pub fn ids(&self) -> Vec<u64> {
        self.members.keys().copied().collect()
    }

    pub fn view(&self, id: u64) -> View {
        View {
            generation: self.generation,
            is_first: self.first == Some(id),
            members: self.members.values().map(|member| member.address.clone()).collect(),
        }
    }

    /// The first stays first, mostly: an assignor may decide otherwise.
    fn changed(&mut self, random: &mut Random) {
        self.generation += 1;
        let is_there = self.first.is_some_and(|first| self.members.contains_key(&first));
        if !is_there || random.chance(10) {
            self.first = random.pick(&self.ids());
        }
    }
}
