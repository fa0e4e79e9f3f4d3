//! The ClickHouse that rows go to: its address, the table that is made there, and the rows it has.

use std::fmt;
use std::time::Duration;

use ureq::http::Uri;

use crate::failure::Failure;

/// Where a server is and who asks. `Display` leaves the user and the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Scheme, host and port.
    pub url: String,
    pub username: String,
    pub password: String,
    pub database: String,
}

impl Server {
    /// Reads `http://USER:PASSWORD@HOST:PORT/DATABASE`, of which only the host is needed. The text itself stays
    /// out of the sentence on what is wrong: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let expected = || {
            let example = "http://HOST:8123 or https://USER:PASSWORD@HOST:8443/DATABASE";
            Failure::Usage(format!("--clickhouse: expected an address such as {example}"))
        };
        let uri: Uri = text.trim().parse().map_err(|_| expected())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(expected)?;
        let default_port = match scheme {
            "http" => 8123,
            "https" => 8443,
            _ => return Err(expected()),
        };
        let (user, _) = authority.as_str().rsplit_once('@').unwrap_or_default();
        let (username, password) = user.split_once(':').unwrap_or((user, ""));
        let database = uri.path().trim_matches('/');
        if authority.host().is_empty() || database.contains('/') || uri.query().is_some() {
            return Err(expected());
        }
        let port = authority.port_u16().unwrap_or(default_port);
        let decode = |text: &str, default: &str| {
            let text = if text.is_empty() { default } else { text };
            decoded(text).ok_or_else(expected)
        };
        Ok(Self {
            url: format!("{scheme}://{}:{port}", authority.host()),
            username: decode(username, "default")?,
            password: decode(password, "")?,
            database: decode(database, "default")?,
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// A table of our own name: one that a user has keeps out of it.
#[derive(Clone)]
pub struct Table {
    pub server: Server,
    agent: ureq::Agent,
}

impl Table {
    pub fn of(server: Server) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // Nobody else gets the password.
            .max_redirects(0)
            .build();
        Self { server, agent: config.into() }
    }

    /// One that is there from an earlier run is fine.
    pub async fn create(&self) -> Result<(), Failure> {
        let failed = |reason| Failure::Failed(format!("creating table {TABLE} at {}: {reason}", self.server));
        let statement =
            statement(&self.name()).ok_or_else(|| failed("config/orders.sql has no table".to_owned()))?;
        self.ask(statement).await.map(drop).map_err(failed)
    }

    pub async fn rows(&self) -> Result<u64, String> {
        let text = self.ask(format!("SELECT count() FROM {}", self.name())).await?;
        text.trim().parse().map_err(|_| "expected a number of rows".to_owned())
    }

    fn name(&self) -> String {
        format!("{}.{TABLE}", quoted(&self.server.database))
    }

    async fn ask(&self, sql: String) -> Result<String, String> {
        let table = self.clone();
        let asked = tokio::task::spawn_blocking(move || table.ask_blocking(&sql));
        asked.await.map_err(|error| error.to_string())?
    }

    fn ask_blocking(&self, sql: &str) -> Result<String, String> {
        let request = self.agent.post(&self.server.url);
        let request = request.header("X-ClickHouse-User", &self.server.username);
        let request = request.header("X-ClickHouse-Key", &self.server.password);
        let mut answer = request.send(sql).map_err(|error| error.to_string())?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).lossy_utf8(true).read_to_string();
        let text = text.map_err(|error| error.to_string())?;
        if answer.status().is_success() {
            return Ok(text);
        }
        let first: String = text.lines().next().unwrap_or_default().chars().take(300).collect();
        Err(if first.is_empty() { format!("the server answered {}", answer.status()) } else { first })
    }
}

pub const TABLE: &str = "penstock_quickstart";

/// The statement of the examples, for another table.
fn statement(table: &str) -> Option<String> {
    let (_, columns) =
        include_str!("../../../../config/orders.sql").split_once("CREATE TABLE IF NOT EXISTS orders")?;
    Some(format!("CREATE TABLE IF NOT EXISTS {table}{columns}"))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// The text behind `%41`; `None` when it is none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { digit(rest.next()?)? * 16 + digit(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Less than a person takes for a hang.
const PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{Server, quoted, statement};

    fn check(given: &str, expected: Option<[&str; 4]>) {
        let parsed = Server::parse(given).map(|s| [s.url, s.username, s.password, s.database]);
        match (parsed, expected) {
            (Ok(parsed), Some(expected)) => assert_eq!(parsed, expected, "{given}"),
            (Err(failure), None) => {
                let sentence = failure.to_string();
                assert!(sentence.starts_with("--clickhouse: expected"), "{sentence}");
                assert!(!sentence.contains("canary"), "{sentence}");
            }
            (parsed, _) => panic!("{given}: {:?}", parsed.is_ok()),
        }
    }

    #[test]
    fn only_the_host_is_needed() {
        check("http://h", Some(["http://h:8123", "default", "", "default"]));
        check("https://h/", Some(["https://h:8443", "default", "", "default"]));
        check("http://127.0.0.1:1", Some(["http://127.0.0.1:1", "default", "", "default"]));
        check("http://[::1]:1/shop", Some(["http://[::1]:1", "default", "", "shop"]));
    }

    #[test]
    fn a_user_may_stand_in_the_address_with_any_letters() {
        check("http://u@h", Some(["http://h:8123", "u", "", "default"]));
        check("http://u:p%40%3a:x@h:9/d", Some(["http://h:9", "u", "p@::x", "d"]));
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for given in ["", "h:8123", "ftp://u:canary@h", "http://u:canary%zz@h", "http://u:canary@h/a/b"] {
            check(given, None);
        }
        check("http://h/?password=canary", None);
        check("http://u:canary@:1", None);
    }

    #[test]
    fn an_address_is_shown_without_its_user() {
        assert_eq!(Server::parse("http://u:canary@h:1").unwrap().to_string(), "http://h:1");
    }

    #[test]
    fn the_table_of_the_examples_gets_the_name_it_needs() {
        let statement = statement("`d`.t").unwrap();
        assert!(statement.starts_with("CREATE TABLE IF NOT EXISTS `d`.t\n("), "{statement}");
        assert!(statement.contains("MergeTree"), "{statement}");
        assert_eq!(quoted("a`b\\"), "`a\\`b\\\\`");
    }
}
