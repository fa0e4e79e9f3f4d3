//! Java's loggers that have a counterpart here, and the log targets each of them stands for.

/// Names as Connect lists them, in their order. A target stands for everything that begins with it, and the
/// longest one that fits counts, so that a logger of one part leaves the others alone.
pub const KNOWN: &[(&str, &[&str])] = &[
    ("org.apache.kafka.clients.NetworkClient", &["kafka"]),
    ("org.apache.kafka.clients.admin.KafkaAdminClient", &["kafka::admin"]),
    ("org.apache.kafka.clients.consumer.internals.ConsumerCoordinator", &["kafka::membership"]),
    ("org.apache.kafka.clients.consumer.internals.ClassicKafkaConsumer", &["kafka::consumer"]),
    ("org.apache.kafka.clients.producer.KafkaProducer", &["kafka::producer"]),
    ("org.apache.kafka.connect.runtime.AbstractHerder", &["penstock_worker::herder"]),
    ("org.apache.kafka.connect.runtime.Connect", &["penstock::"]),
    ("org.apache.kafka.connect.runtime.ConnectMetrics", &["penstock_worker::metrics"]),
    (
        "org.apache.kafka.connect.runtime.ConnectorConfig",
        &["penstock_worker::definition", "penstock_worker::shared"],
    ),
    (
        "org.apache.kafka.connect.runtime.TransformationChain",
        &["penstock_worker::transform", "penstock_transforms"],
    ),
    ("org.apache.kafka.connect.runtime.Worker", &["penstock_worker"]),
    ("org.apache.kafka.connect.runtime.WorkerConfigTransformer", &["penstock_worker::provider"]),
    // Lines that plugins write: Java has a logger for each class of theirs.
    ("org.apache.kafka.connect.runtime.WorkerConnector", &["penstock_plugin"]),
    ("org.apache.kafka.connect.runtime.WorkerSinkTask", &["penstock_worker::task::sink"]),
    ("org.apache.kafka.connect.runtime.WorkerSourceTask", &["penstock_worker::task::source"]),
    ("org.apache.kafka.connect.runtime.WorkerTask", &["penstock_worker::task"]),
    ("org.apache.kafka.connect.runtime.distributed.DistributedHerder", &["penstock_worker::herder"]),
    ("org.apache.kafka.connect.runtime.distributed.WorkerCoordinator", &["penstock_cluster"]),
    ("org.apache.kafka.connect.runtime.isolation.Plugins", &["penstock_host"]),
    ("org.apache.kafka.connect.runtime.rest.RestClient", &["penstock_server::forward"]),
    ("org.apache.kafka.connect.runtime.rest.RestServer", &["penstock_server"]),
    ("org.apache.kafka.connect.storage.KafkaConfigBackingStore", &["penstock_worker::store::configs"]),
    ("org.apache.kafka.connect.storage.KafkaOffsetBackingStore", &["penstock_worker::store::offsets"]),
    ("org.apache.kafka.connect.storage.KafkaStatusBackingStore", &["penstock_worker::store::statuses"]),
    ("org.apache.kafka.connect.util.KafkaBasedLog", &["kafka::log"]),
];
