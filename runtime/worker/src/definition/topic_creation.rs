//! How a source's topics are created: the groups of rules that its config names.

use indexmap::IndexMap;
use regex::Regex;

use super::setting::Type;
use super::validator::full_match;
use super::value::{Typed, invalid, list};
use super::{Config, Error, value};

/// The groups in the order in which they are tried; the default group takes what none of them does.
#[derive(Debug, Clone)]
pub struct TopicCreation {
    pub groups: Vec<Group>,
    pub default: Group,
}

/// A rule for the topics that it includes and does not exclude.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub name: String,
    pub include: Vec<Regex>,
    pub exclude: Vec<Regex>,
    /// `-1` leaves it to the broker.
    pub replication_factor: i16,
    pub partitions: i32,
    pub settings: IndexMap<String, String>,
}

/// What a topic that does not exist yet is created with.
#[derive(Debug, Clone, Copy)]
pub struct NewTopic<'a> {
    pub replication_factor: i16,
    pub partitions: i32,
    pub settings: &'a IndexMap<String, String>,
}

impl TopicCreation {
    /// Reads the groups; `None` when the config has no default group, without which Connect creates nothing.
    pub(super) fn parse(config: &Config) -> Result<Option<Self>, Error> {
        if !config.keys().any(|key| key.starts_with("topic.creation.default.")) {
            return Ok(None);
        }
        let mut default = Group { name: "default".to_owned(), ..Group::default() };
        default.read(config, None)?;
        let names = config.get("topic.creation.groups").cloned().flatten().unwrap_or_default();
        let mut groups = Vec::new();
        for name in list(&names).into_iter().filter(|name| name != "default") {
            let mut group = Group { name, ..default.clone() };
            group.settings.clear();
            group.read(config, Some(&default))?;
            groups.push(group);
        }
        Ok(Some(Self { groups, default }))
    }

    /// The rule for a topic: the first group that takes it.
    pub fn topic(&self, name: &str) -> NewTopic<'_> {
        let takes = |group: &&Group| {
            group.include.iter().any(|r| r.is_match(name)) && !group.exclude.iter().any(|r| r.is_match(name))
        };
        let group = self.groups.iter().find(takes).unwrap_or(&self.default);
        NewTopic {
            replication_factor: group.replication_factor,
            partitions: group.partitions,
            settings: &group.settings,
        }
    }
}

impl Group {
    fn read(&mut self, config: &Config, inherited: Option<&Self>) -> Result<(), Error> {
        let prefix = format!("topic.creation.{}.", self.name);
        let (mut replication, mut partitions) = (None, None);
        for (key, value) in config {
            let (Some(own), Some(value)) = (key.strip_prefix(&prefix), value.as_deref()) else { continue };
            match own {
                "include" => self.include = patterns(key, value)?,
                "exclude" => self.exclude = patterns(key, value)?,
                "replication.factor" => replication = Some(count(key, Type::Short, value)?),
                "partitions" => partitions = Some(count(key, Type::Int, value)?),
                _ => {
                    self.settings.insert(own.to_owned(), value.to_owned());
                }
            }
        }
        let needed = |found: Option<i64>, from: Option<i64>, what: &str| {
            found.or(from).ok_or_else(|| {
                Error::new(format!(
                    "Missing required configuration \"{prefix}{what}\" which has no default value."
                ))
            })
        };
        let from = |of: fn(&Self) -> i64| inherited.map(of);
        self.replication_factor =
            needed(replication, from(|g| i64::from(g.replication_factor)), "replication.factor")? as i16;
        self.partitions = needed(partitions, from(|g| i64::from(g.partitions)), "partitions")? as i32;
        Ok(())
    }
}

fn patterns(key: &str, text: &str) -> Result<Vec<Regex>, Error> {
    list(text)
        .iter()
        .map(|p| full_match(p).map_err(|e| Error::new(invalid(key, p, &format!("Invalid regex: {e}")))))
        .collect()
}

/// A number of copies or partitions: at least one, or -1 for the broker's default.
fn count(key: &str, kind: Type, text: &str) -> Result<i64, Error> {
    match value::parse(key, kind, text).map_err(Error::new)? {
        Typed::Integer(count) if count == -1 || count >= 1 => Ok(count),
        _ => Err(Error::new(invalid(key, text, "Value must be at least 1, or -1 for the broker's default"))),
    }
}
