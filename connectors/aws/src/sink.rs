//! What sinks share: a client that is opened as soon as it can be, and how a batch is known that comes again.
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use penstock_sdk::{Batch, Kind, Plan, Result};
use tokio::runtime::Runtime;

use crate::access;

/// A client, and the thread of its requests.
pub struct Client<C> {
    pub runtime: Runtime,
    /// As soon as it is known how the service is reached.
    opened: Option<Arc<C>>,
}

impl<C> Client<C> {
    /// Who is asked for the region may be away: then [`Self::get`] asks again.
    pub fn open(name: &str, opening: impl Future<Output = Result<C>>) -> Result<Self> {
        let mut client = Self { runtime: access::runtime(name)?, opened: None };
        match client.get(opening) {
            Err(error) if !matches!(error.kind(), Kind::Retry { .. }) => Err(error),
            Ok(_) | Err(_) => Ok(client),
        }
    }

    pub fn get(&mut self, opening: impl Future<Output = Result<C>>) -> Result<Arc<C>> {
        if let Some(client) = &self.opened {
            return Ok(Arc::clone(client));
        }
        let client = self.runtime.block_on(access::opened(opening))?;
        Ok(Arc::clone(self.opened.insert(Arc::new(client))))
    }
}

/// A batch that comes again is the same batch, and no other follows before it was written.
pub fn fingerprint(batch: &Batch<'_>, plan: Option<&Plan<'_>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (batch.len(), plan.map(|plan| plan.token)).hash(&mut hasher);
    for record in batch.records() {
        (record.topic_index(), record.partition(), record.offset()).hash(&mut hasher);
    }
    hasher.finish()
}
