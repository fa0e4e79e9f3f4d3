//! The contract read by a C compiler: the committed header is current, and a plugin in C runs in the worker's host.
// The lint knows test functions, and not the functions they share.
#![allow(clippy::unwrap_used)]
use host::{Assembly, CallWatch, Connector, Item, Kind, OpenTask, Severity, Value};
use penstock_abi as abi;
use penstock_sdk::{Config, Fields};
use std::path::Path;
use std::time::Duration;
use testkit::TestServices;

#[test]
fn the_committed_header_is_what_the_contract_generates() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/penstock.h");
    if std::env::var_os("PENSTOCK_WRITE_HEADER").is_some() {
        std::fs::write(&path, abi::c_header()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == abi::c_header(),
        "include/penstock.h is old: run this test with PENSTOCK_WRITE_HEADER=1"
    );
}

fn hello(folder: &Path, class: &str) -> Connector {
    let library = testkit::compile_c(folder, "hello", include_str!("c/hello.c"));
    let connectors = host::load(&library).unwrap();
    connectors.into_iter().find(|connector| connector.class() == class).unwrap()
}

fn task(config: &Config) -> OpenTask<'_> {
    let watch = CallWatch::new();
    OpenTask { connector: "c", task: 0, config, key_format: "bytes", value_format: "text", watch }
}

fn item(offset: i64, value: Value<'_>) -> Item<'_> {
    Item {
        topic: "t",
        partition: 0,
        offset,
        timestamp_ms: None,
        key: Value::Null,
        value,
        key_schema: None,
        value_schema: None,
    }
}

#[test]
fn a_sink_in_c_is_described_validated_planned_and_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let sink = hello(dir.path(), "HelloSink");
    assert_eq!(
        (sink.version(), sink.aliases()),
        ("1.2.3", &["com.example.HelloSinkConnector".to_owned()][..])
    );
    let config = Config::new().with("colour", "red");
    let found = sink.validate(&config).unwrap();
    assert_eq!((found[0].severity, found[0].setting.as_str()), (Severity::Unknown, "colour"));
    assert_eq!(sink.plan(&config, 3).unwrap(), std::slice::from_ref(&config));
    let refusal = sink.open_sink(&task(&config), TestServices::new()).err().unwrap();
    assert_eq!((refusal.kind, refusal.message.as_str()), (Kind::Config, "file: a value is required"));
}

#[test]
fn a_sink_in_c_writes_and_rejects_records() {
    let dir = tempfile::tempdir().unwrap();
    let sink = hello(dir.path(), "HelloSink");
    let file = dir.path().join("out.txt");
    let config = Config::new().with("file", file.to_str().unwrap());
    let services = TestServices::new();
    let mut instance = sink.open_sink(&task(&config), services.clone()).unwrap();
    let mut assembly = Assembly::new();
    let mut batch = assembly.begin();
    batch
        .push(&item(0, Value::Bytes(b"one")))
        .push(&item(1, Value::Null))
        .push(&item(2, Value::Text("three")));
    let error = instance.write(&batch.finish()).unwrap_err();
    assert_eq!(error.kind, Kind::Records(vec![(1, "a value is required".into())]));
    assert_eq!(error.message, "HelloSink rejected 1 records: a value is required");
    drop(instance);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\nthree\n");
    assert_eq!(services.counter("written"), 3);
}

#[test]
fn a_source_in_c_polls_and_goes_on_where_it_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let source = hello(dir.path(), "HelloSource");
    let config = Config::new().with("count", "5");
    let offsets = vec![(Fields::new().with("source", "hello"), Fields::new().with("position", 1))];
    let services = TestServices::resuming(offsets);
    let mut instance = source.open_source(&task(&config), services.clone()).unwrap();
    let mut values = Vec::new();
    for _ in 0..2 {
        let polled = instance.poll().unwrap();
        values.extend(polled.batch().records().map(|record| record.value().display().into_owned()));
        let positions = polled.positions();
        assert_eq!(positions[0].0.text("source"), Some("hello"));
        instance.committed(&positions);
    }
    assert_eq!(values, ["hello 1", "hello 2", "hello 3", "hello 4"]);
    assert_eq!(services.counter("committed"), 2);
    let stopper = services.clone();
    let stopping = std::thread::spawn(move || {
        assert!(stopper.is_waiting_within(Duration::from_secs(20)));
        stopper.stop();
    });
    assert!(instance.poll().unwrap().batch().is_empty());
    stopping.join().unwrap();
}
