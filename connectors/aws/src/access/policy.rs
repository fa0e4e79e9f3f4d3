//! Which line a policy lacks, for a person whose request was denied.
use super::failure::{Failure, REASON_MAX};

/// What was denied to whom, and the statement that would have allowed it: with action and resource as the service names
/// them, or else with `resource` as it is known here.
pub fn denied(failure: &Failure, who: &str, resource: &str) -> String {
    let Failure { action, reason, .. } = failure;
    let lack = lack(reason, Some((action, resource)));
    format!("{action} is denied to {who}: {lack}{reason}")
}

/// The same of credentials that are not to be had, as where a role may not be assumed.
pub fn unknown(failure: &Failure, who: &str) -> String {
    let Failure { action, reason, .. } = failure;
    format!("{action}: there are no valid credentials, by {who}: {}{reason}", lack(reason, None))
}

fn lack(reason: &str, known: Option<(&str, &str)>) -> String {
    let found = named(reason).or(known).filter(|_| !reason.contains("explicit deny"));
    let Some((action, resource)) = found else { return String::new() };
    let line = serde_json::json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    format!("a policy has to allow it, as {line} does: ")
}

/// An ARN whose account nobody knows here.
pub fn arn(service: &str, region: &str, resource: &str) -> String {
    format!("arn:{}:{service}:{region}:*:{resource}", partition(region))
}

/// The group of regions that ARNs begin with.
pub fn partition(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, name)| name)
}

/// Action and resource in the sentence that AWS's services have for it.
fn named(reason: &str) -> Option<(&str, &str)> {
    let (_, rest) = reason.split_once("is not authorized to perform: ")?;
    let (action, rest) = rest.split_once(" on resource: ")?;
    // A sentence that was cut off may name half a resource.
    let whole = (reason.len() < REASON_MAX).then_some((rest, ""));
    let (resource, _) = rest.split_once(' ').or(whole)?;
    let resource = resource.trim_matches('"');
    (action.contains(':') && !action.contains(' ') && resource.starts_with("arn:"))
        .then_some((action, resource))
}

const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Cause;

    fn check(reason: &str, expected: &str) {
        let failure = Failure { cause: Cause::Denied, action: "s3:GetObject", reason: reason.into() };
        let said = denied(&failure, "access key ID", "arn:aws:s3:::logs/*");
        assert!(said.starts_with("s3:GetObject is denied to access key ID: "), "{said}");
        assert!(said.ends_with(&format!(": {reason}")), "{said}");
        let line = said.split_once(": a policy has to allow it, as ").map(|(_, rest)| rest);
        assert_eq!(line.and_then(|rest| rest.split_once(" does: ")).map_or("", |(line, _)| line), expected);
    }

    #[test]
    fn the_line_is_as_the_service_names_it_or_as_it_is_known() {
        check(
            "AccessDenied: Access Denied",
            r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}"#,
        );
        check(
            "AccessDenied: User: arn:aws:iam::1:user/me is not authorized to perform: s3:ListBucket on resource: \
             \"arn:aws:s3:::logs\" because no identity-based policy allows the s3:ListBucket action",
            r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::logs"}"#,
        );
        let short = "is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::logs/key";
        check(short, r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/key"}"#);
        let cut_off = format!("User: {} {short}", "x".repeat(REASON_MAX));
        check(&cut_off, r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}"#);
        check(
            "is not authorized to perform: s3:GetObject on resource: x with an explicit deny in a policy",
            "",
        );
    }

    #[test]
    fn a_role_that_may_not_be_assumed_is_named() {
        let reason = "service error: AccessDenied: User: x is not authorized to perform: sts:AssumeRole on resource: \
                      arn:aws:iam::1:role/reader";
        let failure = |reason: &str| {
            let failure =
                Failure { cause: Cause::Credentials, action: "kinesis:ListShards", reason: reason.into() };
            unknown(&failure, "role r")
        };
        let told = failure(&format!("{reason} because of that"));
        let line = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::1:role/reader"}"#;
        let start = "kinesis:ListShards: there are no valid credentials, by role r: ";
        assert!(
            told.starts_with(&format!("{start}a policy has to allow it, as {line} does: service")),
            "{told}"
        );
        assert_eq!(failure("no providers"), format!("{start}no providers"));
    }

    #[test]
    fn regions_have_their_partitions() {
        assert_eq!(arn("kinesis", "eu-west-1", "stream/s"), "arn:aws:kinesis:eu-west-1:*:stream/s");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
    }
}
