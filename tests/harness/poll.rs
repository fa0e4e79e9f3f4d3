//! Waits for a condition; the only place where a test sleeps.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `holds` says so; fails the test, naming `what`, after `limit`.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    until_some(what, limit, || holds().then_some(()));
}

/// Waits until `look` has found something and returns it.
#[track_caller]
pub fn until_some<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Waits until `measure` has given the same value for the whole of `calm`, and returns that value.
#[track_caller]
pub fn until_calm<T: PartialEq>(
    what: &str,
    calm: Duration,
    limit: Duration,
    mut measure: impl FnMut() -> T,
) -> T {
    let mut last = (measure(), Instant::now());
    until(what, limit, || {
        let now = measure();
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() >= calm
    });
    last.0
}

#[cfg(test)]
mod tests {
    use super::{until, until_calm, until_some};
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn returns_what_was_found() {
        let mut looks = 0;
        let found = until_some("a third look", LONG, || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found, 3);
    }

    #[test]
    #[should_panic(expected = "in vain: the moon")]
    fn gives_up_by_name() {
        until("the moon", Duration::from_millis(1), || false);
    }

    #[test]
    fn calm_begins_after_the_last_change() {
        let mut n = 0;
        let value = until_calm("a stop at 5", Duration::from_millis(50), LONG, || {
            n = (n + 1).min(5);
            n
        });
        assert_eq!(value, 5);
    }
}
