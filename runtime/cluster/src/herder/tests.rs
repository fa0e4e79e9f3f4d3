//! What the herder decides, event by event.

use super::*;
use crate::{Failure, Properties, TargetState, Wanted};

pub(super) const TIMING: Timing = Timing {
    backoff: 100,
    backoff_max: 1000,
    release: 8000,
    handover: 3000,
    level_after: 300_000,
    lead_retry: 500,
};

fn herder() -> Herder {
    let mut herder = Herder::alone(TIMING);
    assert_eq!(herder.step(0, Event::CaughtUp), []);
    herder
}

fn config(text: &str) -> Properties {
    [("k", text)].into_iter().collect()
}

fn put(herder: &mut Herder, text: &str) -> Vec<Action> {
    let record = ConfigRecord::Connector { name: "a".into(), config: Some(config(text)) };
    herder.step(0, Event::ConfigRead(record))
}

fn target(herder: &mut Herder, target: TargetState) -> Vec<Action> {
    herder.step(0, Event::ConfigRead(ConfigRecord::Target { name: "a".into(), target: Some(target) }))
}

fn commit(herder: &mut Herder, tasks: &[&str]) -> Vec<Action> {
    for (number, text) in tasks.iter().enumerate() {
        let id = TaskId::new("a", number as u32);
        herder.step(0, Event::ConfigRead(ConfigRecord::Task { id, config: Some(config(text)) }));
    }
    herder.step(0, Event::ConfigRead(ConfigRecord::Commit { name: "a".into(), tasks: tasks.len() as u32 }))
}

fn plan_of(actions: &[Action]) -> u64 {
    match actions {
        [Action::Plan { revision, .. }] => *revision,
        other => panic!("expected one plan, got {other:?}"),
    }
}

/// A connector with one running task of attempt 1.
fn running() -> Herder {
    let mut herder = herder();
    let revision = plan_of(&put(&mut herder, "c"));
    let outcome = Ok(vec![config("t")]);
    let actions = herder.step(0, Event::Planned { name: "a".into(), revision, outcome });
    assert!(matches!(&actions[..], [Action::WriteTasks { .. }, Action::SetConnector { .. }]), "{actions:?}");
    let actions = commit(&mut herder, &["t"]);
    assert!(matches!(&actions[..], [Action::StartTask { attempt: 1, .. }]), "{actions:?}");
    herder.step(0, Event::TaskStarted { id: TaskId::new("a", 0), attempt: 1 });
    herder
}

fn failed(herder: &mut Herder, now: u64, attempt: u64) -> Vec<Action> {
    let failure = Some(Failure { trace: "kind: broken".into(), is_restartable: true, is_fenced: false });
    herder.step(now, Event::TaskEnded { id: TaskId::new("a", 0), attempt, failure })
}

fn starts(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::StartTask { .. })).count()
}

#[test]
fn a_plan_of_a_deleted_connector_is_not_taken_for_that_of_the_next_of_its_name() {
    let mut herder = herder();
    let former = plan_of(&put(&mut herder, "former"));
    herder.step(0, Event::ConfigRead(ConfigRecord::Connector { name: "a".into(), config: None }));
    let revision = plan_of(&put(&mut herder, "c"));
    let late = Event::Planned { name: "a".into(), revision: former, outcome: Ok(vec![config("former")]) };
    assert_eq!(herder.step(0, late), []);
    let planned = Event::Planned { name: "a".into(), revision, outcome: Ok(vec![config("t")]) };
    assert!(matches!(&herder.step(0, planned)[..], [Action::WriteTasks { .. }, Action::SetConnector { .. }]));
}

#[test]
fn a_commit_of_an_earlier_plan_is_not_taken_for_that_of_the_newest() {
    let mut herder = herder();
    let revision = plan_of(&put(&mut herder, "first"));
    herder.step(0, Event::Planned { name: "a".into(), revision, outcome: Ok(vec![config("first")]) });
    let revision = plan_of(&put(&mut herder, "second"));
    herder.step(0, Event::Planned { name: "a".into(), revision, outcome: Ok(vec![config("second")]) });
    commit(&mut herder, &["first"]);
    herder.step(0, Event::NotWritten { name: "a".into() });
    let again = herder.step(TIMING.lead_retry, Event::Ticked);
    assert!(matches!(&again[..], [Action::Plan { .. }]), "{again:?}");
}

#[test]
fn nothing_starts_before_the_log_was_read() {
    let mut herder = Herder::alone(TIMING);
    assert_eq!(put(&mut herder, "c"), []);
    assert_eq!(commit(&mut herder, &["t"]), []);
    let actions = herder.step(0, Event::CaughtUp);
    assert_eq!(starts(&actions), 1, "{actions:?}");
}

#[test]
fn a_connector_created_paused_has_no_tasks_until_it_is_resumed() {
    let mut herder = herder();
    target(&mut herder, TargetState::Paused);
    let actions = put(&mut herder, "c");
    assert!(matches!(&actions[..], [Action::SetConnector { state: RunState::Paused, .. }]), "{actions:?}");
    plan_of(&target(&mut herder, TargetState::Started));
}

#[test]
fn a_plan_that_arrives_after_a_pause_is_made_again_when_it_is_over() {
    let mut herder = herder();
    let revision = plan_of(&put(&mut herder, "c"));
    target(&mut herder, TargetState::Paused);
    let outcome = Ok(vec![config("t")]);
    assert_eq!(herder.step(0, Event::Planned { name: "a".into(), revision, outcome }), []);
    plan_of(&target(&mut herder, TargetState::Started));
}

#[test]
fn the_same_plan_writes_nothing() {
    let mut herder = running();
    let revision = plan_of(&put(&mut herder, "c"));
    let outcome = Ok(vec![config("t")]);
    assert_eq!(herder.step(0, Event::Planned { name: "a".into(), revision, outcome }), []);
}

#[test]
fn new_task_settings_restart_the_task_only_after_it_has_ended() {
    let mut herder = running();
    assert_eq!(
        commit(&mut herder, &["u"]),
        [Action::StopTask { id: TaskId::new("a", 0), cause: Cause::Config }]
    );
    let ended = Event::TaskEnded { id: TaskId::new("a", 0), attempt: 1, failure: None };
    assert_eq!(starts(&herder.step(0, ended)), 1);
}

#[test]
fn a_failed_task_comes_back_by_back_off_that_doubles_until_it_runs() {
    let mut herder = running();
    assert_eq!(starts(&failed(&mut herder, 1000, 1)), 0);
    assert_eq!(herder.next_tick(), Some(1100));
    assert_eq!(starts(&herder.step(1099, Event::Ticked)), 0);
    assert_eq!(starts(&herder.step(1100, Event::Ticked)), 1);
    failed(&mut herder, 2000, 2);
    assert_eq!(herder.next_tick(), Some(2200));
}

#[test]
fn a_task_with_wrong_settings_waits_for_a_person() {
    let mut herder = running();
    let failure = Some(Failure { trace: "kind: wrong".into(), is_restartable: false, is_fenced: false });
    herder.step(0, Event::TaskEnded { id: TaskId::new("a", 0), attempt: 1, failure });
    assert_eq!(herder.next_tick(), None);
    let actions = herder.step(0, Event::RestartTaskAsked { id: TaskId::new("a", 0) });
    assert_eq!(starts(&actions), 1);
}

#[test]
fn a_late_end_of_a_former_instance_changes_nothing() {
    let mut herder = running();
    failed(&mut herder, 0, 1);
    herder.step(100, Event::Ticked);
    assert_eq!(failed(&mut herder, 100, 1), []);
}

#[test]
fn pause_turns_the_task_and_stop_ends_it() {
    let mut herder = running();
    let id = TaskId::new("a", 0);
    let actions = target(&mut herder, TargetState::Paused);
    assert!(actions.contains(&Action::Turn { id: id.clone(), wanted: Wanted::Pause }), "{actions:?}");
    let actions = target(&mut herder, TargetState::Stopped);
    assert!(actions.contains(&Action::StopTask { id, cause: Cause::Stopped }), "{actions:?}");
}

#[test]
fn leaving_stopped_plans_again() {
    let mut herder = running();
    commit(&mut herder, &[]);
    target(&mut herder, TargetState::Stopped);
    plan_of(&target(&mut herder, TargetState::Started));
}

#[test]
fn deletion_stops_tasks_and_erases_statuses() {
    let mut herder = running();
    let record = ConfigRecord::Connector { name: "a".into(), config: None };
    let actions = herder.step(0, Event::ConfigRead(record));
    let id = TaskId::new("a", 0);
    let erased = [Action::EraseTask { id: id.clone() }, Action::EraseConnector { name: "a".into() }];
    assert_eq!(actions, [&erased[..], &[Action::StopTask { id, cause: Cause::Deleted }]].concat());
}

#[test]
fn shutdown_stops_everything_and_is_idle_once_it_has_ended() {
    let mut herder = running();
    assert_eq!(
        herder.step(0, Event::ShutdownAsked),
        [Action::StopTask { id: TaskId::new("a", 0), cause: Cause::Shutdown }]
    );
    assert!(!herder.is_idle());
    herder.step(0, Event::TaskEnded { id: TaskId::new("a", 0), attempt: 1, failure: None });
    assert!(herder.is_idle());
}

#[test]
fn without_a_cluster_a_task_that_was_fenced_waits_for_a_person() {
    let mut herder = running();
    let failure = Some(Failure { trace: "kind: fenced".into(), is_restartable: false, is_fenced: true });
    herder.step(0, Event::TaskEnded { id: TaskId::new("a", 0), attempt: 1, failure });
    assert_eq!(herder.next_tick(), None);
}
