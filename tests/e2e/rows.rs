//! How records of a real Kafka become rows: headers and keys, deletes and change events, and the error table.

use crate::clickhouse::{LONG, await_committed, sink};
use penstock_tests::kafka::Record;
use penstock_tests::{ClickHouse, Kafka, Worker, unique, until, with};
use serde_json::{Value, json};

fn record(partition: i32, key: &str, value: Option<&str>) -> Record {
    let (key, value) = (Some(key.as_bytes().to_vec()), value.map(|value| value.as_bytes().to_vec()));
    Record { partition, offset: 0, key, value, headers: Vec::new() }
}

/// A topic of two partitions with these records.
fn topic(name: &str, records: &[Record]) -> String {
    let topic = unique(name);
    Kafka::shared().create_topic(&topic, 2);
    Kafka::shared().append(&topic, records);
    topic
}

#[test]
fn headers_keys_and_positions_arrive_beside_mapped_fields() {
    let clickhouse = ClickHouse::shared();
    let name = unique("virtuals");
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (_key Nullable(String), _timestamp DateTime64(3), _partition Int32, _offset UInt64, \
         _topic String, _header_keys Array(String), _header_values Array(String), _raw_message String, city String) \
         ENGINE = MergeTree ORDER BY (_partition, _offset)"
    ));
    let value = r#"{"address":{"city":"Ulm"},"_offset":77}"#;
    let headers = vec![("trace".to_owned(), b"t-1".to_vec()), ("trace".to_owned(), b"t-2".to_vec())];
    let records = [
        Record { headers, ..record(1, "k1", Some(value)) },
        record(0, "k2", Some("{}")),
        record(0, "k3", None),
    ];
    let topic = topic("virtuals", &records);
    let mut worker = Worker::distributed().start();
    worker.create(
        &name,
        &with(sink(&clickhouse, &topic, &name, 1), &[("field2ColumnMap", "address.city=city")]),
    );
    await_committed(&name, &topic);
    let rows = clickhouse.query(&format!(
        "SELECT _key, _partition, _offset, _topic = '{topic}', _header_keys, _header_values, _raw_message, city, \
         abs(dateDiff('minute', _timestamp, now64(3))) < 10 FROM `{name}` ORDER BY _partition FORMAT JSONCompactEachRow"
    ));
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let expected = [
        json!(["k2", 0, 0, 1, [], [], "{}", "", 1]),
        json!(["k1", 1, 0, 1, ["trace", "trace"], ["t-1", "t-2"], value, "Ulm", 1]),
    ];
    let plain = |row: &Value| row.to_string().replace("true", "1").replace("\"0\"", "0");
    assert_eq!(rows.iter().map(plain).collect::<Vec<_>>(), expected.iter().map(plain).collect::<Vec<_>>());
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn tombstones_and_change_events_leave_the_newest_rows() {
    let clickhouse = ClickHouse::shared();
    let (states, events) = (unique("states"), unique("events"));
    for table in [&states, &events] {
        clickhouse.query(&format!(
            "CREATE TABLE `{table}` (id UInt32, name String, _version UInt64, is_deleted UInt8) \
             ENGINE = ReplacingMergeTree(_version, is_deleted) ORDER BY id"
        ));
    }
    let mut records: Vec<_> = (0..500)
        .map(|id| record(id % 2, &id.to_string(), Some(&format!("{{\"id\":{id},\"name\":\"a\"}}"))))
        .collect();
    records.extend((0..500).filter(|id| id % 5 == 0).map(|id| record(id % 2, &id.to_string(), None)));
    records.push(record(0, "10", Some("{\"id\":10,\"name\":\"back\"}")));
    let state_topic = topic("states", &records);
    let event = |id: i32, op: &str, lsn: i32| {
        let (before, after) = if op == "d" {
            (json!({ "id": id }), Value::Null)
        } else {
            (Value::Null, json!({ "id": id, "name": op }))
        };
        json!({ "before": before, "after": after, "op": op, "source": { "connector": "postgresql", "lsn": lsn } }).to_string()
    };
    let key = |id: i32| format!("{{\"id\":{id}}}");
    let changes = [(1, "r", 10), (2, "c", 11), (1, "u", 12), (2, "d", 13), (3, "c", 14)];
    let changes: Vec<_> =
        changes.iter().map(|(id, op, lsn)| record(*id % 2, &key(*id), Some(&event(*id, op, *lsn)))).collect();
    let event_topic = topic("events", &[changes, vec![record(0, &key(2), None)]].concat());
    let mut worker = Worker::distributed().start();
    worker
        .submit(&states, &with(sink(&clickhouse, &state_topic, &states, 2), &[("upsertMode", "tombstones")]));
    worker.submit(
        &events,
        &with(sink(&clickhouse, &event_topic, &events, 1), &[("debeziumCDCEnabled", "true")]),
    );
    await_committed(&states, &state_topic);
    await_committed(&events, &event_topic);
    let live = format!("SELECT count(), countIf(id % 5 = 0), anyIf(name, id = 10) FROM `{states}` FINAL");
    assert_eq!(clickhouse.query(&live), "401\t1\tback");
    let live = format!("SELECT id, name, _version FROM `{events}` FINAL ORDER BY id");
    assert_eq!(clickhouse.query(&live), "1\tu\t12\n3\tc\t14");
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{states}`"));
    clickhouse.query(&format!("DROP TABLE `{events}`"));
}

#[test]
fn a_table_that_cannot_delete_is_refused_before_the_connector_exists() {
    let clickhouse = ClickHouse::shared();
    let name = unique("plain");
    clickhouse.query(&format!("CREATE TABLE `{name}` (id UInt32) ENGINE = MergeTree ORDER BY id"));
    let worker = Worker::distributed().start();
    let config = with(sink(&clickhouse, &name, &name, 1), &[("upsertMode", "tombstones")]);
    let answer =
        worker.rest.post("/connectors", &json!({ "name": name, "config": config })).expect(400).to_string();
    let expected =
        "has engine MergeTree, which keeps all rows: expected ReplacingMergeTree(version, is_deleted)";
    assert!(answer.contains(expected), "{answer}");
    clickhouse.query(&format!("DROP TABLE `{name}`"));
}

#[test]
fn rejected_records_are_in_the_error_table_and_the_others_in_theirs() {
    let clickhouse = ClickHouse::shared();
    let name = unique("kept");
    clickhouse.query(&format!(
        "CREATE TABLE `{name}` (id UInt32, CONSTRAINT small CHECK id < 1000000) ENGINE = MergeTree ORDER BY id"
    ));
    let value = |id: i32| match id {
        _ if id % 100 == 7 => format!("{{\"id\":\"bad {id}\"}}"),
        _ if id % 500 == 8 => format!("{{\"id\":{}}}", 1_000_000 + id),
        _ => format!("{{\"id\":{id}}}"),
    };
    let records: Vec<_> = (0..2000).map(|id| record(id % 2, &id.to_string(), Some(&value(id)))).collect();
    let topic = topic("kept", &records);
    let mut worker = Worker::distributed().start();
    let more = [("errorTableEnabled", "true"), ("errors.tolerance", "all")];
    worker.create(&name, &with(sink(&clickhouse, &topic, &name, 2), &more));
    await_committed(&name, &topic);
    assert_eq!(clickhouse.query(&format!("SELECT count(), uniqExact(id) FROM `{name}`")), "1976\t1976");
    let kept = clickhouse.query(&format!(
        "SELECT error_class, count(), uniqExact(partition, offset), min(connector = '{name}'), min(topic = '{topic}'), \
         countIf(toString(extractAll(raw_message, '[0-9]+')[1]) = key OR error_class = 'INSERT_ERROR') \
         FROM `{name}_penstock_error` GROUP BY error_class ORDER BY error_class"
    ));
    assert_eq!(kept, "DATA_PARSING_ERROR\t20\t20\t1\t1\t20\nINSERT_ERROR\t4\t4\t1\t1\t4");
    let label = format!("connector=\"{name}\"");
    until("the metric to count the rejected records", LONG, || {
        worker.metric("penstock_task_records_rejected_total", &[&label]) as u64 == 24
    });
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{name}`"));
    clickhouse.query(&format!("DROP TABLE `{name}_penstock_error`"));
}

#[test]
fn lines_of_cells_fill_columns_by_their_places_and_broken_ones_are_kept() {
    let clickhouse = ClickHouse::shared();
    let (comma, tab) = (unique("csv"), unique("tsv"));
    for table in [&comma, &tab] {
        clickhouse.query(&format!(
            "CREATE TABLE `{table}` (id UInt32, name String, price Nullable(Decimal(9, 2)), note String DEFAULT 'none', \
             _offset UInt64) ENGINE = MergeTree ORDER BY id"
        ));
    }
    let line = |partition, text: &str| record(partition, "k", Some(text));
    let commas = [line(0, "1,\"a, b\",1.50,"), line(0, "2,b"), line(0, "3,c,,\\N"), line(1, "x,d,1,n")];
    let commas = topic("csv", &commas);
    let tabs = topic("tsv", &[line(0, "dropped\t2\tb\\tc"), line(1, "\t1\ta")]);
    let mut worker = Worker::distributed().start();
    let text = ("value.converter", "org.apache.kafka.connect.storage.StringConverter");
    let tolerant =
        [text, ("insertFormat", "csv"), ("errors.tolerance", "all"), ("errorTableEnabled", "true")];
    worker.create(&comma, &with(sink(&clickhouse, &commas, &comma, 1), &tolerant));
    let named = [text, ("insertFormat", "tsv"), ("lineColumns", "what,id,name")];
    worker.create(&tab, &with(sink(&clickhouse, &tabs, &tab, 1), &named));
    await_committed(&comma, &commas);
    await_committed(&tab, &tabs);
    let rows = |table: &str| {
        clickhouse.query(&format!("SELECT id, name, price, note, _offset FROM `{table}` ORDER BY id"))
    };
    assert_eq!(rows(&comma), "1\ta, b\t1.5\tnone\t0\n3\tc\t\\N\tnone\t2");
    assert_eq!(rows(&tab), "1\ta\t\\N\tnone\t0\n2\tb\\tc\t\\N\tnone\t0");
    let errors = clickhouse.query(&format!(
        "SELECT offset, error_message, raw_message FROM `{comma}_penstock_error` ORDER BY partition, offset"
    ));
    let mut errors = errors.lines();
    let mut next = || errors.next().unwrap_or_default().to_owned();
    let (short, wrong) = (next(), next());
    assert!(
        short.starts_with("1\t")
            && short.contains("field price is the first without one")
            && short.ends_with("\t2,b"),
        "{short}"
    );
    assert!(
        wrong.starts_with("0\t") && wrong.contains("field id: string") && wrong.ends_with("\tx,d,1,n"),
        "{wrong}"
    );
    assert_eq!(errors.next(), None);
    worker.stop();
    clickhouse.query(&format!("DROP TABLE `{comma}`, `{comma}_penstock_error`, `{tab}`"));
}
