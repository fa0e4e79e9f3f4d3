//! The registries of this process: one for each address with its credentials.

use super::{Registry, Settings};
use crate::Result;
use std::sync::{Arc, Mutex, PoisonError};

/// Kept when nobody uses them any more: a task that restarts while the registry is away knows what it knew.
static KNOWN: Mutex<Vec<(Settings, Arc<Registry>)>> = Mutex::new(Vec::new());

pub fn get(settings: &Settings, open: impl FnOnce() -> Result<Registry>) -> Result<Arc<Registry>> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = known.iter().position(|(other, _)| other.is_same_registry(settings)) {
        // The ones that were used last stand at the end.
        let found = known.remove(at);
        let registry = Arc::clone(&found.1);
        known.push(found);
        return Ok(registry);
    }
    let registry = Arc::new(open()?);
    if known.len() >= KNOWN_MAX {
        known.remove(0);
    }
    known.push((settings.clone(), Arc::clone(&registry)));
    Ok(registry)
}

const KNOWN_MAX: usize = 64;
