//! The S3 sink: batches become objects, with keys that follow from what is in them.
mod cell;
mod clock;
mod declare;
mod encode;
mod json;
mod line;
mod packing;
mod parquet;
mod settings;
mod sort;
mod template;
mod writing;

use std::collections::HashSet;

use md5::{Digest, Md5};
use penstock_sdk::{About, Batch, Config, Error, Plan, Problem, Record, Result, Sink, Task};

use crate::access;
use crate::bucket::Bucket;
use crate::sink::{Client, fingerprint};
use settings::{BUCKET, Settings};
use sort::{Object, Schemas, Sorter};
use writing::Writing;

/// One task, which writes a batch at a time.
pub struct S3Sink {
    task: Task,
    settings: Settings,
    client: Client<Bucket>,
    given: Option<parquet::Kind>,
    schemas: Schemas,
    progress: Option<Progress>,
}

/// What is there of a batch that comes again.
struct Progress {
    fingerprint: u64,
    /// Part of the keys of records that have no offsets.
    word: String,
    done: HashSet<String>,
}

impl Sink for S3Sink {
    fn about() -> About {
        About::new(
            "S3Sink",
            "Writes records to objects of S3 as JSON lines, text lines or Parquet, exactly once on request.",
        )
        .alias("S3SinkConnector")
        .alias("io.penstock.S3Sink")
        .version(env!("CARGO_PKG_VERSION"))
        .exactly_once()
        .settings(declare::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        let found = settings::problems(config);
        let Ok(settings) = Settings::parse(config) else { return found };
        // Only what the region is may be asked for here: to write is all that a sink need be allowed.
        let asked = access::ask("s3", Bucket::open(&settings.bucket, &settings.access));
        access::validated(found, asked, (&["s3."], BUCKET))
    }

    fn open(task: &Task) -> Result<Self> {
        let settings = Settings::parse(task.config())?;
        let given = settings.schema.as_deref().map(parquet::declared).transpose();
        let given = given.map_err(|reason| Error::config(format!("s3.parquet.schema: {reason}")))?;
        let client = Client::open("s3", Bucket::open(&settings.bucket, &settings.access))?;
        let (task, schemas) = (task.clone(), Schemas::new());
        Ok(Self { task, settings, client, given, schemas, progress: None })
    }

    fn write(&mut self, batch: &Batch<'_>) -> Result<()> {
        self.store(batch, None)
    }

    fn write_planned(&mut self, batch: &Batch<'_>, plan: &Plan<'_>) -> Result<()> {
        self.store(batch, Some(plan))
    }
}

impl S3Sink {
    fn store(&mut self, batch: &Batch<'_>, plan: Option<&Plan<'_>>) -> Result<()> {
        let bucket = self.client.get(Bucket::open(&self.settings.bucket, &self.settings.access))?;
        let fingerprint = fingerprint(batch, plan);
        let former = self.progress.take().filter(|former| former.fingerprint == fingerprint);
        let mut progress = former.unwrap_or_else(|| Progress::new(fingerprint, plan));
        let sorted = Sorter::new(&self.settings, self.given.as_ref(), &mut self.schemas).sort(batch);
        let records: Vec<Record<'_>> = batch.records().collect();
        let key = |object: &Object| object.key(&records, &self.settings, || progress.word_of(object));
        let objects: Vec<(String, &Object)> =
            sorted.objects.iter().map(|object| (key(object), object)).collect();
        let writing = Writing {
            task: &self.task,
            settings: &self.settings,
            bucket: &bucket,
            asks_leave: plan.is_some(),
            done: &mut progress.done,
            open: None,
        };
        if let Err(error) = self.client.runtime.block_on(writing.run(&objects, &records)) {
            self.progress = Some(progress);
            return Err(error);
        }
        if sorted.skipped > 0 {
            self.task.count("tombstones_skipped", sorted.skipped);
        }
        if sorted.rejected.is_empty() { Ok(()) } else { Err(Error::records(sorted.rejected)) }
    }
}

impl Progress {
    fn new(fingerprint: u64, plan: Option<&Plan<'_>>) -> Self {
        let word = plan.map_or_else(|| format!("{:032x}", fastrand::u128(..)), |plan| plan.token.to_owned());
        Self { fingerprint, word, done: HashSet::new() }
    }

    /// The same for the same object of the same batch, and for no other.
    fn word_of(&self, object: &Object) -> String {
        let sum = Md5::digest(format!("{}\n{}", self.word, object.stem()));
        format!("{:032x}", u128::from_be_bytes(sum.into()))
    }
}
