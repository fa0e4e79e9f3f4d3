//! Answers that are read piece by piece.
use std::time::{Duration, Instant};

use clickhouse::query::BytesCursor;

use super::Server;
use crate::failure::{Cause, Failure};

/// An answer on its way.
pub struct Stream {
    cursor: BytesCursor,
    host: usize,
    asked: Instant,
}

/// What came of waiting for a piece of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    Bytes,
    Late,
    End,
}

impl Server {
    /// Asks for rows that are read piece by piece.
    pub fn stream(&self, sql: &str, format: &str, settings: &[(&str, &str)]) -> Result<Stream, Failure> {
        let picked = self.hosts.borrow_mut().pick(Instant::now(), &[]);
        let Some(host) = picked else { return Err(Failure::new(Cause::Away, "no host to ask")) };
        let mut query = self.reached[host].client.query_raw(sql);
        for (name, value) in settings {
            query = query.with_setting(*name, *value);
        }
        // Connects in the background, so it has to be inside of the runtime.
        let _inside = self.runtime.enter();
        let asked = Instant::now();
        let started = query.fetch_bytes(format);
        let cursor = started.map_err(|error| self.fault((host, asked), Failure::from_client(&error)))?;
        Ok(Stream { cursor, host, asked })
    }

    /// Appends the next bytes of an answer to `out`, unless none come within `limit`.
    pub fn piece(&self, stream: &mut Stream, out: &mut Vec<u8>, limit: Duration) -> Result<Piece, Failure> {
        let next = self.runtime.block_on(async { tokio::time::timeout(limit, stream.cursor.next()).await });
        match next {
            Err(_) => Ok(Piece::Late),
            Ok(Ok(None)) => Ok(Piece::End),
            Ok(Ok(Some(bytes))) => {
                self.hosts.borrow_mut().answered(stream.host);
                out.extend_from_slice(&bytes);
                Ok(Piece::Bytes)
            }
            Ok(Err(error)) => Err(self.blame(stream, Failure::from_client(&error))),
        }
    }

    /// Says whose failure it is: that of the host whose answer this is, which is set aside if it is at fault.
    pub fn blame(&self, stream: &Stream, failure: Failure) -> Failure {
        self.fault((stream.host, stream.asked), failure)
    }
}
