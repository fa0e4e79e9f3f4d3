//! Topics of a real Kafka: makes them, fills them, reads them back, and asks what a group has committed.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct Kafka {
    pub bootstrap: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().unwrap_or_default()).expect("a record's value is UTF-8")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(&found.1).ok()
    }
}

impl Kafka {
    /// The broker that all tests of a run share.
    pub fn shared() -> Self {
        Self { bootstrap: crate::services::kafka() }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("log_level", "3");
        config
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) {
        self.create_topic_with(topic, partitions, &[]);
    }

    pub fn create_topic_with(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let plain = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let topics = [settings.iter().fold(plain, |topic, (key, value)| topic.set(key, value))];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let results = runtime.block_on(admin.create_topics(&topics, &options)).expect("creating a topic");
        for result in results {
            result.unwrap_or_else(|(topic, error)| panic!("creating topic {topic}: {error}"));
        }
        // The answer comes before every part of the broker knows the topic.
        crate::until("the new topic in the broker's metadata", TIMEOUT, || {
            self.partitions(topic) == partitions
        });
    }

    /// A topic's setting that is in force.
    pub fn topic_setting(&self, topic: &str, key: &str) -> Option<String> {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (resource, options) = (ResourceSpecifier::Topic(topic), AdminOptions::new());
        let asked = admin.describe_configs([&resource], &options);
        let answer = runtime.block_on(asked).expect("asking for settings").remove(0);
        let resource = answer.unwrap_or_else(|error| panic!("asking for the settings of {topic}: {error}"));
        resource.entry_map().get(key).and_then(|entry| entry.value.clone())
    }

    pub fn partitions(&self, topic: &str) -> i32 {
        let consumer = self.reader();
        let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT).expect("metadata");
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        found.filter(|found| found.error().is_none()).map_or(0, |found| found.partitions().len() as i32)
    }

    /// Appends records, as many as `next` fills into the two buffers (key, value), and waits for the broker's yes.
    pub fn produce(&self, topic: &str, mut next: impl FnMut(&mut String, &mut String) -> Option<i32>) {
        let producer: BaseProducer = self
            .config()
            .set("enable.idempotence", "true")
            .set("linger.ms", "20")
            .set("batch.size", "500000")
            .set("compression.type", "none")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "131072")
            .create()
            .expect("a producer");
        let (mut key, mut value) = (String::new(), String::new());
        while let Some(partition) = next(&mut key, &mut value) {
            let mut record = BaseRecord::to(topic).partition(partition).key(&key).payload(&value);
            while let Err((error, back)) = producer.send(record) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                assert!(error == full, "producing to {topic}: {error}");
                producer.poll(Duration::from_millis(10));
                record = back;
            }
            key.clear();
            value.clear();
        }
        producer.flush(TIMEOUT).expect("the broker acknowledges what was produced");
        assert_eq!(producer.in_flight_count(), 0, "records of {topic} were not acknowledged");
    }

    /// Appends one record to partition 0; no value is a tombstone.
    pub fn put(&self, topic: &str, key: &str, value: Option<&str>) {
        let producer: BaseProducer = self.config().create().expect("a producer");
        let record = BaseRecord::<str, str>::to(topic).partition(0).key(key);
        let record = value.into_iter().fold(record, BaseRecord::payload);
        producer.send(record).unwrap_or_else(|(error, _)| panic!("producing to {topic}: {error}"));
        producer.flush(TIMEOUT).expect("the broker acknowledges what was produced");
    }

    /// Appends records with all that they have but their offsets, which the broker gives.
    pub fn append(&self, topic: &str, records: &[Record]) {
        self.append_with(topic, records, &[("enable.idempotence", "true")]);
    }

    /// As [`Self::append`], through a producer with these settings.
    pub fn append_with(&self, topic: &str, records: &[Record], settings: &[(&str, &str)]) {
        let mut config = self.config();
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let producer: BaseProducer = config.create().expect("a producer");
        for given in records {
            let header = |all: OwnedHeaders, (key, value): &(String, Vec<u8>)| {
                all.insert(Header { key, value: Some(value) })
            };
            let headers = given.headers.iter().fold(OwnedHeaders::new(), header);
            let record = BaseRecord::<[u8], [u8]>::to(topic).partition(given.partition).headers(headers);
            let record = given.key.iter().fold(record, |record, key| record.key(key));
            let record = given.value.iter().fold(record, |record, value| record.payload(value));
            producer.send(record).unwrap_or_else(|(error, _)| panic!("producing to {topic}: {error}"));
        }
        producer.flush(TIMEOUT).expect("the broker acknowledges what was produced");
    }

    /// Appends one record of bytes to partition 0.
    pub fn put_bytes(&self, topic: &str, value: &[u8]) {
        let producer: BaseProducer = self.config().create().expect("a producer");
        let record = BaseRecord::<str, [u8]>::to(topic).partition(0).payload(value);
        producer.send(record).unwrap_or_else(|(error, _)| panic!("producing to {topic}: {error}"));
        producer.flush(TIMEOUT).expect("the broker acknowledges what was produced");
    }

    /// Appends these values, without keys, to partition 0.
    pub fn produce_values<'a>(&self, topic: &str, values: impl IntoIterator<Item = &'a str>) {
        let mut values = values.into_iter();
        self.produce(topic, |_, value| {
            value.push_str(values.next()?);
            Some(0)
        });
    }

    fn reader(&self) -> BaseConsumer {
        self.reader_of("penstock-tests-reader")
    }

    fn reader_of(&self, group: &str) -> BaseConsumer {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed");
        config.create().expect("a consumer")
    }

    /// The end offset of each partition.
    pub fn ends(&self, topic: &str) -> Vec<i64> {
        let consumer = self.reader();
        let partitions = 0..self.partitions(topic);
        partitions.map(|p| consumer.fetch_watermarks(topic, p, TIMEOUT).expect("watermarks").1).collect()
    }

    /// Every record that is in the topic now.
    pub fn read(&self, topic: &str) -> Vec<Record> {
        let ends = self.ends(topic);
        let consumer = self.reader();
        let mut list = TopicPartitionList::new();
        for partition in 0..ends.len() as i32 {
            list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).expect("an assignment");
        let mut records = Vec::new();
        let mut positions: Vec<i64> = ends.iter().map(|_| 0).collect();
        let start = Instant::now();
        while positions.iter().zip(&ends).any(|(position, end)| position < end) {
            assert!(start.elapsed() < TIMEOUT, "reading {topic}: at {positions:?} of {ends:?}");
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    positions[message.partition() as usize] = message.offset() + 1;
                    records.push(record_of(&message));
                }
                Some(Err(error)) => panic!("reading {topic}: {error}"),
                None => {
                    // Control records and aborted ones are never delivered: the position tells that they were passed.
                    for element in consumer.position().expect("positions").elements() {
                        if let Offset::Offset(at) = element.offset() {
                            let position = &mut positions[element.partition() as usize];
                            *position = at.max(*position);
                        }
                    }
                }
            }
        }
        records.retain(|record| record.offset < ends[record.partition as usize]);
        records.sort();
        records
    }

    /// What a group has committed for each partition; -1 where it has not.
    pub fn committed(&self, group: &str, topic: &str) -> Vec<i64> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, self.partitions(topic) - 1);
        let committed = self.reader_of(group).committed_offsets(list, TIMEOUT).expect("committed offsets");
        let offset = |at: Offset| if let Offset::Offset(offset) = at { offset } else { -1 };
        committed.elements_for_topic(topic).iter().map(|element| offset(element.offset())).collect()
    }
}

fn record_of(message: &rdkafka::message::BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.collect(),
    }
}
