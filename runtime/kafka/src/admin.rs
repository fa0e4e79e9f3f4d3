//! Looks at and changes topics and groups.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::context::{Context, write};
use crate::oauth::{Recipient, Token};
use crate::raw::Told;
use crate::{ClientSettings, Committed, Error, TopicPartition};

/// How often a call looks whether the client told of a fault.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Another broker may answer, or a login succeed at the second try.
const LOGIN_GRACE: Duration = Duration::from_secs(2);

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

/// A group as its coordinator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// In Kafka's words: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, ...
    pub state: String,
    /// `consumer`, `connect` for workers of Java's Connect, or empty for a group that never had members.
    pub protocol_type: String,
    pub members: Vec<GroupMember>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    pub member_id: String,
    pub client_id: String,
    /// The address that the member connects from, as `/127.0.0.1`.
    pub host: String,
    /// The name of a static member.
    pub instance_id: Option<String>,
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
        let client: AdminClient<Context> = config
            .create_with_context(Context::new(settings))
            .map_err(|error| Error::of_kafka(&error, "opening an admin client"))?;
        let client = Arc::new(client);
        let weak = Arc::downgrade(&client);
        crate::oauth::serve(&config, weak);
        Ok(Self { client, timeout })
    }

    /// A topic that is there already is fine, whatever it looks like.
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Creation, Error> {
        let doing = format!("creating topic {}", spec.name);
        let mut topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
        for (key, value) in &spec.configs {
            topic = topic.set(key, value);
        }
        let answer = self.watched(self.client.create_topics([&topic], &self.options())).await?;
        match first(answer.map_err(|error| Error::of_kafka(&error, &doing))?, &doing)? {
            Ok(_) => Ok(Creation::Created),
            Err((_, Code::TopicAlreadyExists)) => Ok(Creation::Existed),
            Err((_, code)) => Err(Error::of_code(code, &doing)),
        }
    }

    pub async fn delete_topic(&self, topic: &str) -> Result<(), Error> {
        let doing = format!("deleting topic {topic}");
        let answer = self.watched(self.client.delete_topics(&[topic], &self.options())).await?;
        match first(answer.map_err(|error| Error::of_kafka(&error, &doing))?, &doing)? {
            Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => Ok(()),
            Err((_, code)) => Err(Error::of_code(code, &doing)),
        }
    }

    /// None when there is no such topic.
    pub async fn describe_topic(&self, topic: &str) -> Result<Option<Description>, Error> {
        let (name, budget) = (topic.to_owned(), Budget::new(self.timeout));
        let asked = budget.clone();
        let found = self.blocking(move |client| {
            let doing = format!("describing topic {name}");
            let all = metadata(client, Some(&name), &asked, &doing)?;
            match all.into_iter().next() {
                Some((_, Some(Code::UnknownTopicOrPartition | Code::UnknownTopic))) | None => Ok(None),
                Some((_, Some(code))) => Err(Error::of_code(code, &doing)),
                Some((description, None)) => Ok(Some(description)),
            }
        });
        budget.spend_on(found).await
    }

    pub async fn list_topics(&self) -> Result<Vec<Description>, Error> {
        let budget = Budget::new(self.timeout);
        let asked = budget.clone();
        let found = self.blocking(move |client| {
            let all = metadata(client, None, &asked, "listing topics")?;
            Ok(all.into_iter().filter(|(_, code)| code.is_none()).map(|(topic, _)| topic).collect())
        });
        budget.spend_on(found).await
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
        let answer = self.watched(self.client.delete_groups(&[group], &self.options())).await?;
        match first(answer.map_err(|error| Error::of_kafka(&error, &doing))?, &doing)? {
            Ok(_) | Err((_, Code::GroupIdNotFound)) => Ok(()),
            Err((_, code)) => Err(group_error(code, group, &doing)),
        }
    }

    /// None when there is no such group. One or two requests to its coordinator: cheap enough for every second.
    pub async fn describe_group(&self, group: &str) -> Result<Option<GroupDescription>, Error> {
        let (name, timeout) = (group.to_owned(), self.timeout);
        let found = self.blocking(move |client| {
            crate::raw::describe_group(client.inner().native_client(), &name, timeout)
        });
        found.await
    }

    /// Sets what a group without members has committed. Partitions before the one that is refused may be set.
    pub async fn alter_group_offsets(
        &self,
        group: &str,
        offsets: &[(TopicPartition, i64)],
    ) -> Result<(), Error> {
        if let Some((tp, offset)) = offsets.iter().find(|(_, offset)| *offset < 0) {
            let (topic, partition) = (&tp.topic, tp.partition);
            let message = format!("{topic}-{partition}: expected an offset of 0 or more, got {offset}");
            return Err(Error::config(message));
        }
        if offsets.is_empty() {
            return Ok(());
        }
        let (name, offsets, timeout) = (group.to_owned(), offsets.to_vec(), self.timeout);
        let answer = self.blocking(move |client| {
            crate::raw::alter_offsets(client.inner().native_client(), &name, &offsets, timeout)
        });
        check_partitions(answer.await, group, "setting the offset of")
    }

    /// Erases what a group has committed for partitions that none of its members is subscribed to.
    pub async fn delete_group_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<(), Error> {
        if partitions.is_empty() {
            return Ok(());
        }
        let (name, partitions, timeout) = (group.to_owned(), partitions.to_vec(), self.timeout);
        let answer = self.blocking(move |client| {
            crate::raw::delete_offsets(client.inner().native_client(), &name, &partitions, timeout)
        });
        check_partitions(answer.await, group, "erasing the offset of")
    }

    /// None when the cluster has no id or nobody answers in time.
    pub async fn cluster_id(&self) -> Option<String> {
        let timeout = self.timeout;
        let found = self.blocking(move |client| {
            client.inner().fetch_cluster_id(timeout).ok_or_else(|| Error::retry("no cluster id"))
        });
        found.await.ok()
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
        self.ends_for(topic, partitions, false).await
    }

    /// As `ends`, but what a reader of committed records gets to: an open transaction and all after it is left out.
    pub async fn committed_ends(&self, topic: &str, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, Error> {
        self.ends_for(topic, partitions, true).await
    }

    async fn ends_for(
        &self,
        topic: &str,
        partitions: &[i32],
        committed: bool,
    ) -> Result<BTreeMap<i32, i64>, Error> {
        let until = tokio::time::Instant::now() + self.timeout;
        loop {
            let (name, wanted, timeout) = (topic.to_owned(), partitions.to_vec(), self.timeout);
            let asked = self.blocking(move |client| {
                crate::raw::ends(client.inner().native_client(), &name, &wanted, committed, timeout)
            });
            match asked.await {
                Ok(ends) => return Ok(ends.into_iter().collect()),
                Err(error) if error.kind == crate::Kind::Retry && tokio::time::Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    self.learn_leaders(topic).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Questions go to the leaders that the client knows, and an answer that there are newer ones teaches it nothing:
    /// after a broker's restart it would go on with the old ones for minutes.
    async fn learn_leaders(&self, topic: &str) {
        let (topic, timeout) = (topic.to_owned(), self.timeout);
        let asked = self.blocking(move |client| {
            // What there is to tell of a failure, the next question tells.
            let _ = client.inner().fetch_metadata(Some(&topic), timeout);
            Ok(())
        });
        let _ = asked.await;
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
        // An answer, be it a refusal, shows that the login works.
        let call = async {
            match task.await {
                Ok(Err(error)) if error.kind == crate::Kind::Retry => Err(error),
                Ok(answer) => Ok(answer),
                Err(_) => Err(Error::retry("the runtime is shutting down")),
            }
        };
        self.watched(call).await??
    }

    /// A call that only waits for a login that will not succeed ends early, with the reason.
    async fn watched<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> Result<Result<T, E>, Error> {
        let (start, context) = (Instant::now(), self.client.inner().context());
        let mut call = std::pin::pin!(call);
        loop {
            let answer = tokio::time::timeout(LOOK_INTERVAL, &mut call).await;
            self.listen().await;
            let grace = if answer.is_ok() { Duration::ZERO } else { LOGIN_GRACE };
            match answer {
                Ok(Ok(answer)) => {
                    context.trouble.clear();
                    return Ok(Ok(answer));
                }
                answer => match (context.trouble.standing(start, grace), answer) {
                    (Some(error), _) => return Err(error),
                    (None, Ok(answer)) => return Ok(answer),
                    (None, Err(_)) => {}
                },
            }
        }
    }

    /// Nobody else reads what this client has to tell. A fault may be looked into, which takes its time.
    async fn listen(&self) {
        let all = crate::raw::told(self.client.inner().native_client());
        if all.is_empty() {
            return;
        }
        let client = Arc::clone(&self.client);
        let hear = move || {
            let context = client.inner().context();
            for told in all {
                match told {
                    Told::Error(code, reason) => context.failed(code, &reason),
                    Told::Line { level, facility, line } => write(&context.client, level, &facility, &line),
                }
            }
        };
        // It fails only when the runtime shuts down, and then nobody hears it anyway.
        let _ = tokio::task::spawn_blocking(hear).await;
    }
}

impl Recipient for AdminClient<Context> {
    fn take(&self, token: &Token) -> Result<(), String> {
        crate::raw::give_token(self.inner().native_client(), token)
    }

    fn go_without(&self, reason: &str) {
        // librdkafka would only log it: it has no event of errors for this kind of client.
        self.inner().context().without_token(reason);
    }
}

/// The time of a call that blocks a thread, which ends soon after nobody waits for it any more.
#[derive(Clone)]
struct Budget {
    until: Instant,
    is_over: Arc<AtomicBool>,
}

impl Budget {
    fn new(time: Duration) -> Self {
        Self { until: Instant::now() + time, is_over: Arc::default() }
    }

    async fn spend_on<T>(&self, call: impl Future<Output = T>) -> T {
        let answer = call.await;
        self.is_over.store(true, Ordering::Relaxed);
        answer
    }

    /// Asks again, for longer each time.
    fn spend<T>(&self, mut ask: impl FnMut(Duration) -> Result<T, KafkaError>) -> Result<T, KafkaError> {
        let mut time = Duration::from_secs(1);
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let start = Instant::now();
            let answer = ask(time.min(left));
            let used_up = start.elapsed() >= time && time < left;
            if answer.is_ok() || !used_up || self.is_over.load(Ordering::Relaxed) {
                return answer;
            }
            time *= 2;
        }
    }
}

/// The first partition that was refused stands for all.
fn check_partitions(
    answer: Result<Vec<crate::raw::Entry>, Error>,
    group: &str,
    doing: &str,
) -> Result<(), Error> {
    match answer?.iter().find(|row| row.error != Code::NoError) {
        None => Ok(()),
        Some(row) => {
            let place = format!("{}-{}", row.topic, row.partition);
            let doing = format!("{doing} {place} in group {group}");
            match row.error {
                Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                    Err(Error::config(format!("{doing}: there is no such topic or partition")))
                }
                code => Err(group_error(code, group, &doing)),
            }
        }
    }
}

/// Kafka names live members in three ways.
fn group_error(code: Code, group: &str, doing: &str) -> Error {
    match code {
        Code::UnknownMemberId | Code::NonEmptyGroup | Code::GroupSubscribedToTopic => Error::config(format!(
            "{doing}: group {group} has live members; stop whoever reads with it, and try again"
        )),
        code => Error::of_code(code, doing),
    }
}

fn metadata(
    client: &AdminClient<Context>,
    topic: Option<&str>,
    budget: &Budget,
    doing: &str,
) -> Result<Vec<(Description, Option<Code>)>, Error> {
    let all = budget
        .spend(|time| client.inner().fetch_metadata(topic, time))
        .map_err(|error| Error::of_kafka(&error, doing))?;
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
