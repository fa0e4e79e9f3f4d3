//! Large files of S3: how much memory a worker takes for them, and how long.
//!
//! `PENSTOCK_TEST_S3_MB=2048` makes them two gigabytes instead of a few megabytes.

use crate::s3::{alone, made_up, pipe, write};
use penstock_tests::{Bucket, ClickHouse, SOON, unique, until};
use std::time::Instant;

#[test]
fn memory_does_not_grow_with_files() {
    let (clickhouse, bucket, table) =
        (ClickHouse::shared(), Bucket::create("penstock-large"), unique("large"));
    let megabytes = std::env::var("PENSTOCK_TEST_S3_MB").map_or(40, |text| text.parse().expect("a number"));
    clickhouse.query(&format!(
        "CREATE TABLE `{table}` (id UInt64, n Int64, price Decimal(18, 4), name String, f Float64) ENGINE = Null"
    ));
    // Each file of JSON has about 20 MB, and as many rows of Parquet about 4.
    let (files, rows) = (u64::max(1, megabytes / 24), 200_000);
    for number in 0..files {
        for (end, format) in [("json", "JSONEachRow"), ("parquet", "Parquet")] {
            let select = made_up(number * rows, rows, "id, n, price, name, f");
            write(&clickhouse, &bucket, (&format!("{table}/{number:03}.{end}"), format), &select);
        }
    }
    let mut worker = alone();
    let idle = worker.memory_peak();
    let began = Instant::now();
    worker.create(&table, &pipe(&bucket, &clickhouse, &table, &[]));
    let gauge = |name: &str| {
        let (connector, name) = (format!("connector=\"{table}\""), format!("name=\"{name}\""));
        worker.metric("penstock_plugin_value", &[connector.as_str(), &name])
    };
    until("all files to be read", SOON * 20, || gauge("complete") > 0.5);
    assert_eq!(gauge("rows_done") as u64, 2 * files * rows);
    assert!((gauge("bytes_done") - gauge("bytes_total")).abs() < 0.5 && gauge("bytes_done") > 0.0);
    let (read, seconds) = (gauge("bytes_done") / 1e6, began.elapsed().as_secs_f64());
    let peak = worker.memory_peak();
    println!(
        "{read:.0} MB in {} files in {seconds:.1} s, {:.0} MB/s; peak of memory {} MB, {} MB before",
        2 * files,
        read / seconds,
        peak >> 20,
        idle >> 20
    );
    assert!(peak < 160 << 20, "{} MB", peak >> 20);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{table}`"));
}
