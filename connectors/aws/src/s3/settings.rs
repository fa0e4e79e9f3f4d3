//! The source's settings, parsed and checked against each other.
use std::time::Duration;

use penstock_sdk::{Config, Error, Problem, Result};

use super::position::LANES;
use super::read::{Dialect, Form, Packing};
use crate::access::{self, Access};
use crate::bucket::{self, Object};

/// What the source works with.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    pub bucket: String,
    pub prefix: String,
    pub glob: String,
    pub access: Access,
    pub topic: String,
    pub mode: Mode,
    /// None: by the key.
    pub format: Option<Format>,
    pub packing: Option<Packing>,
    pub ratio_max: u64,
    pub delimiter: Option<u8>,
    pub quote: Quote,
    pub has_header: bool,
    pub names: Vec<String>,
    pub empty_is_null: bool,
    pub columns: Vec<String>,
    pub form: Form,
    pub has_headers: bool,
    pub restarts: bool,
    /// What cannot be read is left out.
    pub skips: bool,
    pub buffer_bytes: usize,
    pub task: u32,
    pub tasks: u32,
}

/// What stands around cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    ByFormat,
    None,
    Given(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Once,
    /// Lists again and again.
    Listing {
        interval: Duration,
    },
    /// A queue says what is new.
    Queue(Queue),
}

/// A queue of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub url: String,
    /// Until a message comes again if nobody asks for more time.
    pub visibility: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Lines,
    Csv,
    Tsv,
    Avro,
    Parquet,
}

impl Format {
    /// By a setting's word, or the end of a key.
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "json" | "jsonl" | "ndjson" | "jsonlines" => Self::Json,
            "lines" | "txt" | "log" => Self::Lines,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "avro" => Self::Avro,
            "parquet" | "pq" => Self::Parquet,
            _ => return None,
        })
    }
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let number = |key: &str, default: u64| config.parsed(key).map(|value| value.unwrap_or(default));
        let bucket = config.required(BUCKET)?.to_owned();
        let format = Format::of(&word(config, "s3.format"));
        let list = |key: &str| config.list(key).into_iter().map(str::to_owned).collect();
        Ok(Self {
            topic: topic(config, &bucket),
            prefix: text(config, "s3.prefix").to_owned(),
            glob: glob(config).map_err(|reason| Error::config(format!("{GLOB}: {reason}")))?,
            access: Access::parse(config, None)?,
            mode: mode(config)?,
            format,
            packing: Packing::of(&word(config, "s3.compression")),
            ratio_max: number("s3.compression.ratio.max", 10_000)?.max(1),
            delimiter: byte(config, DELIMITER).unwrap_or(None),
            quote: match word(config, QUOTE).as_str() {
                "" => Quote::ByFormat,
                "none" => Quote::None,
                _ => byte(config, QUOTE).ok().flatten().map_or(Quote::ByFormat, Quote::Given),
            },
            has_header: config.flag("s3.csv.header", true)?,
            names: list("s3.csv.names"),
            empty_is_null: word(config, "s3.csv.empty") != "text",
            columns: list("s3.columns"),
            form: Form {
                bytes_max: number("message.bytes.max", 16 << 20)? as usize,
                binary_is_text: word(config, "s3.binary") == "text",
            },
            has_headers: config.flag("s3.headers", false)?,
            restarts: word(config, "s3.file.changed") == "restart",
            skips: word(config, "errors.tolerance") == "all",
            buffer_bytes: number("s3.buffer.bytes", 16 << 20)? as usize,
            task: number(TASK, 0)? as u32,
            tasks: (number(TASKS, 1)? as u32).clamp(1, LANES),
            bucket,
        })
    }

    /// Whether a key is one of those that are wanted. What stands for a folder is none.
    pub fn wants(&self, key: &str) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix.as_str()) else { return false };
        !key.ends_with('/') && (self.glob.is_empty() || fast_glob::glob_match(&self.glob, rest))
    }

    /// What all wanted keys begin with.
    pub fn listed(&self) -> String {
        let plain =
            self.glob.find(|letter| "!*?[{\\".contains(letter)).map_or(&*self.glob, |at| &self.glob[..at]);
        format!("{}{plain}", self.prefix)
    }

    /// How a file is to be read; none for the packing where its content has to say.
    pub fn how(&self, object: &Object) -> Result<(Format, Option<Packing>), String> {
        let name = object.key.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let mut ends = name.rsplit('.');
        let last = ends.next().unwrap_or_default();
        let packing = Packing::of(last).filter(|_| name.contains('.') && last != "none");
        let end = if packing.is_some() { ends.next().unwrap_or_default() } else { last };
        let format = self.format.or_else(|| Format::of(end)).ok_or_else(|| {
            format!(
                "s3.format: the end of the name {name:?} says no format, expected a value such as json or csv"
            )
        })?;
        let packing = self.packing.or(packing);
        let inside = matches!(format, Format::Parquet) && packing.is_none();
        Ok((format, if inside { Some(Packing::None) } else { packing }))
    }

    /// How a file of cells is written.
    pub fn dialect(&self, format: Format) -> Dialect {
        let is_csv = format == Format::Csv;
        Dialect {
            delimiter: self.delimiter.unwrap_or(if is_csv { b',' } else { b'\t' }),
            quote: match self.quote {
                Quote::ByFormat => is_csv.then_some(b'"'),
                Quote::None => None,
                Quote::Given(quote) => Some(quote),
            },
            has_header: self.has_header,
            names: self.names.clone(),
            empty_is_null: self.empty_is_null,
        }
    }
}

/// The settings of each task.
pub fn plan(config: &Config, tasks_max: usize) -> Vec<Config> {
    let tasks = tasks_max.clamp(1, LANES as usize);
    let task = |at: usize| config.clone().with(TASK, at.to_string()).with(TASKS, tasks.to_string());
    (0..tasks).map(task).collect()
}

/// What is wrong with them.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = access::problems(config);
    let mut wrong = |setting: &str, message: String| found.push(Problem { setting: setting.into(), message });
    if let Ok(name) = config.required(BUCKET)
        && !bucket::is_bucket(name)
    {
        wrong(BUCKET, format!("expected the name of a bucket, without s3:// and folders, got {name:?}"));
    }
    if let Err(reason) = glob(config) {
        wrong(GLOB, reason);
    }
    if text(config, "s3.prefix").starts_with('/') {
        wrong("s3.prefix", "expected no slash at the beginning, as keys have none".into());
    }
    for name in [DELIMITER, QUOTE] {
        if let Err(reason) = byte(config, name)
            && !(name == QUOTE && word(config, QUOTE) == "none")
        {
            wrong(name, reason);
        }
    }
    let url = text(config, QUEUE);
    if !url.is_empty() {
        let is_url = ["https://", "http://"].iter().any(|scheme| {
            url.strip_prefix(scheme).is_some_and(|rest| rest.trim_end_matches('/').contains('/'))
        });
        if !is_url {
            let example = "https://sqs.eu-central-1.amazonaws.com/123456789012/new-files";
            wrong(QUEUE, format!("expected the URL of a queue such as {example}, got {url:?}"));
        }
        if word(config, MODE) != "continuous" {
            wrong(QUEUE, "expected s3.mode=continuous beside it".into());
        }
        if word(config, "exactly.once.support") == "required" {
            let reason = "files that a queue tells of come again from their beginning after a crash, so they cannot \
                          arrive exactly once, as exactly.once.support=required and a pipe's sink.exactlyOnce=true ask: \
                          expected no queue, which lists the bucket instead, or delivery at least once";
            wrong(QUEUE, reason.into());
        }
    }
    found
}

fn mode(config: &Config) -> Result<Mode> {
    let ms =
        |key: &str, default| config.parsed(key).map(|value| Duration::from_millis(value.unwrap_or(default)));
    let url = text(config, QUEUE).to_owned();
    if word(config, MODE) != "continuous" {
        return Ok(Mode::Once);
    }
    if url.is_empty() {
        return Ok(Mode::Listing { interval: ms("s3.list.interval.ms", 60_000)? });
    }
    Ok(Mode::Queue(Queue { url, visibility: ms("s3.sqs.visibility.ms", 300_000)? }))
}

fn glob(config: &Config) -> Result<String, String> {
    let glob = text(config, GLOB);
    fast_glob::validate(glob).map_err(|error| error.to_string())?;
    Ok(glob.to_owned())
}

fn byte(config: &Config, name: &str) -> Result<Option<u8>, String> {
    let given = config.get(name).unwrap_or_default();
    match given {
        "" => Ok(None),
        "\\t" => Ok(Some(b'\t')),
        _ => match given.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Some(*byte)),
            _ => Err(format!("expected one character of ASCII or \\t, got {given:?}")),
        },
    }
}

fn topic(config: &Config, bucket: &str) -> String {
    let topic = text(config, "topic");
    (if topic.is_empty() { "${bucket}" } else { topic }).replace("${bucket}", bucket)
}

fn text<'a>(config: &'a Config, key: &str) -> &'a str {
    config.get(key).map(str::trim).unwrap_or_default()
}

fn word(config: &Config, key: &str) -> String {
    text(config, key).to_ascii_lowercase()
}

const BUCKET: &str = "s3.bucket";
const GLOB: &str = "s3.glob";
const MODE: &str = "s3.mode";
const QUEUE: &str = "s3.sqs.queue.url";
const DELIMITER: &str = "s3.csv.delimiter";
const QUOTE: &str = "s3.csv.quote";
/// Given by [`plan`] to each task, and by nobody else.
const TASK: &str = "task.index";
const TASKS: &str = "task.count";

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::parse(&[(BUCKET, "logs")].iter().chain(pairs).copied().collect()).unwrap()
    }

    fn refused(pairs: &[(&str, &str)], expected: &str) {
        let config: Config = [(BUCKET, "logs")].iter().chain(pairs).copied().collect();
        let error = Settings::parse(&config).unwrap_err();
        assert!(error.message().contains(expected), "{pairs:?}: {error}");
    }

    #[test]
    fn globs_say_which_keys_are_wanted() {
        let wants = |glob: &str, key: &str| settings(&[("s3.prefix", "in/"), (GLOB, glob)]).wants(key);
        assert!(wants("", "in/a/b.json") && !wants("", "out/a.json") && !wants("", "in/folder/"));
        assert!(wants("*.json", "in/a.json") && !wants("*.json", "in/a/b.json"));
        assert!(wants("**/*.json", "in/a/b/c.json") && wants("**/*.json", "in/c.json"));
        assert!(wants("20[0-9]?/x{1,2}.csv{,.gz}", "in/2026/x2.csv") && wants("{a,b}*", "in/b1"));
        assert!(wants("x{1,2}.csv{,.gz}", "in/x1.csv.gz") && !wants("x{1,2}.csv", "in/x3.csv"));
        assert!(wants("!**/*.tmp", "in/a/b") && !wants("!**/*.tmp", "in/a/b.tmp"));
        let listed = |glob: &str| settings(&[("s3.prefix", "in/"), (GLOB, glob)]).listed();
        assert_eq!((listed("2026-*/x.csv").as_str(), listed("a.json").as_str()), ("in/2026-", "in/a.json"));
        refused(&[(GLOB, "a{b")], "s3.glob: unclosed brace expansion at byte 1");
    }

    #[test]
    fn names_say_how_a_file_is_read_unless_settings_do() {
        let how = |pairs: &[(&str, &str)], key: &str| {
            let object = Object { key: key.into(), size: 0, etag: String::new(), modified_ms: None };
            settings(pairs).how(&object)
        };
        assert_eq!(how(&[], "a.b/x.JSON.gz"), Ok((Format::Json, Some(Packing::Gzip))));
        assert_eq!(how(&[], "x.csv"), Ok((Format::Csv, None)));
        assert_eq!(how(&[], "x.2026.tsv.zst"), Ok((Format::Tsv, Some(Packing::Zstd))));
        assert_eq!(how(&[], "x.parquet"), Ok((Format::Parquet, Some(Packing::None))));
        assert!(how(&[], "json").is_ok_and(|how| how.0 == Format::Json), "a name that is one");
        assert!(how(&[], "dir.json/data").unwrap_err().contains("s3.format: the end of the name \"data\""));
        let given = [("s3.format", "lines"), ("s3.compression", "bz2")];
        assert_eq!(how(&given, "x.csv.gz"), Ok((Format::Lines, Some(Packing::Bzip2))));
    }

    #[test]
    fn cells_have_their_dialects() {
        let csv = settings(&[]).dialect(Format::Csv);
        assert_eq!((csv.delimiter, csv.quote), (b',', Some(b'"')));
        let tsv = settings(&[]).dialect(Format::Tsv);
        assert_eq!((tsv.delimiter, tsv.quote), (b'\t', None));
        let own = settings(&[(DELIMITER, "\\t"), (QUOTE, "'")]).dialect(Format::Csv);
        assert_eq!((own.delimiter, own.quote), (b'\t', Some(b'\'')));
        assert_eq!(settings(&[(QUOTE, "none")]).dialect(Format::Csv).quote, None);
        refused(&[(DELIMITER, "ab")], "s3.csv.delimiter: expected one character");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let config: Config = [(BUCKET, "s3://logs/in")].into_iter().collect();
        assert!(Settings::parse(&config).unwrap_err().message().contains("expected the name of a bucket"));
        refused(&[("s3.prefix", "/in")], "s3.prefix: expected no slash at the beginning");
        refused(&[(QUEUE, "q"), (MODE, "continuous")], "expected the URL of a queue");
        refused(&[(QUEUE, "https://sqs/1/q")], "expected s3.mode=continuous beside it");
        let both = [(QUEUE, "https://sqs/1/q"), (MODE, "continuous"), ("exactly.once.support", "required")];
        refused(&both, "expected no queue, which lists the bucket instead, or delivery at least once");
    }

    #[test]
    fn tasks_are_at_most_as_many_as_lanes() {
        let config: Config = [(BUCKET, "logs")].into_iter().collect();
        assert_eq!(plan(&config, 1000).len(), LANES as usize);
        let second = Settings::parse(&plan(&config, 3)[1]).unwrap();
        assert_eq!((second.task, second.tasks, second.topic.as_str()), (1, 3, "logs"));
    }
}
