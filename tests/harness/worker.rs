//! Runs the real worker as a process of its own, and asks it over REST.

use crate::log::Log;
use crate::{Rest, SOON, command, services, unique, until, until_some};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use tempfile::TempDir;

/// Settings of a worker that is not running yet.
pub struct Builder {
    dir: TempDir,
    settings: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
    allowed: Vec<String>,
    headers: Vec<(String, String)>,
}

impl Builder {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder for the worker");
        let converter = "org.apache.kafka.connect.json.JsonConverter";
        let builder = Self {
            dir,
            settings: BTreeMap::new(),
            environment: Vec::new(),
            allowed: Vec::new(),
            headers: Vec::new(),
        };
        let address = builder.dir.path().join("address");
        builder
            .set("bootstrap.servers", &services::kafka())
            .set("key.converter", "org.apache.kafka.connect.storage.StringConverter")
            .set("value.converter", converter)
            .set("value.converter.schemas.enable", "false")
            .set("listeners", "http://127.0.0.1:0")
            .set("penstock.address.file", &address.to_string_lossy())
            .set("plugin.path", &services::plugins().to_string_lossy())
            .set("offset.flush.interval.ms", "1000")
    }

    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Leaves a setting to its default.
    #[must_use]
    pub fn unset(mut self, key: &str) -> Self {
        self.settings.remove(key);
        self
    }

    /// A variable in the worker's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header of every request to the worker.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A text that warnings and errors in the log may hold.
    #[must_use]
    pub fn allow(mut self, text: &str) -> Self {
        self.allowed.push(text.to_owned());
        self
    }

    /// Runs a worker that ends by itself, to its end.
    #[track_caller]
    pub fn run_to_its_end(self) -> command::Output {
        let path = write(self.dir.path(), &self.settings);
        let mut command = command::penstock(&["run", "--config"]);
        command::output(command.arg(path).current_dir(self.dir.path()), self.dir.path())
    }

    pub fn start(self) -> Worker {
        let mut worker = self.write();
        worker.start();
        worker
    }

    /// Starts a worker that may have to wait before it is healthy.
    pub fn launch(self) -> Worker {
        let mut worker = self.write();
        worker.launch();
        worker
    }

    /// Writes the settings to a file of this folder, for a test that starts the worker by itself.
    pub fn save(&self, folder: &Path) -> PathBuf {
        write(folder, &self.settings)
    }

    fn write(self) -> Worker {
        write(self.dir.path(), &self.settings);
        let log = Log::new(self.dir.path().join("worker.log"), self.allowed.clone());
        Worker {
            dir: self.dir,
            settings: self.settings,
            allowed: self.allowed,
            log,
            environment: self.environment,
            headers: self.headers,
            child: None,
            url: String::new(),
            rest: Rest::new(""),
        }
    }
}

fn write(folder: &Path, settings: &BTreeMap<String, String>) -> PathBuf {
    let path = folder.join("worker.properties");
    let lines: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    std::fs::write(&path, lines.concat()).expect("writing the worker's settings");
    path
}

pub struct Worker {
    dir: TempDir,
    settings: BTreeMap<String, String>,
    allowed: Vec<String>,
    pub log: Log,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    pub url: String,
    pub rest: Rest,
    headers: Vec<(String, String)>,
}

impl Worker {
    /// A worker whose configs, offsets and statuses live in Kafka, in a cluster of its own.
    pub fn distributed() -> Builder {
        let group = unique("cluster");
        let builder = Builder::new().set("group.id", &group);
        ["config", "offset", "status"].iter().fold(builder, |builder, kind| {
            builder
                .set(&format!("{kind}.storage.topic"), &format!("{group}-{kind}s"))
                .set(&format!("{kind}.storage.replication.factor"), "1")
        })
    }

    /// Another worker of the same cluster, with the same settings.
    pub fn sibling(&self) -> Builder {
        let mut builder = Builder::new();
        let own: Vec<_> = ["penstock.address.file"].map(|key| (key, builder.settings[key].clone())).into();
        builder.settings.clone_from(&self.settings);
        builder.allowed.clone_from(&self.allowed);
        builder.environment.clone_from(&self.environment);
        builder.headers.clone_from(&self.headers);
        own.into_iter().fold(builder, |builder, (key, value)| builder.set(key, &value))
    }

    /// A worker that keeps what it knows in a file.
    pub fn standalone() -> Builder {
        let builder = Builder::new();
        let offsets = builder.dir.path().join("offsets");
        builder.set("offset.storage.file.filename", &offsets.to_string_lossy())
    }

    /// A worker with the settings of a file in `config/`, but with this run's Kafka and plugins, and topics of its own.
    pub fn example(file: &str) -> Builder {
        let text =
            std::fs::read_to_string(services::checkout().join("config").join(file)).expect("an example");
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let own = Self::distributed().settings;
        let mut builder = Builder::new();
        let ours = std::mem::take(&mut builder.settings);
        for (key, value) in lines.map(|line| line.split_once('=').expect("key=value")) {
            builder = builder.set(key, own.get(key).map_or(value, String::as_str));
        }
        let kept = ["bootstrap.servers", "listeners", "plugin.path", "penstock.address.file"];
        kept.iter().fold(builder, |builder, key| builder.set(key, &ours[*key]))
    }

    /// A worker with the settings that another worker was started with, but with this run's plugins.
    pub fn takeover(properties: &Path) -> Builder {
        let text = std::fs::read_to_string(properties).expect("the other worker's settings");
        let mut builder = Builder::new();
        let ours = std::mem::take(&mut builder.settings);
        for (key, value) in text.lines().map(|line| line.split_once('=').expect("key=value")) {
            builder = builder.set(key, value);
        }
        let own = ["plugin.path", "penstock.address.file"];
        own.iter().fold(builder, |builder, key| builder.set(key, &ours[*key]))
    }

    /// A file in the worker's own folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the process and waits until its REST interface answers.
    pub fn start(&mut self) {
        self.launch();
        self.await_health();
    }

    #[track_caller]
    pub fn await_health(&mut self) {
        until("the worker to be healthy", SOON, || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "the worker ended at its start, {ended:?}:\n{}", self.log.tail());
            self.rest.send("GET", "/health", None).is_ok_and(|answer| answer.status == 200)
        });
    }

    fn launch(&mut self) {
        assert!(self.child.is_none(), "the worker runs already");
        let address = self.path("address");
        let _ = std::fs::remove_file(&address);
        let log = || -> File {
            OpenOptions::new().create(true).append(true).open(&self.log.path).expect("the worker's log")
        };
        let mut command = command::penstock(&["run", "--config"]);
        let command = command.arg(self.path("worker.properties")).current_dir(self.dir.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdout(log()).stderr(log()).spawn().expect("the binary starts");
        self.url = until_some("the worker's address file", SOON, || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the worker ended at its start, {status}:\n{}", self.log.tail());
            }
            let url = std::fs::read_to_string(&address).ok()?;
            url.ends_with('\n').then(|| url.trim().to_owned())
        });
        self.child = Some(child);
        let headers = self.headers.iter();
        self.rest = headers.fold(Rest::new(&self.url), |rest, (name, value)| rest.with(name, value));
    }

    /// A clean stop, as an operator's or systemd's: it must end well and must have logged nothing alarming.
    #[track_caller]
    pub fn stop(&mut self) {
        let status = self.signal("TERM");
        assert!(status.success(), "the worker ended with {status}:\n{}", self.log.tail());
        let unexpected = self.log.unexpected();
        assert!(unexpected.is_empty(), "unexpected lines in the worker's log:\n{}", unexpected.join("\n"));
    }

    /// Waits for a worker that was told to stop.
    #[track_caller]
    pub fn wait(&mut self) {
        let mut child = self.child.take().expect("the worker runs");
        let status = command::wait(&mut child, "the worker to end");
        assert!(status.success(), "the worker ended with {status}:\n{}", self.log.tail());
    }

    #[track_caller]
    fn signal(&mut self, name: &str) -> ExitStatus {
        let mut child = self.child.take().expect("the worker runs");
        command::signal(&child, name);
        command::wait(&mut child, "the worker to end")
    }

    /// SIGKILL: the worker gets no chance to do anything more.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the worker runs");
        child.kill().expect("killing the worker");
        child.wait().expect("waiting for the killed worker");
    }

    /// From now on the worker starts at the address that it has now, as one with a fixed port does.
    pub fn keep_address(&self) {
        let mut settings = self.settings.clone();
        settings.insert("listeners".into(), self.url.clone());
        write(self.dir.path(), &settings);
    }

    /// False while it is stopped or killed; a frozen worker counts as running.
    pub fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// `host:port`, as statuses name it.
    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Whatever the signal: `STOP` freezes it, `CONT` lets it go on.
    pub fn send(&self, signal: &str) {
        command::signal(self.child.as_ref().expect("the worker runs"), signal);
    }

    /// The most bytes of memory that the process has had at one time.
    pub fn memory_peak(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM in its status");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") << 10
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the worker runs").id()
    }

    /// Creates a connector from its config and waits until it and its tasks run.
    #[track_caller]
    pub fn create(&self, name: &str, config: &Value) {
        self.submit(name, config);
        let tasks =
            config["tasks.max"].as_str().map_or(1, |tasks| tasks.parse().expect("tasks.max is a number"));
        self.await_running(name, tasks);
    }

    #[track_caller]
    pub fn submit(&self, name: &str, config: &Value) {
        self.rest.post("/connectors", &json!({ "name": name, "config": config })).expect(201);
    }

    #[track_caller]
    pub fn await_running(&self, name: &str, tasks: usize) {
        self.await_status(name, "to run", |status| {
            let all = status["tasks"].as_array().is_some_and(|list| {
                list.len() == tasks && list.iter().all(|task| task["state"] == "RUNNING")
            });
            status["connector"]["state"] == "RUNNING" && all
        });
    }

    /// Waits until the connector's status document satisfies `holds`, and returns it.
    #[track_caller]
    pub fn await_status(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let start = std::time::Instant::now();
        let found = until_some(&format!("connector {name} {what}"), SOON * 2, || {
            last = self.rest.get(&format!("/connectors/{name}/status")).body;
            if holds(&last) { Some(true) } else { (start.elapsed() > SOON).then_some(false) }
        });
        assert!(found, "connector {name} did not come {what} in {SOON:?}; its status: {last:#}");
        last
    }

    /// How often a connector's plugin has counted something, all of its tasks together.
    pub fn plugin_events(&self, connector: &str, name: &str) -> u64 {
        let (connector, name) = (format!("connector=\"{connector}\""), format!("name=\"{name}\""));
        self.metric("penstock_plugin_events_total", &[&connector, &name]) as u64
    }

    /// The sum of a metric over the series that carry all of these labels (`task="0"`).
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let Value::String(text) = self.rest.get("/metrics").expect(200) else {
            panic!("/metrics is no text")
        };
        let series = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().expect("a metric's value")).sum()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the end of {}\n{}\n---", self.log.path.display(), self.log.tail());
        } else {
            let unexpected = self.log.unexpected();
            assert!(
                unexpected.is_empty(),
                "unexpected lines in the worker's log:\n{}",
                unexpected.join("\n")
            );
        }
    }
}
