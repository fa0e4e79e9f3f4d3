//! What a request needs to be allowed: its action and resource, as AWS documents them for each service.

use super::policy::Asked;
use crate::http::Request;
use serde_json::Value;
use std::collections::BTreeMap;

/// Who signed a request, and for which region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    pub access_key: &'a str,
    pub region: &'a str,
}

impl<'a> Signed<'a> {
    /// The signature itself is the server's to check.
    pub fn of(request: &'a Request) -> Option<Self> {
        let (_, scope) = request.header("authorization")?.split_once("Credential=")?;
        let mut parts = scope.split('/');
        let access_key = parts.next()?;
        Some(Self { access_key, region: parts.nth(1)? })
    }
}

/// The service that a request is made to; each refuses in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service<'a> {
    Kinesis(&'a str),
    DynamoDb(&'a str),
    Queues(&'a str),
    Tokens,
    S3,
}

impl<'a> Service<'a> {
    pub fn of(request: &'a Request) -> Self {
        let target = request.header("x-amz-target").unwrap_or_default();
        if let Some(action) = target.strip_prefix("Kinesis_20131202.") {
            Self::Kinesis(action)
        } else if let Some(action) = target.strip_prefix("DynamoDB_20120810.") {
            Self::DynamoDb(action)
        } else if let Some(action) = target.strip_prefix("AmazonSQS.") {
            Self::Queues(action)
        } else if request.method() == "POST" && request.body().starts_with(b"Action=") {
            Self::Tokens
        } else {
            Self::S3
        }
    }
}

/// All of it has to be allowed. `holder` knows whose an iterator or a listing's token is.
pub fn asked(request: &Request, region: &str, holder: impl Fn(&str) -> Option<String>) -> Vec<Asked> {
    match Service::of(request) {
        Service::Kinesis(action) => vec![of_kinesis(action, &body(request), region, holder)],
        Service::DynamoDb(action) => of_dynamodb(action, &body(request), region),
        Service::Queues(action) => vec![of_queues(action, &body(request), region)],
        Service::Tokens => vec![of_tokens(request)],
        Service::S3 => vec![of_s3(request)],
    }
}

/// Of calls that name a consumer by its stream and its name, the consumer's ARN is meant, without its time.
fn of_kinesis(action: &str, body: &Value, region: &str, holder: impl Fn(&str) -> Option<String>) -> Asked {
    let text = |name: &str| body[name].as_str();
    let named = || text("StreamName").map(|name| format!("arn:aws:kinesis:{region}:{KINESIS}:stream/{name}"));
    let held = || ["ShardIterator", "NextToken"].into_iter().find_map(|name| holder(text(name)?));
    let stream = text("StreamARN").map(str::to_owned).or_else(named).or_else(held);
    let stream = stream.unwrap_or_else(|| UNKNOWN.to_owned());
    let resource = match (action, text("ConsumerARN"), text("ConsumerName")) {
        (_, Some(consumer), _) => consumer.to_owned(),
        ("DescribeStreamConsumer" | "DeregisterStreamConsumer", None, Some(name)) => {
            format!("{stream}/consumer/{name}")
        }
        _ => stream,
    };
    plain(&format!("kinesis:{action}"), resource)
}

/// Two actions make DynamoDB use other services with the rights of whoever asks.
fn of_dynamodb(action: &str, body: &Value, region: &str) -> Vec<Asked> {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let arn = |name: &str| format!("arn:aws:dynamodb:{region}:{DYNAMODB}:table/{name}");
    let named = || text("TableName").map(|name| if name.starts_with("arn:") { name } else { arn(&name) });
    let own = text("ExportArn").or_else(|| text("TableArn")).or_else(named);
    let mut all = vec![plain(&format!("dynamodb:{action}"), own.unwrap_or_else(|| UNKNOWN.to_owned()))];
    let stream = text("StreamArn").unwrap_or_default();
    let prefix = text("S3Prefix").map(|prefix| prefix + "/").unwrap_or_default();
    let object = format!("arn:aws:s3:::{}/{prefix}AWSDynamoDB/export", text("S3Bucket").unwrap_or_default());
    let more: (&[&str], String) = match action {
        "EnableKinesisStreamingDestination" => (&["kinesis:DescribeStream", "kinesis:PutRecords"], stream),
        "ExportTableToPointInTime" => {
            (&["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"], object)
        }
        _ => (&[], String::new()),
    };
    all.extend(more.0.iter().map(|action| plain(action, more.1.clone())));
    all
}

/// A queue's URL ends with the account and the name.
fn of_queues(action: &str, body: &Value, region: &str) -> Asked {
    let mut parts = body["QueueUrl"].as_str().unwrap_or_default().rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    plain(&format!("sqs:{action}"), format!("arn:aws:sqs:{region}:{account}:{name}"))
}

fn of_tokens(request: &Request) -> Asked {
    let body = String::from_utf8_lossy(request.body()).into_owned();
    let field = |name: &str| {
        let found = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        decoded(found.unwrap_or_default())
    };
    plain(&format!("sts:{}", field("Action")), field("RoleArn"))
}

/// Buckets are paths here, as emulators have them.
fn of_s3(request: &Request) -> Asked {
    let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
    let path = decoded(path.trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let action = match (request.method(), key.is_empty()) {
        ("GET" | "HEAD", true) => "ListBucket",
        ("GET" | "HEAD", false) => "GetObject",
        ("PUT" | "POST", false) => "PutObject",
        ("DELETE", false) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", false) => "DeleteObject",
        _ => "Unknown",
    };
    let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
    let keys = prefix.map(|prefix| ("s3:prefix".to_owned(), decoded(prefix)));
    let slash = if key.is_empty() { "" } else { "/" };
    Asked {
        action: format!("s3:{action}"),
        resource: format!("arn:aws:s3:::{bucket}{slash}{key}"),
        keys: keys.into_iter().collect(),
    }
}

fn plain(action: &str, resource: String) -> Asked {
    Asked { action: action.to_owned(), resource, keys: BTreeMap::new() }
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.body()).unwrap_or_default()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend(rest.bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whose the streams of the emulator are, and the table of the double.
const KINESIS: &str = "000000000000";
const DYNAMODB: &str = "123456789012";
/// No policy allows it.
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::{Signed, asked};
    use crate::http::Request;

    fn check(request: &str, expected: &[(&str, &str)]) {
        let request = Request::new(request.replace('\n', "\r\n").into_bytes());
        let holder = |token: &str| (token == "AAA").then(|| "arn:of/the/iterator".to_owned());
        let found = asked(&request, "eu-1", holder);
        let found: Vec<_> = found.iter().map(|it| (it.action.as_str(), it.resource.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_request_has_its_action_and_resource() {
        let kinesis = |call: &str| format!("POST / HTTP/1.1\nX-Amz-Target: Kinesis_20131202.{call}");
        let stream = "arn:aws:kinesis:eu-1:000000000000:stream/s";
        check(&kinesis("ListShards\n\n{\"StreamName\":\"s\"}"), &[("kinesis:ListShards", stream)]);
        check(
            &kinesis("GetRecords\n\n{\"ShardIterator\":\"AAA\"}"),
            &[("kinesis:GetRecords", "arn:of/the/iterator")],
        );
        check(&kinesis("GetRecords\n\n{\"ShardIterator\":\"B\"}"), &[("kinesis:GetRecords", "unknown")]);
        check(
            &kinesis("DescribeStreamConsumer\n\n{\"StreamARN\":\"a:stream/s\",\"ConsumerName\":\"c\"}"),
            &[("kinesis:DescribeStreamConsumer", "a:stream/s/consumer/c")],
        );
        check(
            &kinesis("RegisterStreamConsumer\n\n{\"StreamARN\":\"a:stream/s\",\"ConsumerName\":\"c\"}"),
            &[("kinesis:RegisterStreamConsumer", "a:stream/s")],
        );
        let dynamodb = |call: &str| format!("POST / HTTP/1.1\nX-Amz-Target: DynamoDB_20120810.{call}");
        check(
            &dynamodb("DescribeTable\n\n{\"TableName\":\"T\"}"),
            &[("dynamodb:DescribeTable", "arn:aws:dynamodb:eu-1:123456789012:table/T")],
        );
        check(
            &dynamodb(
                "ExportTableToPointInTime\n\n{\"TableArn\":\"t\",\"S3Bucket\":\"b\",\"S3Prefix\":\"p\"}",
            ),
            &[
                ("dynamodb:ExportTableToPointInTime", "t"),
                ("s3:PutObject", "arn:aws:s3:::b/p/AWSDynamoDB/export"),
                ("s3:PutObjectAcl", "arn:aws:s3:::b/p/AWSDynamoDB/export"),
                ("s3:AbortMultipartUpload", "arn:aws:s3:::b/p/AWSDynamoDB/export"),
            ],
        );
        check(
            "POST / HTTP/1.1\nX-Amz-Target: AmazonSQS.DeleteMessage\n\n{\"QueueUrl\":\"https://h/123/q\"}",
            &[("sqs:DeleteMessage", "arn:aws:sqs:eu-1:123:q")],
        );
        check(
            "POST / HTTP/1.1\n\nAction=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr",
            &[("sts:AssumeRole", "arn:aws:iam::1:role/r")],
        );
        check("GET /b?list-type=2&prefix=a%2F HTTP/1.1\n\n", &[("s3:ListBucket", "arn:aws:s3:::b")]);
        check("GET /b/a%20b/c HTTP/1.1\n\n", &[("s3:GetObject", "arn:aws:s3:::b/a b/c")]);
        check("DELETE /b/k?uploadId=1 HTTP/1.1\n\n", &[("s3:AbortMultipartUpload", "arn:aws:s3:::b/k")]);
    }

    #[test]
    fn a_signature_says_who_asks_and_where() {
        let head = "GET / HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=me/20260101/eu-1/s3/aws4_request, X=1\r\n\r\n";
        let request = Request::new(head.into());
        assert_eq!(Signed::of(&request), Some(Signed { access_key: "me", region: "eu-1" }));
        assert_eq!(Signed::of(&Request::new(b"GET / HTTP/1.1\r\n\r\n".to_vec())), None);
    }
}
