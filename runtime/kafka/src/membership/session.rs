//! The thread that keeps a worker's place in the group: joins, renews, looks who is there, and leaves.

mod ask;
mod place;
mod seen;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::group::GroupSettings;
use super::lease::Standing;
use super::pulse::{Pulse, Verdict, judge};
use super::roll::{self, Roll};
use super::{Event, Member};
use crate::raw::{Described, Handle, Identity, Replies, Reply};
use crate::rights::{self, Resource};
use crate::{Commit, Error, GroupDescription, fetch};
use ask::{Ask, Asked};
pub(super) use seen::Seen;

/// How long leaving may take when the group does not answer.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long answers are waited for before the group's own news are looked at again.
const ANSWER_WAIT: Duration = Duration::from_millis(20);
/// A commit takes a few milliseconds, unless it waits behind a rebalance.
const STALLED: Duration = Duration::from_millis(250);
/// Ids that this worker had in the group: each is listed for a session at most after it was given up.
const FORMER_MAX: usize = 16;

pub(super) struct Session {
    settings: GroupSettings,
    replies: Replies,
    handle: Arc<Handle>,
    standing: Arc<Standing>,
    seen: Arc<Seen>,
    is_stopping: Arc<AtomicBool>,
    identity: Option<Identity>,
    former: Vec<String>,
    pulse: Pulse,
    ask: Ask,
    /// Numbers the questions.
    next: u64,
    /// When the newest commit that was taken was sent, by whom.
    renewed: Option<(Instant, Identity)>,
    roll: Option<(Identity, Vec<Member>)>,
    was_in: bool,
    warned: Option<Code>,
}

/// Why the group is not waited for any more.
enum Turned {
    Stopped,
    /// The group's protocol changed: look again before joining.
    Away,
}

impl Session {
    pub(super) fn new(
        settings: GroupSettings,
        handle: Arc<Handle>,
        standing: Arc<Standing>,
        seen: Arc<Seen>,
        is_stopping: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let now = Instant::now();
        Ok(Self {
            replies: Replies::new(Arc::clone(&handle))?,
            pulse: Pulse::new(settings.pulse(), now),
            ask: Ask::new(now),
            settings,
            handle,
            standing,
            seen,
            is_stopping,
            identity: None,
            former: Vec::new(),
            next: 0,
            renewed: None,
            roll: None,
            was_in: false,
            warned: None,
        })
    }

    pub(super) fn run(mut self) {
        let failure = self.live().err();
        self.standing.end(failure);
        if !self.handle.close(LEAVE_TIMEOUT) {
            // As when all workers stop at once and the group is busy with those that left before. This worker's tasks
            // have been handed over by now, and the group counts it for one session more.
            tracing::info!("the workers' group did not answer in time, leaving without it");
        }
    }

    fn live(&mut self) -> Result<(), Error> {
        while self.await_place()? {
            self.handle.ops().subscribe(std::slice::from_ref(&self.settings.topic))?;
            match self.belong()? {
                Turned::Stopped => break,
                Turned::Away => {
                    self.standing.lose("the group speaks another protocol");
                    if let Some(identity) = self.identity.take() {
                        self.remember(identity.member_id);
                    }
                    self.handle.ops().unsubscribe()?;
                }
            }
        }
        Ok(())
    }

    /// One turn after the other: what is due, then what came.
    fn belong(&mut self) -> Result<Turned, Error> {
        loop {
            if self.is_stopping() {
                return Ok(Turned::Stopped);
            }
            if let Some(fatal) = self.handle.ops().fatal() {
                return Err(fatal);
            }
            let now = Instant::now();
            self.look_at_myself(now);
            self.ask_what_is_due(now)?;
            self.announce(now);
            if let Some(turned) = self.wait(now)? {
                return Ok(turned);
            }
        }
    }

    fn look_at_myself(&mut self, now: Instant) {
        let identity = self.handle.ops().identity();
        let has_moved = self.seen.take_moved();
        if identity != self.identity {
            if let Some(old) = self.identity.take() {
                let is_other = identity.as_ref().is_some_and(|new| new.member_id != old.member_id);
                if is_other {
                    self.standing.lose("the group took this worker for gone");
                }
                self.remember(old.member_id);
            }
            self.identity = identity;
            self.pulse.hurry(now);
            self.ask.hurry(now);
        } else if has_moved {
            self.pulse.hurry(now);
            self.ask.hurry(now);
        }
    }

    fn remember(&mut self, member_id: String) {
        if !self.former.contains(&member_id) {
            if self.former.len() == FORMER_MAX {
                self.former.remove(0);
            }
            self.former.push(member_id);
        }
    }

    fn ask_what_is_due(&mut self, now: Instant) -> Result<(), Error> {
        let Some(identity) = self.identity.clone() else { return Ok(()) };
        if self.pulse.is_due(now) {
            self.next += 1;
            // The offset says nothing: what counts is that a member of this generation commits.
            let commit = Commit {
                topic: self.settings.topic.clone(),
                partition: 0,
                offset: 0,
                metadata: r#"{"v":1}"#.into(),
            };
            let at = Instant::now();
            self.replies.start_commit(self.next, &commit)?;
            self.pulse.sent(self.next, identity.clone(), at);
        }
        if self.pulse.waits_since().is_some_and(|since| now >= since + STALLED) {
            // Commits wait behind the request to join, for as long as the group waits for somebody: the description,
            // which comes by another connection, shows that this member is still counted in.
            self.ask.hurry_within(self.lookout());
        }
        if self.ask.is_due(now) {
            self.next += 1;
            let at = Instant::now();
            self.replies.start_describe(self.next, &self.settings.group)?;
            self.ask.asked(Asked { number: self.next, at, by: identity });
        }
        Ok(())
    }

    /// How often the group is looked at while commits get no answer.
    fn lookout(&self) -> Duration {
        self.settings.session_timeout / 6
    }

    fn announce(&mut self, now: Instant) {
        let (Some(identity), Some((of, members))) = (&self.identity, &self.roll) else { return };
        let (leader, generation) = self.seen.place();
        if of == identity && generation == identity.generation && self.standing.is_held(now) {
            let joined = Event::Joined { generation, leader, members: members.clone() };
            self.standing.tell(&joined, now);
            self.was_in = true;
        }
    }

    fn wait(&mut self, now: Instant) -> Result<Option<Turned>, Error> {
        let mut wait = self.settings.pulse();
        if self.identity.is_some() {
            let due = self.pulse.next().min(self.ask.next());
            wait = due.saturating_duration_since(now).min(wait).max(Duration::from_millis(1));
        }
        if self.pulse.waits_since().is_some() || self.ask.is_waiting() {
            if let Some(reply) = self.replies.take(ANSWER_WAIT.min(wait)) {
                return self.take_in(reply);
            }
            wait = Duration::ZERO;
        }
        let turn = fetch::fetch(&self.handle, 1, wait);
        for (code, error) in turn.errors {
            if code == Code::InconsistentGroupProtocol {
                return Ok(Some(Turned::Away));
            }
            tracing::debug!(%error, "in the workers' group");
            self.complain(code)?;
        }
        Ok(None)
    }

    fn take_in(&mut self, reply: Reply) -> Result<Option<Turned>, Error> {
        // An answer may be newer than what was looked at last.
        self.look_at_myself(Instant::now());
        match reply {
            Reply::Committed(number, outcome) => self.take_commit(number, outcome).map(|()| None),
            Reply::Described(number, outcome) => {
                let Some(asked) = self.ask.answered(number) else { return Ok(None) };
                match outcome {
                    Ok(Described::Group(group)) => self.take_group(&asked, &group)?,
                    Ok(Described::Foreign) => return Ok(Some(Turned::Away)),
                    Ok(Described::Missing) => self.ask.back_off(Instant::now()),
                    Err(error) => {
                        tracing::debug!(%error, "in the workers' group");
                        self.ask.back_off(Instant::now());
                        error.code().map_or(Ok(()), |code| self.complain(code))?;
                    }
                }
                Ok(None)
            }
        }
    }

    fn take_commit(&mut self, number: u64, outcome: Result<(), Code>) -> Result<(), Error> {
        let Some(sent) = self.pulse.answered(number) else { return Ok(()) };
        let now = Instant::now();
        match judge(outcome, &sent.by, self.identity.as_ref()) {
            Verdict::Renewed => {
                self.standing.renew(sent.at + self.settings.lease(), now);
                self.renewed = Some((sent.at, sent.by));
                self.warned = None;
            }
            Verdict::Again => self.pulse.again_soon(now),
            Verdict::Lost => self.standing.lose("the group does not know this worker any more"),
            Verdict::Refused(code) => self.complain(code)?,
            Verdict::Void => {}
        }
        Ok(())
    }

    fn take_group(&mut self, asked: &Asked, group: &GroupDescription) -> Result<(), Error> {
        let now = Instant::now();
        if self.identity.as_ref() != Some(&asked.by) {
            self.ask.hurry(now);
            return Ok(());
        }
        match roll::call(group, &self.settings.me, &asked.by.member_id, &self.former) {
            Roll::Complete(members) => {
                self.roll = Some((asked.by.clone(), members));
                self.ask.rest(now);
            }
            Roll::Unsettled { is_listed } => {
                if is_listed && group.state != "Stable" {
                    self.standing.extend(asked.at + self.settings.session_timeout / 3, now);
                }
                self.ask.back_off(now);
            }
            Roll::Absent => {
                let was_there = |(at, by): &(Instant, Identity)| *at < asked.at && *by == asked.by;
                if self.renewed.as_ref().is_some_and(was_there) {
                    self.standing.lose("the group went on without this worker");
                }
                self.ask.back_off(now);
            }
            Roll::Yield(rival) => {
                return Err(roll::address_is_taken(&self.settings.group, &self.settings.me, &rival));
            }
        }
        Ok(())
    }

    /// A worker that never joined stops for what a person has to repair; one that did goes on trying.
    fn complain(&mut self, code: Code) -> Result<(), Error> {
        if !rights::is_missing(code) {
            return Ok(());
        }
        let resource = match code {
            Code::TopicAuthorizationFailed => Resource::Topic(&self.settings.topic),
            _ => Resource::Group(&self.settings.group),
        };
        let doing = format!("joining group {}", self.settings.group);
        let error = rights::missing(&self.settings.client, resource, &["Read"], &doing);
        if !self.was_in {
            return Err(error);
        }
        if self.warned.replace(code) != Some(code) {
            tracing::warn!(%error, "the worker cannot keep its place in the cluster");
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }
}
