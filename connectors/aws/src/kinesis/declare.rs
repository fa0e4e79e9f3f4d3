//! Declares the settings of the source; those of the way to AWS are shared.
use penstock_sdk::{Importance, Setting};

use crate::access;

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Source", source()),
        ("AWS", access::declare()),
        ("Records", records()),
        ("Reading", reading()),
    ])
}

fn source() -> Vec<Setting> {
    vec![
        Setting::string("kinesis.stream")
            .required()
            .non_empty()
            .importance(Importance::High)
            .doc("Name or ARN of the stream. A stream of another account needs its ARN."),
        Setting::string("topic")
            .default("${stream}")
            .importance(Importance::High)
            .doc("Topic of the records; ${stream} in it stands for the name of the stream."),
        Setting::string("kinesis.start")
            .default("TRIM_HORIZON")
            .one_of(&["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])
            .importance(Importance::High)
            .doc(
                "Where a shard begins of which no offset is stored: with TRIM_HORIZON at the oldest record that is \
                 kept, with LATEST at what comes from now on, with AT_TIMESTAMP at kinesis.start.timestamp. Shards \
                 that are made of one that was read are always read from their beginning.",
            ),
        Setting::string("kinesis.start.timestamp").doc(
            "Time of the first records for AT_TIMESTAMP: as in 2026-01-31T12:00:00Z, or milliseconds since 1970.",
        ),
        Setting::string("kinesis.mode")
            .default("polling")
            .one_of(&["polling", "fanout", "auto"])
            .importance(Importance::High)
            .doc(
                "polling asks each shard for records, and shares its 2 MB/s with other readers. fanout has them sent \
                 by enhanced fan-out, with 2 MB/s of its own for each shard, which AWS charges for. auto takes fanout \
                 where it is allowed and a consumer is free, else polling.",
            ),
        Setting::string("kinesis.consumer.name").doc(
            "Name of the consumer that is registered for fanout; without a value penstock- and the connector's name. \
             Connectors that read the same stream need different ones.",
        ),
        Setting::boolean("kinesis.consumer.delete.on.stop").default("false").doc(
            "Removes the consumer whenever the first task ends: at a stop and a pause of the worker too, and it is \
             registered again at the start. AWS charges for a consumer as long as it is registered.",
        ),
    ]
}

fn records() -> Vec<Setting> {
    vec![
        Setting::boolean("kinesis.deaggregate").default("true").doc(
            "Unpacks records that the Kinesis Producer Library has packed into one.",
        ),
        Setting::int("message.bytes.max").default("16777216").range(1, 67_108_864).doc(
            "Bytes of key and value of a record at most. A larger one fails the task, or with errors.tolerance=all is \
             left out, logged and counted.",
        ),
    ]
}

/// How shards are read, whatever becomes of their records.
pub fn reading() -> Vec<Setting> {
    vec![
        Setting::int("kinesis.fetch.interval.ms").default("200").range(200, 60_000).doc(
            "Milliseconds between two requests for records of a shard, with polling. A shard answers five requests a \
             second, to all readers together: take 1000 where there are several.",
        ),
        Setting::int("kinesis.fetch.idle.ms").default("1000").range(200, 60_000).doc(
            "Milliseconds to which that time grows by and by while a shard has no records.",
        ),
        Setting::int("kinesis.shards.interval.ms").default("10000").range(1000, 600_000).doc(
            "Milliseconds between two looks for new shards. When a shard ends there is one at once.",
        ),
        Setting::long("kinesis.buffer.bytes").default("67108864").range(1_048_576, 4_294_967_296).doc(
            "Bytes that a task may hold ready of all of its shards together. While they are in use nothing is fetched.",
        ),
    ]
}
