//! Opens the sockets that settings name.
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::net::{TcpListener, lookup_host};
use worker::settings::Listener;

/// Why the server cannot run, as one sentence for the person who started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Listens there; port 0 is any free port.
pub(crate) async fn bind(listener: &Listener) -> Result<TcpListener, Error> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in addresses(listener).await? {
        match TcpListener::bind(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(taken(listener)),
            Err(error) => last = error,
        }
    }
    Err(Error::new(format!("{}: cannot listen here: {last}", url(listener))))
}

/// `https://host:port`, with brackets around an IPv6 address.
fn url(listener: &Listener) -> String {
    let Listener { host, port, .. } = listener;
    let scheme = listener.scheme();
    if host.contains(':') {
        format!("{scheme}://[{host}]:{port}")
    } else {
        format!("{scheme}://{host}:{port}")
    }
}

fn taken(listener: &Listener) -> Error {
    let url = url(listener);
    Error::new(format!(
        "{url} is already in use by another program: stop it or choose another address with --listen"
    ))
}

/// What to try, in this order.
async fn addresses(listener: &Listener) -> Result<Vec<SocketAddr>, Error> {
    let found = lookup_host((listener.host.as_str(), listener.port)).await;
    let unresolved =
        |error| Error::new(format!("{}: cannot resolve {}: {error}", url(listener), listener.host));
    let mut found: Vec<_> = found.map_err(unresolved)?.collect();
    // Clients that resolve `localhost` themselves try IPv4 as well; some know nothing else.
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> Listener {
        Listener { is_tls: false, host: host.to_owned(), port }
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let first = bind(&at("127.0.0.1", 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = bind(&Listener { is_tls: true, ..at("127.0.0.1", port) }).await.unwrap_err().to_string();
        let expected =
            "is already in use by another program: stop it or choose another address with --listen";
        assert_eq!(error, format!("https://127.0.0.1:{port} {expected}"));
    }

    #[tokio::test]
    async fn names_can_be_bound_and_unknown_ones_are_told() {
        assert!(bind(&at("localhost", 0)).await.is_ok());
        let error = bind(&at("no-such-host.invalid", 0)).await.unwrap_err().to_string();
        assert!(error.starts_with("http://no-such-host.invalid:0: cannot resolve"), "{error}");
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        assert_eq!(url(&at("::1", 8083)), "http://[::1]:8083");
    }
}
