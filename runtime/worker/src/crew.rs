//! Keeps this worker in its cluster, and tells the herder who else is there.
use crate::herder::{Input, Shared};
use cluster::Event;
use kafka::{GroupMembership, GroupSettings, Membership};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The worker's membership: taken at the start, given back at the end.
pub struct Crew {
    attending: JoinHandle<()>,
    leave: oneshot::Sender<()>,
    refused: mpsc::Receiver<String>,
}

/// Before the store is asked again whether it was read to its end.
const READ_RETRY: Duration = Duration::from_millis(500);

/// What the membership tells and what follows from it.
struct Attendance {
    membership: GroupMembership,
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
}

impl Crew {
    /// Nothing is told before the logs were read for the first time.
    pub fn start(
        settings: GroupSettings,
        shared: Arc<Shared>,
        inputs: mpsc::Sender<Input>,
        is_caught_up: oneshot::Receiver<()>,
    ) -> Self {
        let (leave, left) = oneshot::channel();
        let (refuse, refused) = mpsc::channel(1);
        let attending = tokio::spawn(async move {
            if let Some(reason) = attend(settings, shared, inputs, (is_caught_up, left)).await {
                let _ = refuse.send(reason).await;
            }
        });
        Self { attending, leave, refused }
    }

    /// Returns only if the cluster does not take this worker.
    pub async fn refused(&mut self) -> String {
        match self.refused.recv().await {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Leaves at once, so that the others need not wait for the session's end.
    pub async fn leave(self) {
        let _ = self.leave.send(());
        let _ = self.attending.await;
    }
}

/// Ends with the reason why this worker cannot be a member, or with none once it has left.
async fn attend(
    settings: GroupSettings,
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
    (is_caught_up, left): (oneshot::Receiver<()>, oneshot::Receiver<()>),
) -> Option<String> {
    let membership = match GroupMembership::open(settings) {
        Ok(membership) => membership,
        Err(error) => return Some(error.to_string()),
    };
    let _ = shared.lease.set(membership.lease());
    if is_caught_up.await.is_err() {
        return None;
    }
    let mut attendance = Attendance { membership, shared, inputs };
    tokio::select! {
        reason = attendance.tell() => Some(reason),
        _ = left => {
            // Leaving waits for Kafka, for a second at most.
            let left = tokio::task::spawn_blocking(move || drop(attendance.membership));
            let _ = left.await;
            None
        }
    }
}

impl Attendance {
    async fn tell(&mut self) -> String {
        let mut next = self.membership.events().recv().await;
        loop {
            next = match next {
                Some(kafka::Event::Joined { leader, members, .. }) => {
                    let members: BTreeSet<String> = members.into_iter().map(|member| member.id).collect();
                    self.joined(Event::Joined { is_first: leader, members }).await
                }
                Some(kafka::Event::Lost) => {
                    let _ = self.inputs.send(Input::Cluster(Event::Lost)).await;
                    self.membership.events().recv().await
                }
                None => return self.reason(),
            };
        }
    }

    fn reason(&self) -> String {
        let failure = self.membership.failure();
        failure.map_or_else(|| "the membership ended".to_owned(), |error| error.to_string())
    }

    /// The herder hears of it once everything was read that was written before: a worker that was away for a while
    /// must not act on what was true when it left. Whatever happens meanwhile comes first.
    async fn joined(&mut self, event: Event) -> Option<kafka::Event> {
        let read = async {
            while let Err(reason) = self.shared.logs.configs.read_to_end().await {
                tracing::warn!(reason, "reading the config log, trying again");
                tokio::time::sleep(READ_RETRY).await;
            }
        };
        tokio::select! {
            biased;
            newer = self.membership.events().recv() => return newer,
            () = read => {}
        }
        let _ = self.inputs.send(Input::Cluster(event)).await;
        self.membership.events().recv().await
    }
}
