//! Many tables at once, too many parts, asynchronous inserts.
use std::time::Duration;

use penstock_sdk::Kind;

use super::*;
use crate::exact::Promise;

fn record<'a>(topic: &'a str, offset: i64, value: &'a [u8]) -> Incoming<'a> {
    Incoming { topic, offset, value: Some(value), ..Incoming::default() }
}

#[test]
fn tables_get_their_parts_at_the_same_time_and_each_once() {
    let lab = Lab::new();
    let names: Vec<_> = (0..6).map(|number| format!("t{number}")).collect();
    for name in &names {
        lab.run(&format!(
            "CREATE TABLE @.{name} (k UInt32, s UInt8 DEFAULT sleepEachRow(0.4)) ENGINE = MergeTree ORDER BY k \
             SETTINGS non_replicated_deduplication_window = 100"
        ));
    }
    let took = |connections: &str, token: &str| {
        let mut delivery = lab.delivery(&[("insertConnections", connections), ("exactlyOnce", "true")]);
        let records: Vec<_> = names.iter().map(|name| record(name, 0, b"{\"k\":1}")).collect();
        let promise =
            Promise { token, age: Duration::ZERO, is_repeated: false, is_foreign: false, may_send: &|| true };
        let started = std::time::Instant::now();
        let outcome = delivery.write(&records, Some(&promise)).unwrap();
        assert_eq!((outcome.rows, outcome.inserts), (6, 6));
        started.elapsed()
    };
    let (one_by_one, together) = (took("1", "one"), took("6", "two"));
    assert!(together < one_by_one / 2, "{together:?} together, {one_by_one:?} one by one");
    took("4", "two");
    for name in &names {
        assert_eq!(lab.run(&format!("SELECT count() FROM @.{name}")), [["2"]], "{name}");
    }
}

#[test]
fn a_table_in_trouble_does_not_keep_the_others_from_theirs() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.good (k UInt32) ENGINE = Memory");
    lab.run("CREATE TABLE @.picky (k UInt32, CONSTRAINT c CHECK k != 2) ENGINE = Memory");
    lab.run("CREATE TABLE @.changing (k UInt32, gone UInt8) ENGINE = MergeTree ORDER BY k");
    let mut delivery = lab.delivery(&[]);
    let first = [
        record("good", 0, b"{\"k\":1}"),
        record("picky", 0, b"{\"k\":1}"),
        record("changing", 0, b"{\"k\":1,\"gone\":1}"),
    ];
    assert_eq!(delivery.write(&first, None).unwrap().rows, 3);
    lab.run("ALTER TABLE @.changing DROP COLUMN gone");
    let second = [
        record("good", 1, b"{\"k\":2}"),
        record("picky", 1, b"{\"k\":2}"),
        record("picky", 2, b"{\"k\":3}"),
        record("changing", 1, b"{\"k\":2,\"gone\":1}"),
        record("nowhere", 1, b"{\"k\":2}"),
    ];
    let error = delivery.write(&second, None).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    lab.run("CREATE TABLE @.nowhere (k UInt32) ENGINE = Memory");
    let outcome = delivery.write(&second, None).unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|(index, _)| *index).collect();
    assert_eq!((outcome.rows, rejected), (4, vec![1]));
    for (table, count) in [("good", "2"), ("picky", "2"), ("changing", "2"), ("nowhere", "1")] {
        assert_eq!(lab.run(&format!("SELECT count() FROM @.{table}")), [[count]], "{table}");
    }
}

#[test]
fn too_many_parts_slow_the_sink_down_and_never_fail_it() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k \
         SETTINGS parts_to_delay_insert = 2, parts_to_throw_insert = 3, max_delay_to_insert = 2, min_delay_to_insert_ms = 1100",
    );
    lab.run("SYSTEM STOP MERGES @.t");
    let mut delivery = lab.delivery(&[]);
    let mut insert = |offset| delivery.write(&[record("t", offset, b"{\"k\":1}")], None);
    let delayed = (0..3).filter(|offset| insert(*offset).unwrap().was_delayed).count();
    assert_eq!(delayed, 1, "the server held the third insert back");
    let error = insert(3).unwrap_err();
    let Kind::Retry { after: Some(after) } = error.kind() else { panic!("{error:?}") };
    assert!(*after >= Duration::from_secs(1), "{after:?}");
    assert!(error.message().contains("code 252"), "{error}");
    lab.run("SYSTEM START MERGES @.t");
    lab.run("OPTIMIZE TABLE @.t FINAL");
    insert(3).unwrap();
    let pause = delivery.pause();
    assert!(!pause.is_zero(), "the next batch waits and grows");
    let signals = delivery.take_signals();
    assert_eq!(signals.refused_for_parts, 1);
    assert!(signals.insert_gap >= pause, "{signals:?}");
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["4"]]);
}

#[test]
fn a_table_that_goes_on_holding_inserts_back_slows_the_sink_down_further() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k \
         SETTINGS parts_to_delay_insert = 2, parts_to_throw_insert = 90, max_delay_to_insert = 2, min_delay_to_insert_ms = 1100",
    );
    lab.run("SYSTEM STOP MERGES @.t");
    let mut delivery = lab.delivery(&[]);
    let mut insert = |offset| delivery.write(&[record("t", offset, b"{\"k\":1}")], None).unwrap().was_delayed;
    let delayed: Vec<_> = (0..4).map(&mut insert).collect();
    assert_eq!(delayed, [false, false, true, true], "parts are counted once for both");
    assert_eq!(delivery.take_signals().insert_gap, Duration::from_secs(1));
}

#[test]
fn asynchronous_inserts_are_stored_when_the_batch_is_done() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    accept(&mut lab.delivery(&[("asyncInsert", "true")]), "t", &["{\"k\":1}"]);
    assert_eq!(lab.rows("t"), ["{\"k\":1}\n"]);
}

#[test]
fn what_exactly_once_assumes_of_the_tables_memory_follows_the_flush() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 1000",
    );
    let write = |settings: &[(&str, &str)]| {
        let mut delivery = lab.delivery(&[&[("exactlyOnce", "true")], settings].concat());
        let age = Duration::from_secs(30);
        let promise = Promise { token: "p", age, is_repeated: true, is_foreign: false, may_send: &|| true };
        delivery.write(&[record("t", 0, b"{\"k\":1}")], Some(&promise))
    };
    write(&[]).unwrap();
    let error = write(&[("tasks.max", "2"), ("penstock.batch.age.max.ms", "50")]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    let assumed = "at 40 inserts a second, as tasks.max=2, penstock.batch.rows.max=100000 and penstock.batch.age.max.ms=50 allow";
    assert!(error.message().contains(assumed), "{error}");
}

#[test]
fn a_table_that_was_checked_is_not_asked_about_again() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 1000");
    let (port, heads) = ways::proxy(None);
    let port = port.to_string();
    let proxy = [("proxyType", "HTTP"), ("proxyHost", "127.0.0.1"), ("proxyPort", port.as_str())];
    let mut delivery = lab.delivery(&[&proxy[..], &[("exactlyOnce", "true"), ("topics", "t")]].concat());
    delivery.check_tables().unwrap();
    let asked = heads.lock().unwrap().len();
    let promise = Promise {
        token: "p",
        age: Duration::ZERO,
        is_repeated: false,
        is_foreign: false,
        may_send: &|| true,
    };
    delivery.write(&[record("t", 0, b"{\"k\":1}")], Some(&promise)).unwrap();
    assert_eq!(heads.lock().unwrap().len(), asked + 1, "the insert alone");
}

#[test]
fn what_tables_cannot_keep_is_told_when_settings_are_validated() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.bare (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 0");
    lab.run("CREATE TABLE @.kept (k UInt32) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 9");
    let config = config(&[("exactlyOnce", "true"), ("topics", "bare,kept,nowhere")]);
    let config = config.with("database", &lab.database);
    let problems = crate::check::outside(&config);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.setting, "exactlyOnce");
    let remedy = format!(
        "run ALTER TABLE {}.bare MODIFY SETTING non_replicated_deduplication_window = 10000",
        lab.database
    );
    assert!(problem.message.contains(&remedy), "{problem:?}");
    // A server that says nothing costs no more than three seconds, however many topics there are.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let started = std::time::Instant::now();
    let away = config.with("url", format!("http://{}", silent.local_addr().unwrap()));
    assert_eq!(crate::check::outside(&away), []);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[test]
fn a_block_is_sent_as_it_is_or_compressed() {
    let lab = Lab::new();
    // Longer than what is compressed at once, and short pieces before it.
    let long = format!("{{\"k\":2,\"text\":\"{}\"}}", "ab".repeat(1_500_000));
    for (table, compression, is_compressed) in
        [("plain", "none", "0"), ("given", "LZ4", "1"), ("unsaid", "", "0")]
    {
        lab.run(&format!("CREATE TABLE @.{table} (k UInt32, text String) ENGINE = MergeTree ORDER BY k"));
        let mut delivery = lab.delivery(&[("compression", compression)]);
        let outcome = write(&mut delivery, table, &["{\"k\":1}", long.as_str()]).unwrap();
        assert_eq!((outcome.rows, outcome.rejected.len()), (2, 0));
        let rows = lab.run(&format!("SELECT k, length(text) FROM @.{table} ORDER BY k"));
        assert_eq!(rows, [["1", "0"], ["2", "3000000"]], "{table}");
        lab.run("SYSTEM FLUSH LOGS query_log");
        let seen = lab.run(&format!(
            "SELECT ProfileEvents['CompressedReadBufferBlocks'] > 0 FROM system.query_log \
             WHERE type = 'QueryFinish' AND query_kind = 'Insert' AND has(tables, '@.{table}')"
        ));
        assert_eq!(seen, [[is_compressed]], "{table}");
    }
}
