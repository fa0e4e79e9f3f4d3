//! Finds where a source's offsets are: in the worker's log, or also in a topic of the connector's own.
use super::client;
use crate::definition::ConnectorConfig;
use crate::settings::{ExactlyOnceSource, InternalTopic, Mode, Properties, Settings};
use crate::shared::Shared;
use crate::start::log_settings;
use crate::store::{Kept, SourceOffsets};
use kafka::LogSettings;
use std::sync::Arc;

/// Opens the connector's own topic if it has one; an error is a sentence.
pub async fn source_offsets(shared: &Shared, connector: &ConnectorConfig) -> Result<SourceOffsets, String> {
    let worker = Kept { offsets: Arc::clone(&shared.offsets), log: Arc::clone(&shared.logs.offsets) };
    let own = match own_topic(&shared.settings, connector)? {
        Some(settings) => Some(shared.own_offsets.open(settings).await?),
        None => None,
    };
    Ok(SourceOffsets::new(own, Arc::new(worker)))
}

fn own_topic(settings: &Settings, connector: &ConnectorConfig) -> Result<Option<LogSettings>, String> {
    let made =
        |own: &Properties, overrides| client(settings, own, overrides).map_err(|failure| failure.trace);
    let login = made(&settings.kafka.producer, &connector.producer)?;
    let worker = made(&Properties::default(), &indexmap::IndexMap::new())?;
    let (group, topic) = match &settings.mode {
        Mode::Distributed(group) => (group.id.as_str(), Some(&group.offset_topic)),
        Mode::Standalone { .. } => ("standalone", None),
    };
    // A transaction cannot span clusters: records that go elsewhere take their offsets along.
    let is_elsewhere = settings.exactly_once_source() == ExactlyOnceSource::Enabled
        && login.get("bootstrap.servers") != worker.get("bootstrap.servers");
    let workers = topic.map(|topic| topic.name.as_str());
    let name = connector.offsets_topic.as_deref().or(workers.filter(|_| is_elsewhere));
    let Some(name) = name.filter(|name| is_elsewhere || workers != Some(name)) else { return Ok(None) };
    let like = InternalTopic {
        name: name.to_owned(),
        partitions: topic.map_or(Some(PARTITIONS), |topic| topic.partitions),
        replication: topic.and_then(|topic| topic.replication),
        settings: topic.map_or_else(Properties::default, |topic| topic.settings.clone()),
    };
    Ok(Some(log_settings(&login, &like, &format!("{group}-{}-offsets", connector.name))))
}

/// Java's default for the worker's own topic.
const PARTITIONS: i32 = 25;
