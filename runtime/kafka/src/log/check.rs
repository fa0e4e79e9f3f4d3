//! Creates the topic of a log, or refuses one that would lose what is in it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::LogSettings;
use crate::{Admin, Description, Error, Kind};

/// The topic's partitions, once it is as it has to be.
pub(super) async fn prepare(admin: &Admin, settings: &LogSettings) -> Result<Vec<i32>, Error> {
    let name = &settings.topic.name;
    if admin.describe_topic(name).await?.is_none() {
        if !settings.create {
            return Err(Error::config(format!("topic {name}: it does not exist")));
        }
        let mut spec = settings.topic.clone();
        spec.configs.insert("cleanup.policy".into(), "compact".into());
        admin.create_topic(&spec).await?;
    }
    let found = await_topic(admin, settings).await?;
    check_policy(admin, settings).await?;
    if settings.topic.partitions == 1 && found.partitions.len() != 1 {
        return Err(Error::config(format!(
            "topic {name}: expected exactly 1 partition, got {}; its order would be lost. Partitions cannot be \
             removed: name another topic, or stop every worker and recreate it: {}",
            found.partitions.len(),
            command(
                settings,
                "kafka-topics.sh",
                &format!("--create --topic {name} --partitions 1 --config cleanup.policy=compact")
            ),
        )));
    }
    Ok(found.partitions)
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
        command(settings, "kafka-configs.sh", &repair),
    )))
}

fn command(settings: &LogSettings, tool: &str, arguments: &str) -> String {
    let bootstrap = settings.client.get("bootstrap.servers").unwrap_or("BROKERS");
    format!("{tool} --bootstrap-server {bootstrap} {arguments}")
}
