//! Declares the settings of the sink; those of the way to AWS are shared.
use penstock_sdk::{Importance, Setting};

use super::settings::{BUCKET, TEMPLATE, TEMPLATE_DEFAULT};
use crate::access;

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Sink", sink()),
        ("AWS", access::declare()),
        ("Records", records()),
        ("Batches", batches()),
    ])
}

fn sink() -> Vec<Setting> {
    vec![
        Setting::string(BUCKET)
            .required()
            .non_empty()
            .importance(Importance::High)
            .doc("Name of the bucket."),
        Setting::string(TEMPLATE).default(TEMPLATE_DEFAULT).importance(Importance::High).doc(
            "Keys of objects. {topic}, {partition}, {start_offset} and {end_offset} (with {start_offset:10} ten digits \
             wide), {timestamp:%Y-%m-%d} of the record's time with %Y %y %m %d %j %H %M %S %s, {field:a.b} of the \
             value, and {extension}. A batch makes an object of the records whose keys are the same but for their \
             offsets.",
        ),
        Setting::string("s3.key.timezone").default("UTC").doc(
            "What {timestamp} is written in: UTC, or an offset such as +02:00.",
        ),
        Setting::boolean("exactlyOnce").default("false").importance(Importance::High).doc(
            "Each record is in one object: a batch that comes again makes the same objects with the same keys.",
        ),
    ]
}

fn records() -> Vec<Setting> {
    vec![
        Setting::string("s3.format")
            .default("json")
            .one_of(&["json", "parquet", "lines"])
            .importance(Importance::High)
            .doc(
                "json writes a value as JSON on a line; what is JSON already stays as it is. lines writes text and \
                 bytes with a newline behind them. parquet makes columns of the fields.",
            ),
        Setting::string("s3.compression").one_of(&["none", "gzip", "zstd", "snappy"]).doc(
            "How objects are compressed: gzip without a value, and zstd within Parquet. snappy has frames around \
             lines.",
        ),
        Setting::boolean("s3.metadata").default("false").doc(
            "Writes _topic, _partition, _offset, _timestamp and _key beside the fields of a value.",
        ),
        Setting::string("s3.tombstones").default("fail").one_of(&["fail", "skip"]).doc(
            "What becomes of a record without a value: fail makes it a bad record, skip leaves it out and counts it.",
        ),
        Setting::string("s3.parquet.schema").doc(
            "Schema of all values for Parquet, as Connect's JSON converter writes schemas: \
             {\"type\":\"struct\",\"fields\":[{\"field\":\"id\",\"type\":\"int64\"}]}. A value that does not fit is a \
             bad record, and fields that it does not name are left out. Without one the columns are those of \
             the values.",
        ),
    ]
}

fn batches() -> Vec<Setting> {
    vec![
        Setting::int("s3.uploads.max").default("4").range(1, 64).doc(
            "Objects of at most 8 MB that a task has on their way at the same time. Larger ones go one after the \
             other, in parts of 8 MB, of which three are on their way.",
        ),
        Setting::long("penstock.batch.rows.max").default("1000000").range(1, 1_000_000).doc(
            "Records of a batch, which is one object for each partition and key.",
        ),
        Setting::long("penstock.batch.bytes.max").default("67108864").range(1, 256 << 20).doc(
            "Bytes of a batch, before they are compressed: the size at which objects are closed (flush.size, \
             rotation by size). A task holds that much in memory twice.",
        ),
        Setting::long("penstock.batch.age.max.ms").default("60000").range(1, 600_000).doc(
            "Milliseconds after which a batch is written that is not full (rotate.interval.ms, rotation by time).",
        ),
    ]
}
