//! Signs a request by version 4 of AWS's rules.
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
    pub at: SystemTime,
}

/// The headers to add to a `POST`. Its own are all signed, `host` among them.
pub fn signed(
    scope: &Scope<'_>,
    credentials: &Credentials,
    (url, headers): (&str, &[(&str, String)]),
    body: &[u8],
) -> Result<Vec<(String, String)>, String> {
    let identity = Identity::from(credentials.clone());
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?;
    let pairs = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let request = SignableRequest::new("POST", url, pairs, SignableBody::Bytes(body));
    let request = request.map_err(|error| format!("aws.endpoint: {error}"))?;
    let (instructions, _) =
        sign(request, &parameters.into()).map_err(|error| error.to_string())?.into_parts();
    let (added, _) = instructions.into_parts();
    Ok(added.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
}

/// Name and port, as a request says them.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}
