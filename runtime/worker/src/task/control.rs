//! What a running task shall do: set by the herder, looked at by the task's threads.
use cluster::Wanted;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the herder and the threads of one task.
#[derive(Default)]
pub struct Control {
    state: Mutex<State>,
    changed: Condvar,
    /// The worker's place in the cluster; `None` when it is alone.
    lease: Option<kafka::Lease>,
    /// Whether what the task was given to write is no longer its own.
    is_withdrawn: AtomicBool,
}

struct State {
    wanted: Wanted,
    /// When the task has to be gone.
    stop_by: Option<Instant>,
    waker: Option<kafka::Waker>,
}

const LEASE_WAIT: Duration = Duration::from_millis(50);

impl Default for State {
    fn default() -> Self {
        Self { wanted: Wanted::Run, stop_by: None, waker: None }
    }
}

impl Control {
    pub fn new(wanted: Wanted, lease: Option<kafka::Lease>) -> Self {
        let state = Mutex::new(State { wanted, ..State::default() });
        Self { state, lease, ..Self::default() }
    }

    /// Waits while this worker is not sure of its place in the cluster, where another may run the task already.
    /// False when the task is to stop.
    pub fn wait_for_lease(&self) -> bool {
        while self.lease.as_ref().is_some_and(|lease| !lease.is_valid()) {
            if self.wait(LEASE_WAIT) {
                return false;
            }
        }
        true
    }

    /// Partitions stay the task's own until this is taken back.
    pub fn grant(&self) {
        self.is_withdrawn.store(false, Ordering::Release);
    }

    /// Another may own the partitions from here on: nothing of theirs may be sent any more.
    pub fn withdraw(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }

    pub fn is_granted(&self) -> bool {
        !self.is_withdrawn.load(Ordering::Acquire)
    }

    /// Whether nobody else may be running this task as well.
    pub fn may_write(&self) -> bool {
        self.is_granted() && self.lease.as_ref().is_none_or(kafka::Lease::is_valid)
    }

    pub fn turn(&self, wanted: Wanted) {
        self.change(|state| state.wanted = wanted);
    }

    /// The task ends as soon as it can, and gives up what it cannot finish by `deadline`.
    pub fn stop(&self, deadline: Instant) {
        self.change(|state| state.stop_by = Some(deadline));
    }

    /// What to do next, and nothing once the task is to stop. `report` hears of it when it is not what was told before.
    pub fn next(&self, told: &mut Option<Wanted>, report: &dyn Fn(Wanted)) -> Option<Wanted> {
        let (wanted, is_stopping) = {
            let state = self.lock();
            (state.wanted, state.stop_by.is_some())
        };
        if is_stopping {
            return None;
        }
        if told.replace(wanted) != Some(wanted) {
            report(wanted);
        }
        Some(wanted)
    }

    pub fn is_stopping(&self) -> bool {
        self.lock().stop_by.is_some()
    }

    pub fn stop_by(&self) -> Option<Instant> {
        self.lock().stop_by
    }

    /// Changes reach a consumer that waits for records at once.
    pub fn set_waker(&self, waker: kafka::Waker) {
        self.lock().waker = Some(waker);
    }

    /// Interrupts the consumer: another thread of the task has something for it.
    pub fn wake(&self) {
        let waker = self.lock().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Sleeps; true at once when the task is to stop.
    pub fn wait(&self, time: Duration) -> bool {
        let guard = self.lock();
        let waited = self.changed.wait_timeout_while(guard, time, |state| state.stop_by.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.stop_by.is_some()
    }

    /// Sleeps while `wanted` stays as it is and no stop comes.
    pub fn wait_for_turn(&self, wanted: Wanted, time: Duration) {
        let guard = self.lock();
        let stays = |state: &mut State| state.wanted == wanted && state.stop_by.is_none();
        drop(self.changed.wait_timeout_while(guard, time, stays));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
        self.wake();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_stop_ends_a_long_wait() {
        let control = Arc::new(Control::new(Wanted::Run, None));
        let waiting = Arc::clone(&control);
        let waiter = std::thread::spawn(move || waiting.wait(Duration::from_secs(600)));
        control.stop(Instant::now());
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn each_change_is_reported_once_until_the_stop() {
        let control = Control::new(Wanted::Run, None);
        let heard = Mutex::new(Vec::new());
        let report = |wanted| heard.lock().unwrap().push(wanted);
        let mut told = None;
        for wanted in [Wanted::Run, Wanted::Run, Wanted::Pause, Wanted::Pause, Wanted::Run] {
            control.turn(wanted);
            assert_eq!(control.next(&mut told, &report), Some(wanted));
        }
        control.stop(Instant::now());
        assert_eq!(control.next(&mut told, &report), None);
        assert_eq!(*heard.lock().unwrap(), [Wanted::Run, Wanted::Pause, Wanted::Run]);
    }

    #[test]
    fn a_wait_without_a_stop_answers_false() {
        assert!(!Control::new(Wanted::Pause, None).wait(Duration::from_millis(1)));
    }
}
