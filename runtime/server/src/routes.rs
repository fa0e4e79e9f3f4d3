//! The table of endpoints: which method and path leads where.
use crate::fault::Fault;
use crate::path;
use hyper::{Method, StatusCode};

/// One thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Root,
    Health,
    Metrics,
    OpenApi,
    Connectors,
    Create,
    Info,
    Delete,
    Config,
    PutConfig,
    PatchConfig,
    Status,
    Tasks,
    PutTasks,
    TaskStatus,
    RestartTask,
    Restart,
    Pause,
    Resume,
    Stop,
    Topics,
    ResetTopics,
    Fence,
    Offsets,
    AlterOffsets,
    ResetOffsets,
    Loggers,
    Logger,
    SetLogger,
    Plugins,
    PluginSettings,
    Validate,
    Ask,
    Preview,
}

/// `*` stands for one segment, which is percent-decoded; all else has to be there to the letter.
pub(crate) const TABLE: &[(Method, &str, Endpoint)] = &[
    (Method::GET, "", Endpoint::Root),
    (Method::GET, "health", Endpoint::Health),
    (Method::GET, "metrics", Endpoint::Metrics),
    (Method::GET, "openapi.json", Endpoint::OpenApi),
    (Method::GET, "connectors", Endpoint::Connectors),
    (Method::POST, "connectors", Endpoint::Create),
    (Method::GET, "connectors/*", Endpoint::Info),
    (Method::DELETE, "connectors/*", Endpoint::Delete),
    (Method::GET, "connectors/*/config", Endpoint::Config),
    (Method::PUT, "connectors/*/config", Endpoint::PutConfig),
    (Method::PATCH, "connectors/*/config", Endpoint::PatchConfig),
    (Method::GET, "connectors/*/status", Endpoint::Status),
    (Method::GET, "connectors/*/tasks", Endpoint::Tasks),
    (Method::POST, "connectors/*/tasks", Endpoint::PutTasks),
    (Method::GET, "connectors/*/tasks/*/status", Endpoint::TaskStatus),
    (Method::POST, "connectors/*/tasks/*/restart", Endpoint::RestartTask),
    (Method::POST, "connectors/*/restart", Endpoint::Restart),
    (Method::PUT, "connectors/*/pause", Endpoint::Pause),
    (Method::PUT, "connectors/*/resume", Endpoint::Resume),
    (Method::PUT, "connectors/*/stop", Endpoint::Stop),
    (Method::GET, "connectors/*/topics", Endpoint::Topics),
    (Method::PUT, "connectors/*/topics/reset", Endpoint::ResetTopics),
    (Method::PUT, "connectors/*/fence", Endpoint::Fence),
    (Method::GET, "connectors/*/offsets", Endpoint::Offsets),
    (Method::PATCH, "connectors/*/offsets", Endpoint::AlterOffsets),
    (Method::DELETE, "connectors/*/offsets", Endpoint::ResetOffsets),
    (Method::GET, "admin/loggers", Endpoint::Loggers),
    (Method::GET, "admin/loggers/*", Endpoint::Logger),
    (Method::PUT, "admin/loggers/*", Endpoint::SetLogger),
    (Method::GET, "connector-plugins", Endpoint::Plugins),
    (Method::GET, "connector-plugins/*/config", Endpoint::PluginSettings),
    (Method::PUT, "connector-plugins/*/config/validate", Endpoint::Validate),
    (Method::POST, "penstock/v1/connector-plugins/*/questions/*", Endpoint::Ask),
    (Method::POST, "penstock/v1/preview", Endpoint::Preview),
];

impl Endpoint {
    /// Whether the body is read at all. Elsewhere clients send `{}`, `null` or `""`, which mean nothing.
    pub(crate) fn reads_body(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::PutConfig
                | Self::PatchConfig
                | Self::AlterOffsets
                | Self::SetLogger
                | Self::Validate
                | Self::Ask
                | Self::Preview
        ) || self.is_internal()
    }

    /// Whether workers ask this of each other, and sign it.
    pub(crate) fn is_internal(self) -> bool {
        matches!(self, Self::PutTasks | Self::Fence)
    }

    pub(crate) fn answers_json(self) -> bool {
        self != Self::Metrics
    }
}

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The endpoint, and the decoded names of its path.
    To(Endpoint, Vec<String>),
    /// `OPTIONS`: the methods of the path, in Java's order.
    Allowed(Vec<&'static str>),
}

impl Route {
    pub(crate) fn find(method: &Method, path: &str) -> Result<Self, Fault> {
        let segments = path::segments(path)?;
        let here: Vec<_> = TABLE.iter().filter(|(_, pattern, _)| matches(pattern, &segments)).collect();
        let Some((_, pattern, _)) = here.first() else { return Err(Fault::framework(StatusCode::NOT_FOUND)) };
        if *method == Method::OPTIONS {
            return Ok(Self::Allowed(allowed(&here)));
        }
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        let found = here.iter().find(|(method, ..)| method == wanted);
        let (.., endpoint) = found.ok_or_else(|| Fault::framework(StatusCode::METHOD_NOT_ALLOWED))?;
        let names = pattern.split('/').zip(&segments).filter(|(part, _)| *part == "*");
        Ok(Self::To(*endpoint, names.map(|(_, segment)| path::decode(segment)).collect::<Result<_, _>>()?))
    }
}

fn matches(pattern: &str, segments: &[&str]) -> bool {
    let mut parts = pattern.split('/').filter(|part| !part.is_empty());
    let fits =
        segments.iter().all(|segment| parts.next().is_some_and(|part| part == "*" || part == *segment));
    fits && parts.next().is_none()
}

fn allowed(here: &[&(Method, &str, Endpoint)]) -> Vec<&'static str> {
    let has = |name: &&str| match *name {
        "OPTIONS" => true,
        "HEAD" => here.iter().any(|(method, ..)| method == Method::GET),
        name => here.iter().any(|(method, ..)| method.as_str() == name),
    };
    ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"].into_iter().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, path: &str) -> Result<Route, u16> {
        Route::find(&method.parse().unwrap(), path).map_err(|fault| fault.status.as_u16())
    }

    #[test]
    fn requests_lead_to_their_endpoints() {
        let check = |method: &str, path: &str, endpoint: Endpoint, names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(find(method, path), Ok(Route::To(endpoint, names)), "{method} {path}");
        };
        check("GET", "/", Endpoint::Root, &[]);
        check("HEAD", "/", Endpoint::Root, &[]);
        check("GET", "/health/", Endpoint::Health, &[]);
        check("GET", "/metrics", Endpoint::Metrics, &[]);
        check("GET", "/openapi.json", Endpoint::OpenApi, &[]);
        check("GET", "/connectors/", Endpoint::Connectors, &[]);
        check("GET", "/connectors;a=b", Endpoint::Connectors, &[]);
        check("POST", "/connectors", Endpoint::Create, &[]);
        check("GET", "/connectors/..", Endpoint::Info, &[".."]);
        check("DELETE", "/connectors/a%2Fb", Endpoint::Delete, &["a/b"]);
        check("GET", "/connectors/a;b=c/status", Endpoint::Status, &["a"]);
        check("GET", "/connectors/../status", Endpoint::Status, &[".."]);
        check("GET", "/connectors/%20x/tasks/00/status", Endpoint::TaskStatus, &[" x", "00"]);
        check("POST", "/connectors/a/tasks/-1/restart", Endpoint::RestartTask, &["a", "-1"]);
        check("PUT", "/connectors/a/topics/reset/", Endpoint::ResetTopics, &["a"]);
        check("POST", "/connectors/a/tasks", Endpoint::PutTasks, &["a"]);
        check("PUT", "/connectors/a/fence", Endpoint::Fence, &["a"]);
        check("PATCH", "/connectors/a%5Cb/offsets", Endpoint::AlterOffsets, &["a\\b"]);
        check("GET", "/admin/loggers/", Endpoint::Loggers, &[]);
        check("PUT", "/admin/loggers/org.example.A", Endpoint::SetLogger, &["org.example.A"]);
        let transform = "/connector-plugins/org.example.Cast%24Value/config";
        check("GET", transform, Endpoint::PluginSettings, &["org.example.Cast$Value"]);
        check("PUT", "/connector-plugins/x/config/validate/", Endpoint::Validate, &["x"]);
        check("POST", "/penstock/v1/connector-plugins/x/questions/table", Endpoint::Ask, &["x", "table"]);
        check("POST", "/penstock/v1/preview", Endpoint::Preview, &[]);
    }

    #[test]
    fn other_paths_and_methods_are_refused_as_java_does() {
        let check = |method: &str, path: &str, status: u16| {
            assert_eq!(find(method, path), Err(status), "{method} {path}");
        };
        for path in
            ["/nope", "/connectors-x", "/CONNECTORS", "/%63onnectors", "/./connectors", "/connectors/x/nope"]
        {
            check("GET", path, 404);
            check("OPTIONS", path, 404);
        }
        check("GET", "/connectors/x/tasks/0", 404);
        check("GET", "/connectors/x/tasks-config", 404);
        check("GET", "/connectors/../connectors", 404);
        check("GET", "/connector-plugins/x", 404);
        check("POST", "/", 405);
        check("BREW", "/", 405);
        check("TRACE", "/", 405);
        check("PUT", "/connectors", 405);
        check("PUT", "/connectors/x/offsets", 405);
        check("DELETE", "/admin/loggers", 405);
        check("GET", "/admin", 404);
        check("GET", "/connectors/x/restart", 405);
        check("DELETE", "/connectors/x/config", 405);
        check("GET", "/connector-plugins/x/config/validate", 405);
        check("GET", "//", 400);
        check("GET", "/connectors//status", 400);
        check("GET", "/connectors/a%zzb", 400);
    }

    #[test]
    fn options_lists_the_methods_in_java_s_order() {
        let check = |path, expected: &str| {
            let Ok(Route::Allowed(methods)) = find("OPTIONS", path) else { panic!("{path}") };
            assert_eq!(methods.join(","), expected, "{path}");
        };
        check("/", "HEAD,GET,OPTIONS");
        check("/connectors", "HEAD,POST,GET,OPTIONS");
        check("/connectors/x", "HEAD,DELETE,GET,OPTIONS");
        check("/connectors/x/config", "HEAD,GET,OPTIONS,PUT,PATCH");
        check("/connectors/x/restart", "POST,OPTIONS");
        check("/connectors/x/pause", "OPTIONS,PUT");
        check("/connectors/x/tasks", "HEAD,POST,GET,OPTIONS");
        check("/connectors/x/offsets", "HEAD,DELETE,GET,OPTIONS,PATCH");
        check("/admin/loggers/root", "HEAD,GET,OPTIONS,PUT");
        check("/connector-plugins/x/config/validate", "OPTIONS,PUT");
    }
}
