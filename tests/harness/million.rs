//! The records that tests carry into ClickHouse: any number of them, each computed from its place, so that
//! ClickHouse itself can say what every column of the table must hold.
//!
//! A record is made twice, independently: as JSON text here, and as an SQL expression over (part, seq).

use crate::{ClickHouse, Kafka};
use std::fmt::Write as _;

/// Column, its type, and its value as an expression over `part` and `seq` (and the seed, for `{seed}`).
const COLUMNS: &[(&str, &str, &str)] = &[
    ("part", "UInt8", "part"),
    ("seq", "UInt64", "seq"),
    (
        "id",
        "UUID",
        "concat('00000000-0000-4000-8000-', lower(leftPad(hex(part * 1099511627776 + seq), 12, '0')))",
    ),
    ("level", "Int32", "toInt64((seq * 7919 + {seed}) % 2000001) - 1000000"),
    ("big", "UInt64", "seq * 11400714819323198485 + part"),
    ("ratio", "Float64", "seq / 8"),
    ("ok", "Bool", "seq % 3 = 0"),
    ("name", "String", "concat('user-', toString(seq % 10007))"),
    ("city", "LowCardinality(String)", "['Berlin', 'São Paulo', '東京', 'Zürich'][seq % 4 + 1]"),
    ("note", "Nullable(String)", "if(seq % 5 = 0, NULL, concat('a \"', toString(seq), '\"\\n\\\\ \\t/'))"),
    ("at", "DateTime('UTC')", "toDateTime(1767225600 + seq, 'UTC')"),
    ("tags", "Array(UInt16)", "[seq % 7, seq % 11]"),
    ("kind", "Enum8('new' = 1, 'old' = 2)", "if(seq % 2 = 0, 'new', 'old')"),
    ("amount", "Decimal(18, 4)", "toDecimal64(seq % 100000, 4) / 16"),
    ("origin", "String", "'nowhere'"),
];

/// Records of one topic. Every `bad_every`th one of a partition has a text where `level` wants a number.
#[derive(Debug, Clone)]
pub struct Records {
    pub partitions: u64,
    pub per_partition: u64,
    pub seed: u64,
    pub bad_every: Option<u64>,
}

impl Records {
    pub const fn million(seed: u64) -> Self {
        Self { partitions: 4, per_partition: 250_000, seed, bad_every: None }
    }

    pub fn total(&self) -> u64 {
        self.partitions * self.per_partition
    }

    pub fn is_bad(&self, seq: u64) -> bool {
        self.bad_every.is_some_and(|every| seq % every == every / 2)
    }

    /// How many records fit the table.
    pub fn good(&self) -> u64 {
        self.partitions * (0..self.per_partition).filter(|seq| !self.is_bad(*seq)).count() as u64
    }

    /// Makes the topic and fills it, round robin over the partitions.
    pub fn produce(&self, kafka: &Kafka, topic: &str) {
        kafka.create_topic(topic, self.partitions as i32);
        self.append(kafka, topic, 0..self.per_partition);
    }

    /// Appends these places of every partition to a topic that is there.
    pub fn append(&self, kafka: &Kafka, topic: &str, places: std::ops::Range<u64>) {
        let mut all = places.flat_map(|seq| (0..self.partitions).map(move |part| (part, seq)));
        kafka.produce(topic, |key, value| {
            let (part, seq) = all.next()?;
            write!(key, "{part}-{seq}").unwrap();
            self.json(part, seq, value);
            Some(part as i32)
        });
    }

    /// One record's text; it lacks `origin`, which has a DEFAULT, and has a field no column wants.
    fn json(&self, part: u64, seq: u64, out: &mut String) {
        let level = ((seq * 7919 + self.seed) % 2_000_001) as i64 - 1_000_000;
        let level = if self.is_bad(seq) { format!("\"no number {level}\"") } else { level.to_string() };
        let place = part * 1_099_511_627_776 + seq;
        let big = seq.wrapping_mul(11_400_714_819_323_198_485).wrapping_add(part);
        let city = ["Berlin", "São Paulo", "\\u6771京", "Zürich"][(seq % 4) as usize];
        let amount = (seq % 100_000) * 625;
        write!(
            out,
            "{{\"part\":{part},\"seq\":{seq},\"id\":\"00000000-0000-4000-8000-{place:012x}\",\"level\":{level},\
             \"unknown\":{{\"deep\":[1,\"}}\"]}},\"big\":{big},\"ratio\":{},\"ok\":{},\"name\":\"user-{}\",\
             \"city\":\"{city}\",\"at\":{},\"tags\":[{},{}],\"kind\":\"{}\",\"amount\":{}.{:04},\"note\":",
            seq as f64 / 8.0,
            seq.is_multiple_of(3),
            seq % 10_007,
            1_767_225_600 + seq,
            seq % 7,
            seq % 11,
            if seq.is_multiple_of(2) { "new" } else { "old" },
            amount / 10_000,
            amount % 10_000,
        )
        .unwrap();
        if seq.is_multiple_of(5) {
            out.push_str("null}");
        } else {
            write!(out, "\"a \\\"{seq}\\\"\\n\\\\ \\t/\"}}").unwrap();
        }
    }

    pub fn create_table(&self, clickhouse: &ClickHouse, table: &str) {
        let columns: Vec<String> = COLUMNS
            .iter()
            .map(|(name, kind, _)| {
                let default = if *name == "origin" { " DEFAULT 'nowhere'" } else { "" };
                format!("`{name}` {kind}{default}")
            })
            .collect();
        let columns = columns.join(", ");
        clickhouse
            .query(&format!("CREATE TABLE `{table}` ({columns}) ENGINE = MergeTree ORDER BY (part, seq)"));
    }

    /// Fails unless the table holds every good record once, column by column, and nothing else.
    #[track_caller]
    pub fn assert_exactly_once(&self, clickhouse: &ClickHouse, table: &str) {
        assert_eq!(clickhouse.count(table), self.good(), "rows in {table}");
        self.assert_complete(clickhouse, table);
    }

    /// Fails unless the table holds every good record, column by column, and nothing else; a row may be there
    /// several times. Returns how many rows are there too often.
    #[track_caller]
    pub fn assert_complete(&self, clickhouse: &ClickHouse, table: &str) -> u64 {
        let rows = clickhouse.count(table);
        let distinct = format!("(SELECT DISTINCT * FROM `{table}`)");
        let per_part =
            format!("SELECT part, count(), uniqExact(seq) FROM {distinct} GROUP BY part ORDER BY part");
        let good = self.good() / self.partitions;
        let expected: Vec<String> =
            (0..self.partitions).map(|part| format!("{part}\t{good}\t{good}")).collect();
        assert_eq!(clickhouse.query(&per_part), expected.join("\n"), "rows of each partition in {table}");
        let found =
            clickhouse.query(&format!("SELECT {} FROM {distinct}", sums(|name, _, _| format!("`{name}`"))));
        let wanted = clickhouse.query(&self.expected());
        let names = COLUMNS.iter().map(|(name, ..)| name);
        for (name, (found, wanted)) in names.zip(found.split('\t').zip(wanted.split('\t'))) {
            assert_eq!(found, wanted, "checksum of column {name} of {table}");
        }
        rows - self.good()
    }

    /// The same sums, computed by ClickHouse from the expressions alone.
    fn expected(&self) -> String {
        let value = |_: &str, kind: &str, expression: &str| {
            let expression = expression.replace("{seed}", &self.seed.to_string());
            format!("CAST({expression} AS {kind})")
        };
        let (per, total) = (self.per_partition, self.total());
        let good =
            self.bad_every.map_or(String::from("1"), |every| format!("seq % {every} != {}", every / 2));
        let places =
            format!("SELECT intDiv(number, {per}) AS part, number % {per} AS seq FROM numbers({total})");
        format!("SELECT {} FROM ({places}) WHERE {good}", sums(value))
    }
}

/// A sum over the hashes of each column's text, which does not depend on the order of rows.
fn sums(value: impl Fn(&str, &str, &str) -> String) -> String {
    let sum = |(name, kind, expression): &(&str, &str, &str)| {
        format!("sum(cityHash64(toString(tuple({}))))", value(name, kind, expression))
    };
    COLUMNS.iter().map(sum).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::Records;
    use serde_json::{Value, json};

    fn record(records: &Records, part: u64, seq: u64) -> Value {
        let mut text = String::new();
        records.json(part, seq, &mut text);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_record_is_json_of_the_size_we_measure_with() {
        let mut text = String::new();
        Records::million(7).json(3, 249_999, &mut text);
        assert!((240..400).contains(&text.len()), "{} bytes: {text}", text.len());
        let value = record(&Records::million(7), 3, 11);
        assert_eq!(value["note"], "a \"11\"\n\\ \t/");
        assert_eq!(value["id"], "00000000-0000-4000-8000-03000000000b");
        assert_eq!(value["level"], json!(11 * 7919 + 7 - 1_000_000));
        assert_eq!(value["amount"].to_string(), "0.6875");
    }

    #[test]
    fn one_in_a_hundred_is_bad_and_no_more() {
        let records = Records { bad_every: Some(100), ..Records::million(1) };
        assert_eq!(records.total() - records.good(), 10_000);
        assert!(record(&records, 0, 50)["level"].is_string());
        assert!(record(&records, 0, 51)["level"].is_i64());
    }
}
