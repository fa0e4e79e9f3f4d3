//! Declares the settings of the source; those of the way to AWS are shared.
use penstock_sdk::{Importance, Setting};

use crate::access;

/// All settings, in the order in which a form shows them.
pub fn declare() -> Vec<Setting> {
    Setting::grouped([
        ("Source", source()),
        ("AWS", access::declare()),
        ("Files", files()),
        ("Cells", cells()),
        ("Records", records()),
        ("Reading", reading()),
    ])
}

fn source() -> Vec<Setting> {
    vec![
        Setting::string("s3.bucket")
            .required()
            .non_empty()
            .importance(Importance::High)
            .doc("Name of the bucket, without s3:// and folders."),
        Setting::string("s3.prefix")
            .importance(Importance::High)
            .doc("What the keys of all files begin with, for instance exports/2026/."),
        Setting::string("s3.glob").importance(Importance::High).doc(
            "Pattern of what comes behind the prefix: * and ? stand for anything but a slash, ** for folders, {a,b} for \
             one of several, [0-9] for one of a range. Without a value all files are read.",
        ),
        Setting::string("topic")
            .default("${bucket}")
            .importance(Importance::High)
            .doc("Topic of the records; ${bucket} in it stands for the name of the bucket."),
        Setting::string("s3.mode").default("once").one_of(&["once", "continuous"]).importance(Importance::High).doc(
            "once reads what is there when the connector starts, and then nothing more, also after a restart. continuous \
             goes on with files whose keys come behind those that were read, or with those that s3.sqs.queue.url tells.",
        ),
        Setting::long("s3.list.interval.ms").default("60000").range(1000, 86_400_000).doc(
            "Milliseconds between two looks for new files, with continuous and without a queue.",
        ),
        Setting::string("s3.sqs.queue.url").doc(
            "URL of an SQS queue that gets the bucket's events for created objects. Every file is seen then, whatever its \
             key, and a message is deleted when the positions of all its records are stored.",
        ),
        Setting::long("s3.sqs.visibility.ms").default("300000").range(10_000, 43_200_000).doc(
            "Milliseconds until a message that was received comes again, if the task that received it ends. While a task \
             works on its file it asks for more time by itself.",
        ),
    ]
}

fn files() -> Vec<Setting> {
    vec![
        Setting::string("s3.format")
            .default("auto")
            .one_of(&["auto", "json", "lines", "csv", "tsv", "avro", "parquet"])
            .importance(Importance::High)
            .doc(
                "What files are: json has a JSON value in each line, lines are any text. auto goes by the end of the key: \
                 .json, .jsonl, .ndjson, .csv, .tsv, .avro, .parquet, .txt, .log, before .gz and the like.",
            ),
        Setting::string("s3.compression")
            .default("auto")
            .one_of(&["auto", "none", "gzip", "zstd", "lz4", "snappy", "bz2"])
            .doc("How files are compressed. auto goes by the end of the key, and without one by the first bytes."),
        Setting::long("s3.compression.ratio.max").default("10000").range(10, 1_000_000_000).doc(
            "How many times its own size a compressed file may unpack to. One that goes beyond, and beyond 64 MB, is not \
             read on.",
        ),
        Setting::string("s3.columns").doc("Columns of Parquet files that are read, between commas. Without a value all are."),
        Setting::string("s3.file.changed").default("fail").one_of(&["fail", "restart"]).doc(
            "What happens when a file becomes another one while it is read: fail stops the task, restart reads the new one \
             from its beginning.",
        ),
    ]
}

fn cells() -> Vec<Setting> {
    vec![
        Setting::string("s3.csv.delimiter")
            .doc("Character between cells, \\t for a tab. Without a value a comma for csv and a tab for tsv."),
        Setting::string("s3.csv.quote").doc(
            "Character around cells, or none: then odd characters stand behind a backslash. Without a value \" for csv \
             and none for tsv.",
        ),
        Setting::boolean("s3.csv.header").default("true").doc(
            "The first row has the names of the columns. Without a header they are c1, c2 and so on.",
        ),
        Setting::string("s3.csv.names").doc("Names of the columns between commas, in the place of a header's."),
        Setting::string("s3.csv.empty").default("null").one_of(&["null", "text"]).doc(
            "What an empty cell is: null, or an empty text. \\N is always null.",
        ),
    ]
}

fn records() -> Vec<Setting> {
    vec![
        Setting::string("s3.binary").default("base64").one_of(&["base64", "text"]).doc(
            "How bytes of Avro and Parquet that are no text are written: base64, or as the UTF-8 that they are, where a \
             writer did not say so.",
        ),
        Setting::boolean("s3.headers").default("false").doc(
            "Gives each record the headers s3.bucket, s3.key and s3.row, for a fifth to a third more work.",
        ),
        Setting::int("message.bytes.max").default("16777216").range(1, 67_108_864).doc(
            "Bytes of a record at most. A larger one fails the task, or with errors.tolerance=all is left out, logged and \
             counted.",
        ),
    ]
}

fn reading() -> Vec<Setting> {
    vec![
        Setting::long("s3.buffer.bytes").default("16777216").range(8_388_608, 4_294_967_296).doc(
            "Bytes that a task may hold of files that it has fetched and not yet read. A row group of Parquet that is \
             larger than half of it is fetched column by column, in smaller parts.",
        ),
    ]
}
