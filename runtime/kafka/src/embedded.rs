//! A make-believe Kafka inside the process, for a first look.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::Error;

/// librdkafka's mock cluster on loopback ports of its own choice, gone when dropped.
///
/// It produces, fetches and runs groups. It keeps 5 MB or 100,000 messages a partition, in memory, and forgets
/// the oldest first. It cannot create topics over the wire (`create_topic` does it here), tell a topic's
/// settings (so no `CompactedLog` opens on it), compact, or fence; transactions exist in name only. It is no
/// broker to rely on.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    brokers: i32,
}

impl EmbeddedBroker {
    pub fn start(brokers: i32) -> Result<Self, Error> {
        let cluster = MockCluster::new(brokers)
            .map_err(|error| Error::of_kafka(&error, "starting the embedded broker"))?;
        Ok(Self { cluster, brokers })
    }

    /// Addresses for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Cuts a broker off, numbered from 1, or brings it back with what it kept.
    pub fn set_reachable(&self, broker: i32, is_reachable: bool) -> Result<(), Error> {
        let outcome =
            if is_reachable { self.cluster.broker_up(broker) } else { self.cluster.broker_down(broker) };
        outcome.map_err(|error| Error::of_kafka(&error, &format!("switching broker {broker}")))
    }

    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), Error> {
        self.cluster
            .create_topic(name, partitions, self.brokers.min(3))
            .map_err(|error| Error::of_kafka(&error, &format!("creating topic {name}")))
    }
}
