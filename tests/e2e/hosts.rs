//! A ClickHouse sink with several hosts: one goes, the other takes over, and nothing is lost.

use crate::clickhouse::{LONG, await_committed, sink};
use penstock_tests::faults::{Fault, FaultProxy};
use penstock_tests::million::Records;
use penstock_tests::{ClickHouse, Kafka, Worker, unique, until};
use serde_json::json;

#[test]
fn hosts_that_go_down_in_turn_stop_nothing() {
    let records = Records { partitions: 2, per_partition: 30_000, seed: 5, bad_every: None };
    let (clickhouse, name) = (ClickHouse::shared(), unique("hosts"));
    let kafka = Kafka::shared();
    kafka.create_topic(&name, records.partitions as i32);
    let quarter = records.per_partition / 4;
    let more = |turn: u64| records.append(&kafka, &name, turn * quarter..(turn + 1) * quarter);
    more(0);
    records.create_table(&clickhouse, &name);
    let hosts = [FaultProxy::start(&clickhouse.url), FaultProxy::start(&clickhouse.url)];
    let addresses = hosts.each_ref().map(|host| host.url.trim_start_matches("http://").to_owned());
    let mut config = sink(&clickhouse, &name, &name, 1);
    config["hostname"] = json!(addresses.join(","));
    config["penstock.batch.rows.max"] = json!("1000");
    config["penstock.batch.age.max.ms"] = json!("100");
    let mut worker = Worker::distributed().allow("the destination is not ready").allow("clickhouse").start();
    hosts[1].set(Fault::Down);
    worker.create(&name, &config);
    let rows = || clickhouse.number(&format!("SELECT uniqExact(part, seq) FROM `{name}`"));
    for (turn, down) in [(1, 0), (2, 1), (3, 0)] {
        until("some more rows", LONG, || rows() > (turn - 1) * quarter * 2);
        hosts[1 - down].set(Fault::None);
        hosts[down].set(Fault::Down);
        // What comes now meets the host that is down.
        more(turn);
    }
    until("all rows", LONG, || rows() == records.total());
    await_committed(&name, &name);
    let set_aside = worker.plugin_events(&name, "hosts_set_aside");
    assert!(set_aside >= 1, "{set_aside}");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}
