//! The Kinesis source: every shard of a stream is read at once, and nothing is kept outside of the worker's offsets.
mod aggregate;
mod consumer;
mod declare;
mod fanout;
mod feed;
mod flow;
mod health;
mod lineage;
mod outlet;
mod pace;
mod polling;
mod position;
mod reader;
mod replay;
mod settings;
mod sink;
mod stream;
mod supervisor;

use penstock_sdk::{About, Config, Fields, Poll, Problem, Result, Source, Task};

use crate::access;

#[cfg(fuzzing)]
pub use aggregate::unpack;
pub use declare::reading;
pub use flow::Flow;
pub use outlet::{Basket, Message, TEXT_SCHEMA, is_full};
pub use position::Start;
pub use settings::{Settings, now_ms, plan, problems};
pub use sink::KinesisSink;
pub use stream::Stream;

/// One task: it reads the shards whose number divided by the number of tasks leaves its own.
pub struct KinesisSource(Flow);

impl Source for KinesisSource {
    fn about() -> About {
        About::new(
            "KinesisSource",
            "Reads Kinesis data streams, all shards at once, by polling or enhanced fan-out.",
        )
        .alias("KinesisSourceConnector")
        .alias("io.penstock.KinesisSource")
        .version(env!("CARGO_PKG_VERSION"))
        .replays()
        .settings(declare::declare())
    }

    fn validate(config: &Config) -> Vec<Problem> {
        let found = settings::problems(config);
        let Ok(settings) = Settings::parse(config) else { return found };
        access::validated(found, check(&settings), (&["kinesis."], "kinesis.stream"))
    }

    fn plan(config: &Config, tasks_max: usize) -> Result<Vec<Config>> {
        Settings::parse(config)?;
        Ok(settings::plan(config, tasks_max))
    }

    fn open(task: &Task) -> Result<Self> {
        let mut settings = Settings::parse(task.config())?;
        if task.is_preview() {
            // Fan-out would register a consumer.
            settings.mode = settings::Mode::Polling;
        }
        let flow = Flow::new(task, settings)?;
        flow.refuse_offsets()?;
        Ok(Self(flow))
    }

    fn poll(&mut self, poll: &mut Poll) -> Result<()> {
        self.0.poll(poll, flow::PATIENCE)
    }

    fn committed(&mut self, positions: &[(Fields, Fields)]) {
        self.0.committed(positions);
    }
}

/// Whether there is such a stream for whoever asks. Silence is no answer.
fn check(settings: &Settings) -> Result<Option<()>> {
    access::ask("kinesis", async {
        let stream = Stream::open(&settings.stream, &settings.access).await?;
        stream.shards().await.map(drop).map_err(|failure| stream.error(&failure))
    })
}
