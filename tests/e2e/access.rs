//! Who may reach a worker's REST interface, by which address, and how the answer is dressed.

use penstock_tests::command::{self, Output};
use penstock_tests::{Builder, Kafka, Rest, SOON, Worker, unique, until};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

struct Leaf {
    key: String,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, unique("authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn leaf(&self) -> Leaf {
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Leaf { key: key.serialize_pem(), certificate }
    }
}

impl Leaf {
    fn write(&self, path: &Path) {
        std::fs::write(path, format!("{}{}", self.key, self.certificate)).unwrap();
    }
}

/// A client that trusts this authority alone.
fn client(url: &str, trusted: &Authority, own: Option<&Leaf>) -> Rest {
    let certificate = |pem: &str| Certificate::from_pem(pem.as_bytes()).unwrap();
    let own = own.map(|leaf| {
        let key = PrivateKey::from_pem(leaf.key.as_bytes()).unwrap();
        ClientCert::new_with_certs(&[certificate(&leaf.certificate)], key)
    });
    let roots = RootCerts::new_with_certs(&[certificate(&trusted.pem)]);
    Rest::secure(url, TlsConfig::builder().root_certs(roots).client_cert(own).build())
}

fn is_answered(rest: &Rest) -> bool {
    rest.send("GET", "/", None).is_ok_and(|answer| answer.status == 200)
}

/// The worker's addresses of this scheme, as its log names them behind `field`.
fn addresses(worker: &Worker, field: &str, scheme: &str) -> Vec<String> {
    let log = worker.log.text();
    let line = log.lines().find(|line| line.contains("listening")).expect("the log names the listeners");
    let from =
        line.find(&format!("{field}=")).unwrap_or_else(|| panic!("no {field}: {line}")) + field.len() + 1;
    let list = line[from..].split_whitespace().next().unwrap().trim_matches('"');
    let wanted = list.split(',').filter(|url| url.starts_with(&format!("{scheme}://")));
    wanted.map(str::to_owned).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn http_and_https_are_served_side_by_side_and_certificates_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let keystore = dir.path().join("worker.pem");
    let (first, second) = (Authority::new(), Authority::new());
    first.leaf().write(&keystore);
    let mut worker = Worker::standalone()
        .set("listeners", "https://127.0.0.1:0,http://127.0.0.1:0,https://127.0.0.1:0")
        .set("listeners.https.ssl.keystore.location", text(&keystore))
        .set("listeners.https.ssl.keystore.type", "PEM")
        .allow("the changed certificates are not used")
        .start();
    // As in Java, the plain address is advertised when there is one.
    assert!(worker.url.starts_with("http://127.0.0.1:"), "{}", worker.url);
    let secure = addresses(&worker, "listeners", "https");
    assert_eq!((secure.len(), addresses(&worker, "listeners", "http").len()), (2, 1));
    for url in &secure {
        let root = client(url, &first, None).get("/").expect(200);
        assert!(root["version"].is_string(), "{root}");
        assert!(!is_answered(&client(url, &second, None)), "a stranger's certificate is trusted");
        assert!(!is_answered(&Rest::new(&url.replace("https://", "http://"))), "TLS is not asked for");
    }
    second.leaf().write(&keystore);
    until("the renewed certificate", SOON, || is_answered(&client(&secure[0], &second, None)));
    assert!(!is_answered(&client(&secure[0], &first, None)), "the old certificate is still used");
    worker.stop();
}

#[test]
fn a_listener_that_requires_certificates_answers_their_holders_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (keystore, truststore) = (dir.path().join("worker.pem"), dir.path().join("clients.pem"));
    let (own, clients) = (Authority::new(), Authority::new());
    own.leaf().write(&keystore);
    std::fs::write(&truststore, &clients.pem).unwrap();
    let mut worker = Worker::standalone()
        .set("listeners", "http://127.0.0.1:0,https://127.0.0.1:0")
        .set("ssl.keystore.location", text(&keystore))
        .set("ssl.truststore.location", text(&truststore))
        .set("ssl.client.auth", "required")
        .start();
    let url = &addresses(&worker, "listeners", "https")[0];
    assert!(is_answered(&client(url, &own, Some(&clients.leaf()))));
    assert!(!is_answered(&client(url, &own, Some(&own.leaf()))), "a stranger is let in");
    assert!(!is_answered(&client(url, &own, None)), "nobody in particular is let in");
    worker.stop();
}

#[test]
fn admin_is_served_on_its_own_listener_and_nothing_else_there() {
    let mut worker = Worker::standalone().set("admin.listeners", "http://127.0.0.1:0").start();
    let admin = Rest::new(&addresses(&worker, "admin", "http")[0]);
    for path in ["/", "/connectors", "/health", "/metrics"] {
        assert_eq!(admin.get(path).status, 404, "{path}");
        assert_eq!(worker.rest.get(path).status, 200, "{path}");
    }
    assert_eq!(worker.rest.get("/admin/loggers").status, 404);
    assert!(admin.get("/admin/loggers").expect(200).is_object());
    worker.stop();
}

const BASIC: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";

/// A worker with the users alice and bob, asked as alice.
fn guarded(builder: Builder, dir: &Path) -> Builder {
    let (jaas, users) = (dir.join("jaas.conf"), dir.join("users"));
    let module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
    let entry = format!("KafkaConnect {{ {module} required\n  file=\"{}\"; }};\n", users.display());
    std::fs::write(&jaas, entry).unwrap();
    std::fs::write(&users, "alice=alice-canary\nbob=bob:canary\n").unwrap();
    builder
        .set("rest.extension.classes", BASIC)
        .set("penstock.rest.auth.jaas.file", text(&jaas))
        .header("Authorization", "Basic YWxpY2U6YWxpY2UtY2FuYXJ5")
}

#[test]
fn users_are_asked_for_their_passwords_which_stay_secret() {
    let dir = tempfile::tempdir().unwrap();
    let builder = guarded(Worker::standalone(), dir.path())
        .set("penstock.log.level", "debug")
        .set("access.control.allow.origin", "http://ui.test");
    let mut worker = builder.start();
    worker.rest.get("/connectors").expect(200);
    let nobody = Rest::new(&worker.url);
    for (name, authorization) in [
        ("bob", Some("Basic Ym9iOmJvYjpjYW5hcnk=")),
        ("alice with bob's", Some("Basic YWxpY2U6Ym9iOmNhbmFyeQ==")),
        ("bad Base64", Some("Basic ???")),
        ("nobody", None),
    ] {
        let rest = authorization.map_or_else(|| nobody.clone(), |value| nobody.with("Authorization", value));
        let (status, health) = (rest.get("/connectors").status, rest.get("/health").status);
        assert_eq!([status, health], if name == "bob" { [200; 2] } else { [401; 2] }, "{name}");
    }
    let refused = nobody.post("/connectors", &json!({}));
    assert_eq!(refused.status, 401);
    assert_eq!(refused.body, json!("User cannot access the resource."));
    assert_eq!(refused.header("content-type"), "application/json");
    assert_eq!(refused.header("www-authenticate"), "");
    // Workers sign what they ask of each other.
    nobody.post("/connectors/x/tasks", &json!([])).expect(400);
    // A browser's first question never has credentials; without an answer it would never send any.
    let asked = nobody.with("Origin", "http://ui.test").with("Access-Control-Request-Method", "POST");
    let preflight = asked.send("OPTIONS", "/connectors", None).unwrap();
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin").as_str()),
        (200, "http://ui.test")
    );
    assert_eq!(nobody.send("OPTIONS", "/connectors", None).unwrap().status, 401);
    worker.stop();
    assert!(!worker.log.text().contains("canary"));
}

#[test]
fn origins_and_headers_of_the_settings_are_in_every_answer() {
    let mut worker = Worker::standalone()
        .set("access.control.allow.origin", "http://ui.test")
        .set("access.control.allow.methods", "GET,PUT")
        .set(
            "response.http.headers.config",
            "set X-Frame-Options: DENY, \"add Cache-Control: no-cache, no-store\", setDate Expires: 0",
        )
        .start();
    for path in ["/", "/connectors/nope", "/nope"] {
        let answer = worker.rest.with("Origin", "http://ui.test").get(path);
        assert_eq!(answer.header("access-control-allow-origin"), "http://ui.test", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache, no-store", "{path}");
        assert!(answer.header("expires").ends_with(" GMT"), "{path}");
    }
    let other = worker.rest.with("Origin", "http://other.test").get("/");
    assert_eq!(
        (other.header("access-control-allow-origin"), other.header("vary")),
        (String::new(), "Origin".into())
    );
    worker.stop();
}

/// `HMAC-SHA256` of `[]` with the key of the record, made by another implementation.
const SIGNATURE: &str = "pscdkXV3MLOT68myZfTeft9quEEMJb5I/RD3pmddNNI=";
const SESSION_KEY: &str = "YSBzZXNzaW9uIGtleSBvZiB0aGlydHktdHdvIGJ5dGU=";

#[test]
fn requests_among_workers_are_carried_out_when_they_are_signed() {
    let topic = unique("configs");
    let mut worker = Worker::distributed().set("config.storage.topic", &topic).start();
    let name = unique("signed");
    Kafka::shared().create_topic(&name, 1);
    worker.create(&name, &crate::datagen::datagen(&name, &[("rate", "1")]));
    let path = format!("/connectors/{name}/tasks");
    let signed = |signature: &str| {
        let rest = worker.rest.with("X-Connect-Authorization", signature);
        rest.with("X-Connect-Request-Signature-Algorithm", "HmacSHA256")
    };
    // Nobody can have signed anything while there is no key.
    signed(SIGNATURE).post(&path, &json!([])).expect(403);
    // One that the leader does not find too old. Its own may come after it: then ours comes once more.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let key = json!({ "key": SESSION_KEY, "algorithm": "HmacSHA256", "creation-timestamp": now }).to_string();
    until("the key to be known", SOON, || {
        Kafka::shared().put(&topic, "session-key", Some(&key));
        signed(SIGNATURE).post(&path, &json!([])).status == 204
    });
    let refused = signed("AAAA").post(&path, &json!([])).expect(403);
    assert_eq!(refused["message"], "Internal request contained invalid signature.");
    signed(SIGNATURE).post(&path, &json!([{}])).expect(403);
    signed(SIGNATURE).post("/connectors/nope/tasks", &json!([])).expect(404);
    let fence = |rest: &Rest, name: &str| rest.put(&format!("/connectors/{name}/fence"), &json!([]));
    fence(&signed(SIGNATURE), &name).expect(204);
    fence(&signed(SIGNATURE), "nope").expect(404);
    let unsigned = fence(&worker.rest, &name).expect(400);
    assert_eq!(unsigned["message"], "Internal request missing required signature");
    worker.await_running(&name, 1);
    worker.stop();
    assert!(!worker.log.text().contains("YSBzZXNz"));
}

#[test]
fn a_value_of_a_mebibyte_is_read_and_answered() {
    let mut worker = Worker::standalone().start();
    let config = json!({ "connector.class": "no.such", "x": "x".repeat(1 << 20) });
    let refused = worker.rest.post("/connectors", &json!({ "name": "huge", "config": config })).expect(400);
    assert!(refused["message"].as_str().unwrap().contains("no.such"), "{refused}");
    let gone = worker.rest.send("PUT", "/connectors/x/config", Some(&Value::String("x".repeat(9 << 20))));
    assert_eq!(gone.unwrap().status, 413);
    worker.stop();
}

fn run(dir: &Path, settings: &str) -> Output {
    let file = dir.join("worker.properties");
    let data = dir.join("data");
    let plain = format!("listeners=http://127.0.0.1:0\npenstock.data.dir={}\n{settings}", data.display());
    std::fs::write(&file, plain).unwrap();
    let mut command = command::penstock(&["run", "--config"]);
    command::output(command.arg(file).current_dir(dir), dir)
}

#[test]
fn settings_that_would_leave_a_worker_open_or_mute_end_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let jks = dir.path().join("old.jks");
    std::fs::write(&jks, [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]).unwrap();
    let https = "listeners=https://127.0.0.1:0\n";
    let store = format!("{https}ssl.keystore.location={}\n", jks.display());
    let missing =
        format!("rest.extension.classes={BASIC}\npenstock.rest.auth.jaas.file=/nowhere/jaas.conf\n");
    for (settings, expected) in [
        (https, "ssl.keystore.location: expected a PKCS12 or PEM file"),
        (store.as_str(), "keytool -importkeystore"),
        ("rest.extension.classes=org.example.Guard\n", "other extensions cannot be loaded"),
        (missing.as_str(), "penstock.rest.auth.jaas.file: /nowhere/jaas.conf"),
        ("access.control.allow.origin=http://(\n", "access.control.allow.origin"),
        ("response.http.headers.config=nonsense\n", "response.http.headers.config: expected rules"),
        (
            "inter.worker.verification.algorithms=HmacMD5\n",
            "inter.worker.verification.algorithms: expected some of",
        ),
    ] {
        let output = run(dir.path(), settings);
        assert!(!output.status.success(), "{settings} was accepted");
        assert!(output.stderr.contains(expected), "{settings}: {output:?}");
        assert!(!output.stderr.contains("panicked"), "{output:?}");
    }
}
