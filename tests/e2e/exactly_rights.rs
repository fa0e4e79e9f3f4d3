//! The rights that a source's producer needs to deliver exactly once: those that the documentation lists, and no others.

use crate::datagen::datagen;
use crate::exactly_source::worker;
use penstock_tests::services::{Own, checkout, state};
use penstock_tests::{Kafka, SOON, unique, until};
use serde_json::json;
use std::process::{Command, Stdio};

/// Whoever comes without a name is the operator; `alice` is the worker; `bob` has what he is given.
const RULES: &str = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
                     super.users=User:ANONYMOUS;User:alice\nallow.everyone.if.no.acl.found=false";

fn allow(broker: &Own, bootstrap: &str, rights: &str) {
    let script = checkout().join("tests/services/kafka/kafka.sh");
    let tool = ["cli", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", bootstrap];
    let output = Command::new(script)
        .args(tool)
        .args(["--add", "--allow-principal", "User:bob"])
        .args(rights.split(' '))
        .env("KAFKA_DATA_DIR", state(broker.instance()).join("broker"))
        .stdin(Stdio::null())
        .output()
        .expect("kafka.sh starts");
    assert!(output.status.success(), "{rights}: {}", String::from_utf8_lossy(&output.stderr));
}

fn login(user: &str) -> String {
    format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{user}\" password=\"{user}-secret\";"
    )
}

#[test]
fn a_producer_with_the_documented_rights_is_enough_and_one_without_says_what_it_lacks() {
    let broker = Own::start_with("kafka-secure", &[("KAFKA_SET", RULES.to_owned())]);
    let bootstrap = broker.address.lines().next().unwrap_or_default().to_owned();
    let (host, port) = bootstrap.rsplit_once(':').expect("a port");
    let secured = format!("{host}:{}", port.parse::<u16>().expect("a port") + 2);
    let kafka = Kafka { bootstrap: bootstrap.clone() };
    let (name, group) = (unique("eos-rights"), unique("eos-group"));
    kafka.create_topic(&name, 1);

    let mut builder = worker().allow("kafka-acls.sh").allow("authoriz").allow("the task failed").allow(&name);
    for (key, value) in [("group.id", group.clone()), ("bootstrap.servers", secured)] {
        builder = builder.set(key, &value);
    }
    for kind in ["config", "offset", "status"] {
        builder = builder.set(&format!("{kind}.storage.topic"), &format!("{group}-{kind}s"));
    }
    for (prefix, user) in [("", "alice"), ("consumer.", "alice"), ("admin.", "alice"), ("producer.", "bob")] {
        builder = builder
            .set(&format!("{prefix}security.protocol"), "SASL_PLAINTEXT")
            .set(&format!("{prefix}sasl.mechanism"), "PLAIN")
            .set(&format!("{prefix}sasl.jaas.config"), &login(user));
    }
    let mut worker = builder.start();

    allow(&broker, &bootstrap, &format!("--operation Write --topic {name} --topic {group}-offsets"));
    let mut config =
        datagen(&name, &[("fields", "id:sequence"), ("total", "500"), ("batch.records.max", "50")]);
    config["tasks.max"] = json!("2");
    config["exactly.once.support"] = json!("required");
    worker.submit(&name, &config);
    let command = format!("--transactional-id {group}-{name}-");
    let status = worker.await_status(&name, "to say which right is missing", |status| {
        let text = status.to_string();
        text.contains("FAILED") && text.contains(&command)
    });
    assert!(status.to_string().contains("kafka-acls.sh"), "{status}");
    assert!(kafka.read(&name).is_empty(), "nothing is written without transactions");

    let ids = format!("--transactional-id {group}-{name}- --resource-pattern-type prefixed");
    allow(&broker, &bootstrap, &format!("--operation Write --operation Describe {ids}"));
    until("all records, once the right is there", SOON * 2, || kafka.read(&name).len() >= 500);
    let mut read: Vec<_> = kafka.read(&name).iter().map(|record| record.text().to_owned()).collect();
    assert_eq!(read.len(), 500);
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), 500);

    // Other numbers of tasks, and the end, are the leader's business, with the same rights.
    config["tasks.max"] = json!("1");
    worker.rest.put(&format!("/connectors/{name}/config"), &config).expect(200);
    worker.await_running(&name, 1);
    worker.rest.delete(&format!("/connectors/{name}")).expect(204);
    worker.stop();
}
