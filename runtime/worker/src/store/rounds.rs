//! Answers many callers of one costly question by one answer that is newer than all their calls.
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Rounds of asking. A caller is served by the first round that began after it called.
#[derive(Default)]
pub struct Rounds {
    begun: AtomicU64,
    last: Mutex<Last>,
}

/// The last round that ended, and how.
struct Last {
    round: u64,
    outcome: Result<(), String>,
}

impl Default for Last {
    fn default() -> Self {
        Self { round: 0, outcome: Ok(()) }
    }
}

impl Rounds {
    pub async fn ask<F: Future<Output = Result<(), String>>>(
        &self,
        question: impl FnOnce() -> F,
    ) -> Result<(), String> {
        let enough = self.begun.load(Ordering::Acquire) + 1;
        // Whoever waits here while a round is on its way waits for the next one; it serves all of them.
        let mut last = self.last.lock().await;
        if last.round < enough {
            let round = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
            let outcome = question().await;
            *last = Last { round, outcome };
        }
        last.outcome.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn callers_that_wait_are_served_together_by_a_round_that_began_after_them() {
        let (rounds, gate) = (Arc::new(Rounds::default()), Arc::new(Semaphore::new(0)));
        let asked = Arc::new(AtomicU64::new(0));
        let call = || {
            let (rounds, gate, asked) = (Arc::clone(&rounds), Arc::clone(&gate), Arc::clone(&asked));
            tokio::spawn(async move {
                let question = || async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    gate.acquire().await.unwrap().forget();
                    Ok(())
                };
                rounds.ask(question).await
            })
        };
        let mut calls = vec![call()];
        while asked.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        calls.extend((0..100).map(|_| call()));
        for _ in 0..500 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(101);
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_failed_round_fails_those_it_served_and_no_later_caller() {
        let rounds = Rounds::default();
        assert!(rounds.ask(|| async { Err("gone".to_owned()) }).await.is_err());
        assert!(rounds.ask(|| async { Ok(()) }).await.is_ok());
    }
}
