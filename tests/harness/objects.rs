//! A bucket of an S3 server: made by curl, and read by ClickHouse, which has readers of its own for all formats.

use crate::ClickHouse;
use std::io::Write;
use std::process::{Command, Stdio};

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
        let told = bucket.curl("PUT", "", &[]);
        assert!(told.ends_with("200") || told.contains("BucketAlready"), "making bucket {name}: {told}");
        bucket
    }

    #[track_caller]
    pub fn put(&self, key: &str, content: &[u8]) {
        let told = self.curl("PUT", key, content);
        assert!(told.ends_with("200"), "writing {key}: {told}");
    }

    #[track_caller]
    pub fn delete(&self, key: &str) {
        let told = self.curl("DELETE", key, &[]);
        assert!(told.ends_with("204"), "deleting {key}: {told}");
    }

    /// Asks as the one who may everything; what comes back ends with the status.
    fn curl(&self, method: &str, key: &str, content: &[u8]) -> String {
        let mut command = Command::new("curl");
        command.args(["-sS", "-m", "60", "-X", method, "--aws-sigv4", "aws:amz:us-east-1:s3"]).args([
            "--user",
            &format!("{ADMIN}:{ADMIN_SECRET}"),
            "-w",
            "%{http_code}",
        ]);
        if !content.is_empty() {
            // Curl of before 8 signs a content that it reads from a pipe wrongly.
            command.args(["--data-binary", "@-", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]);
        }
        command.arg(format!("{}/{}{}{key}", self.url, self.name, if key.is_empty() { "" } else { "/" }));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("curl starts");
        child.stdin.take().expect("a pipe").write_all(content).expect("curl takes the content");
        String::from_utf8_lossy(&child.wait_with_output().expect("curl ends").stdout).into_owned()
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
