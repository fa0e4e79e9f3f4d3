//! What is asked of DynamoDB itself, and what each failure means.
use penstock_sdk::{Error, Result};
use serde_json::{Value, json};

use crate::access::{Cause, Failure};
use crate::call::{Protocol, Service};

use super::settings::{Export, Settings, Table};

/// A table, and how to ask about it.
pub struct Control {
    service: Service,
    table: Table,
}

/// What a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub arn: String,
    /// Its partition key, and its sort key if it has one.
    pub keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    /// `S`, `N` or `B`.
    pub kind: String,
}

/// Where a table's changes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub status: String,
    pub reason: String,
    pub precision: Option<String>,
}

/// What DynamoDB says of an export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    pub arn: String,
    pub status: String,
    pub reason: String,
    pub time_ms: Option<i64>,
    /// Key of its summary, when it is complete.
    pub manifest: Option<String>,
    pub bucket: Option<String>,
}

impl Control {
    pub async fn open(settings: &Settings) -> Result<Self> {
        let service = Service::open(&settings.dynamodb, PROTOCOL).await?;
        Ok(Self { service, table: settings.table.clone() })
    }

    pub async fn describe(&self) -> Result<Described, Failure> {
        const ACTION: &str = "dynamodb:DescribeTable";
        let answer = self.call(ACTION, self.named()).await?;
        let table = &answer["Table"];
        let kinds = table["AttributeDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let kind = |name: &str| {
            let found = kinds.iter().find(|kind| kind["AttributeName"] == name);
            found.and_then(|kind| kind["AttributeType"].as_str()).unwrap_or("S").to_owned()
        };
        let schema = table["KeySchema"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |role: &str| {
            let found = schema.iter().find(|part| part["KeyType"] == role);
            found.and_then(|part| part["AttributeName"].as_str())
        };
        let keys = [name("HASH"), name("RANGE")].into_iter().flatten();
        let keys: Vec<Key> = keys.map(|name| Key { name: name.into(), kind: kind(name) }).collect();
        match (table["TableArn"].as_str(), keys.is_empty()) {
            (Some(arn), false) => Ok(Described { arn: arn.into(), keys }),
            _ => Err(Failure::transient(ACTION, "the answer has no TableArn, or no KeySchema")),
        }
    }

    /// Of this stream; none if the table was never connected to it.
    pub async fn destination(&self, stream: &str) -> Result<Option<Destination>, Failure> {
        let answer = self.call("dynamodb:DescribeKinesisStreamingDestination", self.named()).await?;
        let all = answer["KinesisDataStreamDestinations"].as_array().map(Vec::as_slice).unwrap_or_default();
        // One that was turned off and on again may stand there more than once.
        let ours = all.iter().filter(|found| found["StreamArn"] == stream);
        let found = ours.max_by_key(|found| found["DestinationStatus"] == "ACTIVE");
        Ok(found.map(|found| Destination {
            status: text(found, "DestinationStatus"),
            reason: text(found, "DestinationStatusDescription"),
            precision: found["ApproximateCreationDateTimePrecision"].as_str().map(str::to_owned),
        }))
    }

    pub async fn enable_destination(&self, stream: &str) -> Result<(), Failure> {
        let mut body = self.named();
        body["StreamArn"] = json!(stream);
        body["EnableKinesisStreamingConfiguration"] =
            json!({ "ApproximateCreationDateTimePrecision": "MICROSECOND" });
        self.call("dynamodb:EnableKinesisStreamingDestination", body).await.map(drop)
    }

    /// Whether there is point-in-time recovery.
    pub async fn is_recoverable(&self) -> Result<bool, Failure> {
        let answer = self.call("dynamodb:DescribeContinuousBackups", self.named()).await?;
        let status = &answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
        Ok(status["PointInTimeRecoveryStatus"] == "ENABLED")
    }

    pub async fn enable_recovery(&self) -> Result<(), Failure> {
        let mut body = self.named();
        body["PointInTimeRecoverySpecification"] = json!({ "PointInTimeRecoveryEnabled": true });
        self.call("dynamodb:UpdateContinuousBackups", body).await.map(drop)
    }

    /// Starts an export. With a token that was used before it is the same one.
    pub async fn export(&self, table: &str, to: &Export, token: &str) -> Result<Exported, Failure> {
        let mut body = json!({
            "TableArn": table,
            "S3Bucket": to.bucket,
            "ExportFormat": "DYNAMODB_JSON",
            "ExportType": "FULL_EXPORT",
            "ClientToken": token,
        });
        for (name, value) in [("S3Prefix", &to.prefix), ("S3BucketOwner", &to.owner)] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        if let Some(key) = &to.kms_key {
            body["S3SseAlgorithm"] = json!("KMS");
            body["S3SseKmsKeyId"] = json!(key);
        }
        exported(&self.call(EXPORT, body).await?, EXPORT)
    }

    pub async fn describe_export(&self, arn: &str) -> Result<Exported, Failure> {
        exported(&self.call(DESCRIBE_EXPORT, json!({ "ExportArn": arn })).await?, DESCRIBE_EXPORT)
    }

    /// What a failure is to the worker.
    pub fn error(&self, failure: &Failure) -> Error {
        let own = || self.service.arn(&format!("table/{}", self.table.name));
        let table =
            Some(&self.table.given).filter(|given| given.starts_with("arn:")).cloned().unwrap_or_else(own);
        let (what, resource) = match failure.action {
            DESCRIBE_EXPORT => ("the export of table", format!("{table}/export/*")),
            _ => ("table", table),
        };
        self.service.error(&format!("{what} {}", self.table.name), &resource, failure)
    }

    fn named(&self) -> Value {
        json!({ "TableName": self.table.given })
    }

    async fn call(&self, action: &'static str, body: Value) -> Result<Value, Failure> {
        self.service.call(action, &body).await.map_err(sorted)
    }
}

/// Codes of DynamoDB alone.
fn sorted(failure: Failure) -> Failure {
    let code = failure.reason.split(':').next().unwrap_or_default();
    let cause = match code {
        "TableNotFoundException" | "ExportNotFoundException" => Cause::Missing,
        // What was turned on a moment ago is not there yet.
        "PointInTimeRecoveryUnavailableException"
        | "ContinuousBackupsUnavailableException"
        | "InvalidExportTimeException"
        | "TableInUseException" => Cause::Transient,
        _ => failure.cause,
    };
    Failure { cause, ..failure }
}

fn exported(answer: &Value, action: &'static str) -> Result<Exported, Failure> {
    let found = &answer["ExportDescription"];
    let Some(arn) = found["ExportArn"].as_str() else {
        return Err(Failure::transient(action, "the answer has no ExportArn"));
    };
    let failure = [text(found, "FailureCode"), text(found, "FailureMessage")];
    Ok(Exported {
        arn: arn.into(),
        status: text(found, "ExportStatus"),
        reason: failure.join(" ").trim().to_owned(),
        // Seconds, with a fraction.
        time_ms: found["ExportTime"].as_f64().map(|seconds| (seconds * 1000.0) as i64),
        manifest: found["ExportManifest"].as_str().map(str::to_owned),
        bucket: found["S3Bucket"].as_str().map(str::to_owned),
    })
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

const PROTOCOL: Protocol = Protocol { name: "dynamodb", target: "DynamoDB_20120810", version: "1.0" };
const EXPORT: &str = "dynamodb:ExportTableToPointInTime";
const DESCRIBE_EXPORT: &str = "dynamodb:DescribeExport";
