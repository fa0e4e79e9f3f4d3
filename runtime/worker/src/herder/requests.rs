//! Answers requests: reads at once, writes through the config log.
use super::cluster_actions::NO_LEADER;
use super::{Herder, Reply, Request, loggers};
use crate::api::{ConnectorInfo, ConnectorStatus, Refusal, Status};
use crate::store::{configs, statuses};
use cluster::{Connector, Event, Properties, Restart, RunState, TargetState, TaskId, Wanted};

type Info = Result<ConnectorInfo, Refusal>;

impl Herder {
    pub(super) fn request(&mut self, request: Request) {
        // A reply that nobody waits for any more is dropped: the client has gone.
        match request {
            Request::List(reply) => {
                let _ = reply.send(self.decide.configs().iter().map(|(name, _)| name.to_owned()).collect());
            }
            Request::All(reply) => drop(reply.send(self.all())),
            Request::Topics { name, reply } => {
                let topics = self.connector(&name).map(|_| self.statuses.topics(&name));
                drop(reply.send(topics));
            }
            Request::Draft { id, config, reply } => {
                drop(reply.send(self.spec(&id, &config, Wanted::Run)));
            }
            Request::Status { name, reply } => drop(reply.send(self.status(&name))),
            Request::Info { name, reply } => drop(reply.send(self.info(&name))),
            Request::Tasks { name, reply } => drop(reply.send(self.tasks(&name))),
            Request::ResetTopics { name, reply } => drop(reply.send(self.reset_topics(&name))),
            Request::RestartTask { name, task, reply } => drop(reply.send(self.restart_task(&name, task))),
            write => {
                if let Some(write) = self.for_leader(write) {
                    self.write_request(write);
                }
            }
        }
    }

    fn write_request(&mut self, request: Request) {
        let name = match &request {
            Request::Create { name, .. }
            | Request::PutConfig { name, .. }
            | Request::Delete { name, .. }
            | Request::SetTarget { name, .. }
            | Request::Restart { name, .. }
            | Request::ChangeOffsets { name, .. } => name.clone(),
            Request::SetLogger { name, .. } => loggers::busy_name(name),
            _ => return,
        };
        match self.is_put_aside(&name, request) {
            Some(Request::Create { name, config, target, reply }) => {
                self.create(name, &config, target, reply);
            }
            Some(Request::PutConfig { name, config, reply }) => self.put_config(name, &config, reply),
            Some(Request::Delete { name, reply }) => self.delete(&name, reply),
            Some(Request::SetTarget { name, target, reply }) => self.set_target(&name, target, reply),
            Some(Request::Restart { name, restart, reply }) => self.restart(name, restart, reply),
            Some(Request::ChangeOffsets { name, change, reply }) => self.change_offsets(&name, change, reply),
            Some(Request::SetLogger { name, level, reply }) => self.set_logger(&name, level, reply),
            _ => {}
        }
    }

    fn connector(&self, name: &str) -> Result<&Connector, Refusal> {
        let missing = || Refusal::NotFound(format!("Connector {name} not found"));
        self.decide.configs().get(name).ok_or_else(missing)
    }

    fn info(&self, name: &str) -> Info {
        let connector = self.connector(name)?;
        Ok(ConnectorInfo {
            name: name.to_owned(),
            config: connector.config.clone(),
            tasks: (0..connector.tasks.len() as u32).collect(),
            kind: self.shared.kind_of(&connector.config),
        })
    }

    fn all(&self) -> Vec<(ConnectorInfo, ConnectorStatus)> {
        let names = self.decide.configs().iter().map(|(name, _)| name);
        names.filter_map(|name| Some((self.info(name).ok()?, self.status(name).ok()?))).collect()
    }

    fn tasks(&self, name: &str) -> Result<Vec<(u32, Properties)>, Refusal> {
        let connector = self.connector(name)?;
        Ok(connector
            .tasks
            .iter()
            .enumerate()
            .map(|(number, config)| (number as u32, config.clone()))
            .collect())
    }

    fn status(&self, name: &str) -> Result<ConnectorStatus, Refusal> {
        let missing = || Refusal::NotFound(format!("No status found for connector {name}"));
        let connector = self.decide.configs().get(name).ok_or_else(missing)?;
        let unassigned = || Status {
            state: RunState::Unassigned,
            worker_id: self.worker_id.clone(),
            version: None,
            trace: None,
        };
        let task = |number: u32| {
            let status = self.statuses.task(&TaskId::new(name, number)).cloned();
            (number, status.unwrap_or_else(unassigned))
        };
        Ok(ConnectorStatus {
            name: name.to_owned(),
            connector: self.statuses.connector(name).cloned().unwrap_or_else(unassigned),
            tasks: (0..connector.tasks.len() as u32).map(task).collect(),
            kind: self.shared.kind_of(&connector.config),
        })
    }

    fn create(&mut self, name: String, config: &Properties, target: TargetState, reply: Reply<Info>) {
        if self.decide.configs().get(&name).is_some() {
            let _ = reply.send(Err(Refusal::Exists(format!("Connector {name} already exists"))));
            return;
        }
        let mut entries = Vec::new();
        if target != TargetState::Started {
            entries.push(configs::target_state(&name, target));
        }
        entries.push(configs::connector(&name, config));
        let key = name.clone();
        let then = move |herder: &mut Self, outcome: Result<(), Refusal>| {
            let _ = reply.send(outcome.and_then(|()| herder.info(&name)).map(just_written));
        };
        self.write(&key, entries, Box::new(then));
    }

    fn put_config(
        &mut self,
        name: String,
        config: &Properties,
        reply: Reply<Result<(bool, ConnectorInfo), Refusal>>,
    ) {
        let is_new = self.decide.configs().get(&name).is_none();
        let (key, entry) = (name.clone(), configs::connector(&name, config));
        let then = move |herder: &mut Self, outcome: Result<(), Refusal>| {
            let info = outcome.and_then(|()| herder.info(&name));
            let info = info.map(|info| if is_new { just_written(info) } else { info });
            let _ = reply.send(info.map(|info| (is_new, info)));
        };
        self.write(&key, vec![entry], Box::new(then));
    }

    fn delete(&mut self, name: &str, reply: Reply<Result<(), Refusal>>) {
        if let Err(refusal) = self.connector(name) {
            return drop(reply.send(Err(refusal)));
        }
        let of = name.to_owned();
        let make = move |herder: &Self| {
            let connector = herder.decide.configs().get(&of);
            connector.map_or_else(Vec::new, |connector| configs::deletion(&of, connector.tasks.len()))
        };
        let then = move |_: &mut Self, outcome: Result<(), Refusal>| drop(reply.send(outcome));
        self.write_later(name, Box::new(make), Box::new(then));
    }

    fn set_target(&mut self, name: &str, target: TargetState, reply: Reply<Result<(), Refusal>>) {
        if self.decide.configs().get(name).is_none() {
            return drop(reply.send(Err(Refusal::NotFound(format!("Unknown connector {name}")))));
        }
        let of = name.to_owned();
        let make = move |herder: &Self| {
            let Some(connector) = herder.decide.configs().get(&of) else { return Vec::new() };
            let mut entries = Vec::new();
            if target == TargetState::Stopped && !connector.tasks.is_empty() {
                // A stopped connector has no tasks; whoever reads the log must not start them again.
                entries.extend(configs::tasks(&of, &[]));
                entries.extend(configs::surplus(&of, 0, connector.tasks.len()));
            }
            entries.push(configs::target_state(&of, target));
            entries
        };
        let then = move |_: &mut Self, outcome: Result<(), Refusal>| drop(reply.send(outcome));
        self.write_later(name, Box::new(make), Box::new(then));
    }

    fn restart(&mut self, name: String, restart: Restart, reply: Reply<Result<ConnectorStatus, Refusal>>) {
        if self.decide.configs().get(&name).is_none() {
            return drop(reply.send(Err(Refusal::NotFound(format!("Unknown connector: {name}")))));
        }
        let status = self.restarting(&name, restart);
        if restart == Restart::default() {
            // A plain restart concerns the connector alone and leaves no record.
            self.step(Event::RestartAsked { name, restart });
            return drop(reply.send(status));
        }
        let then = move |_: &mut Self, outcome: Result<(), Refusal>| drop(reply.send(outcome.and(status)));
        self.write(&name, vec![configs::restart(&name, restart)], Box::new(then));
    }

    /// The status as it is about to be.
    fn restarting(&self, name: &str, restart: Restart) -> Result<ConnectorStatus, Refusal> {
        let mut status = self.status(name)?;
        let turn = |status: &mut Status| {
            if !restart.only_failed || status.state == RunState::Failed {
                status.state = RunState::Restarting;
                status.trace = None;
            }
        };
        turn(&mut status.connector);
        if restart.include_tasks {
            status.tasks.iter_mut().for_each(|(_, status)| turn(status));
        }
        Ok(status)
    }

    fn restart_task(&mut self, name: &str, task: u32) -> Result<(), Refusal> {
        let missing = || Refusal::NotFound(format!("Unknown connector: {name}"));
        let connector = self.decide.configs().get(name).ok_or_else(missing)?;
        // Connect has no better words for a task that nobody runs. Its settings are erased, so how many there were is not known any more.
        let most = connector.config.get("tasks.max").and_then(|max| max.trim().parse().ok()).unwrap_or(1);
        if connector.target == TargetState::Stopped && task < most {
            return Err(Refusal::Conflict(NO_LEADER.into()));
        }
        if task as usize >= connector.tasks.len() {
            return Err(Refusal::NotFound(format!("Unknown task: {name}-{task}")));
        }
        let id = TaskId::new(name, task);
        self.has_task(&id)?;
        self.step(Event::RestartTaskAsked { id });
        Ok(())
    }

    fn reset_topics(&mut self, name: &str) -> Result<(), Refusal> {
        self.connector(name)?;
        if !self.shared.settings.topics.track_reset {
            return Err(Refusal::Invalid("Topic tracking reset is disabled.".into()));
        }
        self.forget_topics(name);
        Ok(())
    }

    pub(super) fn forget_topics(&mut self, name: &str) {
        let id = TaskId::new(name, 0);
        for topic in self.statuses.topics(name) {
            let entry = statuses::topic_entry(&id, &topic, None);
            // Seen at once here; the log's own copy says the same later.
            let _ = self.statuses.read(&entry);
            self.status_writer.put(entry);
        }
    }
}

/// A new connector answers without tasks, as in Java: whether some are there already is a matter of luck.
fn just_written(info: ConnectorInfo) -> ConnectorInfo {
    ConnectorInfo { tasks: Vec::new(), ..info }
}

impl Request {
    /// Answers without carrying it out.
    pub(super) fn refuse(self, refusal: Refusal) {
        // A reply that nobody waits for any more is dropped: the client has gone.
        match self {
            Self::Info { reply, .. } | Self::Create { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Status { reply, .. } | Self::Restart { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Tasks { reply, .. } => drop(reply.send(Err(refusal))),
            Self::PutConfig { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Delete { reply, .. }
            | Self::SetTarget { reply, .. }
            | Self::RestartTask { reply, .. }
            | Self::ResetTopics { reply, .. }
            | Self::ChangeOffsets { reply, .. }
            | Self::SetLogger { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Topics { reply, .. } => drop(reply.send(Err(refusal))),
            // These are answered from memory and never refused.
            Self::List(_) | Self::All(_) | Self::Draft { .. } => {}
        }
    }
}
