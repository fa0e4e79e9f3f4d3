//! Starts a real Kafka and a real ClickHouse by the checkout's own scripts, and stops what it started.

use std::path::PathBuf;

use tokio::process::Command;

use super::checkout::Checkout;
use super::program::{self, Ended};
use crate::failure::Failure;

/// Instances of this process alone: another quickstart or a test run keeps its own.
#[derive(Debug)]
pub struct Services {
    scripts: PathBuf,
    instances: [String; 2],
}

#[derive(Debug, PartialEq, Eq)]
pub struct Addresses {
    pub kafka: String,
    pub clickhouse: String,
}

impl Services {
    pub fn of(checkout: &Checkout) -> Self {
        let label = std::process::id();
        let instances = ["kafka", "clickhouse"].map(|kind| format!("{kind}.quickstart-{label}"));
        Self { scripts: checkout.root.join("tests/services"), instances }
    }

    /// Installs them before, at the first time; the scripts tell about that on standard error.
    pub async fn up(&self) -> Result<Addresses, Failure> {
        let ended = self.run("up", &[]).await?;
        addresses(&ended.stdout).ok_or_else(|| {
            Failure::Failed(format!("tests/services/up: expected two addresses, got {:?}", ended.stdout))
        })
    }

    /// Stops them, also after half a start, and deletes their data.
    pub async fn down(&self) -> Result<(), Failure> {
        self.run("down", &["--wipe"]).await.map(drop)
    }

    async fn run(&self, script: &str, options: &[&str]) -> Result<Ended, Failure> {
        let failed = |reason: String| Failure::Failed(format!("tests/services/{script}: {reason}"));
        let mut command = Command::new(self.scripts.join(script));
        command.args(options).args(&self.instances);
        let ended = program::run(&mut command).await.map_err(|error| failed(error.to_string()))?;
        if ended.status.success() { Ok(ended) } else { Err(failed(format!("ended with {}", ended.status))) }
    }
}

fn addresses(text: &str) -> Option<Addresses> {
    let address = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines.find(|(key, _)| *key == name).map(|(_, address)| address.trim().to_owned())
    };
    Some(Addresses {
        kafka: address("PENSTOCK_TEST_KAFKA")?,
        clickhouse: address("PENSTOCK_TEST_CLICKHOUSE")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Addresses, addresses};

    #[test]
    fn both_addresses_are_needed() {
        let kafka = "PENSTOCK_TEST_KAFKA=127.0.0.1:1\n";
        let clickhouse = "PENSTOCK_TEST_CLICKHOUSE=http://127.0.0.1:2\n";
        let both = Addresses { kafka: "127.0.0.1:1".to_owned(), clickhouse: "http://127.0.0.1:2".to_owned() };
        assert_eq!(addresses(&format!("{clickhouse}{kafka}")), Some(both));
        assert_eq!(addresses(kafka), None);
        assert_eq!(addresses(""), None);
    }
}
