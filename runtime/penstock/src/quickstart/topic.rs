//! Makes the topic, in the embedded broker or in a real Kafka, and takes it back from a Kafka of other people.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka::{Admin, ClientSettings, Creation, EmbeddedBroker, TopicSpec};

use crate::failure::Failure;

const PARTITIONS: i32 = 4;

/// How long a Kafka may take for one answer; the first includes finding it.
const PATIENCE: Duration = Duration::from_secs(15);

/// The embedded broker makes topics only when told in person.
pub fn create_embedded(broker: &EmbeddedBroker, name: &str) -> Result<(), Failure> {
    broker.create_topic(name, PARTITIONS).map_err(|error| Failure::Failed(error.to_string()))
}

/// A topic that this run made in a Kafka.
pub struct Borrowed {
    admin: Admin,
    name: String,
}

impl Borrowed {
    /// `None` when the topic was there already, and so is not ours to delete.
    pub async fn create(bootstrap: &str, name: &str) -> Result<Option<Self>, Failure> {
        let failed = |error: kafka::Error| Failure::Failed(format!("Kafka at {bootstrap}: {error}"));
        let given = [("bootstrap.servers".to_owned(), bootstrap.to_owned())];
        let (client, _) = ClientSettings::from_java(given).map_err(failed)?;
        let admin = Admin::open(&client, PATIENCE).map_err(failed)?;
        let name = name.to_owned();
        let spec = TopicSpec {
            name: name.clone(),
            partitions: PARTITIONS,
            replication: -1,
            configs: BTreeMap::new(),
        };
        let creation = admin.create_topic(&spec).await.map_err(failed)?;
        Ok((creation == Creation::Created).then_some(Self { admin, name }))
    }

    pub async fn give_back(self) -> Result<(), Failure> {
        let deleted = self.admin.delete_topic(&self.name).await;
        deleted.map_err(|error| Failure::Failed(format!("{error}, it stays in Kafka")))
    }
}
