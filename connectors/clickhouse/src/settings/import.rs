//! Whether a connector takes the place of clickhouse-kafka-connect, and where that has its state.
use penstock_sdk::{Config, Error, Result};

/// Partitions are taken over by the state that is in a table.
#[derive(Clone, Debug, PartialEq)]
pub struct StateImport {
    /// Within the connector's database.
    pub table: String,
    /// It must be there, and counts whatever it looks like.
    pub is_required: bool,
    /// The connector's name, which marks what it has taken over.
    pub connector: String,
}

impl StateImport {
    pub fn parse(config: &Config) -> Result<Option<Self>> {
        let text = |key| config.get(key).map(str::trim).unwrap_or_default();
        let is_required = match text("stateImport").to_ascii_lowercase().as_str() {
            "off" => return Ok(None),
            "on" => true,
            _ => false,
        };
        if !config.flag("exactlyOnce", false)? {
            if is_required {
                return Err(Error::config("stateImport: on needs exactlyOnce=true"));
            }
            return Ok(None);
        }
        // Defaults may have been filled in, so they say nothing.
        let is_named = DEFAULTS.iter().any(|(key, default)| !["", default].contains(&text(key)));
        if !is_required && !is_named && text("connector.class") != JAVA {
            return Ok(None);
        }
        let table = Some(text("zkDatabase")).filter(|name| !name.is_empty()).unwrap_or(TABLE);
        Ok(Some(StateImport { table: table.to_owned(), is_required, connector: String::new() }))
    }
}

const JAVA: &str = "com.clickhouse.kafka.connect.ClickHouseSinkConnector";
const TABLE: &str = "connect_state";
const DEFAULTS: [(&str, &str); 3] =
    [("zkDatabase", TABLE), ("zkPath", "/kafka-connect"), ("keeperOnCluster", "")];

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(&str, &str)]) -> Option<(String, bool)> {
        let config: Config = pairs.iter().copied().collect();
        let config =
            if config.get("exactlyOnce").is_some() { config } else { config.with("exactlyOnce", "true") };
        StateImport::parse(&config).unwrap().map(|import| (import.table, import.is_required))
    }

    #[test]
    fn the_java_connectors_configs_take_over_its_state() {
        let state = |table: &str, is_required| Some((table.to_owned(), is_required));
        assert_eq!(table(&[("connector.class", JAVA)]), state(TABLE, false));
        assert_eq!(table(&[("connector.class", JAVA), ("exactlyOnce", "false")]), None);
        assert_eq!(table(&[("connector.class", JAVA), ("stateImport", "off")]), None);
        assert_eq!(table(&[("connector.class", "ClickHouseSink")]), None);
        assert_eq!(table(&[("zkPath", "/kafka-connect"), ("zkDatabase", TABLE)]), None, "as defaults");
        assert_eq!(table(&[("zkPath", "/mine")]), state(TABLE, false));
        assert_eq!(table(&[("zkDatabase", "mine")]), state("mine", false));
        assert_eq!(table(&[("stateImport", "on")]), state(TABLE, true));
        let config: Config = [("stateImport", "on")].into_iter().collect();
        assert!(StateImport::parse(&config).unwrap_err().message().contains("needs exactlyOnce"));
    }
}
