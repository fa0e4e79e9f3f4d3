//! Settings that only Penstock has.

use super::Default::{Unset, Value};
use super::Kind::{Choice, Int, List, Text};
use super::{Key, POSITIVE, used};

pub(super) static KEYS: &[Key] = &[
    // Read by the policy `Allowlist`, which brings this key of its own.
    used("connector.client.config.override.allowlist", List, Value("")),
    used("penstock.address.file", Text, Unset),
    used("penstock.call.timeout.ms", POSITIVE, Value("300000")),
    used("penstock.data.dir", Text, Value("penstock-data")),
    used("penstock.log.format", Choice(&["text", "json"]), Value("text")),
    used("penstock.log.level", Text, Value("info")),
    // Less than a few batches' worth would make every task wait for every other.
    used("penstock.memory.budget.bytes", Int(1 << 20, 1 << 40), Value("67108864")),
    used("penstock.plugin.cache.dir", Text, Unset),
    used("penstock.rest.auth.jaas.file", Text, Unset),
    used("penstock.task.restart.backoff.max.ms", POSITIVE, Value("300000")),
    used("penstock.task.restart.backoff.ms", POSITIVE, Value("1000")),
    used("penstock.unknown.settings", Choice(&["warn", "refuse"]), Value("warn")),
];
