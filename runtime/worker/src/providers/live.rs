//! Every value that somebody in this process knows at the moment, for the log as a whole.
use super::scrubber::Scrubber;
use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock, Weak};

static LIVE: RwLock<Vec<Weak<Scrubber>>> = RwLock::new(Vec::new());

/// Values are forgotten with the last task that knows them.
pub fn remember(scrubber: &Arc<Scrubber>) {
    if scrubber.is_empty() {
        return;
    }
    let mut live = LIVE.write().unwrap_or_else(PoisonError::into_inner);
    live.retain(|known| known.strong_count() > 0);
    live.push(Arc::downgrade(scrubber));
}

/// A line without any value that is in use: the last net below all others.
pub fn scrubbed(line: &str) -> Cow<'_, str> {
    let scrubbers = LIVE.read().unwrap_or_else(PoisonError::into_inner);
    let mut line = Cow::Borrowed(line);
    for scrubber in scrubbers.iter().filter_map(Weak::upgrade) {
        if let Cow::Owned(scrubbed) = scrubber.line(&line) {
            line = Cow::Owned(scrubbed);
        }
    }
    line
}
