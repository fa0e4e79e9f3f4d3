//! What `connector.class` means: a plugin, or a pipe, which joins a source and a sink without a topic between them.
use crate::definition::{self, ConverterConfig, Definition, Kind, Problem};
use crate::task::for_plugin;
use cluster::Properties;
use host::{Connector, ConnectorKind, Plugins};
use penstock_sdk::Config;

/// What runs a connector.
#[derive(Debug, Clone)]
pub enum Chosen {
    Plugin(Connector),
    Pipe(Pipe),
}

/// Both ends of a pipe, or the sentence why there is none.
#[derive(Debug, Clone)]
pub struct Pipe {
    source: Result<Connector, Problem>,
    sink: Result<Connector, Problem>,
}

/// The value of `connector.class`.
pub const CLASS: &str = "Pipe";
/// What the settings of the two ends begin with.
pub const SOURCE: &str = "source.";
pub const SINK: &str = "sink.";
/// Asks for exactly-once delivery, of the sink and of the way to it.
const EXACTLY_ONCE: &str = "sink.exactlyOnce";
/// What asks it of a source.
const SUPPORT: &str = "exactly.once.support";
const CLASS_KEY: &str = "connector.class";
/// Settings of the whole that each end sees as well, unless it has its own.
const SHARED_KEYS: [&str; 3] = ["name", "tasks.max", "errors.tolerance"];

/// A pipe is a part of the worker.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn is_pipe(class: &str) -> bool {
    [CLASS, "PipeConnector"].contains(&class.trim())
}

impl Pipe {
    pub fn of(config: &Properties, plugins: &Plugins) -> Self {
        let end = |prefix: &str, kind| end(config, plugins, prefix, kind);
        Self { source: end(SOURCE, ConnectorKind::Source), sink: end(SINK, ConnectorKind::Sink) }
    }

    /// Source and sink; an error is a sentence.
    pub fn ends(&self) -> Result<(&Connector, &Connector), String> {
        let sentence = |problem: &Problem| format!("{}: {}", problem.setting, problem.sentence);
        Ok((self.source.as_ref().map_err(sentence)?, self.sink.as_ref().map_err(sentence)?))
    }

    /// The settings of both ends, as a pipe has them.
    pub fn declared(
        &self,
        of: impl Fn(&Connector) -> Result<Vec<Definition>, crate::api::Refusal>,
    ) -> Result<Vec<Definition>, crate::api::Refusal> {
        let mut all = Vec::new();
        for (prefix, end) in [(SOURCE, &self.source), (SINK, &self.sink)] {
            let Ok(end) = end else { continue };
            all.extend(of(end)?.into_iter().map(|own| own.prefixed(prefix)));
        }
        Ok(all)
    }

    /// What is wrong with the choice of the ends, and what the ends find wrong themselves.
    pub fn problems(
        &self,
        config: &Properties,
        of: impl Fn(&Connector, &Properties) -> Result<Vec<Problem>, crate::api::Refusal>,
    ) -> Result<Vec<Problem>, crate::api::Refusal> {
        let mut all = Vec::new();
        for (prefix, end) in [(SOURCE, &self.source), (SINK, &self.sink)] {
            match end {
                Ok(end) => all.extend(of(end, &part(config, prefix))?.into_iter().map(|found| Problem {
                    setting: format!("{prefix}{}", found.setting),
                    sentence: found.sentence,
                })),
                Err(problem) => all.push(problem.clone()),
            }
        }
        all.extend(self.is_planned(config).err());
        Ok(all)
    }

    /// Whether each record is to arrive exactly once. A problem is why it cannot.
    pub fn is_planned(&self, config: &Properties) -> Result<bool, Problem> {
        if !wants_once(config) {
            return Ok(false);
        }
        let problem = |sentence| Err(Problem { setting: EXACTLY_ONCE.into(), sentence });
        match (&self.source, &self.sink) {
            (_, Ok(sink)) if !sink.writes_plans() => problem(format!(
                "{} cannot deliver exactly once: expected false, or another sink",
                sink.class()
            )),
            (Ok(source), _) if !source.replays() => problem(format!(
                "{} cannot give records again: expected false, or a topic between source and sink",
                source.class()
            )),
            _ => Ok(true),
        }
    }

    /// The settings of each task: those of both ends' tasks under their prefixes, beside what they share.
    pub fn plan(&self, config: &Properties, tasks_max: usize) -> Result<Vec<Config>, host::Error> {
        let wrong = |message| host::Error { kind: host::Kind::Config, message };
        let (source, sink) = self.ends().map_err(wrong)?;
        let plan_source = |max| source.plan(&for_plugin(&part(config, SOURCE)), max);
        let mut sources = plan_source(tasks_max)?;
        let sinks = sink.plan(&for_plugin(&part(config, SINK)), sources.len())?;
        if sinks.len() < sources.len() {
            sources = plan_source(sinks.len())?;
        }
        if sinks.len() < sources.len() {
            return Err(wrong(format!(
                "{} planned {} tasks for the {} of {}",
                sink.class(),
                sinks.len(),
                sources.len(),
                source.class()
            )));
        }
        let is_shared = |key: &str| !key.starts_with(SOURCE) && !key.starts_with(SINK);
        let shared: Config = for_plugin(config).iter().filter(|(key, _)| is_shared(key)).collect();
        let task = |(source, sink): (&Config, &Config)| {
            let mut task = shared.clone();
            for (prefix, end) in [(SOURCE, source), (SINK, sink)] {
                let is_shared = |key, value| SHARED_KEYS.contains(&key) && shared.get(key) == Some(value);
                for (key, value) in end.iter().filter(|(key, value)| !is_shared(*key, *value)) {
                    task.set(format!("{prefix}{key}"), value);
                }
            }
            task
        };
        Ok(sources.iter().zip(&sinks).map(task).collect())
    }

    /// The converters of a pipe that names none. There is no topic whose format the worker could know, so the worker's
    /// own do not count: keys are text, and values are JSON for a sink that decodes by itself, text for any other.
    pub fn converters(&self) -> (ConverterConfig, ConverterConfig) {
        let of = |class: crate::converter::Class, settings: &[(&str, &str)]| ConverterConfig {
            class: class.name().to_owned(),
            settings: settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        let text = || of(crate::converter::Class::String, &[]);
        let is_encoded = self.sink.as_ref().is_ok_and(Connector::is_encoded);
        let json = || of(crate::converter::Class::Json, &[("schemas.enable", "false")]);
        (text(), if is_encoded { json() } else { text() })
    }
}

/// The settings of one end: those under its prefix, and the ones that both share. A source hears that each record is to
/// arrive once, as its settings may stand against it.
pub fn part(config: &Properties, prefix: &str) -> Properties {
    let mut part = Properties::new();
    for (key, value) in config.iter() {
        if SHARED_KEYS.contains(&key) {
            part.insert(key, value.map(str::to_owned));
        }
    }
    for (key, value) in config.iter() {
        if let Some(own) = key.strip_prefix(prefix) {
            part.insert(own, value.map(str::to_owned));
        }
    }
    if prefix == SOURCE && wants_once(config) {
        part.set(SUPPORT, "required");
    }
    part
}

fn wants_once(config: &Properties) -> bool {
    config.get(EXACTLY_ONCE).is_some_and(|wanted| wanted.trim().eq_ignore_ascii_case("true"))
}

fn end(
    config: &Properties,
    plugins: &Plugins,
    prefix: &str,
    kind: ConnectorKind,
) -> Result<Connector, Problem> {
    let setting = format!("{prefix}{CLASS_KEY}");
    let wanted = if kind == ConnectorKind::Source { "source" } else { "sink" };
    let given = config.get(&setting).map(str::trim).filter(|class| !class.is_empty());
    let problem = |sentence: String| Problem { setting: setting.clone(), sentence };
    // What is missing is said by the setting's own declaration.
    let Some(class) = given else { return Err(problem(format!("expected the class of a {wanted}"))) };
    let fitting = plugins.connectors().iter().filter(|each| each.kind() == kind);
    let known = || fitting.clone().map(Connector::class).collect::<Vec<_>>().join(", ");
    match plugins.find(class) {
        Some(found) if found.kind() == kind => Ok(found),
        Some(found) => Err(problem(format!("{} is no {wanted}: expected one of {}", found.class(), known()))),
        None => Err(problem(format!("no plugin is named {class}: expected a {wanted}, one of {}", known()))),
    }
}

impl Chosen {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Plugin(plugin) => crate::shared::kind(plugin.kind()),
            Self::Pipe(_) => Kind::Pipe,
        }
    }

    /// The name that Connect's users know it by.
    pub fn class(&self) -> &str {
        match self {
            Self::Plugin(plugin) => crate::shared::java_class(plugin),
            Self::Pipe(_) => CLASS,
        }
    }

    pub fn version(&self) -> &str {
        match self {
            Self::Plugin(plugin) => plugin.version(),
            Self::Pipe(_) => VERSION,
        }
    }

    /// The plugin, of what is one.
    pub fn plugin(&self) -> Option<&Connector> {
        match self {
            Self::Plugin(plugin) => Some(plugin),
            Self::Pipe(_) => None,
        }
    }

    pub fn plan(&self, config: &Properties, tasks_max: usize) -> Result<Vec<Config>, host::Error> {
        match self {
            Self::Plugin(plugin) => plugin.plan(&for_plugin(config), tasks_max),
            Self::Pipe(pipe) => pipe.plan(config, tasks_max),
        }
    }

    /// The source whose offsets are kept, and its settings; none for a sink, whose offsets are its group's.
    pub fn source(&self, config: &Properties) -> Result<Option<(Connector, Config)>, String> {
        match self {
            Self::Plugin(plugin) if plugin.kind() == ConnectorKind::Sink => Ok(None),
            Self::Plugin(plugin) => Ok(Some((plugin.clone(), for_plugin(config)))),
            Self::Pipe(pipe) => {
                let (source, _) = pipe.ends()?;
                Ok(Some((source.clone(), for_plugin(&part(config, SOURCE)))))
            }
        }
    }

    /// What it takes from the worker where its own settings are silent.
    pub fn framework(&self, worker: &definition::Worker) -> definition::Worker {
        let mut worker = worker.clone();
        if let Self::Pipe(pipe) = self {
            (worker.key_converter, worker.value_converter) = pipe.converters();
        }
        worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Properties {
        let mut config = Properties::new();
        for (key, value) in pairs {
            config.set(*key, *value);
        }
        config
    }

    #[test]
    fn an_end_sees_its_own_settings_and_the_shared_ones() {
        let whole = config(&[
            ("source.file", "in.txt"),
            ("name", "p"),
            ("tasks.max", "3"),
            ("connector.class", "Pipe"),
            ("source.connector.class", "FileStreamSource"),
            ("sink.file", "out.txt"),
            ("value.converter", "x"),
            ("errors.tolerance", "all"),
            ("source.errors.tolerance", "none"),
        ]);
        let seen = |prefix| {
            let part = part(&whole, prefix);
            part.iter().map(|(key, value)| format!("{key}={}", value.unwrap())).collect::<Vec<_>>()
        };
        let source = [
            "name=p",
            "tasks.max=3",
            "errors.tolerance=none",
            "file=in.txt",
            "connector.class=FileStreamSource",
        ];
        assert_eq!(seen(SOURCE), source);
        assert_eq!(seen(SINK), ["name=p", "tasks.max=3", "errors.tolerance=all", "file=out.txt"]);
        let asked = |wanted: &str| {
            let mut config = whole.clone();
            config.set("source.exactly.once.support", "requested");
            config.set(EXACTLY_ONCE, wanted);
            part(&config, SOURCE).get(SUPPORT).map(str::to_owned)
        };
        assert_eq!(asked("true").as_deref(), Some("required"));
        assert_eq!(asked("false").as_deref(), Some("requested"));
    }

    #[test]
    fn an_end_without_a_plugin_is_named() {
        let pipe = Pipe::of(&config(&[("source.connector.class", "Nowhere")]), &Plugins::default());
        let reason = pipe.ends().unwrap_err();
        assert!(reason.starts_with("source.connector.class: no plugin is named Nowhere"), "{reason}");
        let reason = pipe.plan(&Properties::new(), 1).unwrap_err();
        assert_eq!(reason.kind, host::Kind::Config);
        let problems = pipe.problems(&Properties::new(), |_, _| Ok(Vec::new())).unwrap();
        let settings: Vec<_> = problems.iter().map(|problem| problem.setting.as_str()).collect();
        assert_eq!(settings, ["source.connector.class", "sink.connector.class"]);
    }

    #[test]
    fn a_pipe_is_known_by_its_class_alone() {
        assert!(is_pipe(" Pipe ") && is_pipe("PipeConnector"));
        assert!(!is_pipe("pipe") && !is_pipe("PipeSink"));
    }
}
