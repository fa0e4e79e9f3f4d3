//! Settings that do not fit the table, offsets that do not fit the settings, and servers that fail on the way.
use std::io::Read;
use std::net::{TcpListener, TcpStream};

use penstock_sdk::{Kind, Poll};

use super::*;

fn table(lab: &Lab) {
    lab.run("CREATE TABLE @.t (id UInt64, n Nullable(UInt64), s AggregateFunction(sum, UInt8), v String) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t (id, v) SELECT number, toString(number) FROM numbers(100)");
}

#[test]
fn what_does_not_fit_is_told_at_the_start() {
    let lab = Lab::new();
    table(&lab);
    let id = ("cursorColumn", "id");
    let told = |settings: &[(&str, &str)]| Run::refused(&lab, settings, None);
    for (settings, expected) in [
        (&[("table", "nope"), id][..], "Config: table: "),
        (&[("query", "SELEC 1"), id], "Config: query: "),
        (&[("table", "t"), ("cursorColumn", "nope")], "Config: cursorColumn: "),
        (&[("table", "t"), ("cursorColumn", "id,nope")], "Config: cursorColumn: "),
        (&[("table", "t"), id, ("columns", "id,nope")], "Config: columns: "),
        (&[("table", "t"), id, ("columns", "id"), ("keyColumns", "nope")], "Config: keyColumns: "),
        (&[("table", "t"), id, ("columns", "id"), ("binaryColumns", "v")], "Config: binaryColumns: "),
        (&[("table", "t"), id], "column s is AggregateFunction(sum, UInt8), which is not read"),
        (&[("table", "t"), ("cursorColumn", "n"), ("columns", "id")], "column n is Nullable(UInt64)"),
        (&[("table", "t"), id, ("columns", "id"), ("username", "nobody")], "Fatal: "),
    ] {
        let told = told(settings);
        assert!(told.contains(expected), "{settings:?}: {told}");
    }
}

#[test]
fn a_stored_offset_of_other_settings_is_refused() {
    let lab = Lab::new();
    table(&lab);
    let columns = ("columns", "id,v");
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "id"), columns]);
    run.drain();
    let told = Run::refused(&lab, &[("table", "t"), ("cursorColumn", "id,v"), columns], run.stored.clone());
    assert!(told.starts_with("Config: stored offset: it was made by cursorColumn=id"), "{told}");
    let stored = Fields::new().with("cursor", "no number");
    let told = Run::refused(&lab, &[("table", "t"), ("cursorColumn", "id"), columns], Some(stored));
    assert!(told.contains("expected a value of column id, which is UInt64, got \"no number\""), "{told}");
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "id"), columns]);
    run.stored = Some(Fields::new().with("cursor", 97));
    run.drain();
    assert_eq!(ids(&run.take()), [97, 98, 99]);
}

#[test]
fn a_row_that_cannot_be_a_record_is_told_with_its_table() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, v String) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t VALUES (1, unhex('ff'))");
    let told = Run::refused(&lab, &[("table", "t"), ("cursorColumn", "id")], None);
    let expected = format!("Config: {}.t: column v: the text is not UTF-8", lab.database);
    assert!(told.starts_with(&expected), "{told}");
}

#[test]
fn a_key_that_is_no_text_is_told_with_its_column() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, v String, n Nullable(String)) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t VALUES (1, unhex('ff'), unhex('ff'))");
    for (key, format) in [("v", "struct"), ("v", "json"), ("n", "struct")] {
        let base = [("table", "t"), ("cursorColumn", "id"), ("columns", "id")];
        let mut run = Run::new(&lab, &[&base[..], &[("keyColumns", key), ("valueFormat", format)]].concat());
        run.reader.prepare(&run.server, &run.settings, |_| None).unwrap();
        let error = loop {
            match run.reader.read(&run.server, &run.settings, &mut Poll::default()) {
                Ok(outcome) => assert_ne!(outcome, Outcome::Idle),
                Err(error) => break error,
            }
        };
        let expected = format!(
            "{}.t: key column {key}: the text is not UTF-8; name the column in binaryColumns",
            lab.database
        );
        assert_eq!(error.message(), expected, "{format}");
    }
}

#[test]
fn a_column_of_the_key_alone_may_be_binary() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, v String) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t VALUES (1, unhex('ff'))");
    let base = [("table", "t"), ("cursorColumn", "id"), ("columns", "id"), ("keyColumns", "v")];
    for format in ["struct", "json"] {
        let more = [("binaryColumns", "v"), ("valueFormat", format)];
        let mut run = Run::new(&lab, &[&base[..], &more].concat());
        run.drain();
        assert_eq!(run.take().len(), 1, "{format}");
    }
}

/// The answer has begun, with status 200, when the server fails: what it says then is no row, whatever its bytes are.
#[test]
fn a_failure_on_the_way_is_no_data() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, v String) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t SELECT number, repeat('x', 100) FROM numbers(20000)");
    // The server sends at once what it has, in small pieces, so that rows come before the failure.
    let server = "http_response_buffer_size=0,max_block_size=500,http_headers_progress_interval_ms=1";
    for tagged in ["", ",http_write_exception_in_output_format=1"] {
        let query = "SELECT id, if(id = 15000, throwIf(id = 15000), 0) AS x, v FROM t";
        let settings =
            [("query", query), ("cursorColumn", "id"), ("clickhouseSettings", &format!("{server}{tagged}"))];
        let mut run = Run::new(&lab, &settings);
        let error = loop {
            match run.poll() {
                Ok(outcome) => assert_ne!(outcome, Outcome::Idle),
                Err(error) => break error,
            }
        };
        assert!(error.message().contains("code 395"), "{error}");
        let rows = ids(&run.take());
        assert_eq!(rows, (0..rows.len() as u64).collect::<Vec<_>>());
        assert!(rows.len() <= 15_000, "{}", rows.len());
    }
}

#[test]
fn a_server_that_is_away_is_asked_again() {
    let lab = Lab::new();
    table(&lab);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut run =
        Run::new(&lab, &[("url", &format!("http://{closed}")), ("table", "t"), ("cursorColumn", "id")]);
    let error = run.poll().unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
}

/// A way to the server on which each connection ends after so many bytes of answers.
fn cut_after(bytes: u64) -> String {
    let server = std::env::var("PENSTOCK_TEST_CLICKHOUSE").unwrap().replace("http://", "");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let behind = TcpStream::connect(server.trim_end_matches('/')).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), behind.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut (&behind).take(bytes), &mut &client);
                let _ = client.shutdown(std::net::Shutdown::Both);
                let _ = behind.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    url
}

#[test]
fn rows_come_once_over_a_line_that_is_cut_again_and_again() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, ts UInt64, v String) ENGINE = MergeTree ORDER BY ts");
    lab.run("INSERT INTO @.t SELECT number, intDiv(number, 9), randomPrintableASCII(500) FROM numbers(3000)");
    let url = cut_after(400_000);
    let mut run = Run::new(&lab, &[("url", &url), ("table", "t"), ("cursorColumn", "ts")]);
    let (mut rows, mut cuts) = (Vec::new(), 0);
    loop {
        match run.poll() {
            Ok(Outcome::Idle) => break,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
                cuts += 1;
            }
        }
        rows.append(&mut run.take());
    }
    let mut ids = ids(&rows);
    ids.sort_unstable();
    assert_eq!(ids, (0..3000).collect::<Vec<_>>());
    assert!(cuts > 2, "the line was cut {cuts} times: it shows little");
}

#[test]
fn a_cursor_that_changes_its_type_begins_anew() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, ts DateTime) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t SELECT number, toDateTime(1767225600 + number) FROM numbers(3)");
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "ts,id")]);
    run.drain();
    lab.run("ALTER TABLE @.t MODIFY COLUMN ts DateTime64(3) SETTINGS mutations_sync = 1");
    lab.run("INSERT INTO @.t SELECT 3, toDateTime64(1767225602.5, 3)");
    let error = run.poll().unwrap_err();
    assert!(
        error.kind() == &Kind::Fatal && error.message().contains("column ts has changed its type"),
        "{error}"
    );
    run.take();
    run.restart().drain();
    assert_eq!(ids(&run.take()), [3]);
}

#[test]
fn a_user_who_may_read_and_set_settings_is_enough() {
    let lab = Lab::new();
    table(&lab);
    let as_user = |user: &'static str| {
        [("table", "t"), ("cursorColumn", "id"), ("columns", "id,v"), ("username", user), ("password", user)]
    };
    let mut run = Run::new(&lab, &as_user("reader"));
    run.drain().drain();
    assert_eq!(run.take().len(), 100);
    let told = Run::refused(&lab, &as_user("inserter"), None);
    assert!(told.starts_with("Fatal: ") && told.contains("code 497"), "{told}");
}

#[test]
fn columns_that_are_added_and_dropped_while_running_are_met() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, v String) ENGINE = MergeTree ORDER BY id");
    lab.run("INSERT INTO @.t SELECT number, 'a' FROM numbers(3)");
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "id,id")]);
    run.drain();
    assert_eq!(run.take().last().unwrap(), "Struct{id=2,v=a}");
    lab.run("ALTER TABLE @.t MODIFY COLUMN v LowCardinality(Nullable(String)) SETTINGS mutations_sync = 1");
    lab.run("INSERT INTO @.t VALUES (3, NULL)");
    run.drain();
    assert_eq!(run.take(), ["Struct{id=3}"]);
    assert!(run.taken.schema.is_empty());
    lab.run("ALTER TABLE @.t DROP COLUMN v");
    lab.run("ALTER TABLE @.t ADD COLUMN w UInt8 DEFAULT 7");
    lab.run("INSERT INTO @.t (id) VALUES (4)");
    let error = run.poll().unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    run.drain();
    assert_eq!(run.take(), ["Struct{id=4,w=7}"]);
}

#[test]
fn rows_of_16_mb_come_through() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (id UInt64, v String, n Array(String)) ENGINE = MergeTree ORDER BY id");
    for id in 0..3 {
        lab.run(&format!(
            "INSERT INTO @.t SELECT {id}, arrayStringConcat(arrayWithConstant(16, repeat('x', 1000000))), arrayMap(x -> toString(x), range(300000))"
        ));
    }
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "id,id")]);
    run.drain();
    let rows = run.take();
    assert_eq!(ids(&rows), [0, 1, 2]);
    assert!(rows.iter().all(|row| row.len() > 18_000_000 && row.ends_with(", 299999]}")));
}
