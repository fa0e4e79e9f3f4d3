//! Signatures as AWS publishes them, and answers of all kinds from a server on loopback.
use std::time::{Duration, UNIX_EPOCH};

use penstock_sdk::{Config, Kind};
use serde_json::json;

use super::*;
use crate::access::server::Server;

/// `post-x-www-form-urlencoded` of AWS's own suite of signatures.
#[test]
fn a_signature_is_the_published_one() {
    let credentials =
        Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, None, "test");
    let at = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    let scope = Scope { region: "us-east-1", service: "service", at };
    let headers = [
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("host", "example.amazonaws.com".to_owned()),
        ("content-length", "13".to_owned()),
        (
            "x-amz-content-sha256",
            "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e".to_owned(),
        ),
    ];
    let url = "https://example.amazonaws.com/";
    let added = signed(&scope, &credentials, (url, &headers), b"Param1=value1").unwrap();
    let value = |name: &str| added.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(value("x-amz-date"), Some("20150830T123600Z"));
    assert_eq!(
        value("authorization"),
        Some(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date, \
             Signature=d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"
        )
    );
}

const DYNAMO: Protocol = Protocol { name: "dynamodb", target: "DynamoDB_20120810", version: "1.0" };
const ACTION: &str = "dynamodb:DescribeTable";

fn ask(server: &Server, more: &[(&str, &str)]) -> (Service, Result<Value, Failure>) {
    let own = [
        ("aws.region", "eu-west-1"),
        ("aws.access.key.id", "OWNKEY"),
        ("aws.secret.access.key", "hush"),
        ("aws.endpoint", server.url.as_str()),
    ];
    let config: Config = own.iter().chain(more).copied().collect();
    let access = Access::parse(&config, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = Service::open(&access, DYNAMO).await.unwrap();
        let answer = service.call(ACTION, &json!({ "TableName": "Orders" })).await;
        (service, answer)
    })
}

#[test]
fn a_call_says_what_it_wants_and_signs_for_it() {
    let server = Server::start(|_| (200, r#"{"Table":{"TableStatus":"ACTIVE"}}"#.into()));
    let (_, answer) = ask(&server, &[("aws.session.token", "TOKEN")]);
    assert_eq!(answer.unwrap()["Table"]["TableStatus"], "ACTIVE");
    let heard = server.heard().concat();
    let lower = heard.to_ascii_lowercase();
    for expected in [
        "x-amz-target: dynamodb_20120810.describetable",
        "content-type: application/x-amz-json-1.0",
        "x-amz-security-token: token",
        "/eu-west-1/dynamodb/aws4_request",
        "signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        r#"{"tablename":"orders"}"#,
    ] {
        assert!(lower.contains(expected), "{expected}: {heard}");
    }
    assert!(!heard.contains("hush"));
}

#[test]
fn failures_are_told_apart() {
    let check = |answer: fn(&str) -> (u16, String), cause: Cause, kind: &Kind, expected: &str| {
        let (service, outcome) = ask(&Server::start(answer), &[]);
        let failure = outcome.unwrap_err();
        let error = service.error("table Orders", "arn:aws:dynamodb:eu-1:*:table/Orders", &failure);
        assert_eq!((failure.cause, error.kind()), (cause, kind), "{error}");
        assert!(error.message().contains(expected), "{error}");
    };
    let later = Kind::Retry { after: None };
    check(
        |_| {
            (400, r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no such table."}"#.into())
        },
        Cause::Missing,
        &Kind::Config,
        "table Orders: it does not exist for access key OWNKEY: dynamodb:DescribeTable: ResourceNotFoundException: no such table",
    );
    check(
        |_| (400, r#"{"__type":"AccessDeniedException","Message":"User: x is not authorized"}"#.into()),
        Cause::Denied,
        &Kind::Config,
        "dynamodb:DescribeTable is denied to access key OWNKEY",
    );
    check(
        |_| (400, r#"{"__type":"ThrottlingException:http://x"}"#.into()),
        Cause::Throttled,
        &later,
        "Throttling",
    );
    check(|_| (503, "<html>".into()), Cause::Transient, &later, "status 503");
    check(|_| (200, "<html>".into()), Cause::Transient, &later, "the answer is no JSON");
    check(|_| (200, " ".repeat(9_000_000)), Cause::Invalid, &Kind::Config, "more than 8388608 bytes");
}

#[test]
fn a_service_that_is_away_is_asked_again_later() {
    let mut server = Server::start(|_| (200, String::new()));
    "http://127.0.0.1:1".clone_into(&mut server.url);
    let (service, outcome) = ask(&server, &[]);
    let failure = outcome.unwrap_err();
    assert!(*service.error("x", "y", &failure).kind() == Kind::Retry { after: None }, "{failure:?}");
}

#[test]
fn a_role_is_assumed_once_for_many_calls() {
    let server = Server::start(|request| {
        if !request.contains("Action=AssumeRole") {
            return (200, "{}".into());
        }
        let credentials = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
            <Credentials><AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
            <SessionToken>T</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
            </AssumeRoleResult></AssumeRoleResponse>";
        (200, credentials.into())
    });
    let role = [
        ("aws.role.arn", "arn:aws:iam::123456789012:role/reader"),
        ("aws.sts.endpoint", server.url.as_str()),
        ("aws.endpoint", server.url.as_str()),
        ("aws.region", "eu-west-1"),
        ("aws.access.key.id", "OWNKEY"),
        ("aws.secret.access.key", "hush"),
    ];
    let access = Access::parse(&role.iter().copied().collect(), None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = Service::open(&access, DYNAMO).await.unwrap();
        for _ in 0..3 {
            service.call(ACTION, &json!({})).await.unwrap();
        }
    });
    let heard = server.heard();
    assert_eq!(heard.iter().filter(|request| request.contains("Action=AssumeRole")).count(), 1);
    assert_eq!(heard.iter().filter(|request| request.contains("Credential=ROLEKEY/")).count(), 3);
}
