//! Levels as clients set and read them, and the targets that follow.
use super::{Apply, Level, Loggers, Verbosity};
use crate::api::Refusal;
use std::sync::{Arc, Mutex};

const SINK_TASK: &str = "org.apache.kafka.connect.runtime.WorkerSinkTask";

fn connected(start: &str) -> (Loggers, Arc<Mutex<Vec<Verbosity>>>) {
    let (loggers, asked) = (Loggers::new(start), Arc::<Mutex<Vec<Verbosity>>>::default());
    let log = Arc::clone(&asked);
    let apply: Apply = Arc::new(move |verbosity| {
        log.lock().unwrap().push(verbosity.clone());
        Ok(())
    });
    loggers.connect(apply);
    (loggers, asked)
}

fn target(verbosity: &Verbosity, name: &str) -> Option<&'static str> {
    verbosity.targets.iter().find(|(target, _)| target == name).map(|(_, level)| *level)
}

#[test]
fn a_level_is_set_for_the_logger_and_nothing_else() {
    let (loggers, asked) = connected("info");
    assert_eq!(loggers.get(SINK_TASK).unwrap().level, "INFO");
    assert_eq!(loggers.get(SINK_TASK).unwrap().last_modified_ms, None);
    assert_eq!(loggers.set(SINK_TASK, Level::Debug), Ok(vec![SINK_TASK.to_owned()]));
    let set = loggers.get(SINK_TASK).unwrap();
    assert_eq!(set.level, "DEBUG");
    assert!(set.last_modified_ms.is_some_and(|time| time > 1_600_000_000_000), "{set:?}");
    let first = asked.lock().unwrap().remove(0);
    assert_eq!(first.root, None);
    assert_eq!(first.targets, [("penstock_worker::task::sink".to_owned(), "debug")]);

    // A logger further up leaves it as it was set, and its neighbours as they were.
    loggers.set("org.apache.kafka.connect.runtime.Worker", Level::Error).unwrap();
    let second = asked.lock().unwrap().remove(0);
    assert_eq!(target(&second, "penstock_worker"), Some("error"));
    assert_eq!(target(&second, "penstock_worker::task::sink"), Some("debug"));
    assert_eq!(target(&second, "penstock_worker::task::source"), Some("info"));
    assert_eq!(target(&second, "penstock_server"), None);
}

#[test]
fn what_stays_the_same_is_no_change() {
    let (loggers, asked) = connected("info");
    assert_eq!(loggers.set(SINK_TASK, Level::Info), Ok(vec![]));
    assert_eq!(loggers.set("org.apache.kafka.connect.runtime.rest", Level::Info), Ok(vec![]));
    assert_eq!(asked.lock().unwrap().len(), 0);
}

#[test]
fn a_namespace_sets_all_below_it() {
    let (loggers, asked) = connected("info");
    assert!(loggers.get("org.apache.kafka.connect").is_err());
    let changed = loggers.set("org.apache.kafka.connect", Level::Trace).unwrap();
    assert!(changed.contains(&SINK_TASK.to_owned()), "{changed:?}");
    assert!(changed.contains(&"org.apache.kafka.connect".to_owned()), "{changed:?}");
    assert!(changed.iter().all(|name| name.starts_with("org.apache.kafka.connect")), "{changed:?}");
    assert!(changed.is_sorted(), "{changed:?}");
    assert_eq!(loggers.get("org.apache.kafka.connect").unwrap().level, "TRACE");
    let asked = asked.lock().unwrap();
    assert_eq!(target(&asked[0], "penstock_server"), Some("trace"));
    assert_eq!(target(&asked[0], "kafka::admin"), None);
}

#[test]
fn the_root_is_above_everything() {
    let (loggers, asked) = connected("info");
    assert_eq!(loggers.set("golden.made.up", Level::Trace), Ok(vec!["golden.made.up".to_owned()]));
    assert_eq!(loggers.set("root", Level::Info), Ok(vec!["golden.made.up".to_owned()]));
    let all = loggers.set("root", Level::Warn).unwrap();
    assert_eq!(all.len(), loggers.all().len());
    assert_eq!(asked.lock().unwrap().last().unwrap().root, Some("warn"));
}

#[test]
fn a_target_of_ours_is_a_logger_too() {
    let (loggers, asked) = connected("info,penstock_worker=debug");
    assert_eq!(loggers.get(SINK_TASK).unwrap().level, "DEBUG");
    assert_eq!(loggers.get("root").unwrap().level, "INFO");
    loggers.set("penstock_worker::task::sink::poll", Level::All).unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(target(&asked[0], "penstock_worker::task::sink::poll"), Some("trace"));
    assert_eq!(asked[0].targets.len(), 1);
}

#[test]
fn levels_have_java_s_names_in_any_case() {
    for (given, name) in [("off", "OFF"), ("Fatal", "FATAL"), ("WARN", "WARN"), ("all", "ALL")] {
        assert_eq!(Level::parse(given).unwrap().name(), name);
    }
    let refusal = Refusal::NotFound("invalid log level 'LOUD'.".into());
    assert_eq!(Level::parse("LOUD"), Err(refusal));
}

#[test]
fn names_do_not_grow_without_bound() {
    let loggers = Loggers::new("info");
    for number in 0..super::LOGGERS_MAX {
        let _ = loggers.set(&format!("made.up.{number}"), Level::Info);
    }
    assert!(matches!(loggers.set("one.more", Level::Info), Err(Refusal::Invalid(_))));
    assert!(loggers.set(SINK_TASK, Level::Debug).is_ok());
}
