//! Makes connections for the HTTP client: TCP, a proxy's tunnel, TLS, all within one bound of time.
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tower_service::Service;

use super::{Trouble, login, tls};
use crate::settings::Proxy;

/// Cheap to clone: the client clones it for each connection.
#[derive(Clone)]
pub struct Road {
    pub(super) http: HttpConnector,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// What the certificate has to say, where it is not the host's name.
    pub(super) name: Option<String>,
    /// For all steps together.
    pub(super) patience: Duration,
}

type Tcp = TokioIo<TcpStream>;
type Going = Pin<Box<dyn Future<Output = Result<Stream, Trouble>> + Send>>;

impl Service<Uri> for Road {
    type Response = Stream;
    type Error = Trouble;
    type Future = Going;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Going {
        let road = self.clone();
        Box::pin(async move {
            match tokio::time::timeout(road.patience, road.go(&to)).await {
                Ok(result) => result,
                Err(_) => Err(passing(format!("no connection within {} ms", road.patience.as_millis()))),
            }
        })
    }
}

impl Road {
    async fn go(&self, to: &Uri) -> Result<Stream, Trouble> {
        let is_secure = to.scheme_str() == Some("https");
        let (tcp, is_forwarded) = match &self.proxy {
            None => {
                let made = self.http.clone().call(to.clone()).await;
                (made.map_err(|error| passing(innermost(&error)))?, false)
            }
            Some(proxy) => self.pass(proxy, to, is_secure).await?,
        };
        match &self.tls {
            Some(config) if is_secure => {
                let name = self.name.as_deref().unwrap_or_else(|| to.host().unwrap_or_default());
                let connector = TlsConnector::from(Arc::clone(config));
                let made = connector.connect(tls::server_name(name)?, tcp.into_inner()).await;
                let stream = made.map_err(|error| tls::trouble(&error, name))?;
                Ok(Stream { io: Box::new(TokioIo::new(stream)), is_forwarded })
            }
            _ => Ok(Stream { io: Box::new(tcp), is_forwarded }),
        }
    }

    /// A connection to the proxy: a tunnel, or one on which it reads requests itself, which the answer says.
    async fn pass(&self, proxy: &Proxy, to: &Uri, is_secure: bool) -> Result<(Tcp, bool), Trouble> {
        let wrong = |reason: &str| passing(format!("proxy {}: {reason}", proxy.address));
        let at: Uri = format!("http://{}", proxy.address).parse().map_err(|_| wrong("no address"))?;
        if proxy.is_socks {
            let mut socks = SocksV5::new(at, self.http.clone());
            if let Some(user) = &proxy.user {
                socks = socks.with_auth(user.clone(), proxy.password.reveal().to_owned());
            }
            return socks.call(to.clone()).await.map(|tcp| (tcp, false)).map_err(|error| {
                let reason = error.to_string();
                let is_login = reason.contains("credentials") || reason.contains("authentication");
                let reason = if is_login { "it refuses proxyUser and proxyPassword" } else { &reason };
                Trouble { is_settings: is_login, ..wrong(reason) }
            });
        }
        if !is_secure {
            let made = self.http.clone().call(at).await;
            return made.map(|tcp| (tcp, true)).map_err(|error| wrong(&innermost(&error)));
        }
        let mut tunnel = Tunnel::new(at, self.http.clone());
        if let Some(login) = login(proxy) {
            tunnel = tunnel.with_auth(HeaderValue::try_from(login).map_err(|_| wrong("no login"))?);
        }
        tunnel.call(to.clone()).await.map(|tcp| (tcp, false)).map_err(|error| {
            let reason = innermost(&error);
            let is_login = reason.contains("authorization required");
            let reason = if is_login { "it wants a login: set proxyUser and proxyPassword" } else { &reason };
            Trouble { is_settings: is_login, ..wrong(reason) }
        })
    }
}

fn passing(sentence: String) -> Trouble {
    Trouble { sentence, is_settings: false }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// A connection, whatever it goes through.
pub struct Stream {
    io: Box<dyn Both>,
    /// A proxy reads the requests and wants them with the whole address.
    is_forwarded: bool,
}

trait Both: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Both for T {}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_read(context, into)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write_vectored(context, pieces)
    }
}
