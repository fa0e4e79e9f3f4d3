//! `ClickHouse` over HTTP: queries, and inserts of Native blocks, by one of several hosts.
mod stream;

use std::cell::RefCell;
use std::future::Future;
use std::task::Poll;
use std::time::{Duration, Instant};

use clickhouse::error::Error as ClientError;
use clickhouse::insert_formatted::{CompressedData, InsertFormatted};
use clickhouse::{Client, Compression};
use tokio::runtime::{Builder, Runtime};

use crate::connect::{self, Road};
use crate::failure::{Cause, Failure, Reach};
use crate::hosts::Hosts;
use crate::json::Cursor;
use crate::native::Insert;
use crate::settings::{Host, Login, Settings};
pub use stream::{Piece, Stream};

/// The client has no thread of its own: it makes progress while a call waits for it.
pub struct Server {
    runtime: Runtime,
    reached: Vec<Reached>,
    hosts: RefCell<Hosts>,
    query_timeout: Duration,
    insert_timeout: Duration,
    async_insert: bool,
    /// The settings that say who asks.
    login: String,
    /// Nothing is waited for beyond this.
    deadline: Option<Instant>,
    /// Small pieces of a block wait here for company: compressing few bytes at a time compresses little.
    gathered: RefCell<Vec<u8>>,
}

/// One host.
struct Reached {
    client: Client,
    /// For messages.
    address: String,
    is_compressed: bool,
}

/// One insert on its way.
pub struct Sending<'a> {
    pub statement: String,
    pub insert: Insert<'a>,
    /// The server drops a block that comes again with the same token within the table's deduplication window.
    pub token: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// May be asked twice.
    Question,
    /// Creates or alters something, which takes its time.
    Statement,
    Insert,
}

/// Asked right before a request is sent; an error is the answer then.
pub type Check<'a> = &'a dyn Fn() -> Result<(), Failure>;

impl Server {
    /// Does not connect yet.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(Cause::Other, error.to_string()))?;
        let connection = &settings.connection;
        let mut client =
            connect::client(Road::new(connection)?).with_product_info("penstock", env!("CARGO_PKG_VERSION"));
        client = match &connection.login {
            Login::Password { user, password } => client.with_user(user).with_password(password.reveal()),
            Login::Certificate { user } => client.with_user(user).with_header(BY_CERTIFICATE, "on"),
            Login::Token(token) => client.with_access_token(token.reveal()),
        };
        for (name, value) in &settings.parameters {
            client = client.with_setting(name, value);
        }
        let of_host = |host: &Host| {
            let is_compressed = connection.is_compressed(host);
            let compression = if is_compressed { Compression::Lz4 } else { Compression::None };
            let client = client.clone().with_url(&host.url).with_compression(compression);
            let client = match connect::forwarded_login(connection) {
                Some(login) if host.url.starts_with("http:") => {
                    client.with_header("Proxy-Authorization", login)
                }
                _ => client,
            };
            Reached { client, address: host.address.clone(), is_compressed }
        };
        Ok(Server {
            runtime,
            reached: connection.hosts.iter().map(of_host).collect(),
            hosts: RefCell::new(Hosts::new(connection.hosts.len(), settings.task)),
            query_timeout: settings.query_timeout,
            insert_timeout: settings.insert_timeout,
            async_insert: settings.async_insert,
            login: connection.login.settings(),
            deadline: None,
            gathered: RefCell::new(Vec::with_capacity(CHUNK)),
        })
    }

    /// Every call gives up at this time.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    pub fn has_several_hosts(&self) -> bool {
        self.reached.len() > 1
    }

    /// How often a host was set aside since this was asked last.
    pub fn take_set_aside(&self) -> u64 {
        self.hosts.borrow_mut().take_set_aside()
    }

    /// Rows of text columns. Values go in as parameters, never as part of the statement.
    pub fn query(&self, sql: &str, parameters: &[(&str, &str)]) -> Result<Vec<Vec<String>>, Failure> {
        self.ask(Kind::Question, sql, parameters, &|| Ok(()))
    }

    /// Creates or alters something. It is sent to one host, and to another only if there was no connection: what got no
    /// answer may have been carried out.
    pub fn run(&self, sql: &str, check: Check<'_>) -> Result<(), Failure> {
        self.ask(Kind::Statement, sql, &[], check).map(drop)
    }

    fn ask(
        &self,
        kind: Kind,
        sql: &str,
        parameters: &[(&str, &str)],
        check: Check<'_>,
    ) -> Result<Vec<Vec<String>>, Failure> {
        let ask = async |host: &Reached| {
            let mut query = host.client.query_raw(sql);
            for (name, value) in parameters {
                query = query.param(name, *value);
            }
            query.fetch_bytes("JSONCompactStringsEachRow")?.collect().await
        };
        let asked = self.of_some_host(kind, check, ask);
        let (bytes, host) = self.runtime.block_on(asked)?;
        rows(&bytes).ok_or_else(|| self.context(host, Failure::new(Cause::Busy, "unreadable answer")))
    }

    /// Sends an insert and waits until the server has stored it. Answers how long that took.
    pub fn insert(&self, sending: &Sending<'_>, check: Check<'_>) -> Result<Duration, Failure> {
        self.runtime.block_on(self.send_whole(sending, check))
    }

    /// As [`Self::insert`], all at the same time.
    pub fn insert_all(&self, sendings: &[Sending<'_>], check: Check<'_>) -> Vec<Result<Duration, Failure>> {
        let waiting = sendings.iter().map(|sending| self.send_whole(sending, check)).collect();
        self.runtime.block_on(together(waiting))
    }

    async fn send_whole(&self, sending: &Sending<'_>, check: Check<'_>) -> Result<Duration, Failure> {
        let started = Instant::now();
        let send = async |host: &Reached| {
            let mut request = host.client.insert_formatted_with(&sending.statement);
            for (name, value) in INSERT_SETTINGS {
                request = request.with_setting(*name, *value);
            }
            if self.async_insert {
                request = request.with_setting("async_insert", "1");
            }
            if let Some(token) = &sending.token {
                for (name, value) in TOKEN_SETTINGS {
                    request = request.with_setting(*name, *value);
                }
                request = request.with_setting("insert_deduplication_token", token);
            }
            let sent = self.send(host, &mut request, &sending.insert).await;
            // A server that refuses an insert answers before it has read all of it. Its answer says more than
            // the connection that broke on the way.
            request.end().await.and(sent)
        };
        self.of_some_host(Kind::Insert, check, send).await.map(|_| started.elapsed())
    }

    /// Asks the hosts in turn, each at most once. What was sent to one and is no question is not sent to another in the
    /// same call: that is for the caller to decide, who knows whether it does harm. Answers the host as well.
    async fn of_some_host<T>(
        &self,
        kind: Kind,
        check: Check<'_>,
        work: impl AsyncFn(&Reached) -> Result<T, ClientError>,
    ) -> Result<(T, usize), Failure> {
        let mut tried = Vec::new();
        let mut last = Failure::new(Cause::Away, "no host to ask");
        loop {
            let picked = self.hosts.borrow_mut().pick(Instant::now(), &tried);
            let Some(host) = picked else { return Err(last) };
            check()?;
            let (limit, asked) = (self.limit(kind), Instant::now());
            let failure = match tokio::time::timeout(limit, work(&self.reached[host])).await {
                Ok(Ok(value)) => {
                    self.hosts.borrow_mut().answered(host);
                    return Ok((value, host));
                }
                Ok(Err(error)) => Failure::from_client(&error),
                Err(_) => Failure::silence(format!("no answer within {} ms", limit.as_millis())),
            };
            if !failure.is_hosts() {
                self.hosts.borrow_mut().answered(host);
            }
            let failure = self.fault((host, asked), failure);
            let may_go_on = kind == Kind::Question || failure.reach == Reach::Nowhere;
            if !failure.is_hosts() || !may_go_on || limit.is_zero() {
                return Err(failure);
            }
            tried.push(host);
            last = failure;
        }
    }

    /// Long pieces are compressed where they lie, short ones together.
    async fn send(
        &self,
        host: &Reached,
        request: &mut InsertFormatted,
        insert: &Insert<'_>,
    ) -> Result<(), ClientError> {
        let mut gathered = self.gathered.take();
        gathered.clear();
        for piece in &insert.pieces {
            if gathered.len() + piece.len() > CHUNK && !gathered.is_empty() {
                host.send_chunk(request, &gathered).await?;
                gathered.clear();
            }
            if piece.len() < CHUNK {
                gathered.extend_from_slice(piece);
                continue;
            }
            for chunk in piece.chunks(CHUNK) {
                host.send_chunk(request, chunk).await?;
            }
        }
        if !gathered.is_empty() {
            host.send_chunk(request, &gathered).await?;
        }
        self.gathered.replace(gathered);
        Ok(())
    }

    fn limit(&self, kind: Kind) -> Duration {
        let limit = match kind {
            Kind::Question => self.query_timeout,
            Kind::Statement | Kind::Insert => self.insert_timeout,
        };
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        left.map_or(limit, |left| limit.min(left))
    }

    /// Sets the host aside if it is at fault, and names it. It was asked at this time.
    fn fault(&self, (host, asked): (usize, Instant), failure: Failure) -> Failure {
        if failure.is_hosts() {
            self.hosts.borrow_mut().set_aside(host, asked, Instant::now());
        }
        self.context(host, failure)
    }

    fn context(&self, host: usize, mut failure: Failure) -> Failure {
        if failure.is_login() {
            failure.sentence = format!("{}; see {}", failure.sentence, self.login);
        }
        failure.within(&format!("clickhouse {}", self.reached[host].address))
    }
}

impl Reached {
    async fn send_chunk(&self, request: &mut InsertFormatted, chunk: &[u8]) -> Result<(), ClientError> {
        if self.is_compressed {
            return request.send_compressed(CompressedData::new(chunk, Compression::Lz4)?).await;
        }
        // The client keeps what it sends, and the block's memory is needed again.
        request.send(chunk.to_vec().into()).await
    }
}

/// Waits for all of few futures.
async fn together<T>(waiting: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = waiting.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut waiting {
            if done.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
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
    ("wait_for_async_insert", "1"),
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

/// Header by which a user says that the certificate stands for the password.
const BY_CERTIFICATE: &str = "X-ClickHouse-SSL-Certificate-Auth";
/// Bytes that are compressed together.
const CHUNK: usize = 1 << 20;
