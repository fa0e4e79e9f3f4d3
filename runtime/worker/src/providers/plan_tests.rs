//! What a plugin plans with values is written down with references.
use super::planned;
use crate::providers::Providers;
use crate::providers::tests::environment;
use crate::task::failure;
use cluster::{Failure, Properties};

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().copied().collect()
}

/// The one task that is written down when the plugin adds `added` to the settings it got.
fn plan(
    providers: &Providers,
    written: &[(&str, &str)],
    added: &[(&str, &str)],
) -> Result<Properties, Failure> {
    let outcome = planned(providers, &properties(written), |config| {
        let mut task = config.clone();
        for (key, value) in added {
            task.set(*key, *value);
        }
        Ok(vec![task])
    });
    outcome.map(|mut tasks| tasks.remove(0))
}

const WRITTEN: [(&str, &str); 4] =
    [("url", "http://u:${env:SECRET}@h"), ("password", "${env:SECRET}"), ("short", "${env:ONE}"), ("n", "1")];

#[test]
fn a_copied_config_is_the_written_one_again() {
    let task = plan(&environment(), &WRITTEN, &[]).unwrap();
    assert!(task.same_as(&properties(&WRITTEN)), "{task:?}");
}

#[test]
fn values_under_other_keys_and_in_longer_texts_become_references() {
    let added =
        [("copy", "canary-1234"), ("dsn", "user=u password=canary-1234"), ("password", " canary-1234 ")];
    let task = plan(&environment(), &WRITTEN, &added).unwrap();
    assert_eq!(task.get("copy"), Some("${env:SECRET}"));
    assert_eq!(task.get("dsn"), Some("user=u password=${env:SECRET}"));
    assert_eq!(task.get("password"), Some("${env:SECRET}"));
}

#[test]
fn what_the_user_wrote_himself_stays() {
    let written = [("password", "${env:SECRET}"), ("topic", "canary-1234")];
    let task = plan(&environment(), &written, &[]).unwrap();
    assert_eq!(task.get("topic"), Some("canary-1234"));
    assert_eq!(task.get("password"), Some("${env:SECRET}"));
}

#[test]
fn a_value_that_cannot_go_back_fails_the_plan_without_being_shown() {
    for added in [("token", "Y2FuYXJ5LTEyMzQ="), ("x", "${a canary-1234"), ("x.canary-1234", "1")] {
        let trace = plan(&environment(), &WRITTEN, &[added]).unwrap_err().trace;
        assert!(trace.contains("planned a task") && !trace.contains("canary"), "{trace}");
        assert!(!trace.contains("Y2FuYXJ5"), "{trace}");
    }
}

#[test]
fn a_plan_that_fails_shows_the_reference() {
    let outcome = planned(&environment(), &properties(&WRITTEN), |config| {
        Err(failure("ConnectException", &format!("no {}", config.get("url").unwrap()), true))
    });
    assert_eq!(outcome.unwrap_err().trace, "penstock.ConnectException: no http://u:${env:SECRET}@h");
    let trace = plan(&environment(), &[("a", "${env:NONE}")], &[]).unwrap_err().trace;
    assert_eq!(
        trace,
        "penstock.ConfigException: a: provider env has no value for key \"NONE\": not set, or kept out by \
         allowlist.pattern"
    );
}
