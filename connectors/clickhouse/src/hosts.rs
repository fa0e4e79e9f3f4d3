//! Which of several servers is asked next: one that failed is set aside, for longer each time.
use std::time::{Duration, Instant};

/// What is known of each server, by its place in the settings.
#[derive(Debug)]
pub struct Hosts {
    places: Vec<Place>,
    /// The one that is asked as long as it answers.
    current: usize,
    set_aside: u64,
}

#[derive(Debug, Default, Clone)]
struct Place {
    set_aside_at: Option<Instant>,
    rests_until: Option<Instant>,
    strikes: u32,
}

impl Hosts {
    /// Tasks begin with different servers, so that they share the work.
    pub fn new(count: usize, task: u32) -> Self {
        Hosts { places: vec![Place::default(); count], current: task as usize % count.max(1), set_aside: 0 }
    }

    /// One that is not set aside and not in `tried`, the current one first. When all are set aside somebody has to be
    /// asked all the same: the one whose time ends first.
    pub fn pick(&mut self, now: Instant, tried: &[usize]) -> Option<usize> {
        let count = self.places.len();
        let in_turn = (0..count).map(|step| (self.current + step) % count);
        let rests = |host: &usize| self.places[*host].rests_until.is_some_and(|until| now < until);
        let open = |host: &usize| !tried.contains(host);
        let well = in_turn.clone().filter(open).find(|host| !rests(host));
        let soonest = || in_turn.min_by_key(|host| self.places[*host].rests_until);
        let picked = well.or_else(|| tried.is_empty().then(soonest).flatten())?;
        self.current = picked;
        Some(picked)
    }

    pub fn answered(&mut self, host: usize) {
        self.places[host] = Place::default();
    }

    /// A request to it failed that was sent at `asked`. What was under way when it was set aside failed with that, and
    /// says nothing new.
    pub fn set_aside(&mut self, host: usize, asked: Instant, now: Instant) {
        let place = &mut self.places[host];
        if place.set_aside_at.is_some_and(|at| asked < at) {
            return;
        }
        let rest = REST_FIRST.saturating_mul(1 << place.strikes.min(10)).min(REST_MAX);
        place.strikes = place.strikes.saturating_add(1);
        place.set_aside_at = Some(now);
        place.rests_until = Some(now + rest);
        self.set_aside += 1;
    }

    /// How often a server was set aside since this was asked last.
    pub fn take_set_aside(&mut self) -> u64 {
        std::mem::take(&mut self.set_aside)
    }
}

const REST_FIRST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    impl Hosts {
        fn fail(&mut self, host: usize, at: Instant) {
            self.set_aside(host, at, at);
        }
    }

    #[test]
    fn a_server_that_fails_rests_longer_each_time_and_the_next_one_stays() {
        let (mut hosts, start) = (Hosts::new(3, 0), Instant::now());
        assert_eq!(hosts.pick(start, &[]), Some(0));
        hosts.fail(0, start);
        assert_eq!(hosts.pick(start, &[0]), Some(1));
        hosts.answered(1);
        assert_eq!(hosts.pick(start + 5 * SECOND, &[]), Some(1), "there is no way back without need");
        hosts.fail(1, start + 5 * SECOND);
        hosts.fail(2, start + 5 * SECOND);
        assert_eq!(hosts.pick(start + 5 * SECOND, &[]), Some(0), "its rest is over");
        hosts.fail(0, start + 5 * SECOND);
        assert_eq!(hosts.pick(start + 6 * SECOND, &[]), Some(1), "the second rest of 0 is longer");
        assert_eq!(hosts.take_set_aside(), 4);
        assert_eq!(hosts.take_set_aside(), 0);
    }

    #[test]
    fn when_all_rest_somebody_is_asked_but_nobody_twice() {
        let (mut hosts, start) = (Hosts::new(2, 1), Instant::now());
        assert_eq!(hosts.pick(start, &[]), Some(1), "another task begins with another server");
        hosts.fail(1, start);
        hosts.fail(1, start);
        hosts.fail(0, start);
        assert_eq!(hosts.pick(start, &[]), Some(0));
        assert_eq!(hosts.pick(start, &[0]), None);
        let mut alone = Hosts::new(1, 7);
        alone.fail(0, start);
        assert_eq!(alone.pick(start, &[]), Some(0));
    }

    #[test]
    fn requests_that_fail_together_are_one_failure() {
        let (mut hosts, start) = (Hosts::new(2, 0), Instant::now());
        hosts.set_aside(0, start, start + 5 * SECOND);
        hosts.set_aside(0, start + SECOND, start + 6 * SECOND);
        assert_eq!(hosts.take_set_aside(), 1);
        assert_eq!(hosts.pick(start + 6 * SECOND, &[1]), Some(0), "its first rest is over");
        hosts.set_aside(0, start + 6 * SECOND, start + 7 * SECOND);
        assert_eq!(hosts.pick(start + 8 * SECOND, &[1]), None, "the second is longer");
    }

    #[test]
    fn rests_are_bounded() {
        let (mut hosts, start) = (Hosts::new(2, 0), Instant::now());
        for _ in 0..100 {
            hosts.fail(0, start);
        }
        assert_eq!(hosts.pick(start + 59 * SECOND, &[1]), None);
        assert_eq!(hosts.pick(start + 60 * SECOND, &[1]), Some(0));
    }
}
