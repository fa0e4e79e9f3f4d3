//! Workers as the reference was set up when its answers were recorded.

use penstock_tests::{Builder, Worker};
use std::path::Path;

/// Groups of requests to workers with settings of their own.
pub const GROUPS: [&str; 2] = ["20-basic-auth", "21-cors"];

pub fn plain() -> Builder {
    let converter = "org.apache.kafka.connect.json.JsonConverter";
    Worker::distributed()
        .set("offset.flush.interval.ms", "10000")
        .set("key.converter", converter)
        .set("value.converter", converter)
        .set("value.converter.schemas.enable", "true")
}

/// `dir` holds what the settings name.
pub fn of(group: &str, dir: &Path) -> Builder {
    match group {
        "20-basic-auth" => basic_auth(dir),
        "21-cors" => plain()
            .set("access.control.allow.origin", "http://ui.test")
            .set("access.control.allow.methods", "GET,POST,PUT,DELETE,PATCH"),
        other => panic!("no worker is set up for {other}"),
    }
}

fn basic_auth(dir: &Path) -> Builder {
    const PACKAGE: &str = "org.apache.kafka.connect.rest.basic.auth.extension";
    let (jaas, users) = (dir.join("jaas.conf"), dir.join("users.properties"));
    let entry = format!(
        "KafkaConnect {{ {PACKAGE}.PropertyFileLoginModule required file=\"{}\"; }};",
        users.display()
    );
    std::fs::write(&jaas, entry).unwrap();
    std::fs::write(&users, "alice=alice-secret\n").unwrap();
    plain()
        .set("rest.extension.classes", &format!("{PACKAGE}.BasicAuthSecurityRestExtension"))
        .set("penstock.rest.auth.jaas.file", jaas.to_str().unwrap())
        .header("Authorization", "Basic YWxpY2U6YWxpY2Utc2VjcmV0")
}
