//! What Java's settings for OAuth and for AWS mean.

use super::super::jaas;
use super::*;

fn map(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn read(pairs: &[(&str, &str)]) -> Result<Source, Error> {
    let given = map(pairs);
    let module = given.get("sasl.jaas.config").map(|line| jaas::parse(line).unwrap());
    source(&given, module.as_ref())
}

fn endpoint_of(pairs: &[(&str, &str)]) -> Endpoint {
    match read(pairs) {
        Ok(Source::Endpoint(endpoint)) => endpoint,
        Ok(_) => panic!("another source"),
        Err(error) => panic!("{error}"),
    }
}

const URL: (&str, &str) = ("sasl.oauthbearer.token.endpoint.url", "https://id.example.com/token");

#[test]
fn client_credentials_come_from_keys_or_from_the_jaas_line() {
    let of_keys = endpoint_of(&[
        URL,
        ("sasl.oauthbearer.client.credentials.client.id", "me"),
        ("sasl.oauthbearer.client.credentials.client.secret", "s"),
        ("sasl.oauthbearer.scope", "kafka"),
    ]);
    let of_line = endpoint_of(&[
        URL,
        (
            "sasl.login.callback.handler.class",
            "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
        ),
        (
            "sasl.jaas.config",
            "a.OAuthBearerLoginModule required clientId=\"me\" clientSecret='s' scope=\"kafka\";",
        ),
    ]);
    let of_librdkafka = endpoint_of(&[
        URL,
        ("sasl.oauthbearer.client.id", "me"),
        ("sasl.oauthbearer.client.secret", "s"),
        ("sasl.oauthbearer.scope", "kafka"),
    ]);
    assert!(of_keys == of_line && of_line == of_librdkafka);
    assert_eq!((of_keys.client_id.as_str(), of_keys.client_secret.as_str()), ("me", "s"));
    assert_eq!(of_keys.scope.as_deref(), Some("kafka"));
}

#[test]
fn extensions_limits_and_form_are_taken_over() {
    let endpoint = endpoint_of(&[
        URL,
        (
            "sasl.jaas.config",
            "OAuthBearerLoginModule required clientId=a clientSecret=b extension_logicalCluster=lkc-1 extension_identityPoolId=pool-2;",
        ),
        ("sasl.login.connect.timeout.ms", "2000"),
        ("sasl.login.read.timeout.ms", "3000"),
        ("sasl.oauthbearer.header.urlencode", "true"),
        ("sasl.oauthbearer.sub.claim.name", "client_id"),
    ]);
    let expected = [("identityPoolId", "pool-2"), ("logicalCluster", "lkc-1")];
    let found: Vec<_> =
        endpoint.extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(endpoint.limits, Limits { connect: Duration::from_secs(2), whole: Duration::from_secs(5) });
    assert!(endpoint.encodes_credentials);
    assert_eq!(endpoint.principal_claim, "client_id");
}

#[test]
fn tokens_come_from_a_file_too() {
    for url in ["file:///run/token", "file:/run/token"] {
        match read(&[("sasl.oauthbearer.token.endpoint.url", url)]) {
            Ok(Source::File { path, .. }) => assert_eq!(path, PathBuf::from("/run/token")),
            _ => panic!("{url}"),
        }
    }
}

#[test]
fn what_is_missing_or_cannot_be_done_is_named() {
    let check = |pairs: &[(&str, &str)], start: &str| {
        let error = read(pairs).err().unwrap_or_else(|| panic!("accepted: {start}"));
        assert!(error.message.starts_with(start), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    };
    let endpoint = "sasl.oauthbearer.token.endpoint.url";
    check(&[], endpoint);
    check(&[("sasl.jaas.config", "OAuthBearerLoginModule required ;")], endpoint);
    check(&[URL], "sasl.oauthbearer.client.credentials.client.id: ");
    check(&[URL, ("sasl.oauthbearer.client.id", "a")], "sasl.oauthbearer.client.credentials.client.secret: ");
    check(&[(endpoint, "ftp://a/hunter2")], endpoint);
    check(&[(endpoint, "https://u:hunter2@a/")], endpoint);
    check(&[(endpoint, "https://")], endpoint);
    check(
        &[URL, ("sasl.oauthbearer.assertion.private.key.file", "/k")],
        "sasl.oauthbearer.assertion.private.key.file: ",
    );
    check(
        &[URL, ("sasl.oauthbearer.jwt.retriever.class", "my.Own")],
        "sasl.oauthbearer.jwt.retriever.class: ",
    );
    check(&[URL, ("sasl.login.callback.handler.class", "my.Own")], "sasl.login.callback.handler.class: ");
    check(
        &[URL, ("sasl.jaas.config", "PlainLoginModule required username=u password=hunter2;")],
        "sasl.jaas.config: ",
    );
    check(
        &[
            URL,
            ("sasl.oauthbearer.client.id", "a"),
            ("sasl.oauthbearer.client.secret", "hunter2"),
            ("sasl.login.read.timeout.ms", "soon"),
        ],
        "sasl.login.read.timeout.ms: ",
    );
}

#[test]
fn the_pace_is_javas() {
    let found =
        pace(&map(&[("sasl.login.retry.backoff.ms", "50"), ("sasl.login.refresh.window.factor", "0.6")]));
    let expected = Pace { window: 0.6, backoff: Duration::from_millis(50), ..Pace::default() };
    assert_eq!(found.unwrap(), expected);
    assert!(pace(&map(&[("sasl.login.refresh.window.factor", "2")])).is_err());
}

#[test]
fn amazons_library_is_known_by_its_names() {
    let region = ("bootstrap.servers", "b-1.demo.a1.c2.kafka.eu-west-1.amazonaws.com:9098");
    let check = |line: &str, profile: Option<&str>, role: Option<&str>| {
        let module = jaas::parse(line).unwrap();
        let given = map(&[
            region,
            ("sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler"),
        ]);
        match msk(&given, Some(&module)) {
            Ok(Source::Msk(msk)) => {
                assert_eq!(msk.region, "eu-west-1");
                assert_eq!(msk.chain.profile.as_deref(), profile);
                assert_eq!(msk.chain.role.map(|role| role.arn).as_deref(), role);
            }
            Ok(_) => panic!("another source"),
            Err(error) => panic!("{error}"),
        }
    };
    check("software.amazon.msk.auth.iam.IAMLoginModule required;", None, None);
    check("IAMLoginModule required awsProfileName=\"dev\";", Some("dev"), None);
    check("IAMLoginModule required awsRoleArn=\"arn:x\" awsStsRegion=us-east-1;", None, Some("arn:x"));
    let module = jaas::parse("ScramLoginModule required username=a password=b;").unwrap();
    assert!(msk(&map(&[region]), Some(&module)).is_err());
}
