//! What the tasks of a pipe need to deliver exactly once, and how former ones are shut out of the offset store.
use super::Herder;
use super::fencing::{fence_all, producer_client, transactional_id};
use crate::definition::{ConnectorConfig, Transactions};
use crate::pipe::{self, Pipe};
use crate::settings::{Mode, Settings};
use crate::shared::Shared;
use crate::store::SourceOffsets;
use crate::task::{self, Planning, Upstream, marks_of, wrong};
use cluster::{Failure, Properties, TaskId};
use kafka::ClientSettings;
use std::hash::Hasher;

impl Herder {
    /// `written` are the task's settings as they were committed, `config` the same with all values.
    pub(super) fn upstream(
        &self,
        id: &TaskId,
        pipe: &Pipe,
        (written, config): (&Properties, &Properties),
        connector: &ConnectorConfig,
    ) -> Result<Upstream, Failure> {
        let (source, _) = pipe.ends().map_err(|sentence| wrong(&sentence))?;
        let committed = self.decide.configs().get(&id.connector).map(|known| known.tasks.as_slice());
        let mut settings: Vec<String> = committed.unwrap_or_default().iter().map(digest).collect();
        // What the log has by now may be newer than what this task was told.
        settings.resize(settings.len().max(id.task as usize + 1), String::new());
        settings[id.task as usize] = digest(written);
        let tasks = u32::try_from(settings.len()).unwrap_or(u32::MAX);
        let is_planned = pipe
            .is_planned(config)
            .map_err(|problem| wrong(&format!("{}: {}", problem.setting, problem.sentence)))?;
        let planning = is_planned.then(|| self.planning(id, settings, connector)).transpose()?;
        Ok(Upstream::new(source, task::for_plugin(&pipe::part(config, pipe::SOURCE)), tasks, planning))
    }

    fn planning(
        &self,
        id: &TaskId,
        settings: Vec<String>,
        connector: &ConnectorConfig,
    ) -> Result<Planning, Failure> {
        let Mode::Distributed(group) = &self.shared.settings.mode else {
            return Ok(Planning { settings, exact: None, shut_out: Box::new(|_, _| Ok(())) });
        };
        let client = store_client(&self.shared.settings, connector)?;
        let exact = self.transactional(id, client.clone(), Transactions::Poll)?;
        let (group, name) = (group.id.clone(), id.connector.clone());
        let shut_out = Box::new(move |task, go_on: &dyn Fn() -> bool| {
            kafka::fence(client.clone(), &transactional_id(&group, &TaskId::new(name.clone(), task)), go_on)
        });
        Ok(Planning { settings, exact: Some(exact), shut_out })
    }
}

/// Nothing that a task of this connector still does can be stored once this has returned. An error is a sentence.
pub async fn shut_out(
    shared: &Shared,
    name: &str,
    config: &Properties,
    offsets: &SourceOffsets,
) -> Result<(), String> {
    let Mode::Distributed(group) = &shared.settings.mode else { return Ok(()) };
    offsets.read_to_end().await?;
    let marks = offsets.first().offsets.all(&marks_of(name));
    let tasks = marks.iter().filter_map(|(mark, _)| mark.get("task")?.as_u64());
    let id = |task| Some(transactional_id(&group.id, &TaskId::new(name, u32::try_from(task).ok()?)));
    let ids: Vec<String> = tasks.filter_map(id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let resolved = shared.settings.config_providers.resolve(config);
    let parsed = task::parse(crate::definition::Kind::Source, &resolved.config, &shared.framework);
    let client = parsed.and_then(|connector| store_client(&shared.settings, &connector));
    let fenced = match client {
        Ok(client) => fence_all(client, ids).await,
        Err(failure) => Err(failure),
    };
    fenced.map_err(|failure| resolved.scrubber.text(&failure.trace).into_owned())
}

/// The login of whoever writes the log that holds the connector's offsets.
fn store_client(settings: &Settings, connector: &ConnectorConfig) -> Result<ClientSettings, Failure> {
    match &connector.offsets_topic {
        Some(_) => producer_client(settings, connector),
        None => task::client(settings, &crate::settings::Properties::default(), &indexmap::IndexMap::new()),
    }
}

/// Tells settings apart; no secret can be read out of it that is a reference.
fn digest(settings: &Properties) -> String {
    let mut pairs: Vec<_> = settings.iter().collect();
    pairs.sort_unstable();
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for (key, value) in pairs {
        hash.write(key.as_bytes());
        hash.write(&[0, u8::from(value.is_some())]);
        hash.write(value.unwrap_or_default().as_bytes());
        hash.write(&[0]);
    }
    format!("{:016x}", hash.finish())
}

/// The same in every version of the worker, which the standard library does not promise of its own.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> String {
        let mut settings = Properties::new();
        for (key, value) in pairs {
            settings.set(*key, *value);
        }
        digest(&settings)
    }

    #[test]
    fn settings_are_told_apart_whatever_their_order() {
        assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
        let all =
            [of(&[]), of(&[("a", "1")]), of(&[("a", "2")]), of(&[("a1", "")]), of(&[("a", ""), ("1", "")])];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{one}");
        }
    }
}
