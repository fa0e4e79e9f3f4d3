//! A bucket of an S3 server, made, written and read by curl.
//!
//! Nothing of the harness is needed here: the contract tests of `connectors/aws` take this very file, because with the
//! harness they would have to build all that it stands on, a Kafka client first of all.

use std::io::Write;
use std::process::{Command, Stdio};

#[derive(Debug, Clone)]
pub struct Bucket {
    pub url: String,
    pub name: String,
}

impl Bucket {
    /// Makes it on the server at this address, unless it is there.
    #[track_caller]
    pub fn at(url: String, name: &str) -> Self {
        let bucket = Self { url, name: name.to_owned() };
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

    #[track_caller]
    pub fn get(&self, key: &str) -> String {
        let told = self.curl("GET", &key.replace('+', "%2B").replace('=', "%3D"), &[]);
        told.strip_suffix("200").unwrap_or_else(|| panic!("reading {key}: {told}")).to_owned()
    }

    /// All keys that begin with `prefix`, of at most a thousand.
    #[track_caller]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let told = self.curl("GET", &format!("?list-type=2&prefix={prefix}"), &[]);
        assert!(told.ends_with("200"), "listing {prefix}: {told}");
        let keys = told.split("<Key>").skip(1).filter_map(|text| text.split_once("</Key>"));
        keys.map(|(key, _)| key.to_owned()).collect()
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
}

pub const ADMIN: &str = "penstock";
pub const ADMIN_SECRET: &str = "penstock-secret";
