//! Who is in the cluster, and who leads: a group of workers, or one worker alone.

mod group;
mod lease;
mod pulse;
mod roll;
mod session;

use tokio::sync::mpsc;

use crate::Error;
pub use group::{GroupMembership, GroupSettings};
pub use lease::Lease;

/// A worker as others know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The address it advertises.
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This worker is one of `members`, itself included. Every change of who is there comes as a new one.
    Joined { generation: i32, leader: bool, members: Vec<Member> },
    /// This worker is out: whatever it leads or runs may be somebody else's by now. A `Joined` of the same
    /// generation may follow, when the others did not notice.
    Lost,
}

/// A place in the cluster. Dropping it leaves.
pub trait Membership: Send {
    fn me(&self) -> &Member;
    /// Events in order. The channel ends when no membership is possible any more, and `failure` says why.
    fn events(&mut self) -> &mut mpsc::Receiver<Event>;
    /// Tells at any moment, from any thread, whether the place is still this worker's.
    fn lease(&self) -> Lease {
        Lease::unlimited()
    }
    /// Why the events ended.
    fn failure(&self) -> Option<Error> {
        None
    }
}

/// A worker alone: always there, always the leader.
pub struct Solo {
    me: Member,
    events: mpsc::Receiver<Event>,
    _open: mpsc::Sender<Event>,
}

impl Solo {
    pub fn new(me: Member) -> Self {
        let (sender, events) = mpsc::channel(1);
        let joined = Event::Joined { generation: 1, leader: true, members: vec![me.clone()] };
        // The channel is new and has room for one.
        let _ = sender.try_send(joined);
        Self { me, events, _open: sender }
    }
}

impl Membership for Solo {
    fn me(&self) -> &Member {
        &self.me
    }

    fn events(&mut self) -> &mut mpsc::Receiver<Event> {
        &mut self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_alone_leads_itself_and_stays() {
        let me = Member { id: "127.0.0.1:8083".into() };
        let mut membership: Box<dyn Membership> = Box::new(Solo::new(me.clone()));
        assert_eq!(membership.me(), &me);
        assert!(membership.lease().is_valid() && membership.failure().is_none());
        let joined = Event::Joined { generation: 1, leader: true, members: vec![me] };
        assert_eq!(membership.events().try_recv(), Ok(joined));
        assert_eq!(membership.events().try_recv(), Err(mpsc::error::TryRecvError::Empty));
    }
}
