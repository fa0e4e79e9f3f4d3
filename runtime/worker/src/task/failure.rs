//! Turns errors into what a status shows: Connect's trace, whose first line is `kind: sentence`.
use cluster::Failure;
use host::Kind;

/// The failure of a task whose plugin answered with an error.
pub fn failure_of(context: &str, error: &host::Error) -> Failure {
    let (kind, is_restartable) = match error.kind {
        Kind::Config => ("ConfigException", false),
        Kind::Retry { .. } => ("RetriableException", true),
        Kind::Records(_) => ("DataException", true),
        Kind::Fatal => ("ConnectException", true),
        Kind::Panic => ("PanicException", true),
    };
    failure(kind, &format!("{context}: {}", error.message), is_restartable)
}

/// A failure of the worker's own making or of Kafka's.
pub fn failure(kind: &str, sentence: &str, is_restartable: bool) -> Failure {
    // Clients show the text after the first colon of the first line, so the kind comes first.
    Failure { trace: format!("penstock.{kind}: {sentence}"), is_restartable, is_fenced: false }
}

/// What [`failure`] was told, without the kind.
pub fn sentence(failure: Failure) -> String {
    match failure.trace.split_once(": ") {
        Some((kind, sentence)) if kind.starts_with("penstock.") => sentence.to_owned(),
        _ => failure.trace,
    }
}

pub fn of_kafka(context: &str, error: &kafka::Error) -> Failure {
    let is_fenced = matches!(error.kind, kafka::Kind::Fenced);
    let is_restartable = !is_fenced && !matches!(error.kind, kafka::Kind::Config);
    let failure = failure("KafkaException", &format!("{context}: {}", error.message), is_restartable);
    Failure { is_fenced, ..failure }
}
