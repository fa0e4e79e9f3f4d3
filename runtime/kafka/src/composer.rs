//! Records that did not come from Kafka, in the shape of those that did: whoever takes the one takes the other.
use std::sync::Arc;

use crate::messages::{Filling, Names, Place};
use crate::{Header, Messages};

/// Puts records together. Topics and the size of the batch before are remembered.
#[derive(Default)]
pub struct Composer {
    names: Names,
    topic: Option<Arc<str>>,
    filling: Filling,
}

/// What a [`Composer`] is given. Everything is copied; keys and values have less than 4 GiB.
#[derive(Debug, Clone, Copy)]
pub struct OwnRecord<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

impl Composer {
    pub fn push<'a>(
        &mut self,
        record: &OwnRecord<'_>,
        headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) {
        let OwnRecord { partition, offset, timestamp_ms, .. } = *record;
        // Sources write long runs for one topic.
        if self.topic.as_deref() != Some(record.topic) || self.filling.is_empty() {
            let topic = self.names.of(record.topic);
            self.filling.topic(&topic);
            self.topic = Some(topic);
        }
        self.filling.push(Place { partition, offset, timestamp_ms }, record.key, record.value);
        for (name, value) in headers {
            self.filling.header(Header { name: name.as_bytes(), value });
        }
    }

    pub fn len(&self) -> usize {
        self.filling.len()
    }

    pub fn is_empty(&self) -> bool {
        self.filling.is_empty()
    }

    /// Bytes of keys, values and headers so far.
    pub fn bytes(&self) -> usize {
        self.filling.bytes()
    }

    /// The records so far; the composer is empty again.
    pub fn finish(&mut self) -> Messages {
        // The next batch is probably as large.
        let next = Filling::with_room(self.len(), self.bytes());
        std::mem::replace(&mut self.filling, next).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use std::ops::Range;

    fn composed(composer: &mut Composer, offsets: Range<i64>) -> Messages {
        for offset in offsets {
            let value = format!("value {offset}");
            let headers: &[(&str, Option<&[u8]>)] =
                if offset == 3 { &[("x", Some(b"1")), ("y", None)] } else { &[] };
            let record = OwnRecord {
                topic: if offset < 3 { "a" } else { "b" },
                partition: 7,
                offset,
                timestamp_ms: (offset > 0).then_some(offset),
                key: (offset == 1).then_some(b"key".as_slice()),
                value: (offset != 2).then_some(value.as_bytes()),
            };
            composer.push(&record, headers.iter().copied());
        }
        composer.finish()
    }

    #[test]
    fn records_come_out_as_they_went_in() {
        let messages = composed(&mut Composer::default(), 0..4);
        let seen: Vec<_> = messages
            .iter()
            .map(|m| (m.topic(), m.partition(), m.offset(), m.timestamp_ms(), m.key(), m.value()))
            .collect();
        assert_eq!(seen[0], ("a", 7, 0, None, None, Some(b"value 0".as_slice())));
        assert_eq!(seen[1], ("a", 7, 1, Some(1), Some(b"key".as_slice()), Some(b"value 1".as_slice())));
        assert_eq!(seen[2], ("a", 7, 2, Some(2), None, None));
        assert_eq!(seen[3].0, "b");
        let headers: Vec<_> = messages.get(3).unwrap().headers().collect();
        let expected = [Header { name: b"x", value: Some(b"1") }, Header { name: b"y", value: None }];
        assert_eq!(headers, expected);
        assert_eq!(messages.get(0).unwrap().headers().count(), 0);
        assert_eq!(messages.bytes(), 3 + 3 * 7);
    }

    #[test]
    fn a_composer_begins_anew_and_keeps_its_topics() {
        let mut composer = Composer::default();
        let first = composed(&mut composer, 0..4);
        assert!(composer.is_empty() && composer.bytes() == 0);
        let second = composed(&mut composer, 2..6);
        let keys = |messages: &Messages| messages.iter().map(Message::topic_key).collect::<Vec<_>>();
        let (a, b) = (keys(&first)[0], keys(&first)[3]);
        assert_ne!(a, b);
        assert_eq!(keys(&second), [a, b, b, b]);
        assert_eq!(second.iter().map(Message::topic).collect::<Vec<_>>(), ["a", "b", "b", "b"]);
    }
}
