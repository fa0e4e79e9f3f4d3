//! Ranges of offsets that are read again, outside of any group.

use std::collections::BTreeMap;

use kafka::{Kind, OffsetRange, TopicPartition, read_ranges};

use crate::broker::{PATIENCE, client, fill, topic};

fn range(topic: &str, partition: i32, start: i64, end: i64) -> OffsetRange {
    OffsetRange { at: TopicPartition::new(topic, partition), start, end }
}

#[test]
fn ranges_of_several_topics_are_read_and_nothing_else() {
    let (one, two) = (topic("ranges", 2), topic("ranges", 2));
    for (topic, partition) in [(&one, 0), (&one, 1), (&two, 1)] {
        fill(&client(), topic, partition, 1000);
    }
    let ranges = [range(&one, 0, 10, 20), range(&one, 1, 0, 1000), range(&two, 1, 999, 1000)];
    let parts = read_ranges(&client(), &ranges, PATIENCE, &|| true).unwrap().unwrap();
    let mut found: BTreeMap<(String, i32), Vec<i64>> = BTreeMap::new();
    for message in parts.iter().flat_map(kafka::Messages::iter) {
        found.entry((message.topic().to_owned(), message.partition())).or_default().push(message.offset());
    }
    let expected =
        ranges.map(|range| ((range.at.topic, range.at.partition), (range.start..range.end).collect()));
    assert_eq!(found, BTreeMap::from(expected));
}

#[test]
fn a_range_that_is_not_there_is_an_error_that_may_pass() {
    let topic = topic("short", 1);
    fill(&client(), &topic, 0, 5);
    // Offsets beyond the end: the topic was made anew, or cut.
    let error =
        read_ranges(&client(), &[range(&topic, 0, 3, 9)], std::time::Duration::from_secs(2), &|| true);
    assert_eq!(error.err().map(|error| error.kind), Some(Kind::Retry));
    assert!(read_ranges(&client(), &[range(&topic, 0, 0, 9)], PATIENCE, &|| false).unwrap().is_none());
}
