//! Addresses of the real services of a test run, and services that belong to one test alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Kafka that all tests of a run share.
pub fn kafka() -> String {
    shared("PENSTOCK_TEST_KAFKA")
}

/// The ClickHouse that all tests of a run share.
pub fn clickhouse() -> String {
    shared("PENSTOCK_TEST_CLICKHOUSE")
}

/// The schema registry that all tests of a run share.
pub fn registry() -> String {
    shared("PENSTOCK_TEST_APICURIO")
}

/// The Kinesis that all tests of a run share.
pub fn kinesis() -> String {
    shared("PENSTOCK_TEST_KINESIS")
}

/// The S3 server that all tests of a run share.
pub fn s3() -> String {
    shared("PENSTOCK_TEST_S3")
}

/// The binary under test.
pub fn binary() -> PathBuf {
    shared("PENSTOCK_BIN").into()
}

/// The folder with the plugin libraries under test.
pub fn plugins() -> PathBuf {
    shared("PENSTOCK_PLUGINS").into()
}

/// The folder with the plugin that fails on demand.
pub fn faulty() -> PathBuf {
    shared("PENSTOCK_FAULTY").into()
}

fn shared(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run `./test e2e`, which builds, starts the services and sets it")
    })
}

pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent")
}

/// A service of one test's own, which it may stop and start; it goes away with its data when dropped.
pub struct Own {
    instance: String,
    pub address: String,
}

impl Own {
    /// `kind` is a name that `tests/services/up` knows.
    pub fn start(kind: &str) -> Self {
        Self::start_with(kind, &[])
    }

    /// With settings that the service's script takes from its environment.
    pub fn start_with(kind: &str, settings: &[(&str, String)]) -> Self {
        let instance = format!("{kind}.{}", crate::unique("own"));
        let address = up(&instance, settings);
        Self { instance, address }
    }

    /// What `tests/services` calls it.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    pub fn stop(&self) {
        down(&[&self.instance]);
    }

    /// Comes back where it was, with its data.
    pub fn start_again(&self) {
        self.start_again_with(&[]);
    }

    pub fn start_again_with(&self, settings: &[(&str, String)]) {
        assert_eq!(up(&self.instance, settings), self.address, "{} came back elsewhere", self.instance);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        down(&["--wipe", &self.instance]);
    }
}

fn script(name: &str) -> Command {
    let mut command = Command::new(checkout().join("tests/services").join(name));
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// Where an instance keeps its files, as `tests/services` decides it.
pub fn state(instance: &str) -> PathBuf {
    let given = std::env::var_os("PENSTOCK_SERVICES_STATE").map(PathBuf::from);
    given.unwrap_or_else(|| checkout().join(".services")).join(instance)
}

/// For an instance that may end at its start; false when it did.
pub fn try_up(instance: &str, settings: &[(&str, String)]) -> bool {
    let mut command = script("up");
    command.arg(instance).envs(settings.iter().map(|(key, value)| (*key, value)));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("tests/services/up starts").success()
}

/// Ends an instance and deletes its files.
pub fn wipe(instance: &str) {
    down(&["--wipe", instance]);
}

fn up(instance: &str, settings: &[(&str, String)]) -> String {
    let mut command = script("up");
    command.arg(instance).envs(settings.iter().map(|(key, value)| (*key, value)));
    let output = command.output().expect("tests/services/up starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "tests/services/up {instance} failed: {text}");
    let address = text.trim().split_once('=').map(|(_, address)| address.to_owned());
    address.unwrap_or_else(|| panic!("tests/services/up {instance} printed no address: {text:?}"))
}

fn down(arguments: &[&str]) {
    let status =
        script("down").args(arguments).stdout(Stdio::null()).status().expect("tests/services/down starts");
    assert!(status.success(), "tests/services/down {arguments:?}: {status}");
}
