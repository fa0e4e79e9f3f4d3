//! Asks a ClickHouse server questions over HTTP.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct ClickHouse {
    agent: ureq::Agent,
    pub url: String,
}

impl ClickHouse {
    /// The server that all tests of a run share.
    pub fn shared() -> Self {
        Self::at(&crate::services::clickhouse())
    }

    pub fn at(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(300)))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned() }
    }

    pub fn host(&self) -> &str {
        self.host_and_port().0
    }

    pub fn port(&self) -> &str {
        self.host_and_port().1
    }

    fn host_and_port(&self) -> (&str, &str) {
        let address = self.url.trim_start_matches("http://");
        address.rsplit_once(':').expect("the address of ClickHouse has a port")
    }

    /// Runs a statement and returns what it prints, tab separated.
    #[track_caller]
    pub fn query(&self, sql: &str) -> String {
        match self.try_query(sql) {
            Ok(text) => text,
            Err(reason) => panic!("ClickHouse refused {sql}: {reason}"),
        }
    }

    pub fn try_query(&self, sql: &str) -> Result<String, String> {
        let mut response = self.agent.post(&self.url).send(sql).map_err(|error| error.to_string())?;
        let status = response.status();
        let text =
            response.body_mut().with_config().limit(1 << 28).read_to_string().map_err(|e| e.to_string())?;
        if status.is_success() { Ok(text.trim_end().to_owned()) } else { Err(text) }
    }

    #[track_caller]
    pub fn number(&self, sql: &str) -> u64 {
        let text = self.query(sql);
        text.parse().unwrap_or_else(|_| panic!("{sql}: expected one number, got {text:?}"))
    }

    #[track_caller]
    pub fn count(&self, table: &str) -> u64 {
        self.number(&format!("SELECT count() FROM `{table}`"))
    }
}
