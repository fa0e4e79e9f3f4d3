//! A bucket of S3, or of anything that speaks its language: objects listed, read and written.
mod failure;
mod place;
mod request;
#[cfg(test)]
mod tests;
mod upload;
mod xml;

use std::sync::Arc;

use bytes::Bytes;
use penstock_sdk::Result;

use crate::access::{Access, Cause, Failure};

#[allow(unused_imports, reason = "sources read what sinks write")]
pub use place::is_bucket;
pub use request::Body;
use request::{Request, Sender};
pub use upload::Upload;

/// One bucket, for whoever the settings say. Clones share connections and credentials.
#[derive(Clone, Debug)]
pub struct Bucket {
    sender: Arc<Sender>,
}

/// What a listing or a look says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    pub size: u64,
    /// Without quotes. Another one means other content.
    pub etag: String,
    /// Milliseconds since 1970, where it was told.
    pub modified_ms: Option<i64>,
}

/// A part of a listing, in the order of the keys' bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Object>,
    /// What [`Bucket::list`] wants for the next part; none when this was the last.
    pub next: Option<String>,
}

/// Where a listing begins.
#[derive(Clone, Copy, Debug)]
pub enum From<'a> {
    Start,
    /// Keys that are greater than this one.
    After(&'a str),
    /// [`Page::next`].
    Next(&'a str),
}

impl Bucket {
    /// Asks for nothing but the region, where no setting names it.
    pub async fn open(name: &str, access: &Access) -> Result<Self> {
        Ok(Self { sender: Arc::new(Sender::open(name, access).await?) })
    }

    pub fn name(&self) -> &str {
        self.sender.bucket()
    }

    /// At most a thousand objects whose keys begin with `prefix`.
    pub async fn list(&self, prefix: &str, from: From<'_>) -> Result<Page, Failure> {
        let mut request = Request::new("GET", LIST, None)
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("prefix", prefix);
        match from {
            From::Start => {}
            From::After(key) => request = request.query("start-after", key),
            From::Next(token) => request = request.query("continuation-token", token),
        }
        let answer = self.sender.text(&request).await.map_err(of_bucket)?;
        xml::listing(&answer).map_err(|reason| Failure::transient(LIST, reason))
    }

    /// Size and etag.
    pub async fn head(&self, key: &str) -> Result<Object, Failure> {
        let answer = self.sender.send(&Request::new("HEAD", GET, Some(key))).await?;
        let size = answer.header("content-length").and_then(|text| text.parse().ok());
        let Some(size) = size else { return Err(Failure::transient(GET, "an answer without a length")) };
        Ok(Object { key: key.into(), size, etag: answer.etag(), modified_ms: answer.modified_ms() })
    }

    /// Bytes of an object as they come. With an etag, only of the object that has it: another one, or none, is a failure by
    /// [`Cause::Changed`] or [`Cause::Gone`].
    pub async fn get(
        &self,
        key: &str,
        range: Option<(u64, u64)>,
        etag: Option<&str>,
    ) -> Result<Body, Failure> {
        let mut request = Request::new("GET", GET, Some(key));
        if let Some((start, end)) = range {
            request = request.header("range", format!("bytes={start}-{}", end.saturating_sub(1)));
        }
        if let Some(etag) = etag {
            request = request.header("if-match", format!("\"{etag}\""));
        }
        let answer = self.sender.send(&request).await?;
        // Not every server looks at the condition.
        if etag.is_some_and(|etag| answer.etag() != etag) {
            let reason = format!("expected the etag {:?}, got {:?}", etag.unwrap_or_default(), answer.etag());
            return Err(Failure { cause: Cause::Changed, action: GET, reason });
        }
        if range.is_some() && answer.status != 206 {
            return Err(Failure::transient(
                GET,
                format!("a part was asked for, and status {} came", answer.status),
            ));
        }
        Ok(answer.into_body(GET))
    }

    /// The bytes from `range.0` to before `range.1`, all of them.
    pub async fn range(&self, key: &str, range: (u64, u64), etag: Option<&str>) -> Result<Bytes, Failure> {
        let wanted = range.1.saturating_sub(range.0) as usize;
        if wanted == 0 {
            return Ok(Bytes::new());
        }
        let found = self.collect(key, (Some(range), etag), wanted).await?;
        if found.len() != wanted {
            return Err(Failure::transient(GET, format!("expected {wanted} bytes, got {}", found.len())));
        }
        Ok(found)
    }

    /// A whole object of at most `bytes_max`.
    pub async fn read(&self, key: &str, bytes_max: usize) -> Result<Bytes, Failure> {
        self.collect(key, (None, None), bytes_max).await
    }

    async fn collect(
        &self,
        key: &str,
        (range, etag): (Option<(u64, u64)>, Option<&str>),
        bytes_max: usize,
    ) -> Result<Bytes, Failure> {
        let mut tried = 0;
        loop {
            let failure = match self.get(key, range, etag).await {
                Ok(body) => match body.collect(bytes_max).await {
                    Err(failure) => failure,
                    done => return done,
                },
                Err(failure) => failure,
            };
            self.sender.pause(&mut tried, failure).await?;
        }
    }

    /// Writes an object, in the place of one that is there. Returns its etag.
    pub async fn put(&self, key: &str, data: Bytes) -> Result<String, Failure> {
        let answer = self.sender.send(&Request::new("PUT", PUT, Some(key)).body(data)).await?;
        Ok(answer.etag())
    }

    /// Writes an object whose size is not known yet. Nothing is seen of it before it is finished.
    pub async fn upload(&self, key: &str) -> Result<Upload, Failure> {
        Upload::begin(Arc::clone(&self.sender), key).await
    }

    /// Creates the bucket; fine if it is there and one's own. For tests: who reads or writes has no business with it.
    #[cfg(test)]
    pub async fn create(&self) -> Result<(), Failure> {
        match self.sender.send(&Request::new("PUT", "s3:CreateBucket", None)).await {
            Err(failure) if !failure.reason.contains("BucketAlreadyOwnedByYou") => Err(failure),
            _ => Ok(()),
        }
    }
}

/// Of a request that names no object.
fn of_bucket(failure: Failure) -> Failure {
    let cause = if failure.cause == Cause::Gone { Cause::Missing } else { failure.cause };
    Failure { cause, ..failure }
}

/// The actions as policies name them.
pub const LIST: &str = "s3:ListBucket";
pub const GET: &str = "s3:GetObject";
pub const PUT: &str = "s3:PutObject";
