//! What a person would do by hand: the table's stream, its point-in-time recovery, its export; each step once.
use std::time::{Duration, Instant};

use penstock_sdk::{Error, Level, Result, Task};

use crate::access::{Cause, Failure};
use crate::bucket::Bucket;
use crate::kinesis::{Stream, now_ms};

use super::control::{Control, Described, Destination, Exported};
use super::manifest::Manifest;
use super::settings::{Given, Settings};
use super::state::State;

/// One table's.
pub struct Setup<'a> {
    settings: &'a Settings,
    control: &'a Control,
    described: &'a Described,
    task: &'a Task,
}

/// What shall be stored, and what a person has to know then.
pub struct Next {
    pub state: State,
    pub error: Option<Error>,
}

impl<'a> Setup<'a> {
    pub fn new(
        settings: &'a Settings,
        control: &'a Control,
        described: &'a Described,
        task: &'a Task,
    ) -> Self {
        Self { settings, control, described, task }
    }

    /// The step that comes after a state; none when nothing is left but loading, or time has to pass.
    pub async fn next(&self, state: Option<&State>) -> Result<Option<Next>> {
        let next = match state {
            None => self.begin().await?,
            Some(State::Preparing { since_ms, token }) => {
                let age_ms = now_ms().saturating_sub(*since_ms) - self.margin_ms();
                if age_ms > TOKEN_MAX_MS { self.fresh() } else { self.export(*since_ms, token).await? }
            }
            Some(State::Exporting { since_ms, export }) => return self.wait(*since_ms, export).await,
            Some(State::Loading { .. } | State::Loaded { .. }) => return Ok(None),
        };
        Ok(Some(Next { state: next, error: None }))
    }

    /// Someone may have turned the stream off since: changes would be missing in silence.
    pub async fn look_after(&self, state: Option<&State>) -> Result<()> {
        let is_begun =
            matches!(state, Some(State::Exporting { .. } | State::Loading { .. } | State::Loaded { .. }));
        let (true, Some(arn)) = (is_begun, self.stream_arn().await?) else { return Ok(()) };
        let found = self.control.destination(&arn).await.map_err(|failure| self.control.error(&failure))?;
        if found.as_ref().is_some_and(|found| LIVING.contains(&found.status.as_str()))
            || self.settings.may_have_gap
        {
            return Ok(());
        }
        let status = found.map_or_else(|| "not connected".to_owned(), |found| found.status);
        Err(Error::config(format!(
            "table {}: its changes went to stream {arn} and no longer do ({status}), so some are lost; turn it on, then stop \
             the connector and reset its offsets (DELETE /connectors/NAME/offsets) for a new snapshot, or accept the loss \
             by dynamodb.export.gap.allowed=true",
            self.settings.table.name
        )))
    }

    async fn begin(&self) -> Result<State> {
        match &self.settings.export.given {
            Given::Nothing => {
                self.connect().await?;
                self.recover().await?;
                Ok(self.fresh())
            }
            Given::Arn(arn) => {
                let found = self.asked(self.control.describe_export(arn).await)?;
                let Some(time_ms) = found.time_ms else {
                    return Err(Error::retry(format!("export {arn}: it has no time yet")));
                };
                self.reach(time_ms).await?;
                Ok(State::Exporting { since_ms: time_ms - self.margin_ms(), export: found.arn })
            }
            Given::Path(path) => {
                let bucket = Bucket::open(&self.settings.export.bucket, &self.settings.s3).await?;
                let manifest = format!("{path}/manifest-summary.json");
                let found = Manifest::read(&bucket, &manifest).await?;
                self.reach(found.time_ms).await?;
                Ok(State::Loading {
                    since_ms: found.time_ms - self.margin_ms(),
                    export: found.export,
                    manifest,
                })
            }
        }
    }

    /// The time and the token are stored before the export is asked for: it is later than the time whatever happens.
    fn fresh(&self) -> State {
        let token = format!("{:032x}", fastrand::u128(..));
        State::Preparing { since_ms: now_ms() - self.margin_ms(), token }
    }

    async fn export(&self, since_ms: i64, token: &str) -> Result<State> {
        let asked = self.control.export(&self.described.arn, &self.settings.export, token).await;
        let found = match asked {
            // The token was used for something else, by an older form of the settings.
            Err(failure) if failure.reason.contains("ExportConflict") => return Ok(self.fresh()),
            asked => self.asked(asked)?,
        };
        self.task.log(Level::Info, &format!("export {} was started", found.arn));
        let earliest_ms = found.time_ms.map_or(since_ms, |time_ms| since_ms.min(time_ms - self.margin_ms()));
        Ok(State::Exporting { since_ms: earliest_ms, export: found.arn })
    }

    async fn wait(&self, since_ms: i64, arn: &str) -> Result<Option<Next>> {
        let Exported { status, reason, manifest, bucket, .. } =
            self.asked(self.control.describe_export(arn).await)?;
        let is_given = self.settings.export.given != Given::Nothing;
        match (status.as_str(), manifest) {
            ("COMPLETED", Some(manifest)) => {
                let own = &self.settings.export.bucket;
                if let Some(bucket) = bucket.filter(|bucket| bucket != own) {
                    return Err(Error::config(format!(
                        "dynamodb.export.bucket: export {arn} is in bucket {bucket}, got {own}"
                    )));
                }
                let state = State::Loading { since_ms, export: arn.into(), manifest };
                Ok(Some(Next { state, error: None }))
            }
            ("FAILED", _) => {
                let error = Error::config(format!("export {arn} has failed: {reason}"));
                if is_given {
                    return Err(error);
                }
                // Started again, the task makes another one.
                Ok(Some(Next { state: self.fresh(), error: Some(error) }))
            }
            _ => {
                tokio::time::sleep(LOOK).await;
                Ok(None)
            }
        }
    }

    /// Has the table's changes go to the stream, before anything depends on it.
    pub async fn connect(&self) -> Result<()> {
        let Some(arn) = self.stream_arn().await? else { return Ok(()) };
        let table = &self.settings.table.name;
        let (begun, mut is_asked) = (Instant::now(), false);
        loop {
            let found = self.asked(self.control.destination(&arn).await)?;
            match found.as_ref().map(|found| found.status.as_str()) {
                Some("ACTIVE") => {
                    self.remark(found.as_ref());
                    return Ok(());
                }
                Some("ENABLING" | "UPDATING") => {}
                // The one that was asked for is not listed yet, or the one before it is on its way out.
                None | Some("DISABLED" | "DISABLING") if is_asked => {}
                other if is_asked => {
                    let reason = found.as_ref().map(|found| found.reason.clone()).unwrap_or_default();
                    return Err(Error::config(format!(
                        "table {table}: stream {arn} could not be turned on: {}: {reason}",
                        other.unwrap_or_default()
                    )));
                }
                _ if !self.settings.enables => {
                    return Err(Error::config(format!(
                        "table {table}: its changes do not go to stream {arn}: turn it on with `aws dynamodb \
                         enable-kinesis-streaming-destination`, or set dynamodb.setup=enable"
                    )));
                }
                _ => {
                    self.passable(self.control.enable_destination(&arn).await)?;
                    self.task
                        .log(Level::Info, &format!("table {table}: its changes are sent to stream {arn}"));
                    is_asked = true;
                }
            }
            self.linger(begun, "its stream to become ACTIVE").await?;
        }
    }

    async fn recover(&self) -> Result<()> {
        let table = &self.settings.table.name;
        let (begun, mut is_asked) = (Instant::now(), false);
        while !self.asked(self.control.is_recoverable().await)? {
            if !self.settings.enables {
                return Err(Error::config(format!(
                    "table {table}: it has no point-in-time recovery, which an export needs: turn it on with `aws dynamodb \
                     update-continuous-backups`, or set dynamodb.setup=enable"
                )));
            }
            if !is_asked {
                self.passable(self.control.enable_recovery().await)?;
                self.task.log(Level::Info, &format!("table {table}: point-in-time recovery is turned on"));
                is_asked = true;
            }
            self.linger(begun, "its point-in-time recovery").await?;
        }
        Ok(())
    }

    /// A given export is of use only if the stream has all changes since.
    async fn reach(&self, time_ms: i64) -> Result<()> {
        let Some(stream) = self.stream().await? else { return Ok(()) };
        if self.settings.may_have_gap {
            return self.connect().await;
        }
        let found = stream.summary().await.map_err(|failure| stream.error(&failure))?;
        let kept_ms = now_ms() - found.retention_ms;
        let reason = if found.created_ms.is_some_and(|created| created > time_ms) {
            "the stream was made after it"
        } else if kept_ms > time_ms {
            "the stream keeps no changes of that time any more"
        } else {
            let destination = self.asked(self.control.destination(&found.arn).await)?;
            if destination.is_some_and(|found| LIVING.contains(&found.status.as_str())) {
                return Ok(());
            }
            "the table's changes do not go to the stream"
        };
        Err(Error::config(format!(
            "dynamodb.export.{}: changes since the export's time ({} s ago) are lost: {reason}; take a newer export or none, or \
             accept the loss by dynamodb.export.gap.allowed=true",
            if matches!(self.settings.export.given, Given::Arn(_)) { "arn" } else { "path" },
            (now_ms() - time_ms) / 1000
        )))
    }

    async fn stream(&self) -> Result<Option<Stream>> {
        match &self.settings.stream {
            Some(settings) => Stream::open(&settings.stream, &settings.access).await.map(Some),
            None => Ok(None),
        }
    }

    async fn stream_arn(&self) -> Result<Option<String>> {
        let Some(stream) = self.stream().await? else { return Ok(None) };
        stream.arn().await.map(Some).map_err(|failure| stream.error(&failure))
    }

    fn remark(&self, found: Option<&Destination>) {
        if found.is_some_and(|found| found.precision.as_deref() == Some("MILLISECOND")) {
            let message = "the stream's times have milliseconds: of changes of one item in the same one, that counts which \
                           stands later in the stream";
            self.task.log(Level::Info, message);
        }
    }

    fn margin_ms(&self) -> i64 {
        self.settings.margin.as_millis() as i64
    }

    fn asked<T>(&self, answer: Result<T, Failure>) -> Result<T> {
        answer.map_err(|failure| self.control.error(&failure))
    }

    /// Somebody else may have done the same a moment ago.
    fn passable(&self, answer: Result<(), Failure>) -> Result<()> {
        match answer {
            Err(failure) if failure.cause == Cause::InUse => Ok(()),
            answer => self.asked(answer),
        }
    }

    async fn linger(&self, begun: Instant, what: &str) -> Result<()> {
        if begun.elapsed() > LONGEST {
            return Err(Error::retry(format!(
                "table {}: waiting for {what} for {} s",
                self.settings.table.name,
                begun.elapsed().as_secs()
            )));
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}

const LIVING: [&str; 3] = ["ACTIVE", "ENABLING", "UPDATING"];
/// Between two questions for what takes minutes.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);
/// DynamoDB knows tokens for eight hours.
const TOKEN_MAX_MS: i64 = 6 * 3600 * 1000;
