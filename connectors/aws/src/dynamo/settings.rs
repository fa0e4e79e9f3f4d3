//! The source's settings, parsed and checked against each other.
use std::time::Duration;

use penstock_sdk::{Config, Error, Problem, Result};

use crate::access::{self, Access};
use crate::bucket;
use crate::kinesis;

use super::json::Shape;

/// What the source works with.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    pub table: Table,
    pub topic: String,
    pub mode: Mode,
    /// Turns on what is missing.
    pub enables: bool,
    pub export: Export,
    pub margin: Duration,
    pub may_have_gap: bool,
    pub stream_waits: bool,
    pub shape: Shape,
    /// Records that cannot be read are left out.
    pub tolerates: bool,
    pub item_bytes_max: usize,
    pub dynamodb: Access,
    pub s3: Access,
    /// None with [`Mode::Only`].
    pub stream: Option<kinesis::Settings>,
    pub task: u64,
    pub tasks: u64,
}

/// How a table is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// As it was given: name or ARN.
    pub given: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Initial,
    Never,
    Only,
}

/// Where the snapshot comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    pub bucket: String,
    pub prefix: Option<String>,
    pub owner: Option<String>,
    pub kms_key: Option<String>,
    pub given: Given,
}

/// An export that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    Nothing,
    Arn(String),
    Path(String),
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let table = Table::parse(config.required(TABLE)?).map_err(|reason| named(TABLE, &reason))?;
        let region = table.region();
        let mode = mode(config);
        let stream = if mode == Mode::Only { None } else { Some(stream(config, mode)?) };
        let access = |service: &str| {
            let mut access = Access::parse(config, region)?;
            access.endpoint = text(config, &format!("aws.{service}.endpoint")).or(access.endpoint);
            Ok::<_, Error>(access)
        };
        let number = |key: &str, default: u64| config.parsed(key).map(|value| value.unwrap_or(default));
        Ok(Self {
            topic: text(config, "topic")
                .unwrap_or_else(|| "${table}".into())
                .replace("${table}", &table.name),
            mode,
            enables: text(config, "dynamodb.setup").as_deref() != Some("check"),
            export: export(config),
            margin: Duration::from_millis(number("dynamodb.export.margin.ms", 900_000)?),
            may_have_gap: config.flag("dynamodb.export.gap.allowed", false)?,
            stream_waits: config.flag("dynamodb.stream.after.snapshot", false)?,
            shape: Shape::parse(config)?,
            tolerates: text(config, "errors.tolerance").is_some_and(|word| word.eq_ignore_ascii_case("all")),
            item_bytes_max: number("message.bytes.max", 16 << 20)? as usize,
            dynamodb: access("dynamodb")?,
            s3: access("s3")?,
            stream,
            task: number("task.index", 0)?,
            tasks: number("task.count", 1)?.max(1),
            table,
        })
    }
}

/// What is wrong with them.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mode = mode(config);
    let mut found = if mode == Mode::Only || text(config, STREAM).is_none() {
        access::problems(config)
    } else {
        kinesis::problems(&readable(config, mode))
    };
    let mut wrong = |setting: &str, message: String| found.push(Problem { setting: setting.into(), message });
    if let Ok(table) = config.required(TABLE)
        && let Err(reason) = Table::parse(table)
    {
        wrong(TABLE, reason);
    }
    if mode != Mode::Only && text(config, STREAM).is_none() {
        wrong(STREAM, "a value is required unless dynamodb.snapshot=only".into());
    }
    match text(config, BUCKET) {
        None if mode != Mode::Never => {
            wrong(BUCKET, "a value is required unless dynamodb.snapshot=never".into());
        }
        Some(name) if !bucket::is_bucket(&name) => {
            wrong(BUCKET, format!("expected the name of a bucket, got {name:?}"));
        }
        _ => {}
    }
    if let Some(arn) = text(config, ARN)
        && !(arn.starts_with("arn:") && arn.contains(":dynamodb:") && arn.contains("/export/"))
    {
        wrong(
            ARN,
            "expected an ARN such as arn:aws:dynamodb:eu-central-1:123456789012:table/orders/export/0176-ab"
                .into(),
        );
    }
    if text(config, ARN).is_some() && text(config, PATH).is_some() {
        wrong(PATH, "expected either a path or dynamodb.export.arn, got both".into());
    }
    for service in ["dynamodb", "kinesis", "s3"] {
        let name = format!("aws.{service}.endpoint");
        if let Some(url) = text(config, &name)
            && !access::is_url(&url)
        {
            wrong(&name, format!("expected a URL that begins with http:// or https://, got {url:?}"));
        }
    }
    if let Err(error) = Shape::parse(config)
        && let Some((name, reason)) = error.message().split_once(": ")
    {
        wrong(name, reason.into());
    }
    found
}

/// The settings of each task; each finds its share of files and shards by itself.
pub fn plan(config: &Config, tasks_max: usize) -> Vec<Config> {
    kinesis::plan(config, tasks_max)
}

impl Table {
    fn parse(text: &str) -> Result<Self, String> {
        let name = match text.strip_prefix("arn:") {
            None => text,
            Some(rest) => match rest.split(':').collect::<Vec<_>>().as_slice() {
                [_, "dynamodb", region, account, table] if !region.is_empty() && !account.is_empty() => {
                    table.strip_prefix("table/").unwrap_or_default()
                }
                _ => "",
            },
        };
        let is_name = (3..=255).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if is_name {
            return Ok(Self { name: name.into(), given: text.into() });
        }
        Err(format!(
            "expected the name of a table, or an ARN such as arn:aws:dynamodb:eu-central-1:123456789012:table/orders, got \
             {text:?}"
        ))
    }

    fn region(&self) -> Option<&str> {
        self.given.starts_with("arn:").then(|| self.given.split(':').nth(3)).flatten()
    }
}

fn stream(config: &Config, mode: Mode) -> Result<kinesis::Settings> {
    let mut settings = kinesis::Settings::parse(&readable(config, mode))?;
    settings.access.endpoint = text(config, "aws.kinesis.endpoint").or(settings.access.endpoint);
    let table = Table::parse(config.required(TABLE)?).map_err(|reason| named(TABLE, &reason))?;
    settings.access.region = settings.access.region.or_else(|| table.region().map(str::to_owned));
    Ok(settings)
}

/// Where a stream begins that follows a snapshot is known later.
fn readable(config: &Config, mode: Mode) -> Config {
    match mode {
        Mode::Never => config.clone(),
        Mode::Initial | Mode::Only => {
            config.clone().with("kinesis.start", "TRIM_HORIZON").with("kinesis.start.timestamp", "")
        }
    }
}

fn mode(config: &Config) -> Mode {
    match text(config, "dynamodb.snapshot").as_deref() {
        Some("never") => Mode::Never,
        Some("only") => Mode::Only,
        _ => Mode::Initial,
    }
}

fn export(config: &Config) -> Export {
    let slashes = |text: String| text.trim_matches('/').to_owned();
    let given = match (text(config, ARN), text(config, PATH)) {
        (Some(arn), _) => Given::Arn(arn),
        (None, Some(path)) => Given::Path(slashes(path)),
        (None, None) => Given::Nothing,
    };
    Export {
        bucket: text(config, BUCKET).unwrap_or_default(),
        prefix: text(config, "dynamodb.export.prefix").map(slashes),
        owner: text(config, "dynamodb.export.bucket.owner"),
        kms_key: text(config, "dynamodb.export.kms.key"),
        given,
    }
}

fn text(config: &Config, name: &str) -> Option<String> {
    config.get(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn named(setting: &str, reason: &str) -> Error {
    Error::config(format!("{setting}: {reason}"))
}

const TABLE: &str = "dynamodb.table";
const STREAM: &str = "kinesis.stream";
const BUCKET: &str = "dynamodb.export.bucket";
const ARN: &str = "dynamodb.export.arn";
const PATH: &str = "dynamodb.export.path";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[(&str, &str)]) -> Config {
        let own = [(TABLE, "Orders"), (STREAM, "changes"), (BUCKET, "exports")];
        own.iter().chain(more).copied().collect()
    }

    fn refused(more: &[(&str, &str)], expected: &str) {
        let mut whole = config(&[]);
        for (key, value) in more {
            whole.set(*key, *value);
        }
        let error = Settings::parse(&whole).unwrap_err();
        assert!(error.message().contains(expected), "{more:?}: {error}");
    }

    #[test]
    fn settings_that_need_each_other_are_checked() {
        refused(&[(TABLE, "a b")], "dynamodb.table: expected the name of a table");
        refused(&[(TABLE, "arn:aws:s3:eu:1:table/x")], "dynamodb.table: expected the name of a table");
        refused(&[(STREAM, "")], "kinesis.stream: a value is required unless");
        refused(&[(STREAM, "a b")], "kinesis.stream: expected the name of a stream");
        refused(&[(BUCKET, "")], "dynamodb.export.bucket: a value is required unless");
        refused(&[(BUCKET, "a/b")], "dynamodb.export.bucket: expected the name of a bucket");
        refused(&[(ARN, "0176-ab")], "dynamodb.export.arn: expected an ARN");
        let arn = "arn:aws:dynamodb:eu:1:table/x/export/1";
        refused(&[(ARN, arn), (PATH, "x")], "dynamodb.export.path: expected either");
        refused(&[("dynamodb.columns", "x")], "dynamodb.columns: expected pairs");
        refused(&[("aws.s3.endpoint", "localhost")], "aws.s3.endpoint: expected a URL");
        refused(
            &[("dynamodb.snapshot", "never"), ("kinesis.start", "AT_TIMESTAMP")],
            "kinesis.start.timestamp: a value is required",
        );
    }

    #[test]
    fn each_service_has_its_own_address() {
        let more = [
            ("aws.endpoint", "http://all"),
            ("aws.s3.endpoint", "http://s3"),
            ("aws.kinesis.endpoint", "http://kinesis"),
            ("dynamodb.export.prefix", "/a/b/"),
        ];
        let settings = Settings::parse(&config(&more)).unwrap();
        assert_eq!(settings.dynamodb.endpoint.as_deref(), Some("http://all"));
        assert_eq!(settings.s3.endpoint.as_deref(), Some("http://s3"));
        let stream = settings.stream.unwrap();
        assert_eq!(stream.access.endpoint.as_deref(), Some("http://kinesis"));
        assert_eq!((settings.topic.as_str(), settings.export.prefix.as_deref()), ("Orders", Some("a/b")));
    }

    #[test]
    fn an_arn_names_table_and_region() {
        let arn = "arn:aws:dynamodb:eu-west-3:123456789012:table/Or.ders";
        let settings = Settings::parse(&config(&[]).with(TABLE, arn)).unwrap();
        assert_eq!(settings.table, Table { name: "Or.ders".into(), given: arn.into() });
        let regions = [&settings.dynamodb, &settings.s3, &settings.stream.as_ref().unwrap().access];
        assert!(regions.iter().all(|access| access.region.as_deref() == Some("eu-west-3")));
    }

    #[test]
    fn a_snapshot_alone_needs_no_stream_and_a_stream_alone_no_bucket() {
        let only = config(&[("dynamodb.snapshot", "only")]).with(STREAM, "");
        assert!(Settings::parse(&only).unwrap().stream.is_none());
        let never = config(&[("dynamodb.snapshot", "never"), ("kinesis.start", "LATEST")]).with(BUCKET, "");
        assert_eq!(Settings::parse(&never).unwrap().stream.unwrap().start, kinesis::Start::Latest);
    }
}
