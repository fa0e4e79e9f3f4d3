//! Snapshot, follow, ties, late rows, restarts.
use super::*;
use penstock_sdk::Scalar;

const BY_TIME: &[(&str, &str)] = &[("table", "t"), ("cursorColumn", "ts")];

fn table(lab: &Lab) {
    lab.run("CREATE TABLE @.t (id UInt32, ts DateTime64(3, 'Europe/Berlin'), v String) ENGINE = MergeTree ORDER BY ts");
}

fn insert(lab: &Lab, ids: std::ops::Range<u64>, rows_per_value: u64) {
    let (start, count) = (ids.start, ids.end - ids.start);
    lab.run(&format!(
        "INSERT INTO @.t (id, ts, v) SELECT {start} + number, fromUnixTimestamp64Milli(toInt64(1767225600000 + \
         intDiv({start} + number, {rows_per_value}))), 'v' FROM numbers({count})"
    ));
}

fn sorted(mut ids: Vec<u64>) -> Vec<u64> {
    ids.sort_unstable();
    ids
}

#[test]
fn rows_come_once_over_pages_ties_and_restarts() {
    let lab = Lab::new();
    table(&lab);
    insert(&lab, 0..1000, 37);
    let settings = [BY_TIME, &[("batchRows", "10")]].concat();
    let mut run = Run::new(&lab, &settings);
    let mut rows = Vec::new();
    for number in 0.. {
        let outcome = run.poll().unwrap();
        rows.append(&mut run.take());
        if number % 3 == 0 {
            run.restart();
        }
        if outcome == Outcome::Idle {
            break;
        }
    }
    assert_eq!(rows.len(), 1000);
    assert_eq!(sorted(ids(&rows)), (0..1000).collect::<Vec<_>>());
    // In the order of the cursor, too.
    let values: Vec<_> = ids(&rows).iter().map(|id| id / 37).collect();
    assert!(values.is_sorted());
}

#[test]
fn rows_that_come_late_with_the_newest_value_are_found() {
    let lab = Lab::new();
    table(&lab);
    insert(&lab, 0..5, 10);
    let mut run = Run::new(&lab, BY_TIME);
    run.drain();
    assert_eq!(run.take().len(), 5);
    run.drain();
    assert_eq!(run.take().len(), 0);
    insert(&lab, 5..8, 10);
    run.drain();
    assert_eq!(sorted(ids(&run.take())), [5, 6, 7]);
    // A row that is there twice is two rows, also across a restart.
    insert(&lab, 7..8, 10);
    run.restart().drain();
    assert_eq!(ids(&run.take()), [7]);
    run.restart().drain();
    assert_eq!(run.take().len(), 0);
    assert_eq!(run.stored.as_ref().unwrap().text("cursor"), Some("2026-01-01T00:00:00.000Z"));
}

#[test]
fn a_value_that_thousands_share_takes_few_pages() {
    let lab = Lab::new();
    table(&lab);
    insert(&lab, 0..20_000, 20_000);
    let settings = [BY_TIME, &[("batchRows", "1000")]].concat();
    let mut run = Run::new(&lab, &settings);
    run.drain();
    let rows = run.take();
    assert_eq!((rows.len(), sorted(ids(&rows)).last()), (20_000, Some(&19_999)));
    // The offset stays small, and after a restart nothing is missing.
    assert!(run.stored.as_ref().unwrap().text("ties").unwrap().len() <= 16_000);
    run.restart().drain();
    assert_eq!(run.take().len(), 19_000);
}

#[test]
fn tie_breakers_name_rows_whatever_their_other_columns_become() {
    let lab = Lab::new();
    table(&lab);
    insert(&lab, 0..5, 10);
    let mut run = Run::new(&lab, &[("table", "t"), ("cursorColumn", "ts,id")]);
    run.drain();
    assert_eq!(ids(&run.take()), [0, 1, 2, 3, 4]);
    lab.run("ALTER TABLE @.t UPDATE v = 'changed' WHERE 1 SETTINGS mutations_sync = 1");
    lab.run("ALTER TABLE @.t ADD COLUMN more UInt8");
    insert(&lab, 5..6, 10);
    run.restart().drain();
    assert_eq!(ids(&run.take()), [5]);
}

#[test]
fn a_snapshot_ends_at_what_was_there_and_stays_ended() {
    let lab = Lab::new();
    table(&lab);
    insert(&lab, 0..50, 3);
    let settings = [BY_TIME, &[("mode", "snapshot"), ("batchRows", "10")]].concat();
    let mut run = Run::new(&lab, &settings);
    while run.take().is_empty() {
        run.poll().unwrap();
    }
    insert(&lab, 51..90, 3);
    run.restart().drain();
    let rest = ids(&run.take());
    assert_eq!(rest.iter().max(), Some(&49));
    assert_eq!(run.stored.as_ref().unwrap().get("complete"), Some(&Scalar::Boolean(true)));
    run.restart().drain();
    assert_eq!(run.take().len(), 0);
    // Whoever wants the rest follows from there.
    let mut run = Run { stored: run.stored, ..Run::new(&lab, BY_TIME) };
    run.drain();
    assert_eq!(sorted(ids(&run.take())), (51..90).collect::<Vec<_>>());
}

#[test]
fn following_passes_over_what_is_there_and_nothing_that_comes() {
    let lab = Lab::new();
    table(&lab);
    let settings = [BY_TIME, &[("mode", "follow")]].concat();
    let mut empty = Run::new(&lab, &settings);
    // Told at once, so that trouble with another table of the task cannot lose it.
    assert_eq!((empty.poll().unwrap(), empty.stored.is_some()), (Outcome::More, true));
    empty.drain();
    insert(&lab, 0..25, 10);
    // Stored before there was a row: what came while the task was away is not passed over.
    empty.restart().drain();
    assert_eq!(empty.take().len(), 25);
    let mut run = Run::new(&lab, &settings);
    run.drain();
    assert_eq!(run.take().len(), 0);
    insert(&lab, 25..35, 10);
    run.restart().drain();
    assert_eq!(sorted(ids(&run.take())), (25..35).collect::<Vec<_>>());
}

#[test]
fn a_start_is_given_as_people_write_it() {
    let lab = Lab::new();
    table(&lab);
    insert(&lab, 0..30, 10);
    let mut run = Run::new(&lab, &[BY_TIME, &[("startFrom", "2026-01-01 00:00:00.001")]].concat());
    run.drain();
    assert_eq!(sorted(ids(&run.take())), (10..30).collect::<Vec<_>>());
    let told = Run::refused(&lab, &[BY_TIME, &[("startFrom", "soon")]].concat(), None);
    assert!(told.contains("startFrom: expected a value of column ts"), "{told}");
}

#[test]
fn rows_are_left_alone_until_they_are_old_enough() {
    let lab = Lab::new();
    table(&lab);
    lab.run("INSERT INTO @.t SELECT number, now64(3) + number * 3600 - 1800, 'v' FROM numbers(2)");
    let mut run = Run::new(&lab, &[BY_TIME, &[("lagMs", "1000")]].concat());
    run.drain();
    assert_eq!(ids(&run.take()), [0]);
    let mut run = Run::new(&lab, &[BY_TIME, &[("lagMs", "3600000")]].concat());
    run.drain();
    assert_eq!(run.take().len(), 0);
}

#[test]
fn every_type_of_cursor_pages_and_resumes() {
    let lab = Lab::new();
    for (ty, value) in [
        ("Int8", "number - 20"),
        ("UInt64", "18446744073709551615 - 40 + number"),
        ("Int128", "toInt128(number) - toInt128('170141183460469231731687303715884105000')"),
        ("Decimal(38, 5)", "toDecimal128(number, 5) / 7"),
        ("Date", "number"),
        ("Date32", "toDate32('1900-01-01') + number"),
        ("DateTime('America/New_York')", "toDateTime(1762063200 + number * 600)"),
        (
            "DateTime64(9)",
            "toDateTime64('1969-12-31 23:59:59.999999990', 9, 'UTC') + toIntervalNanosecond(number)",
        ),
        ("String", "concat('it\\'s \\\\ ', leftPad(toString(number), 3, '0'), '\\n')"),
        ("LowCardinality(String)", "leftPad(toString(number), 3, '0')"),
        ("FixedString(4)", "leftPad(toString(number), 3, '0')"),
    ] {
        lab.run(&format!("CREATE OR REPLACE TABLE @.t (id UInt32, c {ty}) ENGINE = MergeTree ORDER BY c"));
        lab.run(&format!("INSERT INTO @.t SELECT number, {value} FROM numbers(40)"));
        let settings = [("table", "t"), ("cursorColumn", "c"), ("batchRows", "7")];
        let mut run = Run::new(&lab, &settings);
        let mut rows = Vec::new();
        while run.poll().unwrap() != Outcome::Idle {
            rows.append(&mut run.take());
            run.restart();
        }
        assert_eq!(ids(&rows), (0..40).collect::<Vec<_>>(), "{ty}");
    }
}

#[test]
fn queries_views_materialized_columns_and_raw_json_are_read() {
    let lab = Lab::new();
    lab.run(
        "CREATE TABLE @.t (id UInt64, m UInt64 MATERIALIZED id * 2, a UInt64 ALIAS id * 3, n Array(UInt8)) \
         ENGINE = MergeTree ORDER BY id",
    );
    lab.run("INSERT INTO @.t (id, n) SELECT number, [number] FROM numbers(3)");
    let read = |settings: &[(&str, &str)]| {
        let mut run = Run::new(&lab, settings);
        run.drain();
        run.take()
    };
    let by_id = ("cursorColumn", "id");
    assert_eq!(read(&[("table", "t"), by_id])[1], "Struct{id=1,n=[1]}");
    assert_eq!(read(&[("table", "t"), by_id, ("columns", "a,m")])[1], "Struct{a=3,m=2}");
    let query = "SELECT id, sum(id) AS s FROM t GROUP BY id -- all";
    assert_eq!(read(&[("query", query), by_id])[2], "Struct{id=2,s=2}");
    let raw = read(&[("table", "t"), by_id, ("valueFormat", "json"), ("columns", "id,n,m")]);
    assert_eq!(raw[2], r#"{"id":2,"n":[2],"m":4}"#);
}
