//! A request as the worker understands it: read, checked and typed, but not yet asked.
use crate::config::{self, Creation};
use crate::fault::Fault;
use crate::query::Query;
use crate::routes::Endpoint;
use cluster::{Properties, Restart};
use hyper::StatusCode;

#[derive(Debug)]
pub(crate) enum Call {
    Allowed(Vec<&'static str>),
    Root,
    Health,
    Metrics {
        is_openmetrics: bool,
    },
    /// Names only.
    Connectors,
    /// Names with what `expand` asks for, in its order.
    Expanded(Vec<Detail>),
    Create(Creation),
    Info(String),
    Delete(String),
    Config(String),
    PutConfig(String, Properties),
    PatchConfig(String, Properties),
    Status(String),
    Tasks(String),
    /// Another worker's tasks have changed.
    PutTasks(String),
    TaskStatus(Task),
    RestartTask(Task),
    Restart(String, Restart),
    Pause(String),
    Resume(String),
    Stop(String),
    Topics(String),
    ResetTopics(String),
    /// Another worker is about to start exactly-once tasks.
    Fence(String),
    Plugins {
        connectors_only: bool,
    },
    PluginSettings(String),
    Validate(String, Properties),
}

/// One value of `expand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Status,
    Info,
}

/// A task by its connector's name and a number that need not exist: Java takes negative ones too.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) connector: String,
    pub(crate) number: i32,
}

impl Call {
    /// `names` are those of the endpoint's path; `body` is empty where the endpoint reads none.
    pub(crate) fn new(
        endpoint: Endpoint,
        names: Vec<String>,
        query: &Query,
        body: &[u8],
    ) -> Result<Self, Fault> {
        let mut names = names.into_iter();
        let mut name = || names.next().unwrap_or_default();
        Ok(match endpoint {
            Endpoint::Root => Self::Root,
            Endpoint::Health => Self::Health,
            Endpoint::Metrics => Self::Metrics { is_openmetrics: false },
            Endpoint::Connectors => connectors(query),
            Endpoint::Create => Self::Create(Creation::parse(body)?),
            Endpoint::Info => Self::Info(name()),
            Endpoint::Delete => Self::Delete(name()),
            Endpoint::Config => Self::Config(name()),
            Endpoint::PutConfig => Self::PutConfig(name(), config::without_nulls(config::parse(body)?)?),
            Endpoint::PatchConfig => Self::PatchConfig(name(), config::parse(body)?),
            Endpoint::Status => Self::Status(name()),
            Endpoint::Tasks => Self::Tasks(name()),
            Endpoint::PutTasks => Self::PutTasks(name()),
            Endpoint::TaskStatus => Self::TaskStatus(Task::parse(name(), &name())?),
            Endpoint::RestartTask => Self::RestartTask(Task::parse(name(), &name())?),
            Endpoint::Restart => Self::Restart(name(), restart(query)),
            Endpoint::Pause => Self::Pause(name()),
            Endpoint::Resume => Self::Resume(name()),
            Endpoint::Stop => Self::Stop(name()),
            Endpoint::Topics => Self::Topics(name()),
            Endpoint::ResetTopics => Self::ResetTopics(name()),
            Endpoint::Fence => Self::Fence(name()),
            Endpoint::Plugins => Self::Plugins { connectors_only: connectors_only(query) },
            Endpoint::PluginSettings => Self::PluginSettings(name()),
            Endpoint::Validate => validate(name(), config::parse(body)?)?,
        })
    }
}

impl Task {
    /// As Java reads an int: `00` is 0 and `+1` is 1.
    fn parse(connector: String, number: &str) -> Result<Self, Fault> {
        let number = number.parse().map_err(|_| Fault::plain(StatusCode::NOT_FOUND))?;
        Ok(Self { connector, number })
    }
}

fn connectors(query: &Query) -> Call {
    let mut expands = query.all("expand").peekable();
    if expands.peek().is_none() {
        return Call::Connectors;
    }
    let mut details = Vec::new();
    for expand in expands {
        let detail = match expand {
            "status" => Detail::Status,
            "info" => Detail::Info,
            _ => continue,
        };
        if !details.contains(&detail) {
            details.push(detail);
        }
    }
    Call::Expanded(details)
}

fn restart(query: &Query) -> Restart {
    Restart { include_tasks: query.is_true("includeTasks"), only_failed: query.is_true("onlyFailed") }
}

/// Without a value it is true; any word but `true` is false.
fn connectors_only(query: &Query) -> bool {
    query.first("connectorsOnly").is_none_or(str::is_empty) || query.is_true("connectorsOnly")
}

/// The class of the config has to end in that of the path, which may be its short name.
fn validate(plugin: String, config: Properties) -> Result<Call, Fault> {
    let short = |class: &str| match class.strip_suffix("Connector") {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => class.to_owned(),
    };
    match config.get("connector.class") {
        Some(class) if !short(class).ends_with(&short(&plugin)) => Err(Fault::invalid(format!(
            "Included connector type {class} does not match request type {plugin}"
        ))),
        _ => Ok(Call::Validate(plugin, config)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: Endpoint, names: &[&str], query: &str, body: &str) -> Result<Call, Fault> {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Call::new(endpoint, names, &Query::parse(Some(query)), body.as_bytes())
    }

    #[test]
    fn expand_is_read_in_its_order_and_to_the_letter() {
        let check = |query, expected: Option<&[Detail]>| match read(Endpoint::Connectors, &[], query, "") {
            Ok(Call::Connectors) => assert_eq!(None, expected, "{query}"),
            Ok(Call::Expanded(details)) => assert_eq!(Some(&details[..]), expected, "{query}"),
            other => panic!("{query}: {other:?}"),
        };
        check("", None);
        check("x=y", None);
        check("expand=status&expand=info", Some(&[Detail::Status, Detail::Info]));
        check("expand=info&expand=status", Some(&[Detail::Info, Detail::Status]));
        check("expand=status&expand=status&expand=garbage", Some(&[Detail::Status]));
        check("expand=STATUS", Some(&[]));
        check("expand=status,info", Some(&[]));
        check("expand=", Some(&[]));
    }

    #[test]
    fn restart_flags_are_true_in_any_case() {
        let check = |query, include_tasks, only_failed| match read(Endpoint::Restart, &["x"], query, "") {
            Ok(Call::Restart(_, restart)) => {
                assert_eq!(restart, Restart { include_tasks, only_failed }, "{query}");
            }
            other => panic!("{query}: {other:?}"),
        };
        check("", false, false);
        check("includeTasks=True&onlyFailed=TRUE", true, true);
        check("includeTasks=garbage&onlyFailed=1", false, false);
        check("includeTasks&onlyFailed=true", false, true);
    }

    #[test]
    fn only_true_and_nothing_mean_connectors_only() {
        let check = |query, expected| match read(Endpoint::Plugins, &[], query, "") {
            Ok(Call::Plugins { connectors_only }) => assert_eq!(connectors_only, expected, "{query}"),
            other => panic!("{query}: {other:?}"),
        };
        check("", true);
        check("connectorsOnly=", true);
        check("connectorsOnly=TRUE", true);
        check("connectorsOnly=false", false);
        check("connectorsOnly=yes", false);
        check("connectorsOnly=1", false);
    }

    #[test]
    fn task_numbers_are_java_s_integers() {
        let check =
            |number: &str, expected: Option<i32>| match read(Endpoint::TaskStatus, &["x", number], "", "") {
                Ok(Call::TaskStatus(task)) => assert_eq!(Some(task.number), expected, "{number}"),
                other => {
                    assert_eq!(None, expected, "{number}");
                    assert_eq!(other.unwrap_err(), Fault::plain(StatusCode::NOT_FOUND), "{number}");
                }
            };
        check("0", Some(0));
        check("00", Some(0));
        check("-1", Some(-1));
        check("2147483647", Some(i32::MAX));
        check("2147483648", None);
        check("abc", None);
        check("0x0", None);
        check(" 0", None);
    }

    #[test]
    fn validate_wants_the_class_of_its_path() {
        let check = |plugin, class: &str, expected: bool| {
            let body = format!(r#"{{"connector.class":{class}}}"#);
            let outcome = read(Endpoint::Validate, &[plugin], "", &body);
            assert_eq!(outcome.is_ok(), expected, "{plugin} {class}");
        };
        let class = r#""org.example.FileStreamSinkConnector""#;
        check("org.example.FileStreamSinkConnector", class, true);
        check("FileStreamSinkConnector", class, true);
        check("FileStreamSink", class, true);
        check("FileStreamSource", class, false);
        check("FileStreamSink", "\"\"", false);
        check("FileStreamSink", "null", true);
        let fault = read(Endpoint::Validate, &["b"], "", r#"{"connector.class":"a"}"#).unwrap_err();
        assert_eq!(fault.message, "Included connector type a does not match request type b");
    }
}
