//! What herders decide together: a few workers over one log, message by message.
use super::tests::TIMING;
use super::*;
use crate::placement::TURNS;
use crate::{Failure, Place, Placement, Properties, Report, TargetState};
use std::collections::BTreeSet;

fn record(name: &str, tasks: u32) -> Vec<ConfigRecord> {
    let config: Properties = [("k", "v")].into_iter().collect();
    let mut records = vec![ConfigRecord::Connector { name: name.into(), config: Some(config.clone()) }];
    let task = |task| ConfigRecord::Task { id: TaskId::new(name, task), config: Some(config.clone()) };
    records.extend((0..tasks).map(task));
    records.push(ConfigRecord::Commit { name: name.into(), tasks });
    records
}

/// A turn of the leader that `leader` makes.
fn turn(number: u64) -> u64 {
    5 * TURNS + number
}

fn on(worker: &str) -> Place {
    Place::On(worker.into())
}

fn moving(from: &str, to: &str) -> Place {
    Place::Moving { from: from.into(), to: to.into() }
}

fn members(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn joined(is_first: bool, names: &[&str]) -> Event {
    Event::Joined { is_first, members: members(names) }
}

fn read(herder: &mut Herder, records: Vec<ConfigRecord>) -> Vec<Action> {
    records.into_iter().flat_map(|record| herder.step(0, Event::ConfigRead(record))).collect()
}

/// A leader `a` over these workers, with one connector whose tasks were placed before it led.
fn leader(names: &[&str], placed: Vec<Place>) -> (Herder, Vec<Action>) {
    let mut herder = Herder::member(TIMING, "a");
    let mut records = record("c", placed.len() as u32);
    records.push(ConfigRecord::Leader { epoch: 4, worker: "z".into() });
    let placement = Some(Placement { epoch: 4, turn: 7, tasks: placed });
    records.push(ConfigRecord::Placement { name: "c".into(), placement });
    read(&mut herder, records);
    herder.step(0, Event::CaughtUp);
    let actions = herder.step(0, joined(true, names));
    assert!(actions.contains(&Action::Lead), "{actions:?}");
    assert_eq!(herder.step(0, Event::Leading), [Action::Announce { epoch: 5 }]);
    let record = ConfigRecord::Leader { epoch: 5, worker: "a".into() };
    let actions = herder.step(0, Event::ConfigRead(record));
    assert!(herder.leads());
    (herder, actions)
}

fn placed(actions: &[Action]) -> Option<(u64, Vec<Place>)> {
    let places: Vec<_> = actions.iter().filter(|action| matches!(action, Action::Place(_))).collect();
    match &places[..] {
        [] => None,
        [Action::Place(changed)] => Some((changed[0].1.turn, changed[0].1.tasks.clone())),
        other => panic!("more than one write at a time: {other:?}"),
    }
}

fn read_back(herder: &mut Herder, now: u64, turn: u64, tasks: &[Place]) -> Vec<Action> {
    let placement = Some(Placement { epoch: 5, turn, tasks: tasks.to_vec() });
    herder.step(now, Event::ConfigRead(ConfigRecord::Placement { name: "c".into(), placement }))
}

fn reported(herder: &mut Herder, worker: &str, report: Report) -> Vec<Action> {
    herder.step(0, Event::Reported { worker: worker.into(), report })
}

#[test]
fn a_dead_worker_s_tasks_move_at_once_and_others_stay() {
    let (_, actions) = leader(&["a", "b"], vec![on("a"), on("b"), on("z"), on("b")]);
    assert_eq!(placed(&actions), Some((turn(1), vec![on("a"), on("b"), on("a"), on("b")])));
}

#[test]
fn a_living_worker_gives_a_task_up_before_another_starts_it() {
    let (mut herder, actions) = leader(&["a", "b"], vec![on("b"), on("b")]);
    let tasks = [on("b"), moving("b", "a")];
    assert_eq!(placed(&actions), Some((turn(1), tasks.to_vec())));
    assert_eq!(placed(&read_back(&mut herder, 0, turn(1), &tasks)), None);
    let held = BTreeSet::from([TaskId::new("c", 1)]);
    let early = Report { turn: 7, is_leaving: false, holding: BTreeSet::new() };
    assert_eq!(placed(&reported(&mut herder, "b", early)), None, "a report from before the placement");
    let still = Report { turn: turn(1), is_leaving: false, holding: held };
    assert_eq!(placed(&reported(&mut herder, "b", still)), None, "a report of a task that still stops");
    let free = Report { turn: turn(1), is_leaving: false, holding: BTreeSet::new() };
    assert_eq!(placed(&reported(&mut herder, "b", free)), Some((turn(2), vec![on("b"), on("a")])));
}

#[test]
fn a_worker_that_does_not_answer_is_not_waited_for_for_ever() {
    let (mut herder, _) = leader(&["a", "b"], vec![on("b"), on("b")]);
    read_back(&mut herder, 100, turn(1), &[on("b"), moving("b", "a")]);
    // It had no time to do so before the log had it.
    assert_eq!(herder.next_tick(), Some(100 + TIMING.release));
    assert_eq!(placed(&herder.step(TIMING.release, Event::Ticked)), None);
    let actions = herder.step(100 + TIMING.release, Event::Ticked);
    assert_eq!(placed(&actions), Some((turn(2), vec![on("b"), on("a")])));
}

#[test]
fn a_new_leader_goes_on_with_a_move_that_another_began() {
    let (mut herder, actions) = leader(&["a", "b"], vec![on("b"), moving("b", "a")]);
    assert_eq!(placed(&actions), None);
    let free = Report { turn: 7, is_leaving: false, holding: BTreeSet::new() };
    assert_eq!(placed(&reported(&mut herder, "b", free)), Some((turn(1), vec![on("b"), on("a")])));
}

#[test]
fn the_tasks_of_a_leaving_worker_go_to_the_others() {
    let (mut herder, _) = leader(&["a", "b"], vec![on("a"), on("b")]);
    let leaving = Report { turn: 7, is_leaving: true, holding: BTreeSet::from([TaskId::new("c", 1)]) };
    let actions = reported(&mut herder, "b", leaving);
    assert_eq!(placed(&actions), Some((turn(1), vec![on("a"), moving("b", "a")])));
}

#[test]
fn a_deletion_moves_no_task_of_another_connector_until_long_after() {
    let (mut herder, _) = leader(&["a", "b"], vec![on("a"), on("b")]);
    read(&mut herder, record("d", 1));
    let place = |worker: &str, turn| ConfigRecord::Placement {
        name: "d".into(),
        placement: Some(Placement { epoch: 5, turn, tasks: vec![on(worker)] }),
    };
    read(&mut herder, vec![place("a", turn(1))]);
    let gone = ConfigRecord::Connector { name: "d".into(), config: None };
    assert_eq!(placed(&read(&mut herder, vec![gone])), None);
}

#[test]
fn a_follower_runs_what_the_newest_leader_says_and_reports_what_it_gave_up() {
    let mut herder = Herder::member(TIMING, "b");
    read(&mut herder, record("c", 1));
    herder.step(0, Event::CaughtUp);
    let first = herder.step(0, joined(false, &["a", "b"]));
    assert_eq!(first, [Action::Report(Report::default())]);
    read(&mut herder, vec![ConfigRecord::Leader { epoch: 5, worker: "a".into() }]);
    let starts = read_back(&mut herder, 0, turn(1), &[on("b")]);
    assert!(matches!(&starts[..], [Action::StartTask { attempt: 1, .. }]), "{starts:?}");
    let id = TaskId::new("c", 0);
    let actions = read_back(&mut herder, 0, turn(2), &[moving("b", "a")]);
    let held = Report { turn: turn(2), is_leaving: false, holding: BTreeSet::from([id.clone()]) };
    let stop = Action::StopTask { id: id.clone(), cause: Cause::Moved };
    assert_eq!(actions, [stop, Action::Report(held)]);
    let ended = herder.step(0, Event::TaskEnded { id, attempt: 1, failure: None });
    assert_eq!(ended, [Action::Report(Report { turn: turn(2), ..Report::default() })]);
}

#[test]
fn a_lost_worker_stops_everything_and_starts_again_when_it_is_back() {
    let mut herder = Herder::member(TIMING, "b");
    read(&mut herder, record("c", 1));
    herder.step(0, Event::CaughtUp);
    herder.step(0, joined(false, &["a", "b"]));
    read_back(&mut herder, 0, turn(1), &[on("b")]);
    let id = TaskId::new("c", 0);
    assert_eq!(herder.step(0, Event::Lost), [Action::StopTask { id: id.clone(), cause: Cause::Lost }]);
    herder.step(0, Event::TaskEnded { id, attempt: 1, failure: None });
    let back = herder.step(0, joined(false, &["a", "b"]));
    assert!(back.iter().any(|action| matches!(action, Action::StartTask { attempt: 2, .. })), "{back:?}");
}

#[test]
fn a_leader_that_was_shut_out_resigns_and_tries_again_only_while_it_is_first() {
    let (mut herder, _) = leader(&["a", "b"], vec![on("a"), on("b")]);
    assert_eq!(herder.step(10, Event::Deposed), [Action::Resign]);
    assert!(!herder.leads());
    assert_eq!(herder.next_tick(), Some(10 + TIMING.lead_retry));
    assert_eq!(herder.step(10 + TIMING.lead_retry, Event::Ticked), [Action::Lead]);
    herder.step(600, joined(false, &["a", "b"]));
    assert_eq!(herder.next_tick(), None);
}

#[test]
fn a_leaving_worker_is_done_once_others_have_its_tasks() {
    let (mut herder, _) = leader(&["a", "b"], vec![on("a"), on("b")]);
    let actions = herder.step(0, Event::ShutdownAsked);
    assert_eq!(placed(&actions), Some((turn(1), vec![moving("a", "b"), on("b")])));
    let ended = Event::TaskEnded { id: TaskId::new("c", 0), attempt: 1, failure: None };
    let actions = herder.step(0, ended);
    assert_eq!(placed(&actions), None);
    assert!(!herder.is_done());
    let tasks = [moving("a", "b"), on("b")];
    let actions = read_back(&mut herder, 0, turn(1), &tasks);
    let Some(Action::Report(report)) = actions.iter().rfind(|action| matches!(action, Action::Report(_)))
    else {
        panic!("{actions:?}")
    };
    let actions = reported(&mut herder, "a", report.clone());
    assert_eq!(placed(&actions), Some((turn(2), vec![on("b"), on("b")])));
    assert!(!herder.is_done());
    read_back(&mut herder, 0, turn(2), &[on("b"), on("b")]);
    assert!(herder.is_done());
}

#[test]
fn the_last_worker_waits_for_nobody() {
    let (mut herder, _) = leader(&["a"], vec![on("a")]);
    herder.step(0, Event::ShutdownAsked);
    assert!(!herder.is_done());
    herder.step(0, Event::TaskEnded { id: TaskId::new("c", 0), attempt: 1, failure: None });
    assert!(herder.is_done());
}

#[test]
fn a_task_that_comes_back_is_not_started_elsewhere_while_it_still_ends() {
    let (mut herder, _) = leader(&["a", "b"], vec![on("a"), on("b")]);
    read(&mut herder, vec![ConfigRecord::Commit { name: "c".into(), tasks: 1 }]);
    read_back(&mut herder, 0, turn(1), &[on("a")]);
    read(&mut herder, record("d", 1));
    let placement = Some(Placement { epoch: 5, turn: turn(2), tasks: vec![on("b")] });
    read(&mut herder, vec![ConfigRecord::Placement { name: "d".into(), placement }]);
    let leaving = Report { turn: turn(2), is_leaving: true, holding: BTreeSet::from([TaskId::new("c", 1)]) };
    assert_eq!(placed(&reported(&mut herder, "b", leaving)), Some((turn(3), vec![moving("b", "a")])));
    read(
        &mut herder,
        vec![ConfigRecord::Placement {
            name: "d".into(),
            placement: Some(Placement { epoch: 5, turn: turn(3), tasks: vec![moving("b", "a")] }),
        }],
    );
    let actions = read(&mut herder, record("c", 2));
    assert_eq!(placed(&actions), Some((turn(4), vec![on("a"), moving("b", "a")])));
}

#[test]
fn a_worker_contradicts_what_a_former_worker_of_its_address_said_last() {
    let mut herder = Herder::member(TIMING, "b");
    herder.step(0, Event::CaughtUp);
    let said = herder.step(0, joined(false, &["a", "b"]));
    assert_eq!(said, [Action::Report(Report::default())]);
    let former = Report { is_leaving: true, ..Report::default() };
    let reported = Event::Reported { worker: "b".into(), report: former };
    assert_eq!(herder.step(0, reported), said);
    let own = Event::Reported { worker: "b".into(), report: Report::default() };
    assert_eq!(herder.step(0, own), []);
}

#[test]
fn placements_of_a_connector_that_is_deleted_meanwhile_hold_nothing_up() {
    let (mut herder, actions) = leader(&["a"], vec![on("z")]);
    assert!(placed(&actions).is_some());
    read(&mut herder, vec![ConfigRecord::Connector { name: "c".into(), config: None }]);
    let actions = read(&mut herder, record("d", 1));
    let Some(Action::Plan { name, revision, config }) = actions.first() else { panic!("{actions:?}") };
    let planned =
        Event::Planned { name: name.clone(), revision: *revision, outcome: Ok(vec![config.clone()]) };
    assert!(placed(&herder.step(0, planned)).is_some());
}

#[test]
fn a_stopped_connector_has_no_places() {
    let (mut herder, _) = leader(&["a"], vec![on("a")]);
    let commit = ConfigRecord::Commit { name: "c".into(), tasks: 0 };
    assert_eq!(placed(&read(&mut herder, vec![commit])), Some((turn(1), vec![])));
    let target = ConfigRecord::Target { name: "c".into(), target: Some(TargetState::Stopped) };
    read(&mut herder, vec![target]);
    read_back(&mut herder, 0, turn(1), &[]);
    assert!(!herder.configs().placements().names("a"));
}

#[test]
fn a_task_that_a_thawed_worker_pushed_aside_takes_its_place_back() {
    let (mut herder, _) = leader(&["a"], vec![on("a")]);
    let id = TaskId::new("c", 0);
    herder.step(0, Event::TaskStarted { id: id.clone(), attempt: 1 });
    let failure = Some(Failure { trace: "kind: fenced".into(), is_restartable: false, is_fenced: true });
    let actions = herder.step(1000, Event::TaskEnded { id: id.clone(), attempt: 1, failure });
    let restarting = Action::SetTask { id: id.clone(), state: RunState::Restarting, trace: None };
    assert!(actions.contains(&restarting), "{actions:?}");
    let actions = herder.step(1000 + TIMING.backoff, Event::Ticked);
    assert!(
        matches!(&actions[..], [Action::StartTask { id: started, attempt: 2, .. }] if *started == id),
        "{actions:?}"
    );
}

#[test]
fn tasks_of_a_paused_connector_that_was_never_placed_are_there_and_paused() {
    let mut herder = Herder::member(TIMING, "a");
    let mut records = record("c", 1);
    records.push(ConfigRecord::Target { name: "c".into(), target: Some(TargetState::Paused) });
    read(&mut herder, records);
    herder.step(0, Event::CaughtUp);
    herder.step(0, joined(true, &["a"]));
    herder.step(0, Event::Leading);
    let leader = ConfigRecord::Leader { epoch: 1, worker: "a".into() };
    let actions = herder.step(0, Event::ConfigRead(leader));
    assert_eq!(placed(&actions), Some((TURNS + 1, vec![on("a")])));
    let placement = Some(Placement { epoch: 1, turn: TURNS + 1, tasks: vec![on("a")] });
    let actions = read(&mut herder, vec![ConfigRecord::Placement { name: "c".into(), placement }]);
    let is_paused =
        |action: &Action| matches!(action, Action::StartTask { wanted: crate::Wanted::Pause, .. });
    assert!(actions.iter().any(is_paused), "{actions:?}");
}
