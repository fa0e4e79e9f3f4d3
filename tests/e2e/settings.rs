//! Mistakes in settings get one sentence that names the key, and `--print-config` says where each value comes from.

use penstock_tests::command::{self, Output};
use penstock_tests::{Worker, services, unique};
use std::net::TcpListener;
use std::path::Path;

fn run(dir: &Path, settings: &str, arguments: &[&str]) -> Output {
    let file = dir.join(format!("{}.properties", unique("worker")));
    std::fs::write(&file, settings).unwrap();
    let mut command = command::penstock(&["run", "--config"]);
    command::output(command.arg(file).args(arguments).current_dir(dir), dir)
}

fn complete(more: &str) -> String {
    let plugins = services::plugins();
    format!(
        "bootstrap.servers={}\ngroup.id=g\nconfig.storage.topic=c\noffset.storage.topic=o\nstatus.storage.topic=s\n\
         key.converter=org.apache.kafka.connect.json.JsonConverter\n\
         value.converter=org.apache.kafka.connect.json.JsonConverter\nlisteners=http://127.0.0.1:0\n\
         plugin.path={}\n{more}",
        services::kafka(),
        plugins.display(),
    )
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &complete("offset.flush.intervall.ms=5\n"), &["--print-config"]);
    let said = format!("{}{}", output.stdout, output.stderr);
    let both =
        |line: &str| line.contains("offset.flush.intervall.ms") && line.contains("offset.flush.interval.ms");
    assert!(said.lines().any(both), "no line names the unknown key and the nearest one:\n{said}");
}

#[test]
fn a_wrong_value_ends_the_start_with_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    for (line, key) in [
        ("offset.flush.interval.ms=often\n", "offset.flush.interval.ms"),
        ("listeners=nowhere\n", "listeners"),
        ("config.storage.replication.factor=zero\n", "config.storage.replication.factor"),
    ] {
        let settings = complete("");
        let without: Vec<&str> = settings.lines().filter(|l| !l.starts_with(key)).collect();
        let output = run(dir.path(), &format!("{}\n{line}", without.join("\n")), &[]);
        assert!(!output.status.success(), "{line} was accepted");
        assert!(output.stderr.contains(key), "{key} is not named: {output:?}");
        assert!(!output.stderr.contains("panicked"), "{output:?}");
    }
    let output = run(dir.path(), "group.id=g\n", &[]);
    assert!(!output.status.success() && output.stderr.contains("bootstrap.servers"), "{output:?}");
}

#[test]
fn print_config_shows_values_with_their_origin_and_hides_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("worker.properties");
    std::fs::write(&file, complete("sasl.jaas.config=secret-in-file\noffset.flush.timeout.ms=1111\n"))
        .unwrap();
    let mut command = command::penstock(&["run", "--print-config", "--config"]);
    let command = command.arg(&file).env("CONNECT_OFFSET_FLUSH_INTERVAL_MS", "2222");
    let output = command::output(command, dir.path());
    assert!(output.status.success(), "{output:?}");
    let line = |key: &str| {
        let found = output.stdout.lines().find(|line| line.trim_start().starts_with(key));
        found.unwrap_or_else(|| panic!("{key} is missing:\n{}", output.stdout)).to_owned()
    };
    assert!(line("offset.flush.timeout.ms").contains("1111"));
    assert!(
        line("offset.flush.timeout.ms").contains("worker.properties"),
        "{}",
        line("offset.flush.timeout.ms")
    );
    assert!(line("offset.flush.interval.ms").contains("2222"));
    assert!(line("offset.flush.interval.ms").contains("CONNECT_OFFSET_FLUSH_INTERVAL_MS"));
    assert!(line("task.shutdown.graceful.timeout.ms").contains("default"));
    assert!(!output.stdout.contains("secret-in-file") && line("sasl.jaas.config").contains("***"));
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let settings = complete("").replace("http://127.0.0.1:0", &format!("http://{address}"));
    let output = run(dir.path(), &settings, &[]);
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stderr.contains(&address.port().to_string()), "the port is not named: {output:?}");
    assert!(!output.stderr.contains("panicked"), "{output:?}");
}

#[test]
fn secrets_of_a_connector_never_reach_the_log() {
    let mut worker = Worker::distributed().allow("secret").start();
    let name = unique("secret");
    let config = serde_json::json!({
        "connector.class": "com.clickhouse.kafka.connect.ClickHouseSinkConnector",
        "tasks.max": "1", "topics": name, "hostname": "127.0.0.1", "port": "1", "password": "geheimes-wort",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
    });
    penstock_tests::Kafka::shared().create_topic(&name, 1);
    penstock_tests::Kafka::shared().produce_values(&name, ["{}"]);
    let answer = worker.rest.post("/connectors", &serde_json::json!({ "name": name, "config": config }));
    assert!([201, 400].contains(&answer.status), "{answer:?}");
    if answer.status == 201 {
        worker.await_status(&name, "to try", |status| status["tasks"][0]["state"].is_string());
        let status = worker.rest.get(&format!("/connectors/{name}/status")).body.to_string();
        assert!(!status.contains("geheimes-wort"), "{status}");
    }
    worker.stop();
    assert!(!worker.log.text().contains("geheimes-wort"));
}
