//! Takes connections in and lets them go: how many, for how long, and how they end at shutdown.
use crate::tls::Tls;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};

/// A worker has tens of clients; this leaves room for a careless one and stays far from the descriptor limit.
const CONNECTIONS_MAX: usize = 1024;

/// For the handshake of an encrypted connection.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// For a request's headers, and so also for an idle connection.
const HEADERS_TIME_MAX: Duration = Duration::from_secs(30);

/// A connection is renewed after this, so that a client that never reads its answer holds nothing for ever.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(300);

/// For the last request of a connection; longer than any single answer takes.
const LAST_REQUEST_TIME_MAX: Duration = Duration::from_secs(60);

/// For all requests under way when the worker shuts down.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// Bytes a connection may hold of a request that is not yet parsed.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Pause after a failed accept: without it a worker out of descriptors would spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A socket, and what is behind it.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// Absent for plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) router: Router,
}

/// Serves until `shutdown`, then drains.
pub(crate) async fn run(doors: &[Door], shutdown: impl Future<Output = ()>) {
    let (closing, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            accepted = accept(doors), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, door)) => {
                    let (tls, router) = (door.tls.clone(), door.router.clone());
                    connections.spawn(receive(stream, tls, router, closing.subscribe()));
                }
                Err(error) => {
                    warn!(%error, "cannot accept connections");
                    sleep(ACCEPT_BACKOFF).await;
                }
            },
        }
    }
    closing.send_replace(true);
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    };
    if timeout(DRAIN_TIME_MAX, drained).await.is_err() {
        debug!(left = connections.len(), "closing connections whose requests did not finish");
        connections.shutdown().await;
    }
}

/// The next connection at any of the doors.
async fn accept(doors: &[Door]) -> io::Result<(TcpStream, &Door)> {
    poll_fn(|context| {
        for door in doors {
            match door.listener.poll_accept(context) {
                Poll::Ready(Ok((stream, _))) => return Poll::Ready(Ok((stream, door))),
                // The client was gone before its turn came.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {
                    context.waker().wake_by_ref();
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    })
    .await
}

/// A connection's beginning: whether it is encrypted.
async fn receive(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    router: Router,
    mut closing: watch::Receiver<bool>,
) {
    // Answers are small and wait for nothing; a socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return converse(stream, router, closing).await };
    let Some(acceptor) = tls.acceptor() else { return };
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)) => shaken,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    match shaken {
        Ok(Ok(stream)) => converse(stream, router, closing).await,
        Ok(Err(error)) => debug!(%error, "no encrypted connection came about"),
        Err(_) => debug!("a client did not finish its handshake"),
    }
}

/// From the first request to the last.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    mut closing: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_TIME_MAX).max_buf_size(BUFFER_BYTES_MAX);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        _ = closing.wait_for(|closing| *closing) => {}
        () = sleep(CONNECTION_TIME_MAX) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = timeout(LAST_REQUEST_TIME_MAX, connection).await {
        log_end(ended);
    }
}

/// What a client does to its connection is nobody's alarm.
fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        debug!(%error, "connection broke off");
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!(%error, "a request's handling panicked");
    }
}

#[cfg(test)]
mod tests;
