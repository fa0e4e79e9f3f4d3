//! Looks at and changes topics and groups.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::context::Context;
use crate::{ClientSettings, Committed, Error, TopicPartition};

/// What a topic should be when it has to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    /// -1: the broker's default. So it is with `replication`.
    pub partitions: i32,
    pub replication: i32,
    pub configs: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    Created,
    Existed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub partitions: Vec<i32>,
}

/// Every call is async, answers within the timeout given to `open` (plus a second), and needs a tokio runtime:
/// calls that librdkafka has only in a blocking form run on tokio's blocking threads.
#[derive(Clone)]
pub struct Admin {
    client: Arc<AdminClient<Context>>,
    timeout: Duration,
}

impl Admin {
    pub fn open(settings: &ClientSettings, timeout: Duration) -> Result<Self, Error> {
        let mut config = settings.to_producer();
        // Or asking whether a topic exists would create it.
        config.set("allow.auto.create.topics", "false");
        let client = config
            .create_with_context(Context::new(settings))
            .map_err(|error| Error::of_kafka(&error, "opening an admin client"))?;
        Ok(Self { client: Arc::new(client), timeout })
    }

    /// A topic that is there already is fine, whatever it looks like.
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Creation, Error> {
        let doing = format!("creating topic {}", spec.name);
        let mut topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
        for (key, value) in &spec.configs {
            topic = topic.set(key, value);
        }
        let answer = self.client.create_topics([&topic], &self.options()).await;
        match first(answer.map_err(|error| Error::of_kafka(&error, &doing))?, &doing)? {
            Ok(_) => Ok(Creation::Created),
            Err((_, Code::TopicAlreadyExists)) => Ok(Creation::Existed),
            Err((_, code)) => Err(Error::of_code(code, &doing)),
        }
    }

    pub async fn delete_topic(&self, topic: &str) -> Result<(), Error> {
        let doing = format!("deleting topic {topic}");
        let answer = self.client.delete_topics(&[topic], &self.options()).await;
        match first(answer.map_err(|error| Error::of_kafka(&error, &doing))?, &doing)? {
            Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => Ok(()),
            Err((_, code)) => Err(Error::of_code(code, &doing)),
        }
    }

    /// None when there is no such topic.
    pub async fn describe_topic(&self, topic: &str) -> Result<Option<Description>, Error> {
        let (name, timeout) = (topic.to_owned(), self.timeout);
        let found = self.blocking(move |client| {
            let doing = format!("describing topic {name}");
            let all = metadata(client, Some(&name), timeout, &doing)?;
            match all.into_iter().next() {
                Some((_, Some(Code::UnknownTopicOrPartition | Code::UnknownTopic))) | None => Ok(None),
                Some((_, Some(code))) => Err(Error::of_code(code, &doing)),
                Some((description, None)) => Ok(Some(description)),
            }
        });
        found.await
    }

    pub async fn list_topics(&self) -> Result<Vec<Description>, Error> {
        let timeout = self.timeout;
        let found = self.blocking(move |client| {
            let all = metadata(client, None, timeout, "listing topics")?;
            Ok(all.into_iter().filter(|(_, code)| code.is_none()).map(|(topic, _)| topic).collect())
        });
        found.await
    }

    /// The value in force, be it set or a default. None when there is no such key.
    pub async fn topic_config(&self, topic: &str, key: &str) -> Result<Option<String>, Error> {
        let (name, timeout) = (topic.to_owned(), self.timeout);
        let found = self.blocking(move |client| {
            crate::raw::topic_configs(client.inner().native_client(), &name, timeout)
        });
        Ok(found.await?.into_iter().find(|(name, _)| name == key).map(|(_, value)| value))
    }

    pub async fn delete_group(&self, group: &str) -> Result<(), Error> {
        let doing = format!("deleting group {group}");
        let answer = self.client.delete_groups(&[group], &self.options()).await;
        match first(answer.map_err(|error| Error::of_kafka(&error, &doing))?, &doing)? {
            Ok(_) | Err((_, Code::GroupIdNotFound)) => Ok(()),
            Err((_, code)) => Err(Error::of_code(code, &doing)),
        }
    }

    /// None when the cluster has no id or nobody answers in time.
    pub async fn cluster_id(&self) -> Option<String> {
        let timeout = self.timeout;
        self.blocking(move |client| Ok(client.inner().fetch_cluster_id(timeout))).await.ok().flatten()
    }

    /// Everything that a group has committed, read without joining it.
    pub async fn group_offsets(&self, group: &str) -> Result<Vec<Committed>, Error> {
        let (name, timeout) = (group.to_owned(), self.timeout);
        let rows = self.blocking(move |client| {
            crate::raw::group_offsets(client.inner().native_client(), &name, timeout)
        });
        Ok(rows.await?.into_iter().map(Committed::from).collect())
    }

    /// First and next offset of each partition.
    pub async fn offsets(&self, partitions: &[TopicPartition]) -> Result<Vec<(i64, i64)>, Error> {
        let (wanted, timeout) = (partitions.to_vec(), self.timeout);
        let found = self.blocking(move |client| {
            let one = |tp: &TopicPartition| {
                client.inner().fetch_watermarks(&tp.topic, tp.partition, timeout).map_err(|error| {
                    Error::of_kafka(&error, &format!("reading the end of {}-{}", tp.topic, tp.partition))
                })
            };
            wanted.iter().map(one).collect()
        });
        found.await
    }

    /// The offset that comes next in each partition. A topic that was created a moment ago has no leader yet for
    /// some of the brokers: such an answer is asked again until the timeout.
    pub async fn ends(&self, topic: &str, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, Error> {
        let until = tokio::time::Instant::now() + self.timeout;
        loop {
            let (topic, wanted, timeout) = (topic.to_owned(), partitions.to_vec(), self.timeout);
            let asked = self.blocking(move |client| {
                crate::raw::ends(client.inner().native_client(), &topic, &wanted, timeout)
            });
            match asked.await {
                Ok(ends) => return Ok(ends.into_iter().collect()),
                Err(error) if error.kind == crate::Kind::Retry && tokio::time::Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.timeout)).operation_timeout(Some(self.timeout))
    }

    async fn blocking<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&AdminClient<Context>) -> Result<T, Error> + Send + 'static,
    {
        let client = Arc::clone(&self.client);
        let task = tokio::task::spawn_blocking(move || call(&client));
        task.await.map_err(|_| Error::retry("the runtime is shutting down"))?
    }
}

fn metadata(
    client: &AdminClient<Context>,
    topic: Option<&str>,
    timeout: Duration,
    doing: &str,
) -> Result<Vec<(Description, Option<Code>)>, Error> {
    let all =
        client.inner().fetch_metadata(topic, timeout).map_err(|error| Error::of_kafka(&error, doing))?;
    let describe = |topic: &rdkafka::metadata::MetadataTopic| {
        let partitions = topic.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect();
        let description = Description { name: topic.name().to_owned(), partitions };
        (description, topic.error().map(Code::from).filter(|code| *code != Code::NoError))
    };
    Ok(all.topics().iter().map(describe).collect())
}

fn first<T>(answers: Vec<T>, doing: &str) -> Result<T, Error> {
    answers.into_iter().next().ok_or_else(|| Error::retry(format!("{doing}: empty answer")))
}
