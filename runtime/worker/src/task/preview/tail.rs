//! The newest records of a sink's topics.
use super::PATIENCE;
use crate::definition::Topics;
use crate::task::config::{TaskSpec, wrong};
use crate::task::failure::{failure, of_kafka};
use cluster::Failure;
use kafka::{Admin, Description, Messages, OffsetRange, TopicPartition, read_ranges};

/// More partitions are not looked at.
const PARTITIONS_MAX: usize = 200;

/// Of all topics together; their consumer group is left alone.
pub fn read(spec: &TaskSpec, wanted: usize) -> Result<Vec<Messages>, Failure> {
    let admin =
        Admin::open(&spec.admin_settings()?, PATIENCE).map_err(|error| of_kafka("reading topics", &error))?;
    let ends = spec.runtime.block_on(ends(spec, &admin))?;
    let go_on = || !spec.control.is_stopping();
    let read = read_ranges(&spec.consumer_settings()?, &newest(ends, wanted), PATIENCE, &go_on);
    let read = read.map_err(|error| of_kafka("reading the newest records", &error))?;
    read.ok_or_else(|| {
        failure(
            "RetriableException",
            &format!("reading the newest records took more than {PATIENCE:?}"),
            true,
        )
    })
}

/// First and next offset of each partition.
async fn ends(spec: &TaskSpec, admin: &Admin) -> Result<Vec<(TopicPartition, (i64, i64))>, Failure> {
    let unread = |error: kafka::Error| of_kafka("reading topics", &error);
    let partitions = |topic: Description| {
        topic.partitions.into_iter().map(move |partition| TopicPartition::new(topic.name.clone(), partition))
    };
    let mut all = Vec::new();
    match &spec.connector.topics {
        Topics::Listed(names) => {
            for name in names {
                let found = admin.describe_topic(name).await.map_err(unread)?;
                all.extend(partitions(
                    found.ok_or_else(|| wrong(&format!("topics: there is no topic {name}")))?,
                ));
            }
        }
        Topics::Matching(_, pattern) => {
            let topics = admin.list_topics().await.map_err(unread)?;
            all.extend(topics.into_iter().filter(|topic| pattern.is_match(&topic.name)).flat_map(partitions));
        }
        Topics::None => return Err(wrong("topics: a sink needs topics or topics.regex")),
    }
    all.truncate(PARTITIONS_MAX);
    let offsets = admin.offsets(&all).await.map_err(unread)?;
    Ok(all.into_iter().zip(offsets).collect())
}

/// The last offsets of each partition: as many of each as there may be, and what one has not, others give.
fn newest(mut ends: Vec<(TopicPartition, (i64, i64))>, wanted: usize) -> Vec<OffsetRange> {
    ends.sort_by_key(|(_, (first, next))| next - first);
    let (mut left, mut partitions) = (wanted as i64, ends.len() as i64);
    let ranges = ends.into_iter().map(|(at, (first, end))| {
        let share = (left + partitions - 1) / partitions;
        let start = first.max(end - share);
        (left, partitions) = (left - (end - start), partitions - 1);
        OffsetRange { at, start, end }
    });
    ranges.filter(|range| range.start < range.end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_spread_over_partitions_as_far_as_these_reach() {
        let check = |ends: &[(i64, i64)], wanted, expected: &[(i32, i64, i64)]| {
            let at =
                |(partition, ends): (usize, &(i64, i64))| (TopicPartition::new("t", partition as i32), *ends);
            let mut ranges: Vec<_> = newest(ends.iter().enumerate().map(at).collect(), wanted)
                .into_iter()
                .map(|range| (range.at.partition, range.start, range.end))
                .collect();
            ranges.sort_unstable();
            assert_eq!(ranges, expected, "{wanted} of {ends:?}");
        };
        check(&[(0, 100)], 10, &[(0, 90, 100)]);
        check(&[(95, 100)], 10, &[(0, 95, 100)]);
        check(&[(0, 100), (5, 5), (7, 9)], 10, &[(0, 92, 100), (2, 7, 9)]);
        check(&[(0, 100), (0, 100), (0, 100)], 2, &[(0, 99, 100), (1, 99, 100)]);
        check(&[], 10, &[]);
    }
}
