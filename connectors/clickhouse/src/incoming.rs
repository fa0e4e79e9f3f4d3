//! A record on its way to a table, with all that Kafka knows of it.
use std::fmt;

use penstock_sdk::Headers;

/// Borrowed from the worker's batch for the time of one `write`.
#[derive(Clone, Debug, Default)]
pub struct Incoming<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub value: Option<&'a [u8]>,
    pub key: Option<&'a [u8]>,
    pub timestamp_ms: Option<i64>,
    pub headers: HeaderList<'a>,
}

/// Names and values of a record's headers, in order.
#[derive(Clone)]
pub enum HeaderList<'a> {
    Kafka(Headers<'a>),
    Given(&'a [(&'a str, Option<&'a [u8]>)]),
}

/// Why a record was not inserted: whose word it is, and the sentence, which says where the record stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub class: Class,
    pub sentence: String,
}

/// Who refused a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Class {
    /// The sink: the record cannot be read, or does not fit the table's columns.
    Parsing,
    /// The server, for what is in the record.
    Server,
}

impl Incoming<'_> {
    /// Bytes of key and value.
    pub fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }

    /// A reason not to insert the record, with where the record stands in Kafka.
    pub fn refusal(&self, class: Class, reason: &impl fmt::Display) -> Refusal {
        let sentence = format!("{}-{}@{}: {reason}", self.topic, self.partition, self.offset);
        Refusal { class, sentence }
    }
}

impl Class {
    /// As the error table says it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Parsing => "DATA_PARSING_ERROR",
            Class::Server => "INSERT_ERROR",
        }
    }
}

impl<'a> HeaderList<'a> {
    pub fn each(&self, mut take: impl FnMut(&'a str, Option<&'a [u8]>)) {
        match self {
            HeaderList::Kafka(headers) => headers.clone().for_each(|(name, value)| take(name, value)),
            HeaderList::Given(headers) => headers.iter().for_each(|(name, value)| take(name, *value)),
        }
    }
}

impl Default for HeaderList<'_> {
    fn default() -> Self {
        HeaderList::Given(&[])
    }
}

impl fmt::Debug for HeaderList<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = out.debug_list();
        self.each(|name, _| {
            list.entry(&name);
        });
        list.finish()
    }
}
