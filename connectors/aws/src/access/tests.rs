//! Requests as servers see them: through a role, through a proxy, and refused.
use penstock_sdk::Config;

use super::server::Server;
use super::*;

/// A token service and Kinesis in one.
fn both(request: &str) -> (u16, String) {
    if !request.contains("Action=AssumeRole") {
        return (200, "{\"Shards\":[]}".into());
    }
    if !request.contains("ExternalId=open+sesame") && !request.contains("ExternalId=open%20sesame") {
        let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
                     arn:aws:iam::123456789012:user/me is not authorized to perform: sts:AssumeRole on resource: \
                     arn:aws:iam::123456789012:role/reader</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        return (403, error.into());
    }
    let credentials = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
        <AssumedRoleUser><AssumedRoleId>A:p</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/p</Arn></AssumedRoleUser>\
        <Credentials><AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
        <SessionToken>ROLETOKEN</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
        </AssumeRoleResult></AssumeRoleResponse>";
    (200, credentials.into())
}

const KEYS: [(&str, &str); 3] =
    [("aws.region", "eu-west-1"), ("aws.access.key.id", "OWNKEY"), ("aws.secret.access.key", "hush")];

/// Asks for the shards of a stream.
fn ask(more: &[(&str, &str)]) -> Result<(), Failure> {
    let config: Config = KEYS.iter().chain(more).copied().collect();
    assert_eq!(problems(&config), []);
    let access = Access::parse(&config, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = load(&access).await.unwrap();
        let builder = aws_sdk_kinesis::config::Builder::from(&config);
        let endpoint = access.endpoint.clone().unwrap();
        let client = aws_sdk_kinesis::Client::from_conf(builder.endpoint_url(endpoint).build());
        let asked = client.list_shards().stream_name("s").send().await;
        asked.map(drop).map_err(|error| Failure::of("kinesis:ListShards", &error))
    })
}

#[test]
fn keys_sign_for_the_region() {
    let server = Server::start(both);
    ask(&[("aws.endpoint", &server.url), ("aws.session.token", "TOKEN")]).unwrap();
    let heard = server.heard().concat();
    assert!(heard.contains("Credential=OWNKEY/") && heard.contains("/eu-west-1/kinesis/"), "{heard}");
    assert!(heard.to_ascii_lowercase().contains("x-amz-security-token: token"), "{heard}");
    assert!(!heard.contains("hush"));
}

#[test]
fn a_role_is_assumed_with_its_external_id_and_signs_in_place_of_the_keys() {
    let server = Server::start(both);
    let role = [
        ("aws.endpoint", server.url.as_str()),
        ("aws.sts.endpoint", &server.url),
        ("aws.role.arn", "arn:aws:iam::123456789012:role/reader"),
        ("aws.role.external.id", "open sesame"),
        ("aws.role.session.name", "night-shift"),
    ];
    ask(&role).unwrap();
    let heard = server.heard();
    let (assumed, asked) = (&heard[0], &heard[1]);
    assert!(
        assumed.contains("Credential=OWNKEY/") && assumed.contains("RoleSessionName=night-shift"),
        "{assumed}"
    );
    assert!(asked.contains("Credential=ROLEKEY/") && asked.contains("ROLETOKEN"), "{asked}");
}

#[test]
fn a_role_that_may_not_be_assumed_is_a_matter_of_credentials() {
    let server = Server::start(both);
    let role = [
        ("aws.endpoint", server.url.as_str()),
        ("aws.sts.endpoint", &server.url),
        ("aws.role.arn", "arn:aws:iam::123456789012:role/reader"),
    ];
    let failure = ask(&role).unwrap_err();
    assert_eq!(failure.cause, Cause::Credentials, "{failure:?}");
    let told = super::policy::unknown(&failure, "role reader");
    let line =
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/reader"}"#;
    assert!(told.contains(&format!("by role reader: a policy has to allow it, as {line} does: ")), "{told}");
}

#[test]
fn a_proxy_gets_the_requests() {
    let proxy = Server::start(both);
    let through = [
        ("aws.endpoint", "http://kinesis.example:8080"),
        ("aws.proxy", proxy.url.as_str()),
        ("aws.proxy.user", "me"),
        ("aws.proxy.password", "secret"),
    ];
    ask(&through).unwrap();
    let heard = proxy.heard().concat();
    assert!(heard.contains("kinesis.example:8080"), "{heard}");
    assert!(heard.to_ascii_lowercase().contains("proxy-authorization: basic bwu6c2vjcmv0"), "{heard}");
}

#[test]
fn a_server_that_is_away_is_asked_again_later() {
    let failure = ask(&[("aws.endpoint", "http://127.0.0.1:1")]).unwrap_err();
    assert_eq!(failure.cause, Cause::Transient, "{failure:?}");
}
