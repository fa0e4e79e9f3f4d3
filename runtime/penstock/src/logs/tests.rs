//! Checks levels and the shape of JSON lines.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

use tracing_subscriber::filter::EnvFilter;
use worker::Verbosity;

use super::{check_level, combined, filter, json_layer};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that `act` logs at this level.
fn lines(level: &str, act: impl FnOnce()) -> Vec<Value> {
    lines_through(filter(level).unwrap(), act)
}

fn lines_through(filter: EnvFilter, act: impl FnOnce()) -> Vec<Value> {
    let written = Written::default();
    let writer = written.clone();
    let layer = json_layer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(filter).with(layer);
    tracing::subscriber::with_default(subscriber, act);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check(level: &str, expected: &[&str]) {
    let logged = lines(level, || {
        tracing::info!(target: "penstock_worker::tasks", "our info");
        tracing::debug!(target: "penstock_worker::tasks", "our debug");
        tracing::info!(target: "hyper", "their info");
        tracing::warn!(target: "hyper", "their warning");
    });
    let messages: Vec<_> = logged.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, expected, "{level}");
}

#[test]
fn a_level_is_for_our_crates_and_libraries_stay_quiet() {
    check("info", &["our info", "their warning"]);
    check("DEBUG", &["our info", "our debug", "their warning"]);
    check("warn", &["their warning"]);
    check("off", &[]);
    check("hyper=info", &["their info", "their warning"]);
    check("info,penstock_worker=debug", &["our info", "our debug", "their info", "their warning"]);
}

#[test]
fn single_targets_get_levels_of_their_own() {
    let check = |base: &str, root: Option<&'static str>, target: &str, expected: &[&str]| {
        let verbosity = Verbosity { root, targets: vec![(target.to_owned(), "debug")] };
        let logged = lines_through(combined(base, &verbosity).unwrap(), || {
            tracing::debug!(target: "penstock_worker::task::sink::poll", "sink");
            tracing::debug!(target: "penstock_worker::herder", "herder");
            tracing::info!(target: "penstock_server", "server");
            tracing::warn!(target: "penstock_server", "server's warning");
        });
        let messages: Vec<_> = logged.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, expected, "{base} {root:?} {target}");
    };
    check("info", None, "penstock_worker::task::sink", &["sink", "server", "server's warning"]);
    check("info", Some("warn"), "penstock_worker", &["sink", "herder", "server's warning"]);
    check("off", None, "penstock_worker::herder", &["herder"]);
    check("warn,penstock_server=info", None, "elsewhere", &["server", "server's warning"]);
    check("info", None, "penstock::", &["server", "server's warning"]);
}

#[test]
fn a_level_that_means_nothing_is_refused() {
    for bad in ["loud", "", "penstock_worker", "info,loud", "penstock=loud"] {
        assert!(check_level(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_json_line_carries_the_fields_of_its_spans() {
    let logged = lines("info", || {
        let connector = tracing::info_span!(target: "penstock", "connector", connector = "orders");
        let _connector = connector.enter();
        let task = tracing::info_span!(target: "penstock", "task", task = 3);
        let _task = task.enter();
        let reason = "line\nbreak";
        tracing::warn!(target: "penstock", offset = 7_u64, %reason, level = "fake", "skipping record");
    });
    let [line] = logged.as_slice() else { panic!("expected one line, got {logged:?}") };
    let ts = line["ts"].as_str().unwrap();
    assert!(ts.ends_with('Z') && ts.contains('T'), "{ts}");
    let mut rest = line.clone();
    rest.as_object_mut().unwrap().remove("ts");
    let expected = serde_json::json!({
        "level": "WARN", "target": "penstock", "connector": "orders", "task": 3, "offset": 7,
        "reason": "line\nbreak", "field.level": "fake", "message": "skipping record",
    });
    assert_eq!(rest, expected);
}
