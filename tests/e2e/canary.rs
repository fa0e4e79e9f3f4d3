//! Secrets that configs refer to reach the plugins and nobody else: not REST, the log, metrics or internal topics.

use crate::datagen::datagen;
use crate::file_stream;
use penstock_tests::{Kafka, SOON, Worker, merged, services, unique, until, until_some};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Stands in every secret and nowhere else.
const MARK: &str = "C4N4RY";
const IN_FILE: &str = "C4N4RY file \"quoted\" + ü/1";
const IN_FOLDER: &str = "C4N4RY-in-a-folder-7";
const IN_VARIABLE: &str = "C4N4RY-in-a-variable";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";

/// Where the secrets are kept, and how configs refer to them.
struct Secrets(TempDir);

impl Secrets {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let text = format!(
            "say={}\nsink={1}/sink-{MARK}.txt\nfaulty={1}/faulty-{MARK}.txt\npattern={MARK}[(\n",
            IN_FILE.replace('ü', "\\u00fc"),
            out.display()
        );
        std::fs::write(dir.path().join("a.properties"), text).unwrap();
        std::fs::write(dir.path().join("token"), format!("{IN_FOLDER}\n")).unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, key: &str) -> String {
        format!("${{file:{}/a.properties:{key}}}", self.path().display())
    }

    fn folder(&self) -> String {
        format!("${{dir:{}:token}}", self.path().display())
    }

    /// All three, in one text.
    fn all(&self) -> String {
        format!("{} {} {}", self.file("say"), self.folder(), VARIABLE)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.path().join("out").join(format!("{name}-{MARK}.txt"))
    }
}

const VARIABLE: &str = "${env:PENSTOCK_TEST_CANARY}";

fn start(secrets: &Secrets, cluster: &str) -> Worker {
    let folders = format!("{},{}", services::plugins().display(), services::faulty().display());
    let allowed = secrets.path().to_string_lossy().into_owned();
    let builder = Worker::distributed()
        .set("plugin.path", &folders)
        .set("group.id", cluster)
        .set("penstock.log.level", "trace,penstock=trace")
        .set("config.providers", "file,dir,env")
        .set("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider")
        .set("config.providers.file.param.allowed.paths", &allowed)
        .set("config.providers.dir.class", "org.apache.kafka.common.config.provider.DirectoryConfigProvider")
        .set("config.providers.dir.param.allowed.paths", &allowed)
        .set("config.providers.env.class", "EnvVarConfigProvider")
        .set("config.providers.env.param.allowlist.pattern", "PENSTOCK_TEST_.*")
        .set("admin.client.id", VARIABLE)
        .env("PENSTOCK_TEST_CANARY", IN_VARIABLE)
        // Every kind of failure is asked for here.
        .allow("");
    let topics = ["config", "offset", "status"];
    let builder = topics.iter().fold(builder, |builder, kind| {
        builder.set(&format!("{kind}.storage.topic"), &format!("{cluster}-{kind}s"))
    });
    builder.start()
}

fn faulty(secrets: &Secrets, topic: &str, more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "connector.class": "FaultySink", "tasks.max": "1", "topics": topic, "value.converter": STRING,
        "fault.say": secrets.all(),
    });
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

#[test]
fn secrets_reach_the_plugins_and_nobody_else() {
    let (kafka, secrets, cluster) = (Kafka::shared(), Secrets::new(), unique("canaries"));
    let (topic, generated) = (unique("canary-in"), unique("canary-out"));
    kafka.create_topic(&topic, 1);
    kafka.create_topic(&generated, 1);
    kafka.produce_values(&topic, ["one", "bad", "two"]);
    let mut worker = start(&secrets, &cluster);
    let mut seen = Seen::default();
    run_good(&worker, &kafka, &secrets, (&topic, &generated));
    let letters = run_bad(&mut seen, &worker, &secrets, &topic);
    ask_wrong(&mut seen, &worker, &secrets, &topic);
    ask_beforehand(&mut seen, &worker, &secrets, (&topic, &generated));
    seen.everything_of(&worker);
    worker.stop();
    for kind in ["configs", "offsets", "statuss"] {
        seen.topic(&kafka, &format!("{cluster}-{kind}"));
    }
    seen.topic(&kafka, &letters);
    seen.take("log", worker.log.text());
    seen.check(&secrets);
}

/// The plugins really have the values: they write where the secret says, and what it says.
fn run_good(worker: &Worker, kafka: &Kafka, secrets: &Secrets, (topic, generated): (&str, &str)) {
    let mut sink = file_stream::sink(Path::new("x"), topic);
    sink["file"] = json!(secrets.file("sink"));
    sink["consumer.override.client.id"] = json!(VARIABLE);
    worker.create("file", &sink);
    let fields = format!("id:sequence,name:choice({VARIABLE}|{VARIABLE})");
    let more = [("fields", fields.as_str()), ("total", "20"), ("producer.override.client.id", VARIABLE)];
    worker.create("datagen", &datagen(generated, &more));
    worker.create("good", &faulty(secrets, topic, &[("file", &secrets.file("faulty")), ("tasks.max", "2")]));
    until("the files that only the secrets name", SOON, || {
        let read = |name: &str| std::fs::read_to_string(secrets.out(name)).unwrap_or_default();
        read("sink") == "one\nbad\ntwo\n" && read("faulty").lines().count() == 3
    });
    until("records with the secret in them", SOON, || {
        kafka.read(generated).iter().any(|record| record.text().contains(IN_VARIABLE))
    });
    let tasks = worker.rest.get("/connectors/good/tasks").expect(200);
    let config = &tasks[1]["config"];
    assert_eq!(config["said"], json!(secrets.all()), "{tasks:#}");
    assert_eq!(config["said.longer"], json!(format!("<{0}> and {0}!", secrets.all())), "{tasks:#}");
    assert_eq!(config["file"], json!(secrets.file("faulty")), "{tasks:#}");
}

#[test]
fn a_restart_reads_anew_and_a_missing_secret_fails_the_task() {
    let (kafka, secrets, topic) = (Kafka::shared(), Secrets::new(), unique("rotated"));
    kafka.create_topic(&topic, 1);
    kafka.produce_values(&topic, ["one"]);
    let mut worker = start(&secrets, &unique("rotating"));
    let config = faulty(&secrets, &topic, &[("file", &secrets.file("faulty"))]);
    worker.create("rotating", &config);
    let read = |name: &str| std::fs::read_to_string(secrets.out(name)).unwrap_or_default();
    until("the first line", SOON, || read("faulty").lines().count() == 1);

    let file = secrets.path().join("a.properties");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("/faulty-", "/moved-")).unwrap();
    worker.rest.post("/connectors/rotating/tasks/0/restart", &Value::Null).expect(204);
    // A task that still has the old file may take the first of these lines.
    until("a line where the secret says now", SOON, || {
        kafka.produce_values(&topic, ["two"]);
        !read("moved").is_empty()
    });

    std::fs::remove_file(&file).unwrap();
    worker.rest.post("/connectors/rotating/tasks/0/restart", &Value::Null).expect(204);
    let status = worker.await_status("rotating", "to fail", |status| status["tasks"][0]["state"] == "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(
        trace.contains("provider file has no value for key") && trace.contains("no such file"),
        "{trace}"
    );
    worker.stop();
}

/// Every way in which a plugin can talk about what it was given. Answers the dead letter topic.
fn run_bad(seen: &mut Seen, worker: &Worker, secrets: &Secrets, topic: &str) -> String {
    let letters = unique("letters");
    let mut bad = |name: &str, more: &[(&str, &str)], trace: &str| {
        worker.submit(name, &faulty(secrets, topic, more));
        let status = worker.await_status(name, "to say what is wrong", |status| {
            let failed = [&status["connector"], &status["tasks"][0]];
            failed.iter().any(|state| state["trace"].as_str().is_some_and(|text| text.contains(trace)))
        });
        // What the plugin said has arrived, with references in it.
        assert!(status.to_string().contains("${env:PENSTOCK_TEST_CANARY}"), "{status:#}");
        seen.take(name, status.to_string());
    };
    for place in ["open", "call", "plan"] {
        bad(&format!("fatal-{place}"), &[("fault", "fatal"), ("fault.in", place)], "asked for a fatal error");
        bad(&format!("panic-{place}"), &[("fault", "panic"), ("fault.in", place)], "asked for a panic");
    }
    bad("config-open", &[("fault", "config"), ("fault.in", "open")], "kind config");
    bad("reject", &[("fault", "reject")], "the value holds");
    worker.create("retry", &faulty(secrets, topic, &[("fault", "retry"), ("fault.ms", "10")]));
    until("a try again in the log", SOON, || worker.log.text().contains("asked to be tried again"));
    let tolerant = [
        ("fault", "reject"),
        ("errors.tolerance", "all"),
        ("errors.log.enable", "true"),
        ("errors.deadletterqueue.topic.name", letters.as_str()),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ];
    worker.create("tolerant", &faulty(secrets, topic, &tolerant));
    until("a dead letter", SOON, || worker.metric("penstock_task_dead_letters_total", &["tolerant"]) >= 1.0);
    let clickhouse = json!({
        "connector.class": "com.clickhouse.kafka.connect.ClickHouseSinkConnector", "tasks.max": "1",
        "topics": topic, "url": "http://127.0.0.1:1", "username": secrets.file("say"), "database": VARIABLE,
        "password": secrets.all(), "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    });
    worker.submit("clickhouse", &clickhouse);
    until("the destination to be away", SOON, || worker.log.text().contains("127.0.0.1:1"));
    letters
}

/// Configs that cannot work, so that the answers are about their values.
fn ask_wrong(seen: &mut Seen, worker: &Worker, secrets: &Secrets, topic: &str) {
    let (say, missing) = (secrets.file("say"), secrets.file("none"));
    let outside = "${file:/etc/passwd:root}";
    let wrong: [&[(&str, &str)]; 15] = [
        &[("fault", "config"), ("fault.in", "validate")],
        &[("fault", "panic"), ("fault.in", "validate")],
        &[("tasks.max", &say)],
        &[("tasks.max", &format!("1{VARIABLE}"))],
        &[("errors.tolerance", VARIABLE)],
        &[("fault", &secrets.folder())],
        &[("fault.ms", VARIABLE)],
        &[("topics", ""), ("topics.regex", &secrets.file("pattern"))],
        &[("connector.class", VARIABLE)],
        &[("value.converter", VARIABLE)],
        &[("value.converter.schemas.enable", VARIABLE), ("key.converter", &say)],
        &[("transforms", VARIABLE), ("predicates", &say)],
        &[("consumer.override.session.timeout.ms", VARIABLE)],
        &[("file", &missing)],
        &[("file", outside), ("no.such.setting", &missing)],
    ];
    for (number, more) in wrong.iter().enumerate() {
        let mut config = faulty(secrets, topic, more);
        config["name"] = json!(format!("wrong-{number}"));
        let validated = worker.rest.put("/connector-plugins/FaultySink/config/validate", &config);
        let created = worker.rest.post("/connectors", &json!({ "name": config["name"], "config": config }));
        assert!(created.status >= 400, "{more:?}: {created:?}");
        for (key, value) in *more {
            if [missing.as_str(), outside].contains(value) {
                let said = created.body["message"].as_str().unwrap_or_default();
                assert!(said.contains("provider file has no value for key"), "{key}: {created:?}");
            }
        }
        seen.take(&format!("validate {more:?}"), validated.body.to_string());
        seen.take(&format!("create {more:?}"), created.body.to_string());
    }
    let fine = worker.rest.put("/connector-plugins/FaultySink/config/validate", &{
        let mut config = faulty(secrets, topic, &[("file", &secrets.file("faulty")), ("x", "${nope:a:b}")]);
        config["name"] = json!("fine");
        config
    });
    let fine = fine.expect(200);
    assert_eq!(fine["error_count"], 0, "{fine:#}");
    let settings = fine["configs"].as_array().unwrap();
    let shown = settings.iter().find(|setting| setting["value"]["name"] == "file").unwrap();
    assert_eq!(shown["value"]["value"], json!(secrets.file("faulty")));
    seen.take("validate fine", fine.to_string());
}

/// What is shown of a connector that there is not: its records with secrets in them, and what its plugin answers.
fn ask_beforehand(seen: &mut Seen, worker: &Worker, secrets: &Secrets, (topic, generated): (&str, &str)) {
    let transforms = json!({
        "transforms": "hoist,insert",
        "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value",
        "transforms.hoist.field": VARIABLE,
        "transforms.insert.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.insert.static.field": "said",
        "transforms.insert.static.value": secrets.all(),
    });
    let fields = format!("id:sequence,name:choice({VARIABLE}|{VARIABLE})");
    let source =
        merged(datagen(generated, &[("fields", fields.as_str()), ("total", "3")]), transforms.clone());
    for config in [merged(faulty(secrets, topic, &[]), transforms), source] {
        // Beside all those that fail it may not be read in time.
        let answer = until_some("a preview", SOON, || {
            let answer = worker.rest.post("/penstock/v1/preview", &json!({ "config": config }));
            (answer.status == 200).then_some(answer.body)
        });
        assert_eq!(answer["records"].as_array().map(Vec::len), Some(3), "{answer:#}");
        let after = &answer["records"][0]["after"]["value"];
        assert_eq!(after["said"], json!(secrets.all()), "{answer:#}");
        assert!(!after[VARIABLE].is_null(), "{answer:#}");
        seen.take("preview", plain(&answer));
        seen.take("preview", answer.to_string());
    }
    let question = "/penstock/v1/connector-plugins/ClickHouseSink/questions/table";
    let input = json!({ "topic": "orders", "records": [{ "value": { "id": 1 } }] });
    let config = json!({ "database": VARIABLE, "tableOrderBy": "id" });
    let answer = worker.rest.post(question, &json!({ "config": config, "input": input })).expect(200);
    assert!(answer["statement"].as_str().is_some_and(|text| text.contains(VARIABLE)), "{answer:#}");
    seen.take("question", plain(&answer));
}

/// Every text that anybody outside of the worker can get.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn take(&mut self, place: &str, text: String) {
        self.0.push((place.to_owned(), text));
    }

    fn everything_of(&mut self, worker: &Worker) {
        let mut get = |path: &str| {
            let answer = worker.rest.get(path).body;
            // JSON's quotes would hide a secret that has some of its own.
            self.take(path, plain(&answer));
            self.take(path, answer.to_string());
            answer
        };
        for path in ["/", "/health", "/metrics", "/connector-plugins?connectorsOnly=false"] {
            get(path);
        }
        get("/connectors?expand=info&expand=status");
        get("/connector-plugins/FaultySink/config");
        let names = get("/connectors");
        let names: Vec<_> = names.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(names.len() >= 14, "{names:?}");
        for name in names {
            for part in [
                "",
                "/config",
                "/status",
                "/tasks",
                "/tasks/0/status",
                "/topics",
                "/offsets",
                "/tasks-config",
            ] {
                get(&format!("/connectors/{name}{part}"));
            }
        }
    }

    fn topic(&mut self, kafka: &Kafka, topic: &str) {
        let mut text = String::new();
        for record in kafka.read(topic) {
            for bytes in [&record.key, &record.value].into_iter().flatten() {
                text.push_str(&String::from_utf8_lossy(bytes));
                text.push('\n');
                text.push_str(&serde_json::from_slice(bytes).map_or(String::new(), |json| plain(&json)));
            }
            for (name, value) in &record.headers {
                let _ = writeln!(text, "{name}={}", String::from_utf8_lossy(value));
            }
        }
        assert!(!text.is_empty() || topic.ends_with("offsets"), "{topic} is empty");
        self.take(topic, text);
    }

    fn check(&self, secrets: &Secrets) {
        let values = [IN_FILE.to_owned(), IN_FOLDER.to_owned(), IN_VARIABLE.to_owned()];
        let paths = ["sink", "faulty"].map(|name| secrets.out(name).display().to_string());
        let forms: Vec<_> = values.iter().chain(&paths).flat_map(|value| forms(value)).collect();
        let mut found = Vec::new();
        for (place, text) in &self.0 {
            for form in forms.iter().map(String::as_str).chain([MARK]) {
                found.extend(text.lines().filter(|line| line.contains(form)).map(|line| {
                    let line: String = line.chars().take(600).collect();
                    format!("{place}: {form:?} in {line}")
                }));
            }
        }
        found.sort();
        found.dedup();
        assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
        let all: usize =
            self.0.iter().map(|(_, text)| text.matches("${env:PENSTOCK_TEST_CANARY}").count()).sum();
        assert!(all > 50, "the texts were about the secrets: {all} references");
    }
}

/// All texts of a JSON value, a line each.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| [name.clone(), "\n".to_owned(), plain(value)]).collect()
        }
        _ => String::new(),
    }
}

/// The value as it is, in Base64 wherever it begins, in a URL, in quotes and in hexadecimal digits.
fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let url = |keep: &str| {
        let one = |byte: &u8| match char::from(*byte) {
            letter if letter.is_ascii_alphanumeric() || keep.contains(letter) => letter.to_string(),
            _ => format!("%{byte:02X}"),
        };
        bytes.iter().map(one).collect::<String>()
    };
    let mut forms = vec![value.to_owned(), url("-._~"), url("-._~").replace("%20", "+"), url("-._~/")];
    forms.push(format!("{value:?}").trim_matches('"').to_owned());
    forms.push(bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")));
    forms.extend((0..3).map(|skip| base64(&bytes[skip..])));
    forms
}

/// The whole groups of three bytes, which are in the encoding of any longer text too.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let number = chunk.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[number >> shift & 63]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn the_search_for_secrets_finds_each_form() {
    for text in [
        "x C4N4RY-in-a-folder-7 x",
        // user:secret, as HTTP sends it.
        "Basic dXNlcjpDNE40UlktaW4tYS1mb2xkZXItNw==",
        "43344e3452592d696e2d612d666f6c6465722d37",
    ] {
        assert!(forms(IN_FOLDER).iter().any(|form| text.contains(form.as_str())), "{text}");
    }
    let encoded = "C4N4RY%20file%20%22quoted%22%20%2B%20%C3%BC%2F1";
    assert!(forms(IN_FILE).iter().any(|form| form == encoded));
}
