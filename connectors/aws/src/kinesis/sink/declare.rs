//! Declares the settings of the sink; those of the way to AWS are shared.
use penstock_sdk::{Importance, Setting};

use crate::access;

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Sink", sink()),
        ("AWS", access::declare()),
        ("Records", records()),
        ("Sending", sending()),
    ])
}

fn sink() -> Vec<Setting> {
    vec![
        Setting::string("kinesis.stream")
            .required()
            .non_empty()
            .importance(Importance::High)
            .doc("Name or ARN of the stream. A stream of another account needs its ARN."),
        Setting::string("kinesis.order")
            .default("key")
            .one_of(&["key", "none"])
            .importance(Importance::High)
            .doc(
                "With key, records of one key arrive in their order: none is sent before the one ahead of it was \
                 taken, which makes a request for each of them where few keys have many records; \
                 kinesis.aggregation=true makes it cheap again. With none, a record that is refused and sent again \
                 is overtaken by others.",
            ),
        Setting::boolean("kinesis.aggregation").default("false").importance(Importance::High).doc(
            "Packs records of one key into one, in the format of the Kinesis Producer Library. Readers have to unpack \
             them, as Amazon's own and KinesisSource do.",
        ),
    ]
}

fn records() -> Vec<Setting> {
    vec![
        Setting::string("kinesis.tombstones").default("fail").one_of(&["fail", "skip", "empty"]).doc(
            "What becomes of a record without a value, which Kinesis does not know: fail makes it a bad record, skip \
             leaves it out and counts it, empty sends a record of no bytes.",
        ),
        Setting::string("kinesis.explicit.hash.key.header").doc(
            "Name of a header whose text, a decimal number below 2^128, says which shard takes the record, in place of \
             the key. Records without the header go by their key.",
        ),
        Setting::int("kinesis.record.bytes.max").default("1048576").range(1024, 10_485_760).doc(
            "Bytes of a record and its partition key at most. A larger one is a bad record. Kinesis takes 1 MiB unless \
             the stream was set to take more.",
        ),
        Setting::int("kinesis.aggregation.bytes.max").default("51200").range(64, 10_485_760).doc(
            "Bytes to which records are packed. Larger ones travel alone.",
        ),
    ]
}

fn sending() -> Vec<Setting> {
    vec![
        Setting::int("kinesis.requests.max").default("4").range(1, 64).doc(
            "Requests that a task has on their way at the same time.",
        ),
        Setting::int("kinesis.request.bytes.max").default("5242880").range(1024, 10_485_760).doc(
            "Bytes of a request at most; there are never more than 500 records in it. What a task has on its way in \
             memory is this many bytes for each of kinesis.requests.max.",
        ),
        Setting::long("penstock.batch.rows.max").default("10000").range(1, 1_000_000).doc(
            "Records of a batch, all of which are taken by the stream before any offset moves. A shard takes 1,000 \
             records a second.",
        ),
        Setting::long("penstock.batch.bytes.max").default("10485760").range(1, 256 << 20).doc(
            "Bytes of a batch. A shard takes 1 MB a second.",
        ),
        Setting::long("penstock.batch.age.max.ms").default("200").range(1, 600_000).doc(
            "Milliseconds after which a batch is sent that is not full.",
        ),
    ]
}
