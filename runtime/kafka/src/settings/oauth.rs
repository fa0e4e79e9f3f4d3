//! Translates where OAuth tokens come from: Java's handlers, their options, and AWS's.

use std::path::PathBuf;
use std::time::Duration;

use super::jaas::{Module, bad};
use super::login::{Map, millis, refuse_handlers, roots_of};
use crate::Error;
use crate::oauth::{
    Chain, Claim, Endpoint, Limits, Msk, Pace, Role, Roots, Source, Surroundings, Unsecured, region_of,
};

const RETRIEVER: &str = "sasl.oauthbearer.jwt.retriever.class";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
const HANDLERS: [&str; 3] = [
    "OAuthBearerLoginCallbackHandler",
    "OAuthBearerUnsecuredLoginCallbackHandler",
    "OAuthBearerSaslClientCallbackHandler",
];
const HANDLERS_OF_MSK: [&str; 2] = ["IAMOAuthBearerLoginCallbackHandler", "IAMClientCallbackHandler"];
/// What Java's own classes do is done here.
const RETRIEVERS: [&str; 3] = ["DefaultJwtRetriever", "ClientCredentialsJwtRetriever", "FileJwtRetriever"];

/// Keys that a login by OAuth takes into account.
pub(super) fn is_used(key: &str) -> bool {
    const KEYS: [&str; 19] = [
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.jaas.config",
        "sasl.login.callback.handler.class",
        "sasl.client.callback.handler.class",
        "sasl.login.connect.timeout.ms",
        "sasl.login.read.timeout.ms",
        "sasl.login.retry.backoff.ms",
        "sasl.login.retry.backoff.max.ms",
        "sasl.login.refresh.window.factor",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.sub.claim.name",
        "sasl.oauthbearer.header.urlencode",
        "sasl.oauthbearer.client.credentials.client.id",
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.jwt.retriever.class",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.extensions",
    ];
    key == ENDPOINT || KEYS.contains(&key)
}

pub(super) fn source(given: &Map, module: Option<&Module>) -> Result<Source, Error> {
    refuse_handlers(given, &HANDLERS)?;
    refuse_assertions(given)?;
    if module.is_some_and(|module| module.name != "OAuthBearerLoginModule") {
        return Err(bad("expected OAuthBearerLoginModule for sasl.mechanism=OAUTHBEARER"));
    }
    let principal_claim = text(given, "sasl.oauthbearer.sub.claim.name").unwrap_or_else(|| "sub".into());
    let mut extensions = module.map(|module| module.below("extension_")).unwrap_or_default();
    let pairs = text(given, "sasl.oauthbearer.extensions").unwrap_or_default();
    let pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
    extensions.extend(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    match text(given, ENDPOINT) {
        None => unsecured(module, extensions),
        Some(url) => match url.strip_prefix("file:") {
            Some(path) => {
                let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
                Ok(Source::File { path, principal_claim, extensions })
            }
            None => endpoint(given, module, (url, principal_claim, extensions)),
        },
    }
}

fn endpoint(
    given: &Map,
    module: Option<&Module>,
    (url, principal_claim, extensions): (String, String, Vec<(String, String)>),
) -> Result<Source, Error> {
    check_url(&url)?;
    let option = |key: &str, name: &str| {
        text(given, key).or_else(|| module.and_then(|module| module.option(name)).map(ToOwned::to_owned))
    };
    // What librdkafka calls it comes last.
    let require = |part: &str, name: &str| {
        let key = format!("sasl.oauthbearer.client.credentials.client.{part}");
        option(&key, name)
            .or_else(|| text(given, &format!("sasl.oauthbearer.client.{part}")))
            .ok_or_else(|| Error::config(format!("{key}: expected, or {name} in sasl.jaas.config")))
    };
    Ok(Source::Endpoint(Endpoint {
        url,
        client_id: require("id", "clientId")?,
        client_secret: require("secret", "clientSecret")?,
        scope: option("sasl.oauthbearer.scope", "scope"),
        encodes_credentials: text(given, "sasl.oauthbearer.header.urlencode")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
        principal_claim,
        extensions,
        limits: limits(given)?,
        roots: roots(given, module)?,
    }))
}

/// Whom the token endpoint's certificate has to come from: as the JAAS line says, as with Java, or as librdkafka's
/// keys say.
fn roots(given: &Map, module: Option<&Module>) -> Result<Roots, Error> {
    if let Some(pem) = module.map(roots_of).transpose()?.flatten() {
        return Ok(Roots::Only(pem));
    }
    if let Some(pem) = text(given, "https.ca.pem") {
        return Ok(Roots::Only(pem));
    }
    match text(given, "https.ca.location").filter(|path| path != "probe") {
        None => Ok(Roots::System),
        Some(path) => std::fs::read_to_string(&path)
            .map(Roots::Only)
            .map_err(|error| Error::config(format!("https.ca.location: {path}: {error}"))),
    }
}

fn check_url(url: &str) -> Result<(), Error> {
    let bad = |why: &str| Error::config(format!("{ENDPOINT}: {why}"));
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if ["https", "http"].contains(&scheme.to_lowercase().as_str()) => rest,
        // The address is not repeated: it may be anything.
        _ => return Err(bad("expected an https, http or file URL")),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') {
        return Err(bad("expected a host name, without a user before it"));
    }
    Ok(())
}

fn limits(given: &Map) -> Result<Limits, Error> {
    let default = Limits::default();
    let connect = millis(given, "sasl.login.connect.timeout.ms")?.filter(|time| !time.is_zero());
    let read = millis(given, "sasl.login.read.timeout.ms")?.filter(|time| !time.is_zero());
    let connect = connect.unwrap_or(default.connect);
    Ok(Limits { connect, whole: read.map_or(default.whole, |read| connect + read) })
}

pub(super) fn pace(given: &Map) -> Result<Pace, Error> {
    const WINDOW: &str = "sasl.login.refresh.window.factor";
    let default = Pace::default();
    let window = match text(given, WINDOW) {
        None => default.window,
        Some(value) => value
            .parse()
            .ok()
            .filter(|window| (0.5..=1.0).contains(window))
            .ok_or_else(|| Error::config(format!("{WINDOW}: expected 0.5..=1.0, got \"{value}\"")))?,
    };
    let positive = |key, default: Duration| {
        millis(given, key).map(|time| time.unwrap_or(default).max(Duration::from_millis(1)))
    };
    let backoff = positive("sasl.login.retry.backoff.ms", default.backoff)?;
    let backoff_max = positive("sasl.login.retry.backoff.max.ms", default.backoff_max)?.max(backoff);
    Ok(Pace { window: window.min(0.95), backoff, backoff_max })
}

/// What Java does when it is told no more than that: for development.
fn unsecured(module: Option<&Module>, extensions: Vec<(String, String)>) -> Result<Source, Error> {
    let expected = || Error::config(format!("{ENDPOINT}: expected where tokens come from"));
    let module = module.ok_or_else(expected)?;
    let mut claims = std::collections::BTreeMap::new();
    for (name, value) in module.below("unsecuredLoginStringClaim_") {
        claims.insert(name, Claim::Text(value));
    }
    for (name, value) in module.below("unsecuredLoginNumberClaim_") {
        claims.insert(name, Claim::Number(value));
    }
    if claims.is_empty() {
        return Err(expected());
    }
    let seconds = module.option("unsecuredLoginLifetimeSeconds").unwrap_or("3600");
    let life = seconds
        .parse()
        .ok()
        .filter(|seconds| (1..=31_536_000).contains(seconds))
        .ok_or_else(|| bad("unsecuredLoginLifetimeSeconds: expected 1..=31536000"))?;
    let principal_claim = module.option("unsecuredLoginPrincipalClaimName").unwrap_or("sub").to_owned();
    Ok(Source::Unsecured(Unsecured { claims, life: Duration::from_secs(life), principal_claim, extensions }))
}

/// Other grants, and retrievers of one's own.
fn refuse_assertions(given: &Map) -> Result<(), Error> {
    if let Some(key) = given.keys().find(|key| key.starts_with("sasl.oauthbearer.assertion.")) {
        return Err(Error::config(format!(
            "{key}: the JWT bearer grant is not part of this build; use sasl.oauthbearer.client.credentials.*, or a \
             file:// URL in {ENDPOINT}"
        )));
    }
    match text(given, RETRIEVER) {
        Some(class) if !class.rsplit('.').next().is_some_and(|name| RETRIEVERS.contains(&name)) => Err(
            Error::config(format!("{RETRIEVER}: it names Java code, expected {}", RETRIEVERS.join(" or "))),
        ),
        _ => Ok(()),
    }
}

/// AWS's library for Java has a handler for OAUTHBEARER too.
pub(super) fn is_msk(given: &Map, module: Option<&Module>) -> bool {
    let handler = given.get("sasl.login.callback.handler.class");
    let handler = handler.is_some_and(|class| class.ends_with("IAMOAuthBearerLoginCallbackHandler"));
    handler || module.is_some_and(|module| module.name == "IAMLoginModule")
}

pub(super) fn msk(given: &Map, module: Option<&Module>) -> Result<Source, Error> {
    refuse_handlers(given, &HANDLERS_OF_MSK)?;
    if module
        .is_some_and(|module| !["IAMLoginModule", "OAuthBearerLoginModule"].contains(&module.name.as_str()))
    {
        return Err(bad("expected IAMLoginModule for AWS MSK IAM"));
    }
    let option = |name: &str| module.and_then(|module| module.option(name)).map(ToOwned::to_owned);
    let surroundings = Surroundings::of_process();
    let bootstrap = given.get("bootstrap.servers").map_or("", String::as_str);
    let region = region_of(bootstrap).or_else(|| surroundings.region()).map(ToOwned::to_owned);
    let region = region.ok_or_else(|| {
        Error::config(
            "bootstrap.servers: expected AWS's own name of the cluster, which holds its region, or AWS_REGION",
        )
    })?;
    let role = option("awsRoleArn").map(|arn| Role {
        arn,
        session: option("awsRoleSessionName").unwrap_or_else(|| "penstock".into()),
        external_id: option("awsRoleExternalId"),
        region: option("awsStsRegion").unwrap_or_else(|| region.clone()),
    });
    let mut chain = Chain::new(surroundings);
    chain.profile = option("awsProfileName");
    chain.role = role;
    Ok(Source::Msk(Msk { region, chain }))
}

fn text(given: &Map, key: &str) -> Option<String> {
    given.get(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
