//! Runs the binary's other commands to their end, with a limit of time.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// The binary under test with these arguments, cut off from the terminal and from settings in the environment.
pub fn penstock(arguments: &[&str]) -> Command {
    let mut command = Command::new(crate::services::binary());
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CONNECT_") || name.starts_with("PENSTOCK_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// Runs to the end; a command that hangs fails the test.
#[track_caller]
pub fn output(command: &mut Command, dir: &Path) -> Output {
    output_within(command, dir, crate::SOON)
}

/// Runs to the end, which has to come within `limit`.
#[track_caller]
pub fn output_within(command: &mut Command, dir: &Path, limit: Duration) -> Output {
    let (out, err) = (dir.join(crate::unique("stdout")), dir.join(crate::unique("stderr")));
    let file = |path: &Path| std::fs::File::create(path).expect("a file for the output");
    let mut child = command.stdout(file(&out)).stderr(file(&err)).spawn().expect("the binary starts");
    let status = wait_within(&mut child, "the command to end", limit);
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    Output { status, stdout: read(&out), stderr: read(&err) }
}

/// Waits for a process to end; kills it when it takes too long, so that it does not outlive the test.
#[track_caller]
pub fn wait(child: &mut Child, what: &str) -> ExitStatus {
    wait_within(child, what, crate::SOON)
}

#[track_caller]
fn wait_within(child: &mut Child, what: &str, limit: Duration) -> ExitStatus {
    let start = Instant::now();
    let ended = crate::until_some(what, limit * 2, || match child.try_wait().expect("waiting for a child") {
        Some(status) => Some(Some(status)),
        None => (start.elapsed() > limit).then_some(None),
    });
    ended.unwrap_or_else(|| {
        child.kill().expect("killing a child");
        child.wait().expect("waiting for a killed child");
        panic!("waited {limit:?} in vain: {what}")
    })
}

/// Sends a signal by name (`TERM`, `INT`) to a process that the test started.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.expect("the kill command").success(), "sending SIG{name} to {}", child.id());
}
