//! Runs another program to its end, and takes everything along that it started when nobody waits any more.

use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// How it ended, and what it printed; its errors went to ours.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
}

/// The program gets a process group of its own: Ctrl-C on the terminal reaches this process alone, which then
/// ends the whole group. Dropping the future does the same.
pub async fn run(command: &mut Command) -> std::io::Result<Ended> {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut group = Group { leader: command.spawn()? };
    let mut stdout = Vec::new();
    if let Some(mut pipe) = group.leader.stdout.take() {
        pipe.read_to_end(&mut stdout).await?;
    }
    let status = group.leader.wait().await?;
    Ok(Ended { status, stdout: String::from_utf8_lossy(&stdout).into_owned() })
}

struct Group {
    leader: Child,
}

impl Drop for Group {
    fn drop(&mut self) {
        // Absent once it was waited for; until then nobody else can have this number.
        let Some(id) = self.leader.id() else { return };
        // The shell has the call built in, the program `kill` is missing on small machines.
        let kill = format!("kill -s TERM -- -{id}");
        let sent = std::process::Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
        if !sent.is_ok_and(|status| status.success()) {
            let _ = self.leader.start_kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::process::Command;

    #[tokio::test]
    async fn the_end_and_the_output_are_told() {
        let ended = run(Command::new("sh").args(["-c", "echo a=b; exit 3"])).await.unwrap();
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(3), "a=b\n"));
    }

    #[tokio::test]
    async fn children_of_a_program_end_with_the_wait_for_it() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        // The pipe closes when the last process that holds it is gone.
        command.args(["-c", "sleep 600 & sleep 600; true"]).stderr(writer);
        {
            let waiting = run(&mut command);
            let waited = tokio::time::timeout(Duration::from_millis(50), waiting).await;
            assert!(waited.is_err());
        }
        drop(command);
        let mut reader = tokio::process::ChildStderr::from_std(reader_of(reader)).unwrap();
        let mut said = Vec::new();
        let end = reader.read_to_end(&mut said);
        tokio::time::timeout(Duration::from_secs(30), end).await.expect("all are gone").unwrap();
    }

    fn reader_of(reader: std::io::PipeReader) -> std::process::ChildStderr {
        std::os::fd::OwnedFd::from(reader).into()
    }
}
