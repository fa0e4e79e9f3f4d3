//! The connector as the worker sees it.
use penstock_sdk::{About, Batch, Config, Error, Problem, Result, Sink, Task, Value};

use crate::delivery::Delivery;
use crate::settings::{self, Settings};
use crate::target::{Incoming, Outcome};

/// Inserts JSON records into `ClickHouse`.
pub struct ClickHouseSink {
    task: Task,
    delivery: Delivery,
}

impl Sink for ClickHouseSink {
    fn about() -> About {
        let about = About::new(
            "ClickHouseSink",
            "Inserts JSON records into ClickHouse tables, decoded by the columns that each table has.",
        );
        settings::declare().into_iter().fold(
            about
                .alias("ClickHouseSinkConnector")
                .alias("com.clickhouse.kafka.connect.ClickHouseSinkConnector")
                .version(env!("CARGO_PKG_VERSION"))
                .encoded(),
            About::setting,
        )
    }

    fn validate(config: &Config) -> Vec<Problem> {
        settings::problems(config)
    }

    fn open(task: &Task) -> Result<Self> {
        let envelope = match task.value_format() {
            // Text and bytes can hold JSON as well, and are the same in Kafka.
            "json" | "text" | "bytes" => false,
            "json-envelope" => true,
            format => {
                let expected = "expected org.apache.kafka.connect.json.JsonConverter";
                return Err(Error::config(format!(
                    "value.converter: this sink reads JSON objects and cannot read values of format {format}; {expected}"
                )));
            }
        };
        let delivery = Delivery::new(Settings::parse(task.config())?, envelope)?;
        Ok(ClickHouseSink { task: task.clone(), delivery })
    }

    fn write(&mut self, batch: &Batch<'_>) -> Result<()> {
        let records: Vec<_> = batch
            .records()
            .map(|record| {
                let value = match record.value() {
                    Value::Null => None,
                    Value::Bytes(bytes) => Some(bytes),
                    Value::Text(text) => Some(text.as_bytes()),
                    Value::Flat(_) => return Err(Error::config(STRUCTURED)),
                };
                let (topic, partition, offset) = (record.topic(), record.partition(), record.offset());
                Ok(Incoming { topic, partition, offset, value })
            })
            .collect::<Result<_>>()?;
        let outcome = self.delivery.write(&records)?;
        self.count(&outcome);
        if outcome.rejected.is_empty() { Ok(()) } else { Err(Error::records(outcome.rejected)) }
    }
}

impl ClickHouseSink {
    fn count(&self, outcome: &Outcome) {
        for (name, count) in [
            ("rows", outcome.rows),
            ("inserts", outcome.inserts),
            ("tombstones", outcome.tombstones),
            ("records_without_table", outcome.without_table),
        ] {
            if count > 0 {
                self.task.count(name, count);
            }
        }
    }
}

const STRUCTURED: &str = "transforms: this sink decodes records by itself and cannot take transformed ones";
