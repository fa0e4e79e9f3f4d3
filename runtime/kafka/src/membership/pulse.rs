//! Commits that renew a member's session, and what their answers mean.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::Kind;
use crate::raw::Identity;

/// Answers that are waited for. More come late only, when newer ones count.
const SENT_MAX: usize = 8;
/// After a refusal that passes by itself within the rebalance.
const SOON: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
pub(super) struct Sent {
    number: u64,
    /// Read before the commit was handed over, so that no lease counts from a later moment.
    pub at: Instant,
    pub by: Identity,
}

/// When to commit next, and which commits are on their way.
pub(super) struct Pulse {
    interval: Duration,
    next: Instant,
    sent: VecDeque<Sent>,
}

impl Pulse {
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, next: now, sent: VecDeque::new() }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn hurry(&mut self, now: Instant) {
        self.next = now;
    }

    pub(super) fn again_soon(&mut self, now: Instant) {
        self.next = self.next.min(now + SOON);
    }

    pub(super) fn sent(&mut self, number: u64, by: Identity, at: Instant) {
        if self.sent.len() == SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { number, at, by });
        self.next = at + self.interval;
    }

    /// The commit that an answer is for; none when it is no longer waited for.
    pub(super) fn answered(&mut self, number: u64) -> Option<Sent> {
        let index = self.sent.iter().position(|sent| sent.number == number)?;
        self.sent.remove(index)
    }

    /// Since when an answer is missing.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.sent.front().map(|sent| sent.at)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The coordinator took it from a live member.
    Renewed,
    /// A rebalance goes on: neither good nor bad.
    Again,
    /// The coordinator does not know this member any more.
    Lost,
    /// A person has to change something.
    Refused(Code),
    /// It says nothing about the membership of today.
    Void,
}

/// `now`: who this client is when the answer is there.
pub(super) fn judge(outcome: Result<(), Code>, by: &Identity, now: Option<&Identity>) -> Verdict {
    let is_same = now.is_some_and(|now| now.member_id == by.member_id);
    match outcome {
        Ok(()) if is_same => Verdict::Renewed,
        Err(Code::RebalanceInProgress) => Verdict::Again,
        // It waited behind the request to join, which brought a newer generation before this answer.
        Err(Code::IllegalGeneration) if is_same && now.is_some_and(|now| now.generation != by.generation) => {
            Verdict::Again
        }
        Err(
            Code::UnknownMemberId | Code::IllegalGeneration | Code::FencedInstanceId | Code::StaleMemberEpoch,
        ) if is_same || now.is_none() => Verdict::Lost,
        Err(code) if crate::error::kind_of(code) == Kind::Config => Verdict::Refused(code),
        Ok(()) | Err(_) => Verdict::Void,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(member_id: &str, generation: i32) -> Identity {
        Identity { member_id: member_id.into(), generation }
    }

    #[test]
    fn an_answer_is_weighed_against_who_this_is_by_now() {
        let by = identity("m1", 4);
        let check = |outcome, now: Option<(&str, i32)>, expected| {
            let now = now.map(|(member_id, generation)| identity(member_id, generation));
            assert_eq!(judge(outcome, &by, now.as_ref()), expected, "{outcome:?} {now:?}");
        };
        check(Ok(()), Some(("m1", 4)), Verdict::Renewed);
        check(Ok(()), Some(("m1", 5)), Verdict::Renewed);
        check(Ok(()), Some(("m2", 5)), Verdict::Void);
        check(Ok(()), None, Verdict::Void);
        check(Err(Code::RebalanceInProgress), Some(("m1", 4)), Verdict::Again);
        check(Err(Code::IllegalGeneration), Some(("m1", 5)), Verdict::Again);
        check(Err(Code::IllegalGeneration), Some(("m1", 4)), Verdict::Lost);
        check(Err(Code::IllegalGeneration), None, Verdict::Lost);
        check(Err(Code::UnknownMemberId), Some(("m1", 4)), Verdict::Lost);
        check(Err(Code::UnknownMemberId), Some(("m2", 1)), Verdict::Void);
        check(Err(Code::OperationTimedOut), Some(("m1", 4)), Verdict::Void);
        let refused = Code::TopicAuthorizationFailed;
        check(Err(refused), Some(("m1", 4)), Verdict::Refused(refused));
    }

    #[test]
    fn late_answers_are_waited_for_up_to_a_bound() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut pulse = Pulse::new(second, now);
        assert!(pulse.is_due(now));
        for number in 0..10 {
            pulse.sent(number, identity("m1", 1), now + second * number as u32);
        }
        assert!(pulse.answered(0).is_none() && pulse.answered(1).is_none());
        assert_eq!(pulse.waits_since(), Some(now + second * 2));
        assert_eq!(pulse.answered(5).unwrap().at, now + second * 5);
        assert!(!pulse.is_due(now + second * 9) && pulse.is_due(now + second * 10));
    }
}
