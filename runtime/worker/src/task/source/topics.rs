//! Topics that a source writes to: noted at first sight, created by the connector's rules when they are missing.
use crate::definition::TopicCreation;
use crate::task::config::TaskSpec;
use crate::task::failure::of_kafka;
use cluster::Failure;
use kafka::{Admin, TopicSpec};
use std::time::Duration;

/// Topics that were seen already. A source writes to few of them, again and again.
pub struct KnownTopics {
    known: Vec<String>,
    last: usize,
    rules: Option<(TopicCreation, Admin)>,
}

impl KnownTopics {
    pub fn new(spec: &TaskSpec) -> Result<Self, Failure> {
        let rules = match &spec.connector.topic_creation {
            Some(rules) if spec.settings.topics.create => {
                let client = spec.admin_settings()?;
                let admin = Admin::open(&client, Duration::from_secs(15))
                    .map_err(|error| of_kafka("opening an admin client", &error))?;
                Some((rules.clone(), admin))
            }
            _ => None,
        };
        Ok(Self { known: Vec::new(), last: 0, rules })
    }

    /// Called for every record: cheap when the topic is the one of the record before.
    pub fn prepare(&mut self, spec: &TaskSpec, topic: &str) -> Result<(), Failure> {
        if self.known.get(self.last).is_some_and(|known| known == topic) {
            return Ok(());
        }
        if let Some(index) = self.known.iter().position(|known| known == topic) {
            self.last = index;
            return Ok(());
        }
        if let Some((rules, admin)) = &self.rules {
            create(spec, rules, admin, topic)?;
        }
        (spec.topic_seen)(topic);
        // A source that makes up topics without end is not worth remembering all of them.
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.push(topic.to_owned());
        self.last = self.known.len() - 1;
        Ok(())
    }
}

const KNOWN_MAX: usize = 10_000;

fn create(spec: &TaskSpec, rules: &TopicCreation, admin: &Admin, topic: &str) -> Result<(), Failure> {
    let rule = rules.topic(topic);
    let wanted = TopicSpec {
        name: topic.to_owned(),
        partitions: rule.partitions,
        replication: i32::from(rule.replication_factor),
        configs: rule.settings.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
    };
    let done = spec.runtime.block_on(admin.create_topic(&wanted));
    done.map(drop).map_err(|error| of_kafka(&format!("creating topic {topic}"), &error))
}
