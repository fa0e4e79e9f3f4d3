//! When tokens are fetched again, and who is told.

use std::collections::BTreeMap;
use std::time::{Instant, UNIX_EPOCH};

use super::*;
use crate::oauth::{Claim, Unsecured};

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

fn token(expires: u64) -> Token {
    Token { value: "t".into(), principal: "p".into(), expires: at(expires), extensions: Vec::new() }
}

#[test]
fn a_token_is_renewed_at_four_fifths_of_its_life() {
    let mut state = State::default();
    assert_eq!(state.next(at(0)), Step::Fetch);
    state.hold(token(900_000), at(0), Pace::default());
    assert_eq!(state.next(at(0)), Step::Wait(Duration::from_secs(720)));
    assert_eq!(state.next(at(719_999)), Step::Wait(Duration::from_millis(1)));
    assert_eq!(state.next(at(720_000)), Step::Fetch);
}

#[test]
fn failures_are_asked_again_ever_later_up_to_a_bound() {
    let mut state = State::default();
    let failure = Failure::passing("away");
    let mut waits = Vec::new();
    for _ in 0..12 {
        state.fail(&failure, at(0), Pace::default());
        match state.next(at(0)) {
            Step::Wait(time) => waits.push(time.as_millis()),
            Step::Fetch => panic!("without a pause"),
        }
    }
    assert_eq!(waits[..4], [100, 200, 400, 800]);
    assert_eq!(waits[7..], [10_000; 5]);
}

#[test]
fn a_wrong_secret_is_not_tried_in_quick_succession() {
    let mut state = State::default();
    assert!(state.fail(&Failure::lasting("invalid_client"), at(0), Pace::default()));
    assert!(!state.fail(&Failure::lasting("invalid_client"), at(0), Pace::default()));
    assert_eq!(state.next(at(0)), Step::Wait(Duration::from_secs(10)));
    assert_eq!(state.reason.as_deref(), Some("invalid_client"));
}

#[test]
fn success_forgets_failures() {
    let mut state = State::default();
    state.fail(&Failure::passing("away"), at(0), Pace::default());
    assert_eq!(state.reason.as_deref(), Some("away; trying again"));
    state.hold(token(10_000), at(0), Pace::default());
    assert_eq!(state.next(at(0)), Step::Wait(Duration::from_secs(8)));
    assert!(state.reason.is_none());
}

#[test]
fn a_token_that_came_too_late_is_a_failure() {
    assert!(check_life(token(1_000), at(0)).is_ok());
    assert!(check_life(token(999), at(0)).is_err_and(|failure| failure.passes));
    assert!(check_life(token(0), at(5_000)).is_err());
}

fn unsecured(user: &str, life: Duration) -> Source {
    Source::Unsecured(Unsecured {
        claims: BTreeMap::from([("sub".to_owned(), Claim::Text(user.into()))]),
        life,
        principal_claim: "sub".into(),
        extensions: Vec::new(),
    })
}

#[derive(Default)]
struct Client {
    taken: Mutex<Vec<Token>>,
    reasons: Mutex<Vec<String>>,
}

impl Recipient for Client {
    fn take(&self, token: &Token) -> Result<(), String> {
        lock(&self.taken).push(token.clone());
        Ok(())
    }

    fn go_without(&self, reason: &str) {
        lock(&self.reasons).push(reason.to_owned());
    }
}

fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "it never happens");
        std::thread::yield_now();
    }
}

fn weak(client: &Arc<Client>) -> Weak<dyn Recipient> {
    let client: Arc<dyn Recipient> = client.clone();
    Arc::downgrade(&client)
}

#[test]
fn every_client_gets_the_same_token_and_each_renewal() {
    let login = Login::of(unsecured("same", Duration::from_millis(1_100)), Pace::default());
    let (first, second) = (Arc::new(Client::default()), Arc::new(Client::default()));
    login.serve(weak(&first));
    until(|| !lock(&first.taken).is_empty());
    login.serve(weak(&second));
    assert!(lock(&first.taken)[0] == lock(&second.taken)[0]);
    until(|| lock(&first.taken).len() >= 3 && lock(&second.taken).len() >= 3);
    assert!(lock(&first.reasons).is_empty());
}

#[test]
fn equal_settings_share_a_login_and_others_do_not() {
    let hour = Duration::from_secs(3600);
    let login = Login::of(unsecured("shared", hour), Pace::default());
    assert!(Arc::ptr_eq(&login, &Login::of(unsecured("shared", hour), Pace::default())));
    assert!(!Arc::ptr_eq(&login, &Login::of(unsecured("other", hour), Pace::default())));
    assert!(Login::find(login.key()).is_some_and(|found| Arc::ptr_eq(&found, &login)));
    let key = login.key().to_owned();
    drop(login);
    assert!(Login::find(&key).is_none());
}

#[test]
fn clients_hear_why_there_is_no_token() {
    // Nobody is named, so there is nothing to put into the token.
    let source = Source::Unsecured(Unsecured {
        claims: BTreeMap::new(),
        life: Duration::from_secs(60),
        principal_claim: "sub".into(),
        extensions: Vec::new(),
    });
    let login = Login::of(source, Pace::default());
    let client = Arc::new(Client::default());
    login.serve(weak(&client));
    until(|| !lock(&client.reasons).is_empty());
    assert!(lock(&client.reasons)[0].contains("unsecuredLoginStringClaim_sub"));
    let late = Arc::new(Client::default());
    login.serve(weak(&late));
    assert_eq!(lock(&late.reasons).len(), 1);
}
