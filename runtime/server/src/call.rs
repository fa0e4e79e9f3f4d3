//! A request as the worker understands it: read, checked and typed, but not yet asked.
use crate::config::{self, Asked, Creation, Previewed};
use crate::fault::Fault;
use crate::offsets;
use crate::query::Query;
use crate::routes::Endpoint;
use cluster::{Properties, Restart};
use hyper::StatusCode;
use worker::api::OffsetChange;

#[derive(Debug)]
pub(crate) enum Call {
    Allowed(Vec<&'static str>),
    Root,
    Health,
    Metrics {
        is_openmetrics: bool,
    },
    OpenApi,
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
    Offsets(String),
    AlterOffsets(String, Vec<OffsetChange>),
    ResetOffsets(String),
    Loggers,
    Logger(String),
    SetLogger(LoggerChange),
    Plugins {
        connectors_only: bool,
    },
    PluginSettings {
        class: String,
        version: Option<String>,
    },
    Validate(String, Properties),
    Ask(Question),
    Preview(Previewed),
}

/// What a plugin is asked that Connect has no word for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) body: Asked,
}

/// A level for a logger of this worker, or of all workers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LoggerChange {
    pub(crate) name: String,
    pub(crate) level: String,
    pub(crate) is_for_cluster: bool,
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
            Endpoint::OpenApi => Self::OpenApi,
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
            Endpoint::Offsets => Self::Offsets(name()),
            Endpoint::AlterOffsets => Self::AlterOffsets(name(), offsets::parse(body)?),
            Endpoint::ResetOffsets => Self::ResetOffsets(name()),
            Endpoint::Loggers => Self::Loggers,
            Endpoint::Logger => Self::Logger(name()),
            Endpoint::SetLogger => Self::SetLogger(LoggerChange::parse(name(), query, body)?),
            Endpoint::Plugins => Self::Plugins { connectors_only: connectors_only(query) },
            Endpoint::PluginSettings => {
                Self::PluginSettings { class: name(), version: query.first("version").map(ToOwned::to_owned) }
            }
            Endpoint::Validate => Self::Validate(name(), config::parse(body)?),
            Endpoint::Preview => Self::Preview(Previewed::parse(body)?),
            Endpoint::Ask => Self::Ask(Question { class: name(), name: name(), body: Asked::parse(body)? }),
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

impl LoggerChange {
    /// `scope=cluster` in any case means all workers, and every other scope this one.
    fn parse(name: String, query: &Query, body: &[u8]) -> Result<Self, Fault> {
        let body = config::parse(body)?;
        let missing = || Fault::invalid("Desired 'level' parameter was not specified in request.");
        let level = body.get("level").ok_or_else(missing)?.to_owned();
        if level.is_empty() {
            return Err(Fault::invalid("level: expected a name such as INFO, got nothing"));
        }
        let is_for_cluster = query.first("scope").is_some_and(|scope| scope.eq_ignore_ascii_case("cluster"));
        Ok(Self { name, level, is_for_cluster })
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
    fn a_logger_s_level_is_for_this_worker_unless_all_are_meant() {
        let check = |query, body: &str, expected: Result<bool, &str>| {
            let outcome = read(Endpoint::SetLogger, &["root"], query, body);
            let outcome = outcome.map(|call| match call {
                Call::SetLogger(change) => change.is_for_cluster,
                other => panic!("{other:?}"),
            });
            assert_eq!(
                outcome.map_err(|fault| fault.message),
                expected.map_err(str::to_owned),
                "{query} {body}"
            );
        };
        check("", r#"{"level":"info"}"#, Ok(false));
        check("scope=worker", r#"{"level":"info","x":"y"}"#, Ok(false));
        check("scope=CLUSTER", r#"{"level":"INFO"}"#, Ok(true));
        check("scope=galaxy", r#"{"level":1}"#, Ok(false));
        let missing = "Desired 'level' parameter was not specified in request.";
        check("", "{}", Err(missing));
        check("scope=cluster", r#"{"level":null}"#, Err(missing));
        check("", r#"{"level":""}"#, Err("level: expected a name such as INFO, got nothing"));
        check("", "", Err("body: empty, expected a JSON object"));
    }
}
