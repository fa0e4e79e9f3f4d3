//! What a plugin answers is checked before it is believed: a source in C breaks the contract in every way.
// The lint knows test functions, and not the functions they share.
#![allow(clippy::unwrap_used)]
use host::{CallWatch, Connector, Error, Kind, Level, OpenTask, Services, SourceInstance};
use penstock_sdk::{Config, Fields};
use penstock_testkit as testkit;
use std::sync::Arc;
use std::time::Duration;
use testkit::TestServices;

const SOURCE: &str = r#"
#include "penstock.h"
#include <stdlib.h>
#include <string.h>
#define TEXT(t) { (const uint8_t *)(t), sizeof(t) - 1 }

static char flaw[64];
static const penstock_host *host;
static int instance;

static uint32_t validate(penstock_pairs c, const penstock_report *r) { return 77; }

static uint32_t plan(penstock_pairs c, uint32_t n, const penstock_report *r) {
    penstock_str bad = TEXT("\xff");
    penstock_pair pair = { bad, bad };
    penstock_pairs pairs = { &pair, 1 };
    r->task(r->context, pairs);
    return 0;
}

static uint32_t opened(const penstock_open *o, void **i, const penstock_report *r) {
    memset(flaw, 0, sizeof flaw);
    memcpy(flaw, o->config.ptr[0].value.ptr, o->config.ptr[0].value.len);
    host = o->host;
    if (strcmp(flaw, "no instance") == 0) return 0;
    *i = &instance;
    return strcmp(flaw, "open and fail") == 0 ? PENSTOCK_STATUS_FATAL : 0;
}

static int is(const char *name) { return strcmp(flaw, name) == 0; }

static uint32_t poll(void *i, penstock_source_batch *out, const penstock_report *r) {
    static penstock_str topic, schema;
    static penstock_header header;
    static penstock_record record;
    static penstock_field field;
    static penstock_position position;
    penstock_str text = TEXT("t"), bad = TEXT("\xff\xfe");
    topic = schema = text;
    memset(&header, 0, sizeof header);
    memset(&record, 0, sizeof record);
    memset(&field, 0, sizeof field);
    memset(&position, 0, sizeof position);
    header.name = field.name = text;
    record.value = (penstock_bytes){ (const uint8_t *)"v", 1 };
    record.value_kind = PENSTOCK_VALUE_TEXT;
    record.key_schema = record.value_schema = PENSTOCK_NO_SCHEMA;
    *out = (penstock_source_batch){ { &record, 1, &topic, 1, &schema, 1 }, &position, 1 };
    position.partition = position.offset = (penstock_fields){ &field, 1 };
    if (is("topic index")) record.topic = 1;
    if (is("topic text")) topic = bad;
    if (is("topic null")) topic = (penstock_str){ 0, 5 };
    if (is("records null")) out->batch.records = 0;
    if (is("records crooked")) out->batch.records = (const penstock_record *)((const char *)&record + 1);
    if (is("records many")) out->batch.records_len = SIZE_MAX;
    if (is("kind")) record.key_kind = 9;
    if (is("schema index")) record.value_schema = 7;
    if (is("schema text")) schema = bad;
    if (is("value null")) record.value = (penstock_bytes){ 0, 5 };
    if (is("value huge")) record.value.len = SIZE_MAX / 2;
    if (is("header name")) { header.name = bad; record.headers = &header; record.headers_len = 1; }
    if (is("headers null")) record.headers_len = 3;
    if (is("field kind")) field.kind = 99;
    if (is("field name")) field.name = bad;
    if (is("positions null")) out->positions = 0;
    if (is("reject")) { r->reject(r->context, 0, text); return PENSTOCK_STATUS_RECORDS; }
    if (is("records status")) return PENSTOCK_STATUS_RECORDS;
    if (is("resume")) { penstock_fields none = { 0, 9 }; host->resume(host->context, none, 0, 0); }
    if (is("wait")) return host->wait(host->context, 10) == 1 ? PENSTOCK_STATUS_FATAL : PENSTOCK_STATUS_OK;
    return 0;
}

static void closed(void *i) { host->log(host->context, 99, (penstock_str)TEXT("closed \xff")); }

static const penstock_connector source = {
    .size = sizeof source, .kind = PENSTOCK_KIND_SOURCE, .class_ = TEXT("Bad"), .version = TEXT("1"),
    .settings = TEXT("[]"), .validate = validate, .plan = plan, .open = opened, .poll = poll, .close = closed,
};
static const penstock_connector *const connectors[] = { &source };
static const penstock_catalog offered = { sizeof offered, TEXT("c"), connectors, 1 };
static const penstock_catalog *catalog(void) { return &offered; }
const penstock_entry PENSTOCK_PLUGIN = { PENSTOCK_MAGIC, PENSTOCK_MAJOR, PENSTOCK_MINOR, PENSTOCK_LAYOUT_HASH, catalog };
"#;

/// Each test has a library, and with it the library's variables, of its own.
struct Bad {
    connector: Connector,
    _folder: tempfile::TempDir,
}

impl Bad {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = testkit::compile_c(folder.path(), "bad", SOURCE);
        Self { connector: host::load(&library).unwrap().remove(0), _folder: folder }
    }

    fn open(&self, flaw: &str, services: Arc<dyn Services>) -> Result<SourceInstance, Error> {
        let config = Config::new().with("flaw", flaw);
        let (key_format, value_format) = ("text", "text");
        let watch = CallWatch::new();
        let task = OpenTask { connector: "c", task: 0, config: &config, key_format, value_format, watch };
        self.connector.open_source(&task, services)
    }

    fn poll(&self, flaw: &str) -> Error {
        let mut source = self.open(flaw, TestServices::new()).unwrap();
        source.poll().err().unwrap_or_else(|| panic!("{flaw}: the answer was believed"))
    }
}

#[test]
fn a_batch_that_breaks_the_contract_is_refused_with_what_is_wrong() {
    let bad = Bad::new();
    let check = |flaw: &str, expected: &str| {
        let error = bad.poll(flaw);
        assert_eq!(error.kind, Kind::Fatal, "{flaw}: {error}");
        let expected = format!("plugin Bad broke the contract: it {expected}");
        assert!(error.message.starts_with(&expected), "{flaw}: expected {expected:?} in {error}");
    };
    check("topic index", "gave a record topic 1 of 1");
    check("topic text", "gave a topic that is not UTF-8");
    check("topic null", "gave a topic that is no text");
    check("records null", "gave 1 records at address 0x0");
    check("records crooked", "gave 1 records at address");
    check("records many", "gave 18446744073709551615 records");
    check("kind", "gave a key or value of the unknown kind 9");
    check("schema index", "gave a record schema 7 of 1");
    check("schema text", "gave a schema that is not UTF-8");
    check("value null", "gave 5 bytes of key, value or header at address 0x0");
    check("value huge", "gave 9223372036854775807 bytes of key, value or header");
    check("header name", "gave the name of a header that is not UTF-8");
    check("headers null", "gave 3 headers at address 0x0");
    check("field kind", "gave field \"t\" the unknown kind 99");
    check("field name", "gave the name of a field that is not UTF-8");
    check("positions null", "gave 1 positions at address 0x0");
    check("reject", "rejected record 0 of a batch of 0");
    check("records status", "answered that it rejected records and named none");
}

#[test]
fn a_batch_that_keeps_the_contract_is_read() {
    let bad = Bad::new();
    let mut source = bad.open("none", TestServices::new()).unwrap();
    let polled = source.poll().unwrap();
    let record = polled.batch().records().next().unwrap();
    assert_eq!((record.topic(), &*record.value().display()), ("t", "v"));
    assert_eq!(polled.positions().len(), 1);
    assert_eq!(polled.as_batch().len(), 1);
}

#[test]
fn answers_to_the_other_calls_are_checked_too() {
    let bad = Bad::new();
    let config = Config::new();
    let told = |error: Error| (error.kind, error.message);
    let fatal = |what: &str| (Kind::Fatal, format!("plugin Bad broke the contract: it {what}"));
    let validated = bad.connector.validate(&config).unwrap_err();
    assert_eq!(told(validated), fatal("answered the unknown status 77"));
    let planned = bad.connector.plan(&config, 1).unwrap_err();
    assert_eq!(told(planned), fatal("gave a setting that is not UTF-8"));
    let opened = bad.open("no instance", TestServices::new()).err().unwrap();
    assert_eq!(told(opened), fatal("answered that the task is open, and gave no instance"));
    let failed = bad.open("open and fail", TestServices::new()).err().unwrap();
    assert_eq!(told(failed).1, "plugin Bad failed without saying why (status 4)");
}

#[test]
fn a_question_that_breaks_the_contract_is_logged_and_not_answered() {
    let bad = Bad::new();
    let services = TestServices::new();
    bad.open("resume", services.clone()).unwrap().poll().unwrap();
    let logs = services.logs();
    assert_eq!(logs[0].0, Level::Error);
    assert!(logs[0].1.starts_with("the plugin asked for a stored offset and gave 9 fields at address 0x0"));
    assert_eq!(logs[1], (Level::Info, "closed \u{fffd}".to_owned()), "close was called, once");
    assert_eq!(logs.len(), 2);
}

/// A worker with a bug.
struct Panicking;

impl Services for Panicking {
    fn log(&self, _level: Level, _message: &str) {
        panic!("log");
    }
    fn count(&self, _name: &str, _add: u64) {}
    fn gauge(&self, _name: &str, _value: f64) {}
    fn wait(&self, _time: Duration) -> bool {
        panic!("wait");
    }
    fn resume(&self, _partition: &Fields) -> Option<Fields> {
        None
    }
}

#[test]
fn a_panic_of_the_worker_does_not_cross_into_a_plugin() {
    let bad = Bad::new();
    let mut source = bad.open("wait", Arc::new(Panicking)).unwrap();
    // The plugin was told that it is to end, and answered so.
    assert_eq!(source.poll().err().unwrap().kind, Kind::Fatal);
}

#[test]
fn the_services_are_let_go_when_a_task_is_gone_or_never_was() {
    let bad = Bad::new();
    let services = TestServices::new();
    let source = bad.open("none", services.clone()).unwrap();
    assert_eq!(Arc::strong_count(&services), 2);
    drop(source);
    assert_eq!(Arc::strong_count(&services), 1);
    assert!(bad.open("open and fail", services.clone()).is_err());
    assert_eq!(Arc::strong_count(&services), 1);
}
