//! What is in a bucket of the server that all tests share, read by ClickHouse, which has readers of its own for all formats.

use crate::ClickHouse;
use crate::objects::{ADMIN, ADMIN_SECRET, Bucket};

impl Bucket {
    /// Makes it on the server that all tests of a run share, unless it is there.
    #[track_caller]
    pub fn create(name: &str) -> Self {
        Self::at(crate::services::s3(), name)
    }

    /// What ClickHouse reads, for the FROM of a query; `keys` has stars.
    pub fn table(&self, keys: &str, format: &str) -> String {
        format!("s3('{}/{}/{keys}', '{ADMIN}', '{ADMIN_SECRET}', '{format}')", self.url, self.name)
    }

    /// A number of what is there; 0 while nothing is.
    #[track_caller]
    pub fn number(&self, clickhouse: &ClickHouse, select: &str, (keys, format): (&str, &str)) -> u64 {
        let sql = format!("SELECT {select} FROM {}", self.table(keys, format));
        match clickhouse.try_query(&sql) {
            Ok(text) => text.trim().parse().unwrap_or_else(|_| panic!("{sql}: {text:?}")),
            // No object, no columns.
            Err(reason) if reason.contains("CANNOT_EXTRACT_TABLE_STRUCTURE") => 0,
            Err(reason) => panic!("{sql}: {reason}"),
        }
    }
}
