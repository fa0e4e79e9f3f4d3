//! Holds what was started, and ends it in an order in which nothing misses what it needs.

use std::path::PathBuf;

use kafka::EmbeddedBroker;
use tempfile::{TempDir, TempPath};

use super::services::Services;
use super::topic::Borrowed;
use crate::failure::Failure;
use crate::run::serve::Running;
use crate::terminal;

/// Filled step by step, so that an end in the middle of the start finds all that was begun.
#[derive(Default)]
pub struct Stage {
    pub running: Option<Running>,
    /// A topic in a Kafka that is not ours.
    pub borrowed: Option<Borrowed>,
    pub services: Option<Services>,
    pub broker: Option<EmbeddedBroker>,
    /// The file sink's lines, the one thing that stays.
    pub output: Option<TempPath>,
    folder: Option<TempDir>,
}

impl Stage {
    /// For everything that goes away at the end.
    pub fn folder(&mut self) -> Result<PathBuf, Failure> {
        let made = tempfile::Builder::new().prefix("penstock-quickstart-").tempdir();
        let made = made.map_err(|error| Failure::Failed(format!("making a temporary folder: {error}")))?;
        Ok(self.folder.insert(made).path().to_owned())
    }

    /// An empty file with a name that nobody has.
    pub fn output(&mut self) -> Result<PathBuf, Failure> {
        let made = tempfile::Builder::new().prefix("penstock-quickstart-").suffix(".jsonl").tempfile();
        let made = made.map_err(|error| Failure::Failed(format!("making a temporary file: {error}")))?;
        Ok(self.output.insert(made.into_temp_path()).to_path_buf())
    }

    /// Goes on when one step fails: whatever can be ended is ended.
    pub async fn close(&mut self) -> Result<(), Failure> {
        let mut done = Ok(());
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        if let Some(borrowed) = self.borrowed.take() {
            done = done.and(borrowed.give_back().await);
        }
        if let Some(services) = self.services.take() {
            done = done.and(services.down().await);
        }
        self.broker = None;
        done.and(self.leave_output())
    }

    fn leave_output(&mut self) -> Result<(), Failure> {
        let Some(output) = self.output.take() else { return Ok(()) };
        if std::fs::metadata(&output).map_or(0, |data| data.len()) == 0 {
            // Dropped, and with it the file.
            return Ok(());
        }
        let kept = output.keep().map_err(|error| Failure::Failed(format!("keeping the records: {error}")))?;
        terminal::write(&format!("the records stay in {}\n", kept.display()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[tokio::test]
    async fn only_lines_of_the_file_sink_outlive_the_end() {
        let mut stage = Stage::default();
        let (folder, output) = (stage.folder().unwrap(), stage.output().unwrap());
        std::fs::write(folder.join("store"), "x").unwrap();
        std::fs::write(&output, "{}\n").unwrap();
        stage.close().await.unwrap();
        drop(stage);
        assert!(output.exists() && !folder.exists());
        std::fs::remove_file(output).unwrap();
    }

    #[tokio::test]
    async fn an_end_before_the_first_record_leaves_nothing() {
        let mut stage = Stage::default();
        let output = stage.output().unwrap();
        assert!(output.exists());
        stage.close().await.unwrap();
        assert!(!output.exists());
    }
}
