//! Every setting a worker knows: Java's 134, and our own.

mod distributed;
mod own;
mod shared;

/// One known setting.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub default: Default,
    pub effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Password,
    Class,
    List,
    Bool,
    /// Both ends belong to the range.
    Int(i64, i64),
    /// In hundredths, both ends belong to the range.
    Decimal(i64, i64),
    /// Compared without regard to case.
    Choice(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// A distributed worker does not start without it.
    Required,
    /// Absent means something of its own.
    Unset,
    Value(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Used,
    /// Handed to the worker's Kafka clients when it was set; their own default rules otherwise.
    Client,
    /// Accepted so that a Java worker's file starts, without effect.
    Inert,
}

/// Whose settings follow these, and whether they do anything.
pub const PREFIXES: [(&str, Effect); 13] = [
    ("producer.", Effect::Used),
    ("consumer.", Effect::Used),
    ("admin.", Effect::Used),
    ("key.converter.", Effect::Used),
    ("value.converter.", Effect::Used),
    ("header.converter.", Effect::Used),
    ("config.providers.", Effect::Used),
    ("listeners.https.", Effect::Used),
    ("admin.listeners.https.", Effect::Used),
    ("metrics.context.", Effect::Used),
    ("config.storage.", Effect::Used),
    ("offset.storage.", Effect::Used),
    ("status.storage.", Effect::Used),
];

pub fn all() -> impl Iterator<Item = &'static Key> {
    shared::KEYS.iter().chain(distributed::KEYS).chain(own::KEYS)
}

pub fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// The prefix a key was written under, and the key without it.
pub fn split_prefix(name: &str) -> Option<(&'static str, &str, Effect)> {
    let under = |(prefix, effect): &(&'static str, Effect)| {
        let rest = name.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
        Some((*prefix, rest, *effect))
    };
    // The longest, because `admin.listeners.https.` lies under `admin.` too.
    PREFIXES.iter().filter_map(under).max_by_key(|(prefix, ..)| prefix.len())
}

/// The known key that a mistyped one most likely meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let distance = |key: &'static Key| (strsim::damerau_levenshtein(name, key.name), key.name);
    let (distance, nearest) = all().map(distance).min()?;
    let bound = (name.len() / 4).clamp(1, 3);
    (distance <= bound).then_some(nearest)
}

/// A known prefix hides a slip such as `offset.storage.partition`; only very near keys count.
pub fn slip(name: &str) -> Option<&'static str> {
    let is_near = |key: &&Key| strsim::damerau_levenshtein(name, key.name) <= 2;
    all().find(is_near).map(|key| key.name)
}

const INT: Kind = Kind::Int(i32::MIN as i64, i32::MAX as i64);
const LONG: Kind = Kind::Int(i64::MIN, i64::MAX);
const NATURAL_INT: Kind = Kind::Int(0, i32::MAX as i64);
const NATURAL: Kind = Kind::Int(0, i64::MAX);
const POSITIVE_INT: Kind = Kind::Int(1, i32::MAX as i64);
const POSITIVE: Kind = Kind::Int(1, i64::MAX);
/// -1 leaves the choice to the broker; 0 is refused where the number is read.
const PARTITIONS: Kind = Kind::Int(-1, i32::MAX as i64);
const REPLICATION: Kind = Kind::Int(-1, i16::MAX as i64);

const fn used(name: &'static str, kind: Kind, default: Default) -> Key {
    Key { name, kind, default, effect: Effect::Used }
}

const fn client(name: &'static str, kind: Kind, default: Default) -> Key {
    Key { name, kind, default, effect: Effect::Client }
}

const fn inert(name: &'static str, kind: Kind, default: Default) -> Key {
    Key { name, kind, default, effect: Effect::Inert }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
