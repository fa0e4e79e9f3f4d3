//! A worker that was stopped cleanly goes on exactly where it stood.

use crate::clickhouse::{LONG, await_committed, sink};
use penstock_tests::million::Records;
use penstock_tests::{ClickHouse, Kafka, Worker, unique, until};

#[test]
fn after_a_clean_restart_only_new_records_are_carried() {
    let all = Records { per_partition: 30_000, ..Records::million(3) };
    let half = Records { per_partition: 15_000, ..all.clone() };
    let (kafka, clickhouse, name) = (Kafka::shared(), ClickHouse::shared(), unique("restart"));
    half.produce(&kafka, &name);
    half.create_table(&clickhouse, &name);
    let mut worker = Worker::distributed().start();
    worker.create(&name, &sink(&clickhouse, &name, &name, 2));
    until("the first half to arrive", LONG, || clickhouse.count(&name) >= half.total());
    // No waiting for the next commit: a clean stop commits what was acknowledged.
    worker.stop();
    assert_eq!(kafka.committed(&format!("connect-{name}"), &name), kafka.ends(&name));
    half.assert_exactly_once(&clickhouse, &name);

    worker.start();
    worker.await_running(&name, 2);
    all.append(&kafka, &name, 15_000..30_000);
    until("the second half to arrive", LONG, || clickhouse.count(&name) >= all.total());
    await_committed(&name, &name);
    all.assert_exactly_once(&clickhouse, &name);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}
