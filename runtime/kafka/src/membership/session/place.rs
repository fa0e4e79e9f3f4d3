//! Looks whether the group has room for this worker before it joins.

use std::time::{Duration, Instant};

use super::Session;
use crate::membership::roll::{self, Obstacle};
use crate::{Error, Kind, fetch};

const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// Between looks while a member with this worker's address is still listed.
const RIVAL_WAIT: Duration = Duration::from_millis(300);
/// Between looks while others hold the group, or Kafka does not answer.
const LONG_WAIT: Duration = Duration::from_secs(2);
/// Beyond the session timeout, for the coordinator to notice.
const GRACE: Duration = Duration::from_secs(2);

impl Session {
    /// False when the worker is to stop.
    pub(super) fn await_place(&mut self) -> Result<bool, Error> {
        let mut rival_since = None;
        let mut told_of_others = false;
        while !self.is_stopping() {
            let group = match self.handle.describe_group(&self.settings.group, LOOK_TIMEOUT) {
                Ok(group) => group,
                Err(error) => {
                    self.look_failed(error)?;
                    self.idle(LONG_WAIT / 4);
                    continue;
                }
            };
            match roll::obstacle(group.as_ref(), &self.settings.me, &self.former) {
                None => return Ok(true),
                Some(Obstacle::Rival(rival)) => {
                    let since = *rival_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.settings.session_timeout + GRACE {
                        let (group, me) = (&self.settings.group, &self.settings.me);
                        return Err(roll::address_is_taken(group, me, &rival));
                    }
                    self.idle(RIVAL_WAIT);
                }
                Some(Obstacle::Foreign { protocol_type }) => {
                    let reason = roll::held_by_others(&self.settings.group, &protocol_type);
                    if !std::mem::replace(&mut told_of_others, true) {
                        tracing::warn!("{reason}; joining when they are gone");
                    }
                    self.idle(LONG_WAIT);
                }
            }
        }
        Ok(false)
    }

    fn look_failed(&mut self, error: Error) -> Result<(), Error> {
        tracing::debug!(%error, "looking at the workers' group");
        if let Some(code) = error.code() {
            self.complain(code)?;
        }
        if error.kind == Kind::Config && !self.was_in { Err(error) } else { Ok(()) }
    }

    /// Waits, and takes in what the client has to tell. Ends early when the worker is to stop.
    fn idle(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while !self.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            for (_, error) in fetch::fetch(&self.handle, 1, left).errors {
                tracing::debug!(%error, "in the workers' group");
            }
        }
    }
}
