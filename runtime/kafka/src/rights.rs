//! What Kafka did not allow, and the command that allows it.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::{ClientSettings, Error};

/// What a right is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
    Cluster,
}

/// The error of an operation that Kafka refused for want of these rights.
pub(crate) fn missing(
    client: &ClientSettings,
    resource: Resource<'_>,
    operations: &[&str],
    doing: &str,
) -> Error {
    let (what, flag) = match resource {
        Resource::Topic(name) => (format!("topic {name}"), format!("--topic {name}")),
        Resource::Group(name) => (format!("group {name}"), format!("--group {name}")),
        Resource::TransactionalId(name) => {
            (format!("transactional id {name}"), format!("--transactional-id {name}"))
        }
        Resource::Cluster => ("the cluster".to_owned(), "--cluster".to_owned()),
    };
    let asked = operations.join(" and ");
    let operations: Vec<String> = operations.iter().map(|name| format!("--operation {name}")).collect();
    let arguments = format!("--add --allow-principal {} {} {flag}", principal(client), operations.join(" "));
    Error::config(format!(
        "{doing}: Kafka does not allow it; it takes the right to {asked} on {what}. Repair it by: {}",
        command(client, "kafka-acls.sh", &arguments)
    ))
}

/// Whether a code says that a right is missing, and of which kind.
pub(crate) fn is_missing(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}

/// A command of Kafka's own tools, ready to be pasted.
pub(crate) fn command(client: &ClientSettings, tool: &str, arguments: &str) -> String {
    let bootstrap = client.get("bootstrap.servers").unwrap_or("BROKERS");
    format!("{tool} --bootstrap-server {bootstrap} {arguments}")
}

/// Only a user name tells whom Kafka takes this client for; certificates and tokens are mapped by rules of the
/// broker's.
fn principal(client: &ClientSettings) -> String {
    match client.get("sasl.username") {
        Some(user) => format!("User:{user}"),
        None if client.get("security.protocol").is_none_or(|protocol| protocol == "plaintext") => {
            "User:ANONYMOUS".to_owned()
        }
        None => "User:WORKER".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_names_who_what_and_how() {
        let client =
            ClientSettings::new().with("bootstrap.servers", "kafka:9092").with("sasl.username", "penstock");
        let error = missing(&client, Resource::Topic("configs"), &["Read", "Write"], "reading topic configs");
        assert_eq!(error.kind, crate::Kind::Config);
        let command = "kafka-acls.sh --bootstrap-server kafka:9092 --add --allow-principal User:penstock \
                       --operation Read --operation Write --topic configs";
        assert!(error.message.ends_with(command), "{error}");
    }
}
