//! A bucket of an S3 server: made by curl, and read by ClickHouse, which has readers of its own for all formats.

use crate::ClickHouse;
use std::process::Command;

#[derive(Debug, Clone)]
pub struct Bucket {
    pub url: String,
    pub name: String,
}

impl Bucket {
    /// Makes it on the server that all tests of a run share, unless it is there.
    #[track_caller]
    pub fn create(name: &str) -> Self {
        let bucket = Self { url: crate::services::s3(), name: name.to_owned() };
        let output = Command::new("curl")
            .args(["-sS", "-m", "30", "-X", "PUT", "--aws-sigv4", "aws:amz:us-east-1:s3"])
            .args(["--user", &format!("{ADMIN}:{ADMIN_SECRET}"), "-w", "%{http_code}"])
            .arg(format!("{}/{name}", bucket.url))
            .output()
            .expect("curl starts");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.ends_with("200") || told.contains("BucketAlready"), "making bucket {name}: {told}");
        bucket
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

pub const ADMIN: &str = "penstock";
pub const ADMIN_SECRET: &str = "penstock-secret";
