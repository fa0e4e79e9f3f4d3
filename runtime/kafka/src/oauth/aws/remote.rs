//! Keys that AWS hands out on request: for a web identity, a role, a container, a machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::credentials::{Found, Keys, Role, Surroundings};
use super::{sign, time};
use crate::oauth::endpoint::percent_encode;
use crate::oauth::http::{Answer, Call, Limits, Request, Roots};
use crate::oauth::source::Failure;

/// What is on the machine itself answers at once or not at all.
const NEAR: Limits = Limits { connect: Duration::from_secs(1), whole: Duration::from_secs(5) };
const FAR: Limits = Limits { connect: Duration::from_secs(5), whole: Duration::from_secs(15) };

/// As for a pod of Kubernetes whose service account has a role.
pub(super) fn web_identity(around: &Surroundings) -> Result<Found, Failure> {
    let expected = |name: &str| {
        around.get(name).ok_or_else(|| Failure::lasting(format!("{name}: expected for a web identity")))
    };
    let (file, role) = (expected("AWS_WEB_IDENTITY_TOKEN_FILE")?, expected("AWS_ROLE_ARN")?);
    let token =
        std::fs::read_to_string(file).map_err(|error| Failure::passing(format!("{file}: {error}")))?;
    let session = around.get("AWS_ROLE_SESSION_NAME").unwrap_or("penstock");
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
        percent_encode(role),
        percent_encode(session),
        percent_encode(token.trim())
    );
    let url = around
        .get("AWS_ENDPOINT_URL_STS")
        .map_or_else(|| format!("https://{}/", sts_host(around.region())), ToOwned::to_owned);
    let answer = ask("AWS STS", &url, Request::PostForm(&form), FAR, &[("accept", "application/json")])?;
    of_sts(&answer, "AssumeRoleWithWebIdentity")
}

/// The request is a signed URL, as a token is.
pub(super) fn assume(
    around: &Surroundings,
    role: &Role,
    own: &Keys,
    now: SystemTime,
) -> Result<Found, Failure> {
    let mut query = vec![
        ("Action", "AssumeRole"),
        ("RoleArn", role.arn.as_str()),
        ("RoleSessionName", role.session.as_str()),
        ("Version", "2011-06-15"),
    ];
    query.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
    let endpoint = around.get("AWS_ENDPOINT_URL_STS").unwrap_or_default().trim_end_matches('/');
    let (scheme, host) = match endpoint.split_once("://") {
        Some((scheme, host)) => (scheme, host.to_owned()),
        None => ("https", sts_host(Some(&role.region))),
    };
    let request = sign::Request {
        host: &host,
        path: "/",
        query: &query,
        service: "sts",
        region: &role.region,
        life: Duration::from_secs(60),
        payload_hash: &sign::hash(b""),
    };
    let url = sign::presign(&request, own, now).map_err(Failure::lasting)?;
    let url = url.replacen("https", scheme, 1);
    let answer = ask("AWS STS", &url, Request::Get, FAR, &[("accept", "application/json")])?;
    of_sts(&answer, "AssumeRole")
}

pub(super) fn container_url(around: &Surroundings) -> Option<String> {
    let full = around.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(ToOwned::to_owned);
    let relative = around.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    relative.map(|path| format!("http://169.254.170.2{path}")).or(full)
}

pub(super) fn container(around: &Surroundings, url: &str) -> Result<Found, Failure> {
    let authorization = match around.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => {
            let token = std::fs::read_to_string(file)
                .map_err(|error| Failure::passing(format!("{file}: {error}")))?;
            Some(token.trim().to_owned())
        }
        None => around.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(ToOwned::to_owned),
    };
    let headers: Vec<_> = authorization.iter().map(|token| ("authorization", token.as_str())).collect();
    let answer = ask("the container's credentials", url, Request::Get, NEAR, &headers)?;
    of_metadata(&answer, "the container's credentials")
}

/// The role of a machine, by the second version of its metadata service.
pub(super) fn instance(around: &Surroundings) -> Result<Found, Failure> {
    const WHAT: &str = "the machine's metadata";
    let base = around.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or("http://169.254.169.254");
    let base = base.trim_end_matches('/');
    let life = [("x-aws-ec2-metadata-token-ttl-seconds", "300")];
    let session = ask(WHAT, &format!("{base}/latest/api/token"), Request::Put, NEAR, &life)?;
    let headers = [("x-aws-ec2-metadata-token", session.as_str())];
    let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
    let role = ask(WHAT, &roles, Request::Get, NEAR, &headers)?;
    let role = role.lines().next().unwrap_or_default().trim();
    if role.is_empty() {
        return Err(Failure::lasting(format!("{WHAT}: the machine has no role")));
    }
    let answer = ask(WHAT, &format!("{roles}{}", percent_encode(role)), Request::Get, NEAR, &headers)?;
    of_metadata(&answer, WHAT)
}

fn sts_host(region: Option<&str>) -> String {
    match region {
        Some(region) if region.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
        Some(region) => format!("sts.{region}.amazonaws.com"),
        None => "sts.amazonaws.com".into(),
    }
}

fn ask(
    what: &str,
    url: &str,
    request: Request<'_>,
    limits: Limits,
    headers: &[(&str, &str)],
) -> Result<String, Failure> {
    let call = Call { url, request, headers, limits, roots: &Roots::System };
    let at = |failure: Failure| Failure { sentence: format!("{what}: {}", failure.sentence), ..failure };
    let Answer { status, body } = call.send().map_err(at)?;
    match status {
        200 => Ok(body),
        400 | 401 | 403 | 404 => Err(at(Failure::lasting(format!("answered {status}{}", code(&body))))),
        _ => Err(at(Failure::passing(format!("answered {status}")))),
    }
}

/// The error's name in an answer of STS, which is a single word.
fn code(body: &str) -> String {
    let answer: Option<Value> = serde_json::from_str(body).ok();
    let code = answer.as_ref().and_then(|answer| answer.pointer("/Error/Code")).and_then(Value::as_str);
    let code = code.filter(|code| code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    code.map(|code| format!(" {code}")).unwrap_or_default()
}

fn of_sts(answer: &str, action: &str) -> Result<Found, Failure> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let path = format!("/{action}Response/{action}Result/Credentials");
    answer
        .pointer(&path)
        .and_then(|found| read(found, "SessionToken"))
        .ok_or_else(|| Failure::passing("AWS STS: its answer holds no credentials"))
}

fn of_metadata(answer: &str, what: &str) -> Result<Found, Failure> {
    serde_json::from_str(answer)
        .ok()
        .and_then(|answer: Value| read(&answer, "Token"))
        .ok_or_else(|| Failure::passing(format!("{what}: the answer holds no credentials")))
}

fn read(found: &Value, session: &str) -> Option<Found> {
    let text = |name: &str| Some(found.get(name)?.as_str()?.to_owned());
    let keys = Keys { id: text("AccessKeyId")?, secret: text("SecretAccessKey")?, session: text(session) };
    let ends = match found.get("Expiration")? {
        Value::String(text) => time::parse(text)?,
        number => UNIX_EPOCH + Duration::from_secs_f64(number.as_f64().filter(|s| (0.0..1e11).contains(s))?),
    };
    Some((keys, Some(ends)))
}
