//! Which settings of its Kafka clients a connector may override.

/// The worker's `connector.client.config.override.policy`.
///
/// What no policy allows, because it would run code or read files of the worker, is the clients' own matter:
/// `kafka::override_refusal`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OverridePolicy {
    /// What tunes a client, and whom it logs in as.
    #[default]
    Safe,
    All,
    None,
    /// Only whom the client logs in as, and how.
    Principal,
    Allowlist(Vec<String>),
}

impl OverridePolicy {
    /// Finds a policy by its alias or Java's class name; `allowed` is the worker's allow list.
    pub fn parse(name: &str, allowed: Vec<String>) -> Option<Self> {
        let simple = name.rsplit('.').next().unwrap_or(name);
        match simple.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(simple) {
            "Safe" => Some(Self::Safe),
            "All" => Some(Self::All),
            "None" => Some(Self::None),
            "Principal" => Some(Self::Principal),
            "Allowlist" => Some(Self::Allowlist(allowed)),
            _ => None,
        }
    }

    /// Why a client's setting may not be overridden; `None` when it may.
    pub fn refusal(&self, setting: &str) -> Option<String> {
        let (policy, allowed) = match self {
            Self::Safe => ("Safe", SAFE.contains(&setting)),
            Self::All => return None,
            Self::None => ("None", false),
            Self::Principal => ("Principal", PRINCIPAL.contains(&setting)),
            Self::Allowlist(names) => ("Allowlist", names.iter().any(|name| name == setting)),
        };
        (!allowed).then(|| {
            format!("The '{policy}' policy does not allow '{setting}' to be overridden in the connector configuration.")
        })
    }
}

const PRINCIPAL: [&str; 3] = ["security.protocol", "sasl.jaas.config", "sasl.mechanism"];

/// Where data goes, and what the worker promises of it, is not among them: `bootstrap.servers`, `transactional.id`.
const SAFE: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "batch.size",
    "buffer.memory",
    "check.crcs",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "connections.max.idle.ms",
    "default.api.timeout.ms",
    "delivery.timeout.ms",
    "enable.idempotence",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "group.id",
    "group.protocol",
    "heartbeat.interval.ms",
    "isolation.level",
    "linger.ms",
    "max.block.ms",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.poll.records",
    "max.request.size",
    "metadata.max.age.ms",
    "partition.assignment.strategy",
    "partitioner.ignore.keys",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.jaas.config",
    "sasl.mechanism",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.scope",
    "security.protocol",
    "send.buffer.bytes",
    "session.timeout.ms",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.type",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe_is_nothing_that_no_policy_allows() {
        for setting in SAFE {
            assert_eq!(kafka::override_refusal(setting, "x"), None, "{setting}");
            assert_eq!(OverridePolicy::Safe.refusal(setting), None, "{setting}");
        }
    }

    #[test]
    fn safe_keeps_data_where_the_worker_puts_it() {
        for setting in
            ["bootstrap.servers", "transactional.id", "ssl.endpoint.identification.algorithm", "debug"]
        {
            let refusal = OverridePolicy::Safe.refusal(setting).unwrap();
            assert!(
                refusal.starts_with(&format!("The 'Safe' policy does not allow '{setting}' ")),
                "{refusal}"
            );
        }
    }
}
