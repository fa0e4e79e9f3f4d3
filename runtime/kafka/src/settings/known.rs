//! Which keys librdkafka knows, and for which kind of client.

/// The kind of client that reads a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Any,
    Consumer,
    Producer,
}

pub(crate) fn scope(key: &str) -> Option<Scope> {
    if ANY.contains(&key) {
        Some(Scope::Any)
    } else if CONSUMER.contains(&key) {
        Some(Scope::Consumer)
    } else if PRODUCER.contains(&key) {
        Some(Scope::Producer)
    } else {
        None
    }
}

// Callbacks, aliases that only confuse, keys that `login` and `tls` translate, and keys that `refused` keeps from
// everybody are absent.
const ANY: &[&str] = &[
    "allow.auto.create.topics",
    "api.version.fallback.ms",
    "api.version.request",
    "api.version.request.timeout.ms",
    "bootstrap.servers",
    "broker.address.family",
    "broker.address.ttl",
    "broker.version.fallback",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "connections.max.idle.ms",
    "debug",
    "enable.metrics.push",
    "enable.random.seed",
    "enable.ssl.certificate.verification",
    "log.connection.close",
    "log_level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.copy.max.bytes",
    "message.max.bytes",
    "metadata.broker.list",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "security.protocol",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.max.fails",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.sigalgs.list",
    "statistics.interval.ms",
    "topic.blacklist",
    "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
];

const CONSUMER: &[&str] = &[
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "check.crcs",
    "coordinator.query.interval.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "isolation.level",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "session.timeout.ms",
];

const PRODUCER: &[&str] = &[
    "acks",
    "batch.num.messages",
    "batch.size",
    "compression.codec",
    "compression.level",
    "compression.type",
    "delivery.timeout.ms",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "linger.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.required.acks",
    "request.timeout.ms",
    "retries",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
    "transactional.id",
];

/// What has no value that could be written down, says again what another key says, or does nothing.
#[cfg(test)]
pub(crate) const NO_SETTINGS: &[&str] = &[
    "auto.commit.enable",
    "background_event_cb",
    "closesocket_cb",
    "connect_cb",
    "consume.callback.max.messages",
    "consume_cb",
    "default_topic_conf",
    "delivery.report.only.error",
    "dr_cb",
    "dr_msg_cb",
    "enabled_events",
    "error_cb",
    "group.protocol.type",
    "interceptors",
    "internal.termination.signal",
    "log.queue",
    "log.thread.name",
    "log_cb",
    "msg_order_cmp",
    "oauthbearer_token_refresh_cb",
    "offset_commit_cb",
    "opaque",
    "open_cb",
    "partitioner_cb",
    "produce.offset.report",
    "queuing.strategy",
    "rebalance_cb",
    "reconnect.backoff.jitter.ms",
    "resolve_cb",
    "socket.blocking.max.ms",
    "socket_cb",
    "ssl.ca.certificate.stores",
    "ssl.certificate.verify_cb",
    "ssl_ca",
    "ssl_certificate",
    "ssl_engine_callback_data",
    "ssl_key",
    "stats_cb",
    "throttle_cb",
    "topic.metadata.refresh.fast.cnt",
];

#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    [ANY, CONSUMER, PRODUCER].into_iter().flatten().copied()
}
