//! A cluster of workers as a consumer group: the owner of the only partition leads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::lease::{Lease, Standing};
use super::session::{Seen, Session};
use super::{Event, Member, Membership};
use crate::raw::Handle;
use crate::{ClientSettings, Error};

/// Events that a busy worker may leave waiting; only the newest of what comes then is kept.
const EVENTS_MAX: usize = 64;

#[derive(Clone, Debug)]
pub struct GroupSettings {
    pub client: ClientSettings,
    pub group: String,
    /// A topic of one partition that all workers have; nothing is read from it.
    pub topic: String,
    pub me: Member,
    /// How long the group waits for a member that is silent.
    pub session_timeout: Duration,
    pub heartbeat_interval: Duration,
    /// How long the group waits for its members when it is put together again; no less than the session.
    pub rebalance_timeout: Duration,
}

impl GroupSettings {
    /// How long a member that Kafka does not answer takes itself for one: less than the group does.
    pub(super) fn lease(&self) -> Duration {
        let margin = (self.session_timeout / 6).max(Duration::from_millis(300));
        self.session_timeout.saturating_sub(margin)
    }

    pub(super) fn pulse(&self) -> Duration {
        self.heartbeat_interval.min(self.session_timeout / 4).max(Duration::from_millis(10))
    }

    fn to_client(&self) -> ClientSettings {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let mut client = self.client.clone();
        // The others read this worker's address from the group's description.
        client.set("client.id", &self.me.id);
        client.set("group.id", &self.group);
        client.set("group.protocol", "classic");
        client.set("partition.assignment.strategy", "cooperative-sticky");
        client.set("session.timeout.ms", millis(self.session_timeout));
        client.set("heartbeat.interval.ms", millis(self.pulse()));
        client.set("max.poll.interval.ms", millis(self.rebalance_timeout.max(self.session_timeout)));
        client.set("enable.auto.commit", "false");
        client.set("enable.auto.offset.store", "false");
        client.set("enable.partition.eof", "false");
        client.set("allow.auto.create.topics", "false");
        client.set("auto.offset.reset", "latest");
        // An answer that comes later than this is of no use.
        client.set(
            "socket.timeout.ms",
            millis(self.session_timeout.clamp(Duration::from_secs(1), Duration::from_secs(60))),
        );
        client.set("reconnect.backoff.max.ms", "1000");
        client.set("statistics.interval.ms", "0");
        client
    }
}

/// A worker's place in a group of workers.
///
/// `open` returns at once; a thread of its own joins the group and keeps the place. When another live member has
/// the same address, it waits for as long as a killed predecessor may still be listed (the session timeout and two
/// seconds), and then ends the events with a `failure`. While workers of Java's Connect hold the group, it waits.
///
/// Dropping it leaves the group, which takes a second at most when Kafka does not answer.
pub struct GroupMembership {
    me: Member,
    events: mpsc::Receiver<Event>,
    standing: Arc<Standing>,
    handle: Arc<Handle>,
    is_stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl GroupMembership {
    pub fn open(settings: GroupSettings) -> Result<Self, Error> {
        if settings.session_timeout < Duration::from_secs(1) {
            let session = settings.session_timeout;
            return Err(Error::config(format!("session.timeout.ms: expected 1000 or more, got {session:?}")));
        }
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let standing = Arc::new(Standing::new(sender));
        let seen = Arc::new(Seen::new(Arc::clone(&standing)));
        let handle = Arc::new(Handle::open(&settings.to_client().to_consumer(), seen.clone())?);
        let me = settings.me.clone();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let session =
            Session::new(settings, Arc::clone(&handle), Arc::clone(&standing), seen, is_stopping.clone())?;
        let watched = Arc::clone(&standing);
        let mut membership = Self { me, events, standing, handle, is_stopping, threads: Vec::new() };
        // Two threads, so that no call can keep the worker from hearing that its time is over.
        membership.start("membership", move || session.run())?;
        membership.start("lease", move || watched.watch())?;
        Ok(membership)
    }

    /// As dropping it.
    pub fn close(self) {}

    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(work)
            .map_err(|error| Error::retry(format!("starting a thread for the membership: {error}")))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Membership for GroupMembership {
    fn me(&self) -> &Member {
        &self.me
    }

    fn events(&mut self) -> &mut mpsc::Receiver<Event> {
        &mut self.events
    }

    fn lease(&self) -> Lease {
        self.standing.lease()
    }

    fn failure(&self) -> Option<Error> {
        self.standing.failure()
    }
}

impl Drop for GroupMembership {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        self.handle.wake();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
