//! The connector as the worker sees it.
use std::sync::Arc;

use formats::registry::Format;
use penstock_sdk::{About, Batch, Config, Error, Plan, Problem, Result, Sink, Task, Value};

use crate::binary::Schemas;
use crate::check;
use crate::delivery::Delivery;
use crate::exact::Promise;
use crate::incoming::{HeaderList, Incoming, Refusal};
use crate::question;
use crate::settings::{self, Settings};
use crate::target::Outcome;

/// Inserts JSON, Avro and Protobuf records into `ClickHouse`.
pub struct ClickHouseSink {
    task: Task,
    delivery: Delivery,
    /// As the metric has it.
    gap_ms: u64,
}

impl Sink for ClickHouseSink {
    fn about() -> About {
        About::new(
            "ClickHouseSink",
            "Inserts JSON, Avro and Protobuf records into ClickHouse tables, decoded by the columns that each table has.",
        )
        .alias("ClickHouseSinkConnector")
        .alias("com.clickhouse.kafka.connect.ClickHouseSinkConnector")
        .version(env!("CARGO_PKG_VERSION"))
        .encoded()
        .asks_registries()
        .reads_protobuf()
        .exactly_once()
        .settings(settings::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        let problems = settings::problems(config);
        if problems.is_empty() { check::outside(config) } else { problems }
    }

    fn ask(question: &str, config: &Config, input: &str) -> Result<Option<String>> {
        question::ask(question, config, input)
    }

    fn open(task: &Task) -> Result<Self> {
        let envelope = match task.value_format() {
            // Text and bytes can hold JSON as well, and are the same in Kafka.
            "json" | "text" | "bytes" | AVRO | PROTOBUF => false,
            "json-envelope" => true,
            // What is not read may be anything.
            _ if task.config().flag("rawOnly", false)? => false,
            format => {
                return Err(Error::config(format!(
                    "value.converter: this sink reads JSON, Avro and Protobuf and cannot read values of format {format}; {EXPECTED}"
                )));
            }
        };
        let mut settings = Settings::parse(task.config())?;
        settings.open(task, envelope);
        if settings.shape.lines.is_some() && !matches!(task.value_format(), "text" | "bytes") {
            return Err(Error::config(LINES));
        }
        let schemas = |side, format| {
            let format = match format {
                AVRO => Format::Avro,
                PROTOBUF => Format::Protobuf,
                _ => return Ok(None),
            };
            Schemas::open(task.config(), side, format).map(|schemas| Some(Arc::new(schemas)))
        };
        settings.shape.schemas = schemas("value", task.value_format())?;
        settings.shape.key_schemas = schemas("key", task.key_format())?;
        let waiting = task.clone();
        let mut delivery = Delivery::new(settings, envelope, Box::new(move |time| waiting.wait(time)))?;
        delivery.check_tables()?;
        Ok(ClickHouseSink { task: task.clone(), delivery, gap_ms: 0 })
    }

    fn write(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.insert(batch, None)
    }

    fn write_planned(&mut self, batch: &Batch<'_>, plan: &Plan<'_>) -> Result<()> {
        let task = self.task.clone();
        let may_send = || task.may_write();
        let Plan { token, age, is_repeated } = *plan;
        self.insert(batch, Some(&Promise { token, age, is_repeated, is_foreign: false, may_send: &may_send }))
    }
}

impl ClickHouseSink {
    fn insert(&mut self, batch: &Batch<'_>, promise: Option<&Promise<'_>>) -> Result<()> {
        let records: Vec<_> = batch
            .records()
            .map(|record| {
                Ok(Incoming {
                    topic: record.topic(),
                    partition: record.partition(),
                    offset: record.offset(),
                    value: encoded(record.value())?,
                    key: encoded(record.key())?,
                    timestamp_ms: record.timestamp_ms(),
                    headers: HeaderList::Kafka(record.headers()),
                })
            })
            .collect::<Result<_>>()?;
        let pause = self.delivery.pause();
        if !pause.is_zero() && self.task.wait(pause) {
            return Err(Error::retry("the task ends while it waits for the server's merges"));
        }
        let result = self.delivery.write(&records, promise);
        self.signal();
        let outcome = result?;
        self.count(&outcome);
        if outcome.rejected.is_empty() {
            return Ok(());
        }
        let reason = |(index, refusal): (usize, Refusal)| (index, refusal.sentence);
        Err(Error::records(outcome.rejected.into_iter().map(reason).collect()))
    }

    fn signal(&mut self) {
        for notice in self.delivery.take_notices() {
            self.task.log(notice.level, &notice.sentence);
            self.task.count(notice.event, notice.count);
        }
        let signals = self.delivery.take_signals();
        for (name, count) in [
            ("hosts_set_aside", signals.hosts_set_aside),
            ("inserts_refused_for_parts", signals.refused_for_parts),
        ] {
            if count > 0 {
                self.task.count(name, count);
            }
        }
        let gap_ms = signals.insert_gap.as_millis() as u64;
        if self.gap_ms != gap_ms {
            self.gap_ms = gap_ms;
            self.task.gauge("insert_gap_ms", gap_ms as f64);
        }
    }

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

fn encoded(value: Value<'_>) -> Result<Option<&[u8]>> {
    match value {
        Value::Null => Ok(None),
        Value::Bytes(bytes) => Ok(Some(bytes)),
        Value::Text(text) => Ok(Some(text.as_bytes())),
        Value::Flat(_) => Err(Error::config(STRUCTURED)),
    }
}

/// The worker's words for them.
const AVRO: &str = "avro-confluent";
const PROTOBUF: &str = "protobuf-confluent";
const EXPECTED: &str = "expected org.apache.kafka.connect.json.JsonConverter, io.confluent.connect.avro.AvroConverter or io.confluent.connect.protobuf.ProtobufConverter";
const LINES: &str = "insertFormat: csv and tsv are lines of text, so value.converter must be \
    org.apache.kafka.connect.storage.StringConverter or org.apache.kafka.connect.converters.ByteArrayConverter";
const STRUCTURED: &str = "transforms: this sink decodes records by itself and cannot take transformed ones";
