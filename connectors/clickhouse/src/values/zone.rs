//! Time zones as the server knows them: the moments at which the offset from UTC changes.
use std::collections::HashMap;
use std::sync::Arc;

/// How local times become points in time.
#[derive(Clone, Debug)]
pub enum Zone {
    Utc,
    /// Ordered by time.
    Changes(Arc<[Change]>),
}

/// From `at` (seconds since 1970) on, local time is `offset` seconds ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub at: i64,
    pub offset: i64,
}

impl Zone {
    pub fn new(changes: Vec<Change>) -> Self {
        if changes.iter().all(|change| change.offset == 0) {
            Zone::Utc
        } else {
            Zone::Changes(changes.into())
        }
    }

    /// A local time that exists twice is the first one; one that a change skips is read with the offset that
    /// holds after it. The server decides the same.
    pub fn to_unix(&self, local: i64) -> i64 {
        let Zone::Changes(changes) = self else {
            return local;
        };
        let begun = |index: usize| {
            let before = index.checked_sub(1).and_then(|before| changes.get(before));
            changes[index].at + before.map_or(changes[index].offset, |before| before.offset)
        };
        let mut low = 0;
        let mut high = changes.len();
        while low < high {
            let middle = usize::midpoint(low, high);
            if begun(middle) <= local { low = middle + 1 } else { high = middle }
        }
        let current = changes.get(low.saturating_sub(1)).map_or(0, |change| change.offset);
        local - current
    }
}

/// What a value may lose on its way into a column that holds less.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// Nothing: it is refused.
    Refused,
    /// Times lose what their column has no places for. A decimal is refused.
    #[default]
    Times,
    /// Decimals lose digits beyond the scale as well, as by the server's own parser.
    Allowed,
}

/// How values are read: the zones that the columns of a table name, the one that the others are in, and what
/// may be lost.
#[derive(Clone, Debug)]
pub struct Zones {
    pub server: Zone,
    pub named: HashMap<String, Zone>,
    pub loss: Loss,
}

impl Zones {
    pub fn utc() -> Self {
        Zones { server: Zone::Utc, named: HashMap::new(), loss: Loss::default() }
    }

    pub fn get(&self, name: Option<&str>) -> Zone {
        name.and_then(|name| self.named.get(name)).unwrap_or(&self.server).clone()
    }
}
