//! Reads a request's body into memory: so much, for so long, and no further.
use crate::fault::Fault;
use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use hyper::StatusCode;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Far more than the mebibyte that Kafka takes as a record by default: what is too large to be stored is refused by
/// what it says, as Java does.
pub(crate) const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Nearly all bodies are smaller. Larger ones take turns, so that a thousand clients cannot fill the memory.
const SMALL_BYTES_MAX: usize = 64 * 1024;
static LARGE: Semaphore = Semaphore::const_new(8);

/// A body that is too large is read on up to here and thrown away, because many clients look for an answer only
/// after they have sent everything.
const DISCARD_BYTES_MAX: usize = 16 * 1024 * 1024;

const TIME_MAX: Duration = Duration::from_secs(10);

/// A body in memory, and the turn it took if it is a large one.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _turn: Option<SemaphorePermit<'static>>,
}

impl Held {
    pub(crate) fn empty() -> Self {
        Self { bytes: Bytes::new(), _turn: None }
    }
}

/// The whole body.
pub(crate) async fn read(body: Body) -> Result<Held, Fault> {
    read_within(TIME_MAX, body).await
}

async fn read_within(limit: Duration, body: Body) -> Result<Held, Fault> {
    timeout(limit, collect(body)).await.unwrap_or_else(|_| {
        let message = format!("body: expected within {} s, got only a part of it", limit.as_secs());
        Err(Fault::new(StatusCode::REQUEST_TIMEOUT, message))
    })
}

async fn collect(mut body: Body) -> Result<Held, Fault> {
    let mut kept = Vec::new();
    let mut turn = None;
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Fault::invalid(format!("body: cannot be read: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > DISCARD_BYTES_MAX {
            break;
        }
        if seen > SMALL_BYTES_MAX && turn.is_none() {
            turn = Some(LARGE.acquire().await.map_err(|_| too_large())?);
        }
        if seen <= BYTES_MAX {
            kept.extend_from_slice(&data);
        }
    }
    if seen <= BYTES_MAX { Ok(Held { bytes: kept.into(), _turn: turn }) } else { Err(too_large()) }
}

fn too_large() -> Fault {
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, format!("body: expected at most {BYTES_MAX} bytes, got more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    #[tokio::test]
    async fn a_body_of_just_the_limit_is_read() {
        let body = vec![b'x'; BYTES_MAX];
        assert_eq!(read(Body::from(body.clone())).await.unwrap().bytes, body);
    }

    #[tokio::test]
    async fn a_larger_body_is_refused_with_the_limit() {
        let fault = read(Body::from(vec![b'x'; BYTES_MAX + 1])).await.unwrap_err();
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(fault.message, "body: expected at most 8388608 bytes, got more");
    }

    #[tokio::test]
    async fn an_endless_body_is_not_read_for_ever() {
        let fault = read(Body::new(Endless)).await.unwrap_err();
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_refused() {
        let fault = read_within(Duration::ZERO, Body::new(Stalled)).await.unwrap_err();
        assert_eq!(fault.status, StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn large_bodies_take_turns_and_small_ones_do_not_wait() {
        let large = || Body::from(vec![b'x'; SMALL_BYTES_MAX + 1]);
        let mut held = Vec::new();
        // Other tests of this process hold turns for moments only.
        while held.len() < 8 {
            held.push(read(large()).await.unwrap());
        }
        assert!(read(Body::from(vec![b'x'; SMALL_BYTES_MAX])).await.is_ok());
        let fault = read_within(Duration::ZERO, large()).await.unwrap_err();
        assert_eq!(fault.status, StatusCode::REQUEST_TIMEOUT);
        drop(held);
        assert!(read(large()).await.is_ok());
    }

    struct Endless;

    impl hyper::body::Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 8192])))))
        }
    }

    struct Stalled;

    impl hyper::body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }
}
