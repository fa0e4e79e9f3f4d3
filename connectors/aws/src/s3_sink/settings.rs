//! The sink's settings, parsed and checked against each other.
use penstock_sdk::{Config, Error, Problem, Result};

use super::clock;
use super::template::Template;
use crate::access::{self, Access};
use crate::bucket::is_bucket;

/// What the sink works with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub bucket: String,
    pub access: Access,
    pub template: Template,
    pub format: Format,
    pub compression: Compression,
    pub skips_tombstones: bool,
    /// Where a record comes from is written beside its value.
    pub has_metadata: bool,
    /// Of Parquet, as JSON's converter writes schemas.
    pub schema: Option<String>,
    pub uploads_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Lines,
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
    Snappy,
}

impl Settings {
    pub fn parse(config: &Config) -> Result<Self> {
        if let Some(problem) = problems(config).into_iter().next() {
            return Err(Error::config(format!("{}: {}", problem.setting, problem.message)));
        }
        let tombstones = word(config, "s3.tombstones");
        Ok(Self {
            bucket: config.required(BUCKET)?.to_owned(),
            access: Access::parse(config, None)?,
            template: template(config)
                .map_err(|(name, reason)| Error::config(format!("{name}: {reason}")))?,
            format: format(config),
            compression: compression(config),
            skips_tombstones: tombstones == "skip",
            has_metadata: config.flag(METADATA, false)?,
            schema: config.get(SCHEMA).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
            uploads_max: config.parsed("s3.uploads.max")?.unwrap_or(4).max(1),
        })
    }
}

/// What is wrong with them.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = access::problems(config);
    let mut wrong = |setting: &str, message: String| found.push(Problem { setting: setting.into(), message });
    if let Ok(name) = config.required(BUCKET)
        && !is_bucket(name)
    {
        wrong(BUCKET, format!("expected the name of a bucket, got {name:?}"));
    }
    match template(config) {
        Ok(template) => {
            for reason in unfit(&template, config) {
                wrong(TEMPLATE, reason);
            }
        }
        Err((name, reason)) => wrong(name, reason),
    }
    let format = format(config);
    if config.flag(METADATA, false).unwrap_or(false) && format == Format::Lines {
        wrong(METADATA, "expected s3.format=json or parquet beside it".into());
    }
    if let Some(schema) = config.get(SCHEMA).map(str::trim).filter(|text| !text.is_empty()) {
        match super::parquet::declared(schema) {
            _ if format != Format::Parquet => wrong(SCHEMA, "expected s3.format=parquet beside it".into()),
            Err(reason) => wrong(SCHEMA, reason),
            Ok(_) => {}
        }
    }
    found
}

fn template(config: &Config) -> Result<Template, (&'static str, String)> {
    let zone = config.get(ZONE).unwrap_or_default();
    let offset = clock::offset(zone).map_err(|reason| (ZONE, reason))?;
    let text =
        config.get(TEMPLATE).map(str::trim).filter(|text| !text.is_empty()).unwrap_or(TEMPLATE_DEFAULT);
    Template::parse(text, offset, &extension(config)).map_err(|reason| (TEMPLATE, reason))
}

/// Two objects must never have one key, unless they are the same object.
fn unfit(template: &Template, config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let is_one_topic = config.list("topics").len() == 1;
    if !template.names_topic() && !is_one_topic {
        found.push("expected {topic} in it, as there may be several topics".to_owned());
    }
    if !template.names_partition() || !template.names_first() {
        found.push(
            "expected {partition} and {start_offset} in it: objects would replace each other".to_owned(),
        );
    }
    if !template.names_last() && !config.flag("exactlyOnce", false).unwrap_or(false) {
        found.push(
            "expected {end_offset} in it, or exactlyOnce=true: a batch that comes again after a failure may be another \
             one, and a late write of a shorter object would take the place of a longer one"
                .to_owned(),
        );
    }
    found
}

fn format(config: &Config) -> Format {
    match word(config, "s3.format").as_str() {
        "parquet" => Format::Parquet,
        "lines" => Format::Lines,
        _ => Format::Json,
    }
}

fn compression(config: &Config) -> Compression {
    match word(config, "s3.compression").as_str() {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "zstd" => Compression::Zstd,
        // What readers of the format expect.
        _ if format(config) == Format::Parquet => Compression::Zstd,
        _ => Compression::Gzip,
    }
}

fn extension(config: &Config) -> String {
    let format = match format(config) {
        Format::Parquet => return "parquet".into(),
        Format::Json => "json",
        Format::Lines => "txt",
    };
    let packed = match compression(config) {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
        Compression::Snappy => ".sz",
    };
    format!("{format}{packed}")
}

fn word(config: &Config, key: &str) -> String {
    config.get(key).map(str::trim).unwrap_or_default().to_ascii_lowercase()
}

pub const BUCKET: &str = "s3.bucket";
pub const TEMPLATE: &str = "s3.key.template";
pub const TEMPLATE_DEFAULT: &str =
    "{topic}/partition={partition}/{topic}+{partition}+{start_offset:10}-{end_offset:10}.{extension}";
const ZONE: &str = "s3.key.timezone";
const METADATA: &str = "s3.metadata";
const SCHEMA: &str = "s3.parquet.schema";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let base: Config = [(BUCKET, "lake"), ("topics", "orders")].into_iter().collect();
        pairs.iter().fold(base, |config, (key, value)| config.with(*key, *value))
    }

    fn refused(pairs: &[(&str, &str)], expected: &str) {
        let error = Settings::parse(&config(pairs)).unwrap_err();
        assert!(error.message().contains(expected), "{pairs:?}: {error}");
    }

    #[test]
    fn keys_that_could_meet_are_refused() {
        refused(&[(TEMPLATE, "{partition}")], "{partition} and {start_offset} in it");
        refused(
            &[(TEMPLATE, "{partition}/{start_offset}")],
            "expected {end_offset} in it, or exactlyOnce=true",
        );
        let exact = [(TEMPLATE, "{partition}/{start_offset}"), ("exactlyOnce", "true")];
        Settings::parse(&config(&exact)).unwrap();
        let several = [(TEMPLATE, "{partition}/{start_offset}-{end_offset}"), ("topics", "a,b")];
        refused(&several, "expected {topic} in it");
        refused(&[(ZONE, "Mars")], "s3.key.timezone: expected UTC or an offset");
        refused(&[("s3.metadata", "true"), ("s3.format", "lines")], "s3.metadata: expected s3.format=json");
        refused(&[(SCHEMA, "{}")], "expected s3.format=parquet beside it");
        refused(&[(SCHEMA, "{}"), ("s3.format", "parquet")], "s3.parquet.schema: ");
        refused(&[(BUCKET, "a b")], "expected the name of a bucket");
    }

    #[test]
    fn extensions_say_what_is_in_an_object() {
        let extension = |pairs: &[(&str, &str)]| Settings::parse(&config(pairs)).unwrap().template.extension;
        assert_eq!(extension(&[]), "json.gz");
        assert_eq!(extension(&[("s3.compression", "none")]), "json");
        assert_eq!(extension(&[("s3.format", "lines"), ("s3.compression", "ZSTD")]), "txt.zst");
        assert_eq!(extension(&[("s3.format", "parquet"), ("s3.compression", "gzip")]), "parquet");
        let parquet = Settings::parse(&config(&[("s3.format", "parquet")])).unwrap();
        assert_eq!(parquet.compression, Compression::Zstd);
    }
}
