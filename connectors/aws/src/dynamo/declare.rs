//! Declares the settings of the source; those of the way to AWS and of reading a stream are shared.
use penstock_sdk::{Importance, Setting};

use crate::{access, kinesis};

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Source", source()),
        ("Snapshot", snapshot()),
        ("AWS", access::declare()),
        ("AWS", endpoints()),
        ("Records", records()),
        ("Reading", kinesis::reading()),
    ])
}

fn source() -> Vec<Setting> {
    vec![
        Setting::string("dynamodb.table")
            .required()
            .non_empty()
            .importance(Importance::High)
            .doc("Name or ARN of the table. A table of another account needs its ARN."),
        Setting::string("kinesis.stream").importance(Importance::High).doc(
            "Name or ARN of the Kinesis stream that the table's changes go to. Not needed with dynamodb.snapshot=only.",
        ),
        Setting::string("topic")
            .default("${table}")
            .importance(Importance::High)
            .doc("Topic of the records; ${table} in it stands for the name of the table."),
        Setting::string("dynamodb.snapshot")
            .default("initial")
            .one_of(&["initial", "never", "only"])
            .importance(Importance::High)
            .doc(
                "initial loads an export of the table and follows its changes from before the export. never follows \
                 changes only, from kinesis.start on. only loads the export and is done.",
            ),
        Setting::string("dynamodb.setup")
            .default("enable")
            .one_of(&["enable", "check"])
            .importance(Importance::High)
            .doc(
                "enable turns on what is missing: the table's stream to Kinesis and its point-in-time recovery, which \
                 an export needs; AWS charges for both. check says what is missing and turns on nothing.",
            ),
    ]
}

fn snapshot() -> Vec<Setting> {
    vec![
        Setting::string("dynamodb.export.bucket")
            .importance(Importance::High)
            .doc("S3 bucket that the table is exported to. Needed unless dynamodb.snapshot=never."),
        Setting::string("dynamodb.export.prefix")
            .doc("Prefix of the export's keys in the bucket; DynamoDB adds AWSDynamoDB and the export's id."),
        Setting::string("dynamodb.export.arn").doc(
            "ARN of an export that was started already, and is taken in place of a new one. It is waited for.",
        ),
        Setting::string("dynamodb.export.path").doc(
            "Prefix of a finished export in the bucket, with AWSDynamoDB and its id, that is taken in place of a new \
             one. DynamoDB is not asked for it.",
        ),
        Setting::string("dynamodb.export.bucket.owner")
            .importance(Importance::Low)
            .doc("Account that the bucket belongs to, if it is another one."),
        Setting::string("dynamodb.export.kms.key").importance(Importance::Low).doc(
            "Id of a KMS key that the export is encrypted with. Without one the bucket's own encryption holds.",
        ),
        Setting::int("dynamodb.export.margin.ms").default("900000").range(0, 86_400_000).importance(Importance::Low).doc(
            "Milliseconds before the export from which on changes are read. It has to cover what the clocks of the \
             worker, DynamoDB and Kinesis are apart.",
        ),
        Setting::boolean("dynamodb.export.gap.allowed").default("false").doc(
            "Takes a given export though the stream does not reach back to it: changes between are lost.",
        ),
        Setting::boolean("dynamodb.stream.after.snapshot").default("false").doc(
            "Holds changes back until the snapshot is loaded, for a destination that goes by order and not by version. \
             The stream must keep them as long.",
        ),
    ]
}

fn endpoints() -> Vec<Setting> {
    [("dynamodb", "DynamoDB"), ("kinesis", "Kinesis"), ("s3", "S3")]
        .into_iter()
        .map(|(name, title)| {
            Setting::string(format!("aws.{name}.endpoint"))
                .importance(Importance::Low)
                .doc(format!("URL of {title}, in place of aws.endpoint and the region's own."))
        })
        .collect()
}

fn records() -> Vec<Setting> {
    vec![
        Setting::string("dynamodb.flatten.separator").doc(
            "Makes fields of their own of attributes within maps, named by their path with this between, as in ship_city \
             with _. Without it a map is an object. Lists are not looked into.",
        ),
        Setting::list("dynamodb.columns").doc(
            "Names that fields get in place of their own, as attribute=name. Without a name the field is left out. \
             Flattened fields are named by their path.",
        ),
        Setting::string("dynamodb.numbers").default("json").one_of(&["json", "text"]).doc(
            "json writes numbers as such, with all their digits. text writes them as text, for readers that would make \
             a float of them.",
        ),
        Setting::string("dynamodb.version.field")
            .default("_version")
            .non_empty()
            .importance(Importance::Low)
            .doc("Field that tells which row of a key is the newest: the largest."),
        Setting::string("dynamodb.deleted.field")
            .default("_is_deleted")
            .non_empty()
            .importance(Importance::Low)
            .doc("Field that is true in rows of items that were removed."),
        Setting::string("kinesis.start")
            .default("TRIM_HORIZON")
            .one_of(&["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])
            .doc("Where changes begin with dynamodb.snapshot=never: with the oldest that is kept, with what comes from \
                  now on, or at kinesis.start.timestamp. With a snapshot they begin before it."),
        Setting::string("kinesis.start.timestamp").doc(
            "Time of the first changes for AT_TIMESTAMP: as in 2026-01-31T12:00:00Z, or milliseconds since 1970.",
        ),
        Setting::string("kinesis.mode")
            .default("polling")
            .one_of(&["polling", "fanout", "auto"])
            .doc("How shards are read: by polling, by enhanced fan-out, which AWS charges for, or whichever is to be had."),
        Setting::string("kinesis.consumer.name").doc(
            "Name of the consumer that is registered for fanout; without a value penstock- and the connector's name.",
        ),
        Setting::boolean("kinesis.consumer.delete.on.stop")
            .default("false")
            .doc("Removes the consumer whenever the first task ends."),
        Setting::int("message.bytes.max").default("16777216").range(1, 67_108_864).doc(
            "Bytes of a change, or of an item of the export, at most. A larger one fails the task, or with \
             errors.tolerance=all is left out, logged and counted.",
        ),
    ]
}
