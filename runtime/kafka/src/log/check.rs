//! Creates the topic of a log, or refuses one that would lose what is in it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::LogSettings;
use crate::rights::{self, Resource};
use crate::{Admin, Description, Error, Kind, TopicSpec};

/// The topic's partitions, once it is as it has to be.
pub(super) async fn prepare(admin: &Admin, settings: &LogSettings) -> Result<Vec<i32>, Error> {
    let name = &settings.topic.name;
    let described = admin.describe_topic(name).await.map_err(|error| {
        let doing = format!("describing topic {name}");
        explain(settings, error, Resource::Topic(name), &["Describe", "Read", "Write"], &doing)
    })?;
    if described.is_none() {
        create(admin, settings).await?;
    }
    let found = await_topic(admin, settings).await?;
    check_policy(admin, settings).await?;
    if settings.topic.partitions == 1 && found.partitions.len() != 1 {
        return Err(Error::config(format!(
            "topic {name}: expected exactly 1 partition, got {}; its order would be lost. Partitions cannot be \
             removed: name another topic, or stop every worker and recreate it: {}",
            found.partitions.len(),
            rights::command(
                &settings.client,
                "kafka-topics.sh",
                &format!("--create --topic {name} --partitions 1 --config cleanup.policy=compact")
            ),
        )));
    }
    Ok(found.partitions)
}

async fn create(admin: &Admin, settings: &LogSettings) -> Result<(), Error> {
    let name = &settings.topic.name;
    let mut spec = settings.topic.clone();
    spec.configs.insert("cleanup.policy".into(), "compact".into());
    if !settings.create {
        return Err(Error::config(format!(
            "topic {name}: it does not exist, or may not be seen. Create it by: {}",
            rights::command(&settings.client, "kafka-topics.sh", &creation(&spec))
        )));
    }
    match admin.create_topic(&spec).await {
        Ok(_) => Ok(()),
        // Kafka does not tell a topic that is missing from one that may not be seen.
        Err(error) if error.code().is_some_and(rights::is_missing) => {
            let (client, doing) = (&settings.client, format!("creating topic {name}"));
            let missing = rights::missing(client, Resource::Cluster, &["Create"], &doing);
            Err(Error::config(format!(
                "{missing} (or let somebody who may create it: {})",
                rights::command(client, "kafka-topics.sh", &creation(&spec))
            )))
        }
        Err(error) => Err(error),
    }
}

fn creation(spec: &TopicSpec) -> String {
    let mut arguments = vec![format!("--create --topic {}", spec.name)];
    if spec.partitions > 0 {
        arguments.push(format!("--partitions {}", spec.partitions));
    }
    if spec.replication > 0 {
        arguments.push(format!("--replication-factor {}", spec.replication));
    }
    arguments.extend(spec.configs.iter().map(|(key, value)| format!("--config {key}={value}")));
    arguments.join(" ")
}

/// An error of a missing right says which, and how to give it.
fn explain(
    settings: &LogSettings,
    error: Error,
    resource: Resource<'_>,
    operations: &[&str],
    doing: &str,
) -> Error {
    if error.code().is_some_and(rights::is_missing) {
        rights::missing(&settings.client, resource, operations, doing)
    } else {
        error
    }
}

/// A topic that was created a moment ago is not known to every broker yet.
async fn await_topic(admin: &Admin, settings: &LogSettings) -> Result<Description, Error> {
    let name = &settings.topic.name;
    let until = Instant::now() + settings.request_timeout;
    loop {
        match admin.describe_topic(name).await {
            Ok(Some(found)) if !found.partitions.is_empty() => return Ok(found),
            Err(error) if error.kind != Kind::Retry => return Err(error),
            _ if Instant::now() >= until => {
                return Err(Error::retry(format!("topic {name}: it was created and does not appear")));
            }
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn check_policy(admin: &Admin, settings: &LogSettings) -> Result<(), Error> {
    let name = &settings.topic.name;
    let until = Instant::now() + settings.request_timeout;
    let found = loop {
        match admin.topic_config(name, "cleanup.policy").await {
            Err(error) if error.kind == Kind::Retry && Instant::now() < until => {
                sleep(Duration::from_millis(50)).await;
            }
            found => break found,
        }
    };
    let policy = match found {
        Ok(policy) => policy.unwrap_or_default(),
        // Older brokers and narrow permissions do not let us look; Java goes on as well.
        Err(error) if error.kind == Kind::Config => {
            tracing::warn!(topic = name, %error, "cleanup.policy cannot be checked");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if policy == "compact" {
        return Ok(());
    }
    let repair =
        format!("--alter --entity-type topics --entity-name {name} --add-config cleanup.policy=compact");
    Err(Error::config(format!(
        "topic {name}: cleanup.policy: expected compact, got {policy}; Kafka would delete what the worker \
         stores there. Repair it by: {}",
        rights::command(&settings.client, "kafka-configs.sh", &repair),
    )))
}
