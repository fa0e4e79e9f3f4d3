//! Tries a library in a child process, where a crash or a hang costs nothing.
use crate::boundary::load::Opened;
use crate::boundary::process;
use crate::{ConnectorInfo, Reason, discovery::elf};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How to start the child: `program args… FILE`, which has to end in [`run`].
#[derive(Debug, Clone)]
pub struct Trial {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// After this the child is killed.
    pub time_limit: Duration,
}

impl Trial {
    /// The worker's own program, with the arguments that bring it to [`run`].
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let args = vec!["plugin".into(), "try".into()];
        Self { program: program.into(), args, time_limit: Duration::from_secs(10) }
    }

    pub(crate) fn of(&self, path: &Path) -> Outcome {
        let mut command = Command::new(&self.program);
        command.args(&self.args).arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.process_group(0).spawn() {
            Ok(child) => self.judge(child),
            Err(error) => {
                Outcome::passing(format!("it cannot be tried: starting {}: {error}", self.program.display()))
            }
        }
    }

    fn judge(&self, mut child: Child) -> Outcome {
        let outputs = (drain(child.stdout.take()), drain(child.stderr.take()));
        let Some(status) = wait(&mut child, self.time_limit) else {
            let limit = self.time_limit.as_secs_f32();
            return Outcome::lasting(format!(
                "loading it did not end within {limit} s: code that runs at load hangs"
            ));
        };
        // Something that the child started may hold the pipes open: what it says is not waited for.
        let text = |output: Receiver<Vec<u8>>| {
            String::from_utf8_lossy(&output.recv_timeout(PIPE_GRACE).unwrap_or_default()).into_owned()
        };
        verdict(status, &text(outputs.0), &text(outputs.1))
    }
}

/// What a trial showed, and whether it would show the same tomorrow.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub result: Result<Vec<ConnectorInfo>, Reason>,
    pub is_lasting: bool,
}

impl Outcome {
    /// The file itself is at fault: trying again is useless until it changes.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { result: Err(Reason::new(reason)), is_lasting: true }
    }

    /// Something around the file is at fault, such as a library it needs.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { result: Err(Reason::new(reason)), is_lasting: false }
    }
}

/// The child's side: loads the library, prints one JSON line for each thing it learned, and ends the process.
///
/// The last line is `{"connectors":[…]}` or `{"error":"…"}`.
pub fn run(path: &Path) -> ! {
    process::forbid_core_files();
    process::end_with_parent();
    let last = match attempt(path) {
        Ok(connectors) => Line::Connectors(connectors),
        Err(reason) => Line::Error(reason.to_string()),
    };
    say(&last);
    process::exit_now(0)
}

fn attempt(path: &Path) -> Result<Vec<ConnectorInfo>, Reason> {
    elf::check(path)?;
    let opened = Opened::open(path).inspect_err(|_| say(&Line::Refused(true)))?;
    say(&Line::Opened(true));
    Ok(opened.connectors()?.iter().map(crate::Connector::info).collect())
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// The dynamic linker said no in an orderly way.
    Refused(bool),
    /// The library is loaded; what goes wrong later is its own code.
    Opened(bool),
    Connectors(Vec<ConnectorInfo>),
    Error(String),
}

fn say(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        // A parent that went away is not told.
        let _ = std::io::stdout().write_all(format!("\n{text}\n").as_bytes());
        let _ = std::io::stdout().flush();
    }
}

const OUTPUT_BYTES_MAX: usize = 8 << 20;
const PIPE_GRACE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(2);

/// Reads a pipe to its end in a thread, and keeps a bounded part.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver): (Sender<Vec<u8>>, _) = channel();
    let Some(mut pipe) = pipe else { return receiver };
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        while let Ok(read @ 1..) = pipe.read(&mut chunk) {
            let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(&chunk[..read.min(room)]);
        }
        let _ = sender.send(kept);
    });
    receiver
}

/// `None` when the child had to be killed.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL),
            Ok(None) | Err(_) => break,
        }
    }
    if process::kill_group(child.id()).is_err() {
        let _ = child.kill();
    }
    let _ = child.wait();
    None
}

fn verdict(status: ExitStatus, output: &str, complaints: &str) -> Outcome {
    let lines: Vec<Line> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let was_opened = lines.iter().any(|line| matches!(line, Line::Opened(_)));
    let was_refused = lines.iter().any(|line| matches!(line, Line::Refused(_)));
    match lines.into_iter().next_back() {
        Some(Line::Connectors(connectors)) if status.success() => {
            return Outcome { result: Ok(connectors), is_lasting: true };
        }
        // A missing dependency can be installed later.
        Some(Line::Error(reason)) if status.success() && was_refused => return Outcome::passing(reason),
        Some(Line::Error(reason)) if status.success() => return Outcome::lasting(reason),
        _ => {}
    }
    let complaint = complaints.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let complaint: String = complaint.map_or(String::new(), |line| format!(": {line}"));
    let complaint: String = complaint.chars().take(500).collect();
    Outcome::lasting(match (status.signal(), was_opened) {
        (Some(libc::SIGBUS), false) => {
            "the dynamic linker crashed (SIGBUS): the file is truncated or damaged".to_owned()
        }
        (Some(signal), false) => format!(
            "loading it crashed ({}): the file is damaged, or code that runs at load fails{complaint}",
            signal_name(signal)
        ),
        (Some(signal), true) => {
            format!("it crashed ({}) when asked what it offers{complaint}", signal_name(signal))
        }
        (None, _) if status.code() == Some(LINKER_GAVE_UP) => {
            format!("the dynamic linker gave up: the file is damaged{complaint}")
        }
        (None, _) => {
            let code = status.code().unwrap_or_default();
            format!("its code ended the process that tried it (exit code {code}){complaint}")
        }
    })
}

/// What the dynamic linker exits with after a failed assertion.
const LINKER_GAVE_UP: i32 = 127;

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSYS => "SIGSYS",
        libc::SIGTRAP => "SIGTRAP",
        other => return format!("signal {other}"),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw_status: i32, output: &str, complaints: &str, expected: &str, is_lasting: bool) {
        let outcome = verdict(ExitStatus::from_raw(raw_status), output, complaints);
        let reason = outcome.result.unwrap_err().to_string();
        assert!(reason.contains(expected), "{reason}");
        assert_eq!(outcome.is_lasting, is_lasting, "{reason}");
    }

    #[test]
    fn the_end_of_the_child_says_what_is_wrong_with_the_file() {
        let exit = |code: i32| code << 8;
        check(7, "", "", "the dynamic linker crashed (SIGBUS): the file is truncated or damaged", true);
        check(6, "", "free(): bad\n\n", "loading it crashed (SIGABRT)", true);
        check(6, "", "free(): bad\n\n", ": free(): bad", true);
        check(11, "{\"opened\":true}\n", "", "it crashed (SIGSEGV) when asked what it offers", true);
        check(exit(127), "", "Inconsistency detected", "gave up: the file is damaged: Inconsistency", true);
        check(exit(0), "noise of a constructor\n", "", "ended the process that tried it (exit code 0)", true);
        check(exit(0), "{\"error\":\"wrong magic\"}", "", "wrong magic", true);
        check(exit(0), "{\"refused\":true}\n{\"error\":\"libx.so: not found\"}", "", "not found", false);
    }

    #[test]
    fn a_good_answer_counts_only_when_the_child_ended_well() {
        let answer = "noise{\n{\"opened\":true}\n{\"connectors\":[]}\n";
        let good = verdict(ExitStatus::from_raw(0), answer, "");
        assert_eq!(good, Outcome { result: Ok(vec![]), is_lasting: true });
        check(11, answer, "", "it crashed (SIGSEGV)", true);
    }

    #[test]
    fn a_program_that_cannot_be_started_is_no_fault_of_the_file() {
        let outcome = Trial::new("/nowhere/at/all").of(Path::new("x.so"));
        assert!(!outcome.is_lasting);
        assert!(outcome.result.unwrap_err().as_str().starts_with("it cannot be tried: starting /nowhere"));
    }

    #[test]
    fn a_hanging_child_is_killed_with_what_it_started() {
        let trial = Trial {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), "sleep 1000 & wait".into()],
            time_limit: Duration::from_millis(200),
        };
        let outcome = trial.of(Path::new("x.so"));
        assert!(outcome.is_lasting);
        assert!(outcome.result.unwrap_err().as_str().contains("did not end within 0.2 s"));
    }
}
