//! The guard before a server of its own: who may passes, who may not hears why.

use super::{Guard, Policy};
use crate::http;
use serde_json::{Value, json};
use std::io::Write;

/// A policy with one statement.
fn policy(actions: &Value, resource: &str) -> Policy {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string())
}

fn ask(url: &str, who: &str, (target, body): (&str, &str)) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let scope = format!("AWS4-HMAC-SHA256 Credential={who}/20260101/us-east-1/kinesis/aws4_request, X=1");
    let request = ureq::Agent::from(config).post(url).header("authorization", scope);
    let request = if target.is_empty() { request } else { request.header("x-amz-target", target) };
    let mut answer = request.send(body).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn a_policy_says_what_passes() {
    let answer = http::answer(200, "application/json", r#"{"ShardIterator":"AAA"}"#);
    let guard = Guard::default();
    let url = guard.before(&http::serve(move |_, mut near| near.write_all(&answer).is_ok()));
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    guard.admit("me", policy(&json!(["kinesis:GetShardIterator", "kinesis:Put*"]), stream));
    let iterator = ("Kinesis_20131202.GetShardIterator", r#"{"StreamName":"orders"}"#);
    assert_eq!(ask(&url, "me", iterator).0, 200);
    assert_eq!(guard.unused("me"), ["kinesis:Put*"]);
    let (status, said) = ask(&url, "me", ("Kinesis_20131202.GetRecords", r#"{"ShardIterator":"AAA"}"#));
    let expected = format!("is not authorized to perform: kinesis:GetRecords on resource: {stream} because");
    assert!(status == 400 && said.contains(&expected) && said.contains("AccessDeniedException"), "{said}");
    assert_eq!(guard.refused("me"), [format!("kinesis:GetRecords on {stream}")]);
    assert_eq!(ask(&url, "somebody", iterator).0, 400);
}

#[test]
fn a_role_has_rights_of_its_own() {
    let answer = http::answer(200, "text/xml", "<R><AccessKeyId>ASIA1</AccessKeyId></R>");
    let guard = Guard::default();
    let url = guard.before(&http::serve(move |_, mut near| near.write_all(&answer).is_ok()));
    let role = "arn:aws:iam::000000000000:role/reader";
    guard.admit("me", policy(&json!("sts:AssumeRole"), role));
    guard.admit(role, policy(&json!("dynamodb:DescribeTable"), "*"));
    let describe = ("DynamoDB_20120810.DescribeTable", r#"{"TableName":"T"}"#);
    assert_eq!(ask(&url, "ASIA1", describe).0, 400, "nobody has assumed it yet");
    assert_eq!(ask(&url, "other", ("", "Action=AssumeRole&RoleArn=x")).0, 403);
    assert_eq!(ask(&url, "me", ("", &format!("Action=AssumeRole&RoleArn={role}"))).0, 200);
    assert_eq!(ask(&url, "ASIA1", describe).0, 200);
    assert_eq!(ask(&url, "me", describe).0, 400);
    assert!(guard.unused(role).is_empty() && guard.unused("me").is_empty());
}
