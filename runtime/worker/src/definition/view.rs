//! A connector's config as the runtime reads it: parsed, defaulted, and completed from the worker's.

use std::time::Duration;

use indexmap::IndexMap;
use regex::Regex;

use super::rules::given;
use super::setting::Type;
use super::transforms_config::parse_steps;
use super::validate::{Kind, Worker};
use super::validator::full_match;
use super::value::{self, Typed, list};
use super::{Config, Error, TopicCreation};
use crate::converter::Class;

/// What the framework has to know about a connector to run it.
#[derive(Debug, Clone)]
pub struct ConnectorConfig {
    pub name: String,
    pub class: String,
    pub tasks_max: usize,
    pub tasks_max_enforce: bool,
    pub topics: Topics,
    pub errors: Errors,
    pub dead_letters: Option<DeadLetters>,
    pub key_converter: ConverterConfig,
    pub value_converter: ConverterConfig,
    pub header_converter: ConverterConfig,
    /// Settings of Kafka clients, without `producer.override.` and its like.
    pub producer: IndexMap<String, String>,
    pub consumer: IndexMap<String, String>,
    pub admin: IndexMap<String, String>,
    pub topic_creation: Option<TopicCreation>,
    pub transactions: Transactions,
    /// A source's own topic for its offsets.
    pub offsets_topic: Option<String>,
    /// In the order in which records pass them.
    pub transforms: Vec<::transforms::Step>,
}

/// Where the transactions of a source end that delivers exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transactions {
    /// After each poll that brought something.
    Poll,
    /// Of this age; by the worker's `offset.flush.interval.ms` when the connector names none.
    Interval(Option<Duration>),
    /// Where the plugin says, which none can.
    Connector,
}

/// What a sink reads.
#[derive(Debug, Clone)]
pub enum Topics {
    Listed(Vec<String>),
    /// The pattern matches whole names; the text is what the config has.
    Matching(String, Regex),
    /// A source has no topics to read.
    None,
}

/// What happens to records that cannot be converted or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    pub tolerance: Tolerance,
    /// How long a failed step is tried again; `None` without an end.
    pub retry_timeout: Option<Duration>,
    pub retry_delay_max: Duration,
    pub log: bool,
    pub log_messages: bool,
}

/// Whether a bad record fails its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerance {
    None,
    All,
}

/// Where bad records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    pub topic: String,
    pub replication_factor: i16,
    pub context_headers: bool,
}

/// A converter's class and its own settings, prefix removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConverterConfig {
    pub class: String,
    pub settings: IndexMap<String, String>,
}

impl ConnectorConfig {
    /// Reads a config whose references are resolved; an error names the first setting that is wrong.
    pub fn parse(kind: Kind, config: &Config, worker: &Worker) -> Result<Self, Error> {
        let read = Reader(config);
        let tasks_max = read.integer("tasks.max", Type::Int, 1)?;
        if tasks_max < 1 {
            return Err(Error::new(value::invalid(
                "tasks.max",
                &tasks_max.to_string(),
                "Value must be at least 1",
            )));
        }
        Ok(Self {
            name: read.required("name")?,
            class: read.required("connector.class")?,
            tasks_max: tasks_max as usize,
            tasks_max_enforce: read.boolean("tasks.max.enforce", true)?,
            topics: match kind {
                Kind::Sink => read.topics()?,
                Kind::Source | Kind::Pipe => Topics::None,
            },
            errors: read.errors()?,
            dead_letters: match kind {
                Kind::Sink | Kind::Pipe => read.dead_letters()?,
                Kind::Source => None,
            },
            key_converter: read.converter("key", &worker.key_converter),
            value_converter: read.converter("value", &worker.value_converter),
            header_converter: read.converter("header", &worker.header_converter),
            producer: read.below("producer.override."),
            consumer: read.below("consumer.override."),
            admin: read.below("admin.override."),
            topic_creation: match kind {
                Kind::Source => TopicCreation::parse(config)?,
                Kind::Sink | Kind::Pipe => None,
            },
            transactions: match kind {
                Kind::Source => read.transactions()?,
                Kind::Sink | Kind::Pipe => Transactions::Poll,
            },
            offsets_topic: given(config, "offsets.storage.topic")
                .filter(|_| kind == Kind::Source)
                .map(str::to_owned),
            transforms: parse_steps(config)?,
        })
    }
}

struct Reader<'a>(&'a Config);

impl Reader<'_> {
    fn typed(&self, key: &str, kind: Type) -> Result<Option<Typed>, Error> {
        match self.0.get(key).and_then(Option::as_deref) {
            Some(text) => value::parse(key, kind, text).map(Some).map_err(Error::new),
            None => Ok(None),
        }
    }

    fn required(&self, key: &str) -> Result<String, Error> {
        given(self.0, key).map(str::to_owned).ok_or_else(|| {
            Error::new(format!("Missing required configuration \"{key}\" which has no default value."))
        })
    }

    fn integer(&self, key: &str, kind: Type, default: i64) -> Result<i64, Error> {
        Ok(match self.typed(key, kind)? {
            Some(Typed::Integer(value)) => value,
            _ => default,
        })
    }

    fn boolean(&self, key: &str, default: bool) -> Result<bool, Error> {
        Ok(match self.typed(key, Type::Boolean)? {
            Some(Typed::Boolean(value)) => value,
            _ => default,
        })
    }

    fn topics(&self) -> Result<Topics, Error> {
        match (given(self.0, "topics"), given(self.0, "topics.regex")) {
            (Some(topics), None) => Ok(Topics::Listed(list(topics))),
            (None, Some(pattern)) => {
                full_match(pattern).map(|regex| Topics::Matching(pattern.to_owned(), regex)).map_err(|e| {
                    Error::new(value::invalid("topics.regex", pattern, &format!("Invalid regex: {e}")))
                })
            }
            (None, None) => Err(Error::new("Must configure one of topics or topics.regex")),
            (Some(_), Some(_)) => {
                Err(Error::new("topics and topics.regex are mutually exclusive options, but both are set."))
            }
        }
    }

    fn errors(&self) -> Result<Errors, Error> {
        let tolerance = match given(self.0, "errors.tolerance") {
            None | Some("none") => Tolerance::None,
            Some("all") => Tolerance::All,
            Some(other) => {
                let why = "String must be one of: none, all";
                return Err(Error::new(value::invalid("errors.tolerance", other, why)));
            }
        };
        let timeout = self.integer("errors.retry.timeout", Type::Long, 0)?;
        let delay = self.integer("errors.retry.delay.max.ms", Type::Long, 60_000)?;
        Ok(Errors {
            tolerance,
            retry_timeout: u64::try_from(timeout).ok().map(Duration::from_millis),
            // Connect takes a negative pause as none.
            retry_delay_max: Duration::from_millis(u64::try_from(delay).unwrap_or(0)),
            log: self.boolean("errors.log.enable", false)?,
            log_messages: self.boolean("errors.log.include.messages", false)?,
        })
    }

    fn transactions(&self) -> Result<Transactions, Error> {
        const KEY: &str = "transaction.boundary";
        let boundary = given(self.0, KEY).unwrap_or("poll");
        match boundary.to_ascii_lowercase().as_str() {
            "poll" => Ok(Transactions::Poll),
            "interval" => {
                let interval = self.integer("transaction.boundary.interval.ms", Type::Long, -1)?;
                Ok(Transactions::Interval(u64::try_from(interval).ok().map(Duration::from_millis)))
            }
            "connector" => Ok(Transactions::Connector),
            _ => {
                let why = "String must be one of (case insensitive): INTERVAL, POLL, CONNECTOR";
                Err(Error::new(value::invalid(KEY, boundary, why)))
            }
        }
    }

    fn dead_letters(&self) -> Result<Option<DeadLetters>, Error> {
        let Some(topic) = given(self.0, "errors.deadletterqueue.topic.name") else { return Ok(None) };
        let factor = self.integer("errors.deadletterqueue.topic.replication.factor", Type::Short, 3)?;
        Ok(Some(DeadLetters {
            topic: topic.to_owned(),
            replication_factor: factor as i16,
            context_headers: self.boolean("errors.deadletterqueue.context.headers.enable", false)?,
        }))
    }

    /// Settings below `key.converter.` count only beside a `key.converter`, as in Connect.
    fn converter(&self, part: &str, worker: &ConverterConfig) -> ConverterConfig {
        let key = format!("{part}.converter");
        match given(self.0, &key) {
            Some(name) => ConverterConfig {
                class: Class::find(name).map_or_else(|| name.to_owned(), |class| class.name().to_owned()),
                settings: self.below(&format!("{key}.")),
            },
            None => worker.clone(),
        }
    }

    fn below(&self, prefix: &str) -> IndexMap<String, String> {
        let own = |(key, value): (&String, &Option<String>)| {
            Some((key.strip_prefix(prefix)?.to_owned(), value.clone()?))
        };
        self.0.iter().filter_map(own).collect()
    }
}
