//! Virtual columns, mapped and flattened fields, and tables that are altered while records come.
use std::sync::atomic::AtomicBool;

use super::*;
use crate::incoming::HeaderList;

const HEADERS: &[(&str, Option<&[u8]>)] = &[("trace", Some(b"t-1")), ("trace", None)];

fn full(offset: i64, value: &[u8]) -> Incoming<'_> {
    Incoming {
        topic: "t",
        partition: 4,
        offset,
        value: Some(value),
        key: Some(b"key-1"),
        timestamp_ms: Some(1_700_000_000_123),
        headers: HeaderList::Given(HEADERS),
    }
}

#[test]
fn virtual_columns_hold_what_kafka_knows() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32, _key Nullable(String), _timestamp DateTime64(3, 'UTC'), _partition Int32, \
         _offset UInt64, _topic LowCardinality(String), _header_keys Array(String), \
         _header_values Array(Nullable(String)), _raw_message String, late UInt64 MATERIALIZED _offset + 1) \
         ENGINE = MergeTree ORDER BY k",
    );
    let value = br#"{"k":1,"_offset":99}"#;
    let bare = Incoming { key: None, headers: HeaderList::default(), ..full(8, b"{\"k\":2}") };
    let outcome = lab.delivery(&[]).write(&[full(7, value), bare], None).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (2, 0));
    assert_eq!(
        lab.rows("t"),
        [
            "{\"k\":1,\"_key\":\"key-1\",\"_timestamp\":\"2023-11-14 22:13:20.123\",\"_partition\":4,\"_offset\":7,\
             \"_topic\":\"t\",\"_header_keys\":[\"trace\",\"trace\"],\"_header_values\":[\"t-1\",null],\
             \"_raw_message\":\"{\\\"k\\\":1,\\\"_offset\\\":99}\"}\n",
            "{\"k\":2,\"_key\":null,\"_timestamp\":\"2023-11-14 22:13:20.123\",\"_partition\":4,\"_offset\":8,\
             \"_topic\":\"t\",\"_header_keys\":[],\"_header_values\":[],\"_raw_message\":\"{\\\"k\\\":2}\"}\n",
        ]
    );
    assert_eq!(lab.run("SELECT late FROM @.t ORDER BY k"), [["8"], ["9"]]);
}

#[test]
fn a_raw_table_takes_values_of_any_kind_for_a_view_to_read() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.raw (_raw_message String, _offset UInt64, n UInt64 MATERIALIZED JSONExtractUInt(_raw_message, 'n')) ENGINE = MergeTree ORDER BY _offset");
    lab.run("CREATE TABLE @.made (k UInt64, n UInt64) ENGINE = MergeTree ORDER BY k");
    lab.run("CREATE MATERIALIZED VIEW @.view TO @.made AS SELECT _offset AS k, JSONExtractUInt(_raw_message, 'n') AS n FROM @.raw");
    let values: [&[u8]; 4] = [b"{\"n\":5}", b"no JSON \xff\x00", b"", b"{\"n\":6"];
    let outcome = write(&mut lab.delivery(&[]), "raw", &values).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (4, 0));
    assert_eq!(
        lab.run("SELECT hex(_raw_message), n FROM @.raw ORDER BY _offset LIMIT 2"),
        [["7B226E223A357D", "5"], ["6E6F204A534F4E20FF00", "0"]]
    );
    assert_eq!(lab.run("SELECT count(), max(n) FROM @.made"), [["4", "5"]]);
}

#[test]
fn raw_only_leaves_columns_that_are_made_from_the_message_to_their_defaults() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32 DEFAULT JSONExtractUInt(_raw_message, 'n'), _raw_message String) ENGINE = MergeTree ORDER BY k");
    let outcome = write(&mut lab.delivery(&[("rawOnly", "true")]), "t", &["{\"n\":5,\"k\":1}", "x"]).unwrap();
    assert_eq!((outcome.rows, outcome.rejected.len()), (2, 0));
    assert_eq!(
        lab.run("SELECT k, _raw_message FROM @.t ORDER BY k"),
        [["0", "x"], ["5", "{\"n\":5,\"k\":1}"]]
    );
}

#[test]
fn fields_are_mapped_and_flattened_and_the_servers_own_columns_respected() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt32, user_name String DEFAULT concat('u', toString(k)), city String, at UInt64, \
         given String EPHEMERAL 'e', made String DEFAULT upper(given), never UInt32 MATERIALIZED k * 2, \
         other UInt32 ALIAS k * 3, `n.a` Array(UInt8)) ENGINE = MergeTree ORDER BY k",
    );
    let settings =
        [("field2ColumnMap", r"address.home.city=city,_offset=at,in\.put=given"), ("flattenSeparator", "_")];
    let records = [
        r#"{"k":1,"user":{"name":"ann"},"address":{"home":{"city":"Ulm"},"other":1},"in.put":"g","never":7,"other":8}"#,
        r#"{"k":2,"user":{},"address":{"home":null}}"#,
    ];
    accept(&mut lab.delivery(&settings), "t", &records);
    let rows = lab.run("SELECT k, user_name, city, at, made, never, other FROM @.t ORDER BY k");
    assert_eq!(rows, [["1", "ann", "Ulm", "0", "G", "2", "3"], ["2", "u2", "", "1", "E", "4", "6"]]);
    let nested = [("flattenSeparator", ".")];
    accept(&mut lab.delivery(&nested), "t", &[r#"{"k":3,"n":{"a":[1,2]}}"#]);
    assert_eq!(lab.run("SELECT n.a FROM @.t WHERE k = 3"), [["[1,2]"]]);
}

#[test]
fn a_mapped_column_that_is_dropped_is_missed_by_name_and_found_again() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32, c String) ENGINE = MergeTree ORDER BY k");
    let mut delivery = lab.delivery(&[("field2ColumnMap", "a.b=c")]);
    accept(&mut delivery, "t", &[r#"{"k":1,"a":{"b":"x"}}"#]);
    lab.run("ALTER TABLE @.t DROP COLUMN c");
    let error = write(&mut delivery, "t", &[r#"{"k":2,"a":{"b":"y"}}"#]).unwrap_err();
    assert!(error.message().contains("field2ColumnMap: the table has no column c"), "{error}");
    lab.run("ALTER TABLE @.t ADD COLUMN c String");
    accept(&mut delivery, "t", &[r#"{"k":2,"a":{"b":"y"}}"#]);
    assert_eq!(lab.run("SELECT k, c FROM @.t ORDER BY k"), [["1", ""], ["2", "y"]]);
}

const ROUNDS: u64 = 12;
const ROWS: u64 = 50;

/// Ends the writer also when an assertion fails, or the test would wait for it without end.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Writes batches from one thread while another one alters the table as `change` says.
fn altered_under_load(change: impl Fn(u64) -> String) {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (k UInt64, v Int64, gone String, _offset UInt64) ENGINE = MergeTree ORDER BY k",
    );
    let mut delivery = lab.delivery(&[]);
    let (tell, told) = std::sync::mpsc::channel();
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (tell, mut next) = (tell, 0_u64);
            while !stop.load(Ordering::Acquire) {
                let record =
                    |k| format!("{{\"k\":{k},\"v\":{k},\"gone\":\"g\",\"n0\":1,\"n3\":2,\"n11\":\"{k}\"}}");
                let values: Vec<_> = (next..next + ROWS).map(record).collect();
                let outcome = write(&mut delivery, "t", &values).unwrap();
                assert_eq!((outcome.rows, outcome.rejected), (ROWS, vec![]));
                next += ROWS;
                let _ = tell.send(());
            }
            next
        });
        // Two batches between changes: one may have been on its way already. The channel ends with the writer.
        let stops = Stops(&stop);
        for round in 0..ROUNDS {
            lab.run(&change(round));
            while told.try_recv().is_ok() {}
            if told.iter().take(2).count() < 2 {
                break;
            }
        }
        drop(stops);
        writer.join().expect("every batch is written whole")
    });
    let sums = lab.run("SELECT count(), uniqExact(k), sum(toInt64(v)) FROM @.t");
    let (count, sum) = (written.to_string(), (written * (written - 1) / 2).to_string());
    assert_eq!(sums, [[count.clone(), count, sum]]);
}

#[test]
fn columns_added_under_load_lose_and_double_nothing() {
    altered_under_load(|round| format!("ALTER TABLE @.t ADD COLUMN n{round} String DEFAULT 'd'"));
}

#[test]
fn columns_dropped_under_load_lose_and_double_nothing() {
    altered_under_load(|round| {
        let (drops, adds) = ("DROP COLUMN gone", "ADD COLUMN gone String");
        format!("ALTER TABLE @.t {}", if round % 2 == 0 { drops } else { adds })
    });
}

#[test]
fn columns_retyped_under_load_lose_and_double_nothing() {
    let types = ["String", "Int64", "Decimal(38, 2)", "Int64"];
    altered_under_load(move |round| {
        format!(
            "ALTER TABLE @.t MODIFY COLUMN v {} SETTINGS mutations_sync = 2",
            types[round as usize % types.len()]
        )
    });
}
