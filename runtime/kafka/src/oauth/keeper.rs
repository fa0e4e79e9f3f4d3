//! Keeps one login's token fresh for all clients that use it, also for those that are idle.
//!
//! librdkafka asks for tokens only through a client that somebody polls, and its safe wrapper cannot pass
//! extensions on. So tokens are pushed instead, by one thread for each login, which lives as long as its clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use super::TRYING_AGAIN;
use super::source::{Failure, Source};
use super::token::Token;

/// A client that needs tokens.
pub(crate) trait Recipient: Send + Sync {
    fn take(&self, token: &Token) -> Result<(), String>;
    /// The client has no token that is valid, for this reason.
    fn go_without(&self, reason: &str);
}

/// When to fetch again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    /// A token is renewed after this part of its life.
    pub window: f64,
    pub backoff: Duration,
    pub backoff_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { window: 0.8, backoff: Duration::from_millis(100), backoff_max: Duration::from_secs(10) }
    }
}

/// Shared by all clients with equal settings.
pub(crate) struct Login {
    key: String,
    source: Source,
    pace: Pace,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    clients: Vec<Weak<dyn Recipient>>,
    token: Option<Held>,
    /// In a row.
    failures: u32,
    retry_at: Option<SystemTime>,
    /// Why there is no token, for clients that come later.
    reason: Option<String>,
    has_thread: bool,
}

struct Held {
    token: Token,
    renew_at: SystemTime,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Fetch,
    Wait(Duration),
}

/// So often the thread looks whether it still has clients.
const IDLE_WAIT: Duration = Duration::from_secs(5);
/// A token that is to live for less than this would be asked for without end.
const LIFE_MIN: Duration = Duration::from_secs(1);

static LOGINS: Mutex<Vec<Weak<Login>>> = Mutex::new(Vec::new());

impl Login {
    /// The login with this source and pace, made when there is none.
    pub(crate) fn of(source: Source, pace: Pace) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut logins = lock(&LOGINS);
        logins.retain(|login| login.strong_count() > 0);
        let known = logins.iter().filter_map(Weak::upgrade);
        if let Some(login) = known.into_iter().find(|login| login.source == source && login.pace == pace) {
            return login;
        }
        let login = Arc::new(Self {
            key: format!("login-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            source,
            pace,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        logins.push(Arc::downgrade(&login));
        login
    }

    pub(crate) fn find(key: &str) -> Option<Arc<Self>> {
        lock(&LOGINS).iter().filter_map(Weak::upgrade).find(|login| login.key == key)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn serve(self: &Arc<Self>, client: Weak<dyn Recipient>) {
        let mut state = lock(&self.state);
        let now = SystemTime::now();
        let token = state.token.as_ref().filter(|held| held.token.expires > now);
        if let Some(recipient) = client.upgrade() {
            match (token, &state.reason) {
                (Some(held), _) => give(&*recipient, &held.token),
                (None, Some(reason)) => recipient.go_without(reason),
                (None, None) => {}
            }
        }
        state.clients.push(client);
        if !state.has_thread {
            state.has_thread = true;
            let login = Arc::clone(self);
            let started = std::thread::Builder::new().name("oauth".into()).spawn(move || login.keep());
            if let Err(error) = started {
                state.has_thread = false;
                tracing::error!(%error, "starting a thread for OAuth tokens");
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn keep(self: Arc<Self>) {
        loop {
            let mut state = lock(&self.state);
            state.clients.retain(|client| client.strong_count() > 0);
            if state.clients.is_empty() {
                state.has_thread = false;
                return;
            }
            match state.next(SystemTime::now()) {
                Step::Wait(time) => {
                    drop(self.changed.wait_timeout(state, time.min(IDLE_WAIT)));
                }
                Step::Fetch => {
                    drop(state);
                    let now = SystemTime::now();
                    let outcome = self.source.fetch(now).and_then(|token| check_life(token, now));
                    self.settle(outcome, now);
                }
            }
        }
    }

    fn settle(&self, outcome: Result<Token, Failure>, asked_at: SystemTime) {
        let mut state = lock(&self.state);
        let told = match outcome {
            Ok(token) => {
                state.hold(token.clone(), asked_at, self.pace);
                Ok(token)
            }
            Err(failure) => {
                let now = SystemTime::now();
                let is_new = state.fail(&failure, now, self.pace);
                if is_new {
                    let (source, reason) = (self.source.name(), &failure.sentence);
                    tracing::warn!(source, reason, "no new OAuth token, trying again");
                }
                if state.token.as_ref().is_some_and(|held| held.token.expires > now) {
                    return;
                }
                Err(state.reason.clone().unwrap_or_default())
            }
        };
        let clients: Vec<_> = state.clients.iter().filter_map(Weak::upgrade).collect();
        drop(state);
        for client in clients {
            match &told {
                Ok(token) => give(&*client, token),
                Err(reason) => client.go_without(reason),
            }
        }
    }
}

impl State {
    fn next(&self, now: SystemTime) -> Step {
        let at = self.retry_at.or(self.token.as_ref().map(|held| held.renew_at)).unwrap_or(now);
        match at.duration_since(now) {
            Ok(time) if !time.is_zero() => Step::Wait(time),
            _ => Step::Fetch,
        }
    }

    fn hold(&mut self, token: Token, now: SystemTime, pace: Pace) {
        let life = token.expires.duration_since(now).unwrap_or_default();
        self.token = Some(Held { token, renew_at: now + life.mul_f64(pace.window) });
        self.failures = 0;
        self.retry_at = None;
        self.reason = None;
    }

    /// True when this failure was not told before.
    fn fail(&mut self, failure: &Failure, now: SystemTime, pace: Pace) -> bool {
        let doubled = pace.backoff.saturating_mul(1 << self.failures.min(16));
        // What no waiting repairs is asked for rarely, in case that somebody repairs it.
        let wait = if failure.passes { doubled.min(pace.backoff_max) } else { pace.backoff_max };
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + wait);
        let again = if failure.passes { format!("; {TRYING_AGAIN}") } else { String::new() };
        let reason = Some(format!("{}{again}", failure.sentence));
        let is_new = self.reason != reason;
        self.reason = reason;
        is_new
    }
}

fn check_life(token: Token, now: SystemTime) -> Result<Token, Failure> {
    match token.expires.duration_since(now) {
        Ok(life) if life >= LIFE_MIN => Ok(token),
        _ => Err(Failure::passing("the token that came has expired already: compare the clocks")),
    }
}

fn give(client: &dyn Recipient, token: &Token) {
    if let Err(reason) = client.take(token) {
        client.go_without(&format!("the client does not take the token: {reason}"));
    }
}

/// Whoever panicked left whole values behind: each lock guards single assignments.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
