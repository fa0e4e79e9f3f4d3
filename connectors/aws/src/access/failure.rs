//! What a refused or lost request means, whatever service it was made to.
use std::error::Error as StdError;
use std::fmt::Debug;

use aws_sdk_kinesis::config::http::HttpResponse;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too much at once: later.
    Throttled,
    /// The service, the network or the key service is away: later.
    Transient,
    /// The iterator is too old: another one is needed.
    Expired,
    /// Somebody is at it at this moment.
    InUse,
    /// As many as there may be exist already.
    Limit,
    /// There is no such thing.
    Missing,
    /// There is no such object, or no longer.
    Gone,
    /// It is another one than the one that was meant.
    Changed,
    /// Whoever asks may not.
    Denied,
    /// It is not known who asks.
    Credentials,
    /// The credentials were good once.
    Outdated,
    /// The request makes no sense to the service.
    Invalid,
}

/// A cause and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub cause: Cause,
    /// The action as policies name it.
    pub action: &'static str,
    pub reason: String,
}

impl Failure {
    pub fn of<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or_default();
                let said = context.err().message().unwrap_or_default();
                Self { cause: cause(code, status), action, reason: sentence(code, said, status) }
            }
            other => {
                let reason = chain(other);
                // Credentials are looked for right before a request is sent.
                let is_unknown = reason.contains("credential") || reason.contains("AssumeRole");
                let cause = if is_unknown { unknown_identity(&reason) } else { Cause::Transient };
                Self { cause, action, reason }
            }
        }
    }

    pub fn of_stream<E, R>(action: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: Debug,
    {
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or_default();
                let said = context.err().message().unwrap_or_default();
                Self { cause: cause(code, None), action, reason: sentence(code, said, None) }
            }
            other => Self { cause: Cause::Transient, action, reason: chain(other) },
        }
    }

    /// An answer that is no success, of a service whose answers are read here.
    pub fn answered(action: &'static str, code: &str, said: &str, status: u16) -> Self {
        Self { cause: cause(code, Some(status)), action, reason: sentence(code, said, Some(status)) }
    }

    /// Whoever asks could not be found out.
    pub fn unidentified(action: &'static str, error: &dyn StdError) -> Self {
        let reason = chain(error);
        Self { cause: unknown_identity(&reason), action, reason }
    }

    /// There was no answer.
    pub fn unanswered(action: &'static str, error: &dyn StdError) -> Self {
        Self { cause: Cause::Transient, action, reason: chain(error) }
    }

    pub fn transient(action: &'static str, reason: impl Into<String>) -> Self {
        Self { cause: Cause::Transient, action, reason: reason.into() }
    }

    /// Waiting may mend it.
    pub fn is_passing(&self) -> bool {
        use Cause::{Expired, InUse, Limit, Throttled, Transient};
        matches!(self.cause, Throttled | Transient | Expired | InUse | Limit)
    }
}

/// Who has no credentials, or may not assume a role, gets them no sooner by asking again; a service that hands them out
/// and is away comes back.
fn unknown_identity(reason: &str) -> Cause {
    const FINAL: [&str; 7] = [
        "no providers in chain",
        "not enabled",
        "AccessDenied",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "invalid configuration",
        "profile",
    ];
    let is_final = FINAL.iter().any(|text| reason.contains(text));
    if is_final { Cause::Credentials } else { Cause::Transient }
}

fn cause(code: &str, status: Option<u16>) -> Cause {
    match code {
        "ProvisionedThroughputExceededException"
        | "KMSThrottlingException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => Cause::Throttled,
        "ExpiredIteratorException" => Cause::Expired,
        "ResourceInUseException" => Cause::InUse,
        "LimitExceededException" => Cause::Limit,
        "ResourceNotFoundException" | "NoSuchBucket" => Cause::Missing,
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => Cause::Gone,
        "PreconditionFailed" => Cause::Changed,
        "AccessDeniedException"
        | "AccessDenied"
        | "UnauthorizedOperation"
        | "OptInRequired"
        | "AllAccessDisabled" => Cause::Denied,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "AuthFailure" => Cause::Credentials,
        "ExpiredTokenException" | "ExpiredToken" | "TokenRefreshRequired" | "RequestExpired" => {
            Cause::Outdated
        }
        "InvalidArgumentException"
        | "ValidationException"
        | "SerializationException"
        | "UnknownOperationException"
        | "InvalidAction" => Cause::Invalid,
        // These come with statuses of the client's faults.
        "RequestTimeout" | "RequestTimeTooSkewed" | "OperationAborted" | "ConditionalRequestConflict" => {
            Cause::Transient
        }
        // Whatever the key service says of a key can be put right by its owner while the reader waits.
        _ if code.starts_with("KMS") => Cause::Transient,
        _ => match status {
            Some(429) => Cause::Throttled,
            Some(401 | 403) => Cause::Denied,
            Some(404) => Cause::Gone,
            Some(412) => Cause::Changed,
            Some(400..=499) => Cause::Invalid,
            _ => Cause::Transient,
        },
    }
}

fn sentence(code: &str, said: &str, status: Option<u16>) -> String {
    let said: String = said.chars().take(REASON_MAX).collect();
    match (code, said.trim_end_matches('.'), status) {
        ("", "", Some(status)) => format!("status {status}"),
        ("", said, _) => said.to_owned(),
        (code, "", _) => code.to_owned(),
        (code, said, _) => format!("{code}: {said}"),
    }
}

/// The sentences of an error and of what caused it, each once.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        at = cause.source();
    }
    text.chars().take(REASON_MAX).collect()
}

/// Of what the other side says.
pub const REASON_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_before_the_status() {
        assert_eq!(cause("ProvisionedThroughputExceededException", Some(400)), Cause::Throttled);
        assert_eq!(cause("KMSDisabledException", Some(400)), Cause::Transient);
        assert_eq!(cause("KMSThrottlingException", Some(400)), Cause::Throttled);
        assert_eq!(cause("ResourceNotFoundException", Some(400)), Cause::Missing);
        assert_eq!(cause("SomethingNew", Some(400)), Cause::Invalid);
        assert_eq!(cause("SomethingNew", Some(403)), Cause::Denied);
        assert_eq!(cause("", Some(503)), Cause::Transient);
        assert_eq!(cause("InternalFailureException", None), Cause::Transient);
        assert_eq!(cause("ExpiredTokenException", Some(400)), Cause::Outdated);
    }

    #[test]
    fn reasons_are_short_and_have_no_full_stop() {
        assert_eq!(sentence("X", "No.", None), "X: No");
        assert_eq!(sentence("", "", Some(503)), "status 503");
        assert_eq!(sentence("X", &"y".repeat(9000), None).len(), REASON_MAX + 3);
    }

    #[test]
    fn a_token_service_that_is_away_is_asked_again() {
        assert_eq!(unknown_identity("loading credentials: connection refused"), Cause::Transient);
        assert_eq!(unknown_identity("no providers in chain provided credentials"), Cause::Credentials);
    }
}
