//! What an export says of itself: its summary, and its files with their sums.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use penstock_sdk::{Error, Result};
use serde_json::Value;

use crate::access::{Cause, Failure};
use crate::bucket::Bucket;

/// A finished export.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// As it is named in offsets.
    pub export: String,
    pub table: String,
    pub time_ms: i64,
    pub items: u64,
    /// In the order of the manifest, those without items left out.
    pub files: Vec<File>,
    /// Files that were listed again.
    pub repeated: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub key: String,
    pub items: u64,
    /// In Base64, of the file as it is stored.
    pub md5: String,
}

struct Summary {
    export: String,
    table: String,
    time_ms: i64,
    items: u64,
    files: String,
}

impl Manifest {
    /// Reads the summary with this key, and the list of files that it names.
    pub async fn read(bucket: &Bucket, summary: &str) -> Result<Self> {
        let text = fetch(bucket, summary, SUMMARY_MAX).await?;
        let at = |reason: String| Error::fatal(format!("s3://{}/{summary}: {reason}", bucket.name()));
        let summary = Summary::parse(&text).map_err(at)?;
        let text = fetch(bucket, &summary.files, FILES_MAX).await?;
        let at = |reason: String| Error::fatal(format!("s3://{}/{}: {reason}", bucket.name(), summary.files));
        let (files, repeated) = files(&text).map_err(at)?;
        let Summary { export, table, time_ms, items, .. } = summary;
        Ok(Self { export, table, time_ms, items, files, repeated })
    }
}

/// An object whose sum stands beside it.
async fn fetch(bucket: &Bucket, key: &str, bytes_max: usize) -> Result<Vec<u8>> {
    let bytes = bucket.read(key, bytes_max).await.map_err(|failure| error(bucket, key, &failure))?;
    let beside = format!("{}.md5", key.strip_suffix(".json").unwrap_or(key));
    let sum = bucket.read(&beside, 1000).await.map_err(|failure| error(bucket, &beside, &failure))?;
    let (expected, found) =
        (String::from_utf8_lossy(&sum).trim().to_owned(), sum_of(Md5::digest(&bytes).as_slice()));
    if expected != found {
        return Err(Error::fatal(format!(
            "s3://{}/{key}: expected the MD5 sum {expected:?} of {beside}, got {found:?}: it was altered or is not whole",
            bucket.name()
        )));
    }
    Ok(bytes.to_vec())
}

/// A missing object may be put back by a person: the task begins again by itself.
pub fn error(bucket: &Bucket, key: &str, failure: &Failure) -> Error {
    match failure.cause {
        Cause::Gone => Error::fatal(format!(
            "s3://{}/{key}: the export's file is missing: {}",
            bucket.name(),
            failure.reason
        )),
        _ => bucket.error_at(key, failure),
    }
}

/// As manifests write it.
pub fn sum_of(digest: &[u8]) -> String {
    STANDARD.encode(digest)
}

impl Summary {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| format!("expected JSON: {error}"))?;
        let text = |name: &str| match value[name].as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(format!("expected {name} to be text, got {}", value[name])),
        };
        for (name, expected) in [("outputFormat", "DYNAMODB_JSON"), ("exportType", "FULL_EXPORT")] {
            // Older exports do not say their type: all were full.
            if !value[name].is_null() && value[name] != expected {
                return Err(format!("expected {name} to be {expected}, got {}", value[name]));
            }
        }
        let time = text("exportTime")?;
        let time_ms =
            time_ms(&time).ok_or_else(|| format!("expected exportTime to be a time, got {time:?}"))?;
        let arn = text("tableArn")?;
        let table = arn.rsplit_once("table/").map_or(arn.as_str(), |(_, name)| name).to_owned();
        let items = value["itemCount"].as_u64().unwrap_or_default();
        Ok(Self { export: text("exportArn")?, table, time_ms, items, files: text("manifestFilesS3Key")? })
    }
}

/// A JSON object for each file, one a line; and how many came again.
fn files(bytes: &[u8]) -> Result<(Vec<File>, usize), String> {
    let mut found: Vec<File> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut repeated = 0;
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    for (number, line) in (1..).zip(lines) {
        let value: Value =
            serde_json::from_slice(line).map_err(|error| format!("line {number}: expected JSON: {error}"))?;
        let text = |name: &str| match value[name].as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(format!("line {number}: expected {name} to be text, got {}", value[name])),
        };
        let items = value["itemCount"].as_u64();
        let items =
            items.ok_or_else(|| format!("line {number}: expected itemCount, got {}", value["itemCount"]))?;
        let file = File { key: text("dataFileS3Key")?, items, md5: text("md5Checksum")? };
        if !seen.insert(file.key.clone()) {
            repeated += 1;
        } else if items > 0 {
            found.push(file);
        }
    }
    Ok((found, repeated))
}

fn time_ms(text: &str) -> Option<i64> {
    use aws_sdk_kinesis::primitives::{DateTime, DateTimeFormat};
    DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()?.to_millis().ok()
}

const SUMMARY_MAX: usize = 1 << 20;
/// Some hundred thousand files.
const FILES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_and_other_kinds_are_refused() {
        let whole = r#"{"version":"2020-06-30","exportArn":"arn:e","tableArn":"arn:aws:dynamodb:r:1:table/Orders",
            "exportTime":"2025-10-09T08:56:40.123Z","manifestFilesS3Key":"p/manifest-files.json","itemCount":7,
            "outputFormat":"DYNAMODB_JSON","exportType":"FULL_EXPORT"}"#;
        let summary = Summary::parse(whole.as_bytes()).unwrap();
        assert_eq!(
            (summary.table.as_str(), summary.time_ms, summary.items),
            ("Orders", 1_760_000_200_123, 7)
        );
        for (from, to, expected) in [
            ("FULL_EXPORT", "INCREMENTAL_EXPORT", "expected exportType to be FULL_EXPORT"),
            ("DYNAMODB_JSON", "ION", "expected outputFormat to be DYNAMODB_JSON"),
            ("2025-10-09T", "yesterday ", "expected exportTime to be a time"),
            ("\"arn:e\"", "null", "expected exportArn to be text, got null"),
        ] {
            let error = Summary::parse(whole.replace(from, to).as_bytes()).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_listed_twice_is_read_once_and_an_empty_one_never() {
        let line = |key: &str, items: u64| {
            format!(
                "{{\"itemCount\":{items},\"md5Checksum\":\"m\",\"etag\":\"e\",\"dataFileS3Key\":\"{key}\"}}\n"
            )
        };
        let text = line("a", 5) + &line("b", 0) + "\n" + &line("a", 5) + &line("c", 1);
        let (found, repeated) = files(text.as_bytes()).unwrap();
        assert_eq!((found.len(), repeated), (2, 1));
        assert_eq!(found[1], File { key: "c".into(), items: 1, md5: "m".into() });
        assert!(files(b"{}\n").unwrap_err().contains("line 1: expected itemCount"));
        assert!(files(b"{\"itemCount\":1}").unwrap_err().contains("line 1: expected dataFileS3Key"));
        assert!(files(b"nothing").unwrap_err().contains("line 1: expected JSON"));
    }
}
