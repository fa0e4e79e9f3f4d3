//! The source's settings, parsed and checked against each other.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::primitives::{DateTime, DateTimeFormat};
use penstock_sdk::{Config, Error, Problem, Result};

use crate::access::{self, Access};

use super::position::{AT_TIMESTAMP, LATEST, Start};

/// What the source works with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub stream: Name,
    pub access: Access,
    pub topic: String,
    pub start: Start,
    pub mode: Mode,
    pub consumer: Option<String>,
    pub deletes_consumer: bool,
    pub unpacks: bool,
    pub message_bytes_max: usize,
    /// Records that are too large are left out.
    pub skips_large: bool,
    pub fetch_interval: Duration,
    pub fetch_idle: Duration,
    pub list_interval: Duration,
    pub buffer_bytes: usize,
    pub task: u64,
    pub tasks: u64,
}

/// How a stream is named in requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    pub arn: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Polling,
    Fanout,
    Auto,
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let stream = Name::parse(config.required(STREAM)?).map_err(|reason| named(STREAM, &reason))?;
        let number = |key: &str, default: u64| config.parsed(key).map(|value| value.unwrap_or(default));
        let ms = |key: &str, default| number(key, default).map(Duration::from_millis);
        let word = |key: &str| config.get(key).map(str::trim).unwrap_or_default().to_owned();
        Ok(Self {
            access: Access::parse(config, stream.region())?,
            topic: topic(config, &stream),
            stream,
            start: start(config).map_err(|reason| named(TIME, &reason))?,
            mode: match word("kinesis.mode").to_ascii_lowercase().as_str() {
                "fanout" => Mode::Fanout,
                "auto" => Mode::Auto,
                _ => Mode::Polling,
            },
            consumer: Some(word(CONSUMER)).filter(|name| !name.is_empty()),
            deletes_consumer: config.flag("kinesis.consumer.delete.on.stop", false)?,
            unpacks: config.flag("kinesis.deaggregate", true)?,
            message_bytes_max: number("message.bytes.max", 16 << 20)? as usize,
            skips_large: word("errors.tolerance").eq_ignore_ascii_case("all"),
            fetch_interval: ms("kinesis.fetch.interval.ms", 200)?,
            fetch_idle: ms("kinesis.fetch.idle.ms", 1000)?,
            list_interval: ms("kinesis.shards.interval.ms", 10_000)?,
            buffer_bytes: number("kinesis.buffer.bytes", 64 << 20)? as usize,
            task: number(TASK, 0)?,
            tasks: number(TASKS, 1)?.max(1),
        })
    }

    /// The consumer of this connector.
    pub fn consumer_of(&self, connector: &str) -> String {
        self.consumer.clone().unwrap_or_else(|| {
            let keep = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' };
            format!("penstock-{connector}").chars().map(keep).take(NAME_MAX).collect()
        })
    }
}

/// The settings of each task. How many shards there will be is not known, and shards are never replanned: each task
/// finds its share by itself.
pub fn plan(config: &Config, tasks_max: usize) -> Vec<Config> {
    let tasks = tasks_max.clamp(1, TASKS_MAX);
    let task = |at: usize| config.clone().with(TASK, at.to_string()).with(TASKS, tasks.to_string());
    (0..tasks).map(task).collect()
}

/// What is wrong with them.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = access::problems(config);
    let mut wrong = |setting: &str, message: String| found.push(Problem { setting: setting.into(), message });
    if let Ok(stream) = config.required(STREAM)
        && let Err(reason) = Name::parse(stream)
    {
        wrong(STREAM, reason);
    }
    match start(config) {
        Err(reason) => wrong(TIME, reason),
        Ok(Start::Since(ms)) if ms > now_ms() => wrong(TIME, "expected a time that has been".into()),
        Ok(_) => {}
    }
    if let Some(name) = config.get(CONSUMER).map(str::trim).filter(|name| !name.is_empty())
        && !is_name(name)
    {
        wrong(CONSUMER, format!("expected letters, digits and _.-, at most {NAME_MAX}, got {name:?}"));
    }
    found
}

impl Name {
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = match text.strip_prefix("arn:") {
            None => text,
            Some(rest) => match rest.split(':').collect::<Vec<_>>().as_slice() {
                [_, "kinesis", region, account, stream] if !region.is_empty() && !account.is_empty() => {
                    stream.strip_prefix("stream/").unwrap_or_default()
                }
                _ => "",
            },
        };
        let arn = text.starts_with("arn:").then(|| text.to_owned());
        if is_name(name) {
            return Ok(Self { name: name.to_owned(), arn });
        }
        Err(format!(
            "expected the name of a stream, or an ARN such as arn:aws:kinesis:eu-central-1:123456789012:stream/orders, \
             got {text:?}"
        ))
    }

    pub fn region(&self) -> Option<&str> {
        self.arn.as_deref().and_then(|arn| arn.split(':').nth(3))
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn topic(config: &Config, stream: &Name) -> String {
    let topic = config.get("topic").map(str::trim).filter(|topic| !topic.is_empty()).unwrap_or("${stream}");
    topic.replace("${stream}", &stream.name)
}

fn start(config: &Config) -> Result<Start, String> {
    let word = config.get("kinesis.start").map(str::trim).unwrap_or_default().to_ascii_uppercase();
    let given = config.get(TIME).map(str::trim).filter(|text| !text.is_empty());
    match (word.as_str(), given) {
        (AT_TIMESTAMP, Some(text)) => milliseconds(text).map(Start::Since),
        (AT_TIMESTAMP, None) => Err("a value is required beside kinesis.start=AT_TIMESTAMP".into()),
        (_, Some(_)) => Err("expected kinesis.start=AT_TIMESTAMP beside it".into()),
        (LATEST, None) => Ok(Start::Latest),
        _ => Ok(Start::TrimHorizon),
    }
}

fn milliseconds(text: &str) -> Result<i64, String> {
    let expected =
        || format!("expected a time such as 2026-01-31T12:00:00Z or milliseconds since 1970, got {text:?}");
    if let Ok(number) = text.parse::<i64>() {
        return if number >= 0 { Ok(number) } else { Err(expected()) };
    }
    let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).map_err(|_| expected())?;
    time.to_millis().ok().filter(|ms| *ms >= 0).ok_or_else(expected)
}

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

fn named(setting: &str, reason: &str) -> Error {
    Error::config(format!("{setting}: {reason}"))
}

const STREAM: &str = "kinesis.stream";
const TIME: &str = "kinesis.start.timestamp";
const CONSUMER: &str = "kinesis.consumer.name";
/// Given by [`plan`] to each task, and by nobody else.
const TASK: &str = "task.index";
const TASKS: &str = "task.count";
/// As AWS has it, for streams and consumers.
const NAME_MAX: usize = 128;
/// Each has a thread of its own, and reads hundreds of shards.
const TASKS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        [(STREAM, "orders")].iter().chain(pairs).copied().collect()
    }

    fn refused(pairs: &[(&str, &str)], expected: &str) {
        let error = Settings::parse(&config(pairs)).unwrap_err();
        assert!(error.message().contains(expected), "{pairs:?}: {error}");
    }

    #[test]
    fn a_stream_is_a_name_or_an_arn() {
        let arn = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/or.ders";
        let settings = Settings::parse(&config(&[]).with(STREAM, arn).with("topic", "k.${stream}")).unwrap();
        assert_eq!(settings.stream, Name { name: "or.ders".into(), arn: Some(arn.into()) });
        assert_eq!(
            (settings.topic.as_str(), settings.access.region.as_deref()),
            ("k.or.ders", Some("cn-north-1"))
        );
        assert_eq!(Settings::parse(&config(&[])).unwrap().topic, "orders");
        for wrong in
            ["a b", "arn:aws:sqs:eu:1:stream/x", "arn:aws:kinesis:eu:1:x", "arn:aws:kinesis:eu:1:stream/"]
        {
            let error = Settings::parse(&config(&[]).with(STREAM, wrong)).unwrap_err();
            assert!(error.message().starts_with("kinesis.stream: expected the name of a stream"), "{error}");
        }
    }

    #[test]
    fn a_time_goes_with_at_timestamp_alone() {
        let at = |text: &str| {
            [("kinesis.start", "AT_TIMESTAMP"), (TIME, text)].map(|(k, v)| (k.to_owned(), v.to_owned()))
        };
        let parse = |text: &str| {
            let pairs = at(text);
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            Settings::parse(&config(&pairs)).map(|settings| settings.start)
        };
        assert_eq!(parse("2026-01-01T01:00:00.5+01:00"), Ok(Start::Since(1_767_225_600_500)));
        assert_eq!(parse("1767225600500"), Ok(Start::Since(1_767_225_600_500)));
        for wrong in ["yesterday", "-5", "2026-01-01"] {
            assert!(parse(wrong).unwrap_err().message().contains("expected a time such as"));
        }
        assert!(parse("9999999999999").unwrap_err().message().contains("a time that has been"));
        refused(&[("kinesis.start", "AT_TIMESTAMP")], "kinesis.start.timestamp: a value is required");
        refused(&[(TIME, "1767225600500")], "expected kinesis.start=AT_TIMESTAMP beside it");
    }

    #[test]
    fn consumers_are_named_after_the_connector() {
        let settings = Settings::parse(&config(&[])).unwrap();
        assert_eq!(settings.consumer_of("my source/1"), "penstock-my-source-1");
        assert_eq!(settings.consumer_of(&"x".repeat(500)).len(), NAME_MAX);
        let own = Settings::parse(&config(&[(CONSUMER, "me")])).unwrap();
        assert_eq!(own.consumer_of("x"), "me");
        refused(&[(CONSUMER, "a b")], "kinesis.consumer.name: expected letters");
    }

    #[test]
    fn each_task_knows_its_share() {
        let plan = plan(&config(&[]), 3);
        let shares: Vec<_> = plan
            .iter()
            .map(|config| Settings::parse(config).unwrap())
            .map(|settings| (settings.task, settings.tasks))
            .collect();
        assert_eq!(shares, [(0, 3), (1, 3), (2, 3)]);
        assert_eq!(super::plan(&config(&[]), 100_000).len(), TASKS_MAX);
    }
}
