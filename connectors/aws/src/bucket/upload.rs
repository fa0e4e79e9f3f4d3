//! Objects whose size is not known when their writing begins: parts, sent side by side.
use std::fmt::Write;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::task::JoinSet;

use super::PUT;
use super::request::{Request, Sender};
use super::xml;
use crate::access::{Cause, Failure};

/// An object that is being written. It has to be finished or aborted: parts that are left cost money, unless the bucket
/// has a rule that clears them away.
pub struct Upload {
    sender: Arc<Sender>,
    key: Arc<str>,
    id: Arc<str>,
    waiting: BytesMut,
    sending: JoinSet<Result<(u32, String), Failure>>,
    sent: Vec<(u32, String)>,
    parts: u32,
}

impl Upload {
    pub(super) async fn begin(sender: Arc<Sender>, key: &str) -> Result<Self, Failure> {
        let answer = sender.text(&Request::new("POST", PUT, Some(key)).query("uploads", "")).await?;
        let id = xml::upload_id(&answer).map_err(|reason| Failure::transient(PUT, reason))?;
        Ok(Self {
            sender,
            key: key.into(),
            id: id.into(),
            waiting: BytesMut::new(),
            sending: JoinSet::new(),
            sent: Vec::new(),
            parts: 0,
        })
    }

    /// Takes more of the object; waits while enough parts are on their way.
    pub async fn write(&mut self, mut data: &[u8]) -> Result<(), Failure> {
        while !data.is_empty() {
            let room = self.part_bytes() - self.waiting.len();
            let (now, later) = data.split_at(room.min(data.len()));
            self.waiting.extend_from_slice(now);
            data = later;
            if self.waiting.len() >= self.part_bytes() {
                self.part().await?;
            }
        }
        Ok(())
    }

    /// Makes an object of what was written. Returns its etag. After a failure nothing is left of it.
    pub async fn finish(mut self) -> Result<String, Failure> {
        let outcome = self.complete().await;
        if outcome.is_err() {
            self.abort().await;
        }
        outcome
    }

    /// Leaves nothing behind, as far as the service is there to be told.
    pub async fn abort(mut self) {
        // A part that arrives later would be kept.
        self.sending.shutdown().await;
        let request = Request::new("DELETE", ABORT, Some(&self.key)).query("uploadId", &self.id);
        // Whoever aborts has a reason to tell already, and a rule of the bucket clears away what stays.
        let _ = self.sender.send(&request).await;
    }

    async fn complete(&mut self) -> Result<String, Failure> {
        if !self.waiting.is_empty() || self.parts == 0 {
            self.part().await?;
        }
        while !self.sending.is_empty() {
            self.arrived().await?;
        }
        self.sent.sort_unstable();
        let mut list = String::from("<CompleteMultipartUpload>");
        for (number, etag) in &self.sent {
            let _ =
                write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag></Part>");
        }
        list.push_str("</CompleteMultipartUpload>");
        let request =
            Request::new("POST", PUT, Some(&self.key)).query("uploadId", &self.id).body(list.into());
        let mut tried = 0;
        loop {
            let failure = match self.sender.text(&request).await.map(|answer| xml::finished(&answer)) {
                Ok(Ok(etag)) => return Ok(etag),
                Ok(Err((code, said))) => Failure::answered(PUT, &code, &said, 500),
                // It may have been finished by a request whose answer was lost.
                Err(Failure { cause: Cause::Gone, reason, .. }) => {
                    return Err(Failure::transient(PUT, reason));
                }
                Err(failure) => failure,
            };
            self.sender.pause(&mut tried, failure).await?;
        }
    }

    async fn part(&mut self) -> Result<(), Failure> {
        while self.sending.len() >= SIDE_BY_SIDE {
            self.arrived().await?;
        }
        self.parts += 1;
        let (number, data) = (self.parts, self.waiting.split().freeze());
        let (sender, key, id) = (Arc::clone(&self.sender), Arc::clone(&self.key), Arc::clone(&self.id));
        self.sending.spawn(async move { send(&sender, &key, &id, (number, data)).await });
        Ok(())
    }

    async fn arrived(&mut self) -> Result<(), Failure> {
        match self.sending.join_next().await {
            Some(Ok(part)) => self.sent.push(part?),
            Some(Err(error)) => return Err(Failure::unanswered(PUT, &error)),
            None => {}
        }
        Ok(())
    }

    /// There are at most ten thousand parts: later ones are larger.
    fn part_bytes(&self) -> usize {
        PART_BYTES << (self.parts / 2000)
    }
}

async fn send(sender: &Sender, key: &str, id: &str, part: (u32, Bytes)) -> Result<(u32, String), Failure> {
    let (number, data) = part;
    let request = Request::new("PUT", PUT, Some(key))
        .query("partNumber", &number.to_string())
        .query("uploadId", id)
        .body(data);
    Ok((number, sender.send(&request).await?.etag()))
}

const ABORT: &str = "s3:AbortMultipartUpload";
/// Five megabytes at least, but for the last.
const PART_BYTES: usize = 8 << 20;
/// Memory is that many parts, and the one that grows.
const SIDE_BY_SIDE: usize = 3;
