//! What the host promises about bad plugins, and what the battery catches, shown with the plugin that fails on demand.
// The lint knows test functions, and not the functions they share.
#![allow(clippy::unwrap_used)]
use host::{
    Assembly, Call, CallWatch, Connector, Error, Item, Kind, OpenTask, Severity, SinkInstance, Value,
};
use penstock_sdk::Config;
use penstock_testkit as testkit;
use std::time::Duration;
use testkit::{Battery, TestServices};

fn connector(class: &str) -> Connector {
    let connectors = host::load(&testkit::library("penstock-faulty")).unwrap();
    connectors.into_iter().find(|connector| connector.class() == class).unwrap()
}

fn config(fault: &str, place: &str) -> Config {
    Config::new().with("topic", "t").with("fault", fault).with("fault.in", place)
}

fn task(config: &Config) -> OpenTask<'_> {
    let watch = CallWatch::new();
    OpenTask { connector: "c", task: 0, config, key_format: "text", value_format: "text", watch }
}

fn open_sink(config: &Config) -> Result<SinkInstance, Error> {
    connector("FaultySink").open_sink(&task(config), TestServices::new())
}

fn write(sink: &mut SinkInstance, values: &[&str]) -> Result<(), Error> {
    let mut assembly = Assembly::new();
    let mut builder = assembly.begin();
    for (offset, value) in (0..).zip(values) {
        builder.push(&Item {
            topic: "t",
            partition: 0,
            offset,
            timestamp_ms: None,
            key: Value::Null,
            value: Value::Text(value),
            key_schema: None,
            value_schema: None,
        });
    }
    sink.write(&builder.finish())
}

#[test]
fn a_source_that_counts_passes_the_battery() {
    Battery::source(testkit::library("penstock-faulty"))
        .class("FaultySource")
        .setting("topic", "numbers")
        .refuses("batch", "0", "batch: expected 1..=100000, got 0")
        .run();
}

#[test]
fn a_sink_that_appends_to_a_file_passes_the_battery() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out.txt");
    let path = file.to_str().unwrap().to_owned();
    let values = move || -> Vec<String> {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.lines().map(|line| line.rsplit('\t').next().unwrap_or_default().to_owned()).collect()
    };
    Battery::sink(testkit::library("penstock-faulty"))
        .class("FaultySink")
        .setting("file", path)
        .setting("fault", "reject")
        .rejects("a bad value")
        .refuses("fault.in", "nowhere", "fault.in: expected one of")
        .arrived(values)
        .run();
}

#[test]
#[should_panic(expected = "the contract: what a sink reports as written is there, once")]
fn the_battery_catches_a_sink_that_loses_records() {
    Battery::sink(testkit::library("penstock-faulty")).class("FaultySink").arrived(Vec::new).run();
}

#[test]
#[should_panic(expected = "the contract: a source goes on after its committed positions")]
fn the_battery_catches_a_source_that_does_not_give_the_same_records_again() {
    let number = std::cell::Cell::new(0);
    Battery::source(testkit::library("penstock-faulty"))
        .class("FaultySource")
        .setting("topic", "numbers")
        .identify(move |_| number.replace(number.get() + 1).to_string())
        .run();
}

#[test]
#[should_panic(expected = "the contract: a task ends within a second of its stop")]
fn the_battery_catches_a_task_that_does_not_end() {
    Battery::source(testkit::library("penstock-faulty"))
        .class("FaultySource")
        .setting("topic", "numbers")
        .setting("fault", "hang")
        .setting("fault.after", "40")
        .run();
}

#[test]
fn each_kind_of_error_keeps_its_reason_across_the_boundary() {
    let check = |fault: &str, kind: &Kind, message: &str| {
        let opened = open_sink(&config(fault, "open")).err().unwrap();
        assert_eq!((&opened.kind, opened.message.as_str()), (kind, message), "open");
        let written = write(&mut open_sink(&config(fault, "call")).unwrap(), &["v"]).unwrap_err();
        assert_eq!((&written.kind, written.message.as_str()), (kind, message), "write");
        let config = config(fault, "call");
        let mut source = connector("FaultySource").open_source(&task(&config), TestServices::new()).unwrap();
        let polled = source.poll().err().unwrap();
        assert_eq!((&polled.kind, polled.message.as_str()), (kind, message), "poll");
    };
    check("config", &Kind::Config, "fault: asked for an error of kind config");
    let after = Some(Duration::from_millis(100));
    check("retry", &Kind::Retry { after }, "asked to be tried again");
    check("fatal", &Kind::Fatal, "asked for a fatal error");
}

#[test]
fn a_panic_stays_inside_and_says_where() {
    let check = |error: &Error, place: &str| {
        assert_eq!(error.kind, Kind::Panic);
        let expected = format!("panicked: asked for a panic in {place} at ");
        assert!(error.message.contains(&expected) && error.message.contains("fault.rs:"), "{error}");
    };
    let sink = connector("FaultySink");
    check(&sink.validate(&config("panic", "validate")).unwrap_err(), "validate");
    check(&sink.plan(&config("panic", "plan"), 1).unwrap_err(), "plan");
    check(&open_sink(&config("panic", "open")).err().unwrap(), "open");
    let mut instance = open_sink(&config("panic", "call")).unwrap();
    check(&write(&mut instance, &["v"]).unwrap_err(), "call");
    let config = config("panic", "call");
    let mut source = connector("FaultySource").open_source(&task(&config), TestServices::new()).unwrap();
    check(&source.poll().err().unwrap(), "call");
    drop((instance, source, open_sink(&self::config("panic", "close")).unwrap()));
}

#[test]
fn rejected_records_are_named_and_the_others_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.txt");
    let config = config("reject", "call").with("file", path.to_str().unwrap());
    let error = write(&mut open_sink(&config).unwrap(), &["a", "bad 1", "b", "bad 2"]).unwrap_err();
    let reason = || "the value holds \"bad\"".to_owned();
    assert_eq!(error.kind, Kind::Records(vec![(1, reason()), (3, reason())]));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "t\t0\t0\tnull\ta\nt\t0\t2\tnull\tb\n");
}

#[test]
fn an_instance_goes_on_after_an_error_and_another_is_not_touched_by_a_panic() {
    let mut sink = open_sink(&config("fatal", "call").with("fault.times", "1")).unwrap();
    let mut bad = open_sink(&config("panic", "call")).unwrap();
    assert!(write(&mut sink, &["v"]).is_err());
    assert!(write(&mut bad, &["v"]).is_err());
    assert_eq!(write(&mut sink, &["v"]), Ok(()));
}

#[test]
fn a_hanging_call_is_seen_from_another_thread() {
    let config = config("hang", "call");
    let watch = CallWatch::new();
    let task = OpenTask { watch: watch.clone(), ..task(&config) };
    let mut sink = connector("FaultySink").open_sink(&task, TestServices::new()).unwrap();
    // This thread is abandoned, as the worker abandons one.
    std::thread::spawn(move || write(&mut sink, &["v"]));
    while watch.running().is_none() {
        std::thread::yield_now();
    }
    let (call, started) = watch.running().unwrap();
    assert_eq!(call, Call::Write);
    while started.elapsed() < Duration::from_millis(20) {
        std::thread::yield_now();
    }
    assert_eq!(watch.running(), Some((call, started)), "it still hangs in the same call");
}

#[test]
fn unknown_settings_and_the_authors_own_problems_are_told_apart() {
    let config = config("config", "validate").with("colour", "red").with("connector.class", "FaultySource");
    let found = connector("FaultySource").validate(&config).unwrap();
    let told: Vec<_> = found.iter().map(|found| (found.severity, found.setting.as_str())).collect();
    assert_eq!(told, [(Severity::Unknown, "colour"), (Severity::Error, "fault")]);
}
