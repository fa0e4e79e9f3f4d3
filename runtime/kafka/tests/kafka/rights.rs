//! A Kafka that does not allow everything: each refusal names the command that gives the right.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use kafka::{
    ClientSettings, CompactedLog, Error, GroupMembership, GroupSettings, Kind, LogSettings, Member,
    Membership,
};

use crate::broker::{PATIENCE, block_on, spec, unique};

/// A broker of its own, because the rights of the shared one are everybody's.
struct Guarded {
    port: u16,
    data: PathBuf,
}

impl Guarded {
    fn start() -> Self {
        let port = (20_000..32_000)
            .step_by(7)
            .skip(std::process::id() as usize % 1_000)
            .find(|port| (*port..port + 5).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()))
            .expect("no free ports");
        let broker = Self { port, data: std::env::temp_dir().join(unique("guarded-kafka")) };
        // Whoever comes without a name is the operator, and the broker itself.
        let set = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
                   super.users=User:ANONYMOUS\nallow.everyone.if.no.acl.found=false";
        broker.run(&["up", "--secure"], set);
        broker
    }

    fn allow(&self, user: &str, arguments: &str) {
        let bootstrap = format!("127.0.0.1:{}", self.port);
        let user = format!("User:{user}");
        let mut all = vec!["cli", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", &bootstrap];
        all.extend(["--add", "--allow-principal", &user]);
        all.extend(arguments.split(' '));
        self.run(&all, "");
    }

    fn run(&self, arguments: &[&str], set: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/services/kafka/kafka.sh");
        let output = Command::new(script)
            .args(arguments)
            .env("KAFKA_PORT", self.port.to_string())
            .env("KAFKA_DATA_DIR", &self.data)
            .env("KAFKA_HEAP", "256m")
            .env("KAFKA_SET", set)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
    }

    fn operator(&self) -> ClientSettings {
        ClientSettings::new().with("bootstrap.servers", format!("127.0.0.1:{}", self.port))
    }

    fn user(&self, name: &str) -> ClientSettings {
        ClientSettings::new()
            .with("bootstrap.servers", format!("127.0.0.1:{}", self.port + 2))
            .with("security.protocol", "sasl_plaintext")
            .with("sasl.mechanism", "PLAIN")
            .with("sasl.username", name)
            .with("sasl.password", format!("{name}-secret"))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.run(&["down", "--wipe"], "");
    }
}

fn settings(client: ClientSettings, topic: &str) -> LogSettings {
    LogSettings {
        client,
        client_id: "guarded".into(),
        topic: spec(topic, 1),
        create: true,
        transactional: true,
        request_timeout: PATIENCE,
    }
}

fn check(error: &Error, user: &str, arguments: &str) {
    assert_eq!(error.kind, Kind::Config, "{error}");
    let command = format!("--add --allow-principal User:{user} {arguments}");
    let is_named = error.message.contains("kafka-acls.sh") && error.message.contains(&command);
    assert!(is_named, "{command} in {error}");
}

#[test]
fn each_missing_right_is_named_with_its_repair() {
    let broker = Guarded::start();
    block_on(async {
        let topic = unique("rights");
        let log = CompactedLog::open(settings(broker.operator(), &topic), |_| {}).await.unwrap();
        log.append(b"a", Some(b"1")).await.unwrap();

        let error = CompactedLog::open(settings(broker.user("bob"), &topic), |_| {}).await.err().unwrap();
        check(
            &error,
            "bob",
            &format!("--operation Describe --operation Read --operation Write --topic {topic}"),
        );

        broker.allow("bob", "--operation Describe --topic *");
        let missing = unique("missing");
        let error = CompactedLog::open(settings(broker.user("bob"), &missing), |_| {}).await.err().unwrap();
        check(&error, "bob", "--operation Create --cluster");
        assert!(error.message.contains(&format!("--create --topic {missing}")), "{error}");

        let log = CompactedLog::open(settings(broker.user("bob"), &topic), |_| {}).await.unwrap();
        check(&log.read_to_end().await.unwrap_err(), "bob", &format!("--operation Read --topic {topic}"));
        let error = log.append(b"b", Some(b"1")).await.unwrap_err();
        check(&error, "bob", &format!("--operation Write --topic {topic}"));
        let error = log.lead("leader").await.err().unwrap();
        check(&error, "bob", "--operation Write --transactional-id leader");
        let error = kafka::fence(broker.user("bob"), "g-source-0", &|| true).err().unwrap();
        check(&error, "bob", "--operation Write --operation Describe --transactional-id g-source-0");
        broker.allow(
            "bob",
            "--operation Write --operation Describe --transactional-id g-source- --resource-pattern-type prefixed",
        );
        kafka::fence(broker.user("bob"), "g-source-0", &|| true).unwrap();

        let mut membership = GroupMembership::open(GroupSettings {
            client: broker.user("bob"),
            group: "workers".into(),
            topic: topic.clone(),
            me: Member { id: "w:8083".into() },
            session_timeout: std::time::Duration::from_secs(6),
            heartbeat_interval: std::time::Duration::from_secs(1),
            rebalance_timeout: std::time::Duration::from_secs(6),
        })
        .unwrap();
        let event = tokio::time::timeout(PATIENCE, membership.events().recv()).await.unwrap();
        assert_eq!(event, None);
        check(&membership.failure().unwrap(), "bob", "--operation Read --group workers");
    });
}
