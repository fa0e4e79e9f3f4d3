//! Which settings of its Kafka clients a connector may override.

/// The worker's `connector.client.config.override.policy`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OverridePolicy {
    #[default]
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
