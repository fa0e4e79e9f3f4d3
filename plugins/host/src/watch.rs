//! Tells other threads which call a plugin is in and since when, so that a hanging one can be named.
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The calls that a plugin can hang in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Open,
    Poll,
    Committed,
    Write,
    Close,
}

/// One task's view of its running call. Clones share it: keep one with the watchdog, give one to the task.
#[derive(Debug, Clone, Default)]
pub struct CallWatch(Arc<AtomicU64>);

impl CallWatch {
    pub fn new() -> Self {
        Self::default()
    }

    /// The call that is going on and when it started; `None` between calls.
    pub fn running(&self) -> Option<(Call, Instant)> {
        let packed = self.0.load(Ordering::Acquire);
        let call = match packed & CALL_MASK {
            1 => Call::Open,
            2 => Call::Poll,
            3 => Call::Committed,
            4 => Call::Write,
            5 => Call::Close,
            _ => return None,
        };
        Some((call, epoch() + Duration::from_nanos(packed >> CALL_BITS)))
    }

    /// When the running call started; `None` between calls.
    pub fn call_started(&self) -> Option<Instant> {
        self.running().map(|(_, started)| started)
    }

    /// Marks the call as running until the answer is dropped.
    pub(crate) fn enter(&self, call: Call) -> Running {
        let number = match call {
            Call::Open => 1,
            Call::Poll => 2,
            Call::Committed => 3,
            Call::Write => 4,
            Call::Close => 5,
        };
        let elapsed_ns = epoch().elapsed().as_nanos() as u64;
        self.0.store(elapsed_ns << CALL_BITS | number, Ordering::Release);
        Running(self.clone())
    }
}

/// Ends the mark of [`CallWatch::enter`].
pub(crate) struct Running(CallWatch);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Release);
    }
}

/// One atomic holds both which call and since when, so a reader never sees the half of each.
const CALL_BITS: u32 = 3;
const CALL_MASK: u64 = (1 << CALL_BITS) - 1;

/// The process's first call; 61 bits of nanoseconds last 73 years.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Poll => "poll",
            Self::Committed => "committed",
            Self::Write => "write",
            Self::Close => "close",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_thread_sees_the_call_until_it_ends() {
        let watch = CallWatch::new();
        assert_eq!(watch.running(), None);
        let before = Instant::now();
        let running = watch.enter(Call::Write);
        let seen = std::thread::scope(|scope| scope.spawn(|| watch.clone().running()).join().unwrap());
        let (call, started) = seen.unwrap();
        assert_eq!(call, Call::Write);
        assert!(started <= Instant::now() && started + Duration::from_millis(1) >= before);
        drop(running);
        assert_eq!(watch.call_started(), None);
    }
}
