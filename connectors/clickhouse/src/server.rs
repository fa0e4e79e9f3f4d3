//! One `ClickHouse` server over HTTP: queries, and inserts of Native blocks.
use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use clickhouse::error::Error as ClientError;
use clickhouse::insert_formatted::{CompressedData, InsertFormatted};
use clickhouse::query::BytesCursor;
use clickhouse::{Client, Compression};
use tokio::runtime::{Builder, Runtime};

use crate::failure::{Cause, Failure};
use crate::json::Cursor;
use crate::native::Insert;
use crate::settings::Settings;

/// The client has no thread of its own: it makes progress while a call waits for it.
pub struct Server {
    runtime: Runtime,
    client: Client,
    /// Host and port, for messages.
    address: String,
    query_timeout: Duration,
    insert_timeout: Duration,
    /// Small pieces of a block wait here for company: compressing few bytes at a time compresses little.
    gathered: RefCell<Vec<u8>>,
}

impl Server {
    /// Does not connect yet.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(Cause::Other, error.to_string()))?;
        let mut client = Client::default()
            .with_url(&settings.url)
            .with_user(&settings.username)
            .with_password(settings.password.reveal())
            .with_compression(Compression::Lz4)
            .with_product_info("penstock", env!("CARGO_PKG_VERSION"));
        for (name, value) in &settings.parameters {
            client = client.with_setting(name, value);
        }
        Ok(Server {
            runtime,
            client,
            address: settings.address.clone(),
            query_timeout: settings.query_timeout,
            insert_timeout: settings.insert_timeout,
            gathered: RefCell::new(Vec::with_capacity(CHUNK)),
        })
    }

    /// Rows of text columns. Values go in as parameters, never as part of the statement.
    pub fn query(&self, sql: &str, parameters: &[(&str, &str)]) -> Result<Vec<Vec<String>>, Failure> {
        let mut query = self.client.query_raw(sql);
        for (name, value) in parameters {
            query = query.param(name, *value);
        }
        let bytes = self.wait(self.query_timeout, async {
            query.fetch_bytes("JSONCompactStringsEachRow")?.collect().await
        })?;
        rows(&bytes).ok_or_else(|| self.context(Failure::new(Cause::Busy, "unreadable answer")))
    }

    /// Asks for rows that are read piece by piece.
    pub fn stream(&self, sql: &str, format: &str, settings: &[(&str, &str)]) -> Result<Stream, Failure> {
        let mut query = self.client.query_raw(sql);
        for (name, value) in settings {
            query = query.with_setting(*name, *value);
        }
        // Connects in the background, so it has to be inside of the runtime.
        let _inside = self.runtime.enter();
        let started = query.fetch_bytes(format).map_err(|error| self.context(Failure::from_client(&error)));
        started.map(|cursor| Stream { cursor })
    }

    /// Appends the next bytes of an answer to `out`, unless none come within `limit`.
    pub fn piece(&self, stream: &mut Stream, out: &mut Vec<u8>, limit: Duration) -> Result<Piece, Failure> {
        let next = self.runtime.block_on(async { tokio::time::timeout(limit, stream.cursor.next()).await });
        match next {
            Err(_) => Ok(Piece::Late),
            Ok(Ok(None)) => Ok(Piece::End),
            Ok(Ok(Some(bytes))) => {
                out.extend_from_slice(&bytes);
                Ok(Piece::Bytes)
            }
            Ok(Err(error)) => Err(self.context(Failure::from_client(&error))),
        }
    }

    /// Sends an insert and waits until the server has stored it. The server drops a block that comes again
    /// with the same `token` within the table's deduplication window.
    pub fn insert(&self, sql: &str, insert: &Insert<'_>, token: Option<&str>) -> Result<(), Failure> {
        self.wait(self.insert_timeout, async {
            let mut request = self.client.insert_formatted_with(sql);
            for (name, value) in INSERT_SETTINGS {
                request = request.with_setting(*name, *value);
            }
            if let Some(token) = token {
                for (name, value) in TOKEN_SETTINGS {
                    request = request.with_setting(*name, *value);
                }
                request = request.with_setting("insert_deduplication_token", token);
            }
            let sent = self.send(&mut request, insert).await;
            // A server that refuses an insert answers before it has read all of it. Its answer says more than
            // the connection that broke on the way.
            request.end().await.and(sent)
        })
    }

    /// Long pieces are compressed where they lie, short ones together.
    async fn send(&self, request: &mut InsertFormatted, insert: &Insert<'_>) -> Result<(), ClientError> {
        let mut gathered = self.gathered.take();
        gathered.clear();
        for piece in &insert.pieces {
            if gathered.len() + piece.len() > CHUNK && !gathered.is_empty() {
                send_chunk(request, &gathered).await?;
                gathered.clear();
            }
            if piece.len() < CHUNK {
                gathered.extend_from_slice(piece);
                continue;
            }
            for chunk in piece.chunks(CHUNK) {
                send_chunk(request, chunk).await?;
            }
        }
        if !gathered.is_empty() {
            send_chunk(request, &gathered).await?;
        }
        self.gathered.replace(gathered);
        Ok(())
    }

    fn wait<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, Failure> {
        let limited = self.runtime.block_on(async { tokio::time::timeout(limit, work).await });
        let result = match limited {
            Ok(result) => result.map_err(|error| Failure::from_client(&error)),
            Err(_) => Err(Failure::new(Cause::Busy, format!("no answer within {} ms", limit.as_millis()))),
        };
        result.map_err(|failure| self.context(failure))
    }

    /// Says whose failure it is.
    pub fn context(&self, failure: Failure) -> Failure {
        failure.within(&format!("clickhouse {}", self.address))
    }
}

/// An answer on its way.
pub struct Stream {
    cursor: BytesCursor,
}

/// What came of waiting for a piece of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    Bytes,
    Late,
    End,
}

async fn send_chunk(request: &mut InsertFormatted, chunk: &[u8]) -> Result<(), ClientError> {
    request.send_compressed(CompressedData::new(chunk, Compression::Lz4)?).await
}

fn rows(bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.lines().map(row).collect()
}

fn row(line: &str) -> Option<Vec<String>> {
    let mut json = Cursor::new(line);
    if json.peek() != b'[' {
        return None;
    }
    json.enter().ok()?;
    let mut fields = Vec::new();
    let mut more = json.any(b']').ok()?;
    while more {
        fields.push(json.string().ok()?.into_owned());
        more = json.more(b']').ok()?;
    }
    json.end().ok()?;
    Some(fields)
}

/// What the sink relies on, whatever the user or a profile says: 200 means stored, NULL in a column that has
/// none means its DEFAULT, and a column that a block leaves out takes its DEFAULT.
pub const INSERT_SETTINGS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("wait_end_of_query", "1"),
    ("input_format_null_as_default", "1"),
    ("input_format_defaults_for_omitted_fields", "1"),
    ("input_format_skip_unknown_fields", "1"),
    ("input_format_native_allow_types_conversion", "1"),
];

/// What makes a token count: the server looks at it, also for tables behind materialized views, and an insert is one
/// block, stored or dropped as a whole.
pub const TOKEN_SETTINGS: &[(&str, &str)] = &[
    ("insert_deduplicate", "1"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("min_insert_block_size_rows", "1000000000"),
    ("min_insert_block_size_bytes", "0"),
];

/// Bytes that are compressed together.
const CHUNK: usize = 1 << 20;
