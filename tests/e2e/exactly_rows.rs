//! Rows of ClickHouse into Kafka exactly once: workers that are killed, values that many rows share.
//!
//! More kills by `PENSTOCK_EXACTLY_KILLS`.

use crate::clickhouse::LONG;
use crate::clickhouse_source::{create, ids, insert, source};
use crate::exactly_source::worker;
use penstock_tests::{ClickHouse, Kafka, unique, until};
use std::time::{Duration, Instant};

const ROWS: u64 = 20_000;

fn kills() -> u64 {
    std::env::var("PENSTOCK_EXACTLY_KILLS").map_or(3, |text| text.parse().expect("a number of kills"))
}

#[test]
fn rows_of_a_table_are_there_once_whenever_the_worker_is_killed() {
    let (kafka, clickhouse) = (Kafka::shared(), ClickHouse::shared());
    let (table, topic) = (unique("eos-rows"), unique("eos-rows"));
    kafka.create_topic(&topic, 2);
    create(&clickhouse, &table);
    insert(&clickhouse, &table, 0..ROWS / 2);
    let mut worker = worker().allow("clickhouse").start();
    // Ten rows share each value of the growing column, so that pages end among them.
    let more = [("batchRows", "97"), ("exactly.once.support", "required")];
    worker.submit(&table, &source(&clickhouse, &table, &topic, &more));
    let mut random = fastrand::Rng::with_seed(23);
    let mut inserted = ROWS / 2;
    let step = (ROWS / 2) / kills();
    for kill in 1..=kills() {
        let seen = ids(&kafka, &topic).len() as u64;
        until("more rows, or all that there are", LONG, || {
            let now = ids(&kafka, &topic).len() as u64;
            now > seen || now >= inserted
        });
        // More rows of values that may have been read, and of later ones.
        let end = if kill == kills() { ROWS } else { inserted + step };
        insert(&clickhouse, &table, inserted..end);
        inserted = end;
        let (start, delay) = (Instant::now(), Duration::from_millis(random.u64(0..500)));
        until("a random moment to pass", LONG, || start.elapsed() >= delay);
        worker.kill();
        println!("kill {kill} at {} of {inserted} rows", ids(&kafka, &topic).len());
        worker.start();
    }
    until("all rows", LONG, || ids(&kafka, &topic).len() as u64 >= ROWS);
    let ids = ids(&kafka, &topic);
    let doubled: Vec<_> = ids.iter().filter(|(_, times)| **times != 1).take(5).collect();
    assert_eq!(doubled, [], "rows that came more than once, and how often");
    assert_eq!((ids.len() as u64, *ids.keys().next_back().unwrap()), (ROWS, ROWS - 1));
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
