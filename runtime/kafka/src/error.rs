//! Errors of Kafka, sorted by what a caller does about them.

use std::fmt;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// What the program does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person has to change something: a setting, a permission, a credential, a topic.
    Config,
    /// It passes by itself: go on calling.
    Retry,
    /// The partitions belong to somebody else by now: forget what was not committed.
    Lost,
    /// Another client took over this identity: stop, and do not come back by yourself.
    Fenced,
    /// This one record cannot be stored, the next one can.
    Record,
    /// The client is of no use any more: open a new one.
    Fatal,
}

/// A kind for the program and a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// What Kafka answered, for decisions inside this crate that are finer than a kind.
    code: Option<Code>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None }
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(Kind::Retry, message)
    }

    pub(crate) fn fatal(message: impl Into<String>) -> Self {
        Self::new(Kind::Fatal, message)
    }

    pub(crate) fn of_code(code: Code, doing: &str) -> Self {
        Self { kind: kind_of(code), message: format!("{doing}: {code}"), code: Some(code) }
    }

    pub(crate) fn code(&self) -> Option<Code> {
        self.code
    }

    /// Whether Kafka may have done, or may still do, what it gave no answer to.
    pub fn is_unanswered(&self) -> bool {
        let was_refused = matches!(
            self.code,
            Some(
                Code::RebalanceInProgress
                    | Code::CoordinatorLoadInProgress
                    | Code::CoordinatorNotAvailable
                    | Code::NotCoordinator
                    | Code::WaitingForCoordinator
            )
        );
        self.kind == Kind::Retry && !was_refused
    }

    pub(crate) fn of_kafka(error: &KafkaError, doing: &str) -> Self {
        match error {
            KafkaError::ClientConfig(_, _, key, _) if crate::settings::is_secret(key) => {
                Self::config(format!("{doing}: {key}: the value is not accepted"))
            }
            KafkaError::ClientConfig(_, reason, key, _) => Self::config(format!("{doing}: {key}: {reason}")),
            KafkaError::ClientCreation(reason)
            | KafkaError::AdminOpCreation(reason)
            | KafkaError::Subscription(reason) => Self::config(format!("{doing}: {reason}")),
            KafkaError::Nul(_) => Self::config(format!("{doing}: a name contains a NUL character")),
            other => match other.rdkafka_error_code() {
                Some(code) => Self::of_code(code, doing),
                None => Self::retry(format!("{doing}: {other}")),
            },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Whatever is not named passes by itself: brokers come and go, leaders move, requests time out.
pub(crate) fn kind_of(code: Code) -> Kind {
    match code {
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SecurityDisabled
        | Code::InvalidTopic
        | Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InconsistentGroupProtocol
        | Code::InvalidConfig
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::PolicyViolation
        | Code::InvalidArgument
        | Code::NotConfigured
        | Code::UnsupportedFeature
        | Code::UnsupportedVersion
        | Code::OffsetMetadataTooLarge
        // Reading it again brings the same bytes: only another setting lets them through.
        | Code::BadCompression => Kind::Config,
        Code::FencedInstanceId | Code::Fenced | Code::InvalidProducerEpoch | Code::ProducerFenced => {
            Kind::Fenced
        }
        Code::UnknownMemberId | Code::IllegalGeneration | Code::StaleMemberEpoch | Code::AssignmentLost => {
            Kind::Lost
        }
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::InvalidMessage
        | Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::BadMessage
        | Code::InvalidTimestamp
        | Code::UnknownPartition => Kind::Record,
        Code::Fatal | Code::AutoOffsetReset => Kind::Fatal,
        _ => Kind::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_down_passes_by_itself() {
        for code in
            [Code::AllBrokersDown, Code::BrokerTransportFailure, Code::Resolve, Code::OperationTimedOut]
        {
            assert_eq!(kind_of(code), Kind::Retry, "{code}");
        }
    }

    #[test]
    fn a_batch_that_cannot_be_unpacked_is_not_read_for_ever() {
        assert_eq!(kind_of(Code::BadCompression), Kind::Config);
    }

    #[test]
    fn being_replaced_is_told_apart_from_losing_a_partition() {
        assert_eq!(kind_of(Code::FencedInstanceId), Kind::Fenced);
        assert_eq!(kind_of(Code::IllegalGeneration), Kind::Lost);
        assert_eq!(kind_of(Code::Fatal), Kind::Fatal);
    }

    #[test]
    fn a_refused_secret_is_not_repeated() {
        let refused = KafkaError::ClientConfig(
            rdkafka::types::RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "invalid value hunter2".into(),
            "sasl.password".into(),
            "hunter2".into(),
        );
        let error = Error::of_kafka(&refused, "opening a consumer");
        assert_eq!(error.kind, Kind::Config);
        assert!(error.message.contains("sasl.password") && !error.message.contains("hunter2"), "{error}");
    }
}
