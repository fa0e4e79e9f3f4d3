//! Opens the sockets that settings and flags name as `http://host:port`.
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpListener, lookup_host};

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

/// Listens on `http://host:port`. An empty host means every address of the machine, port 0 any free port.
pub async fn bind(url: &str) -> Result<TcpListener, Error> {
    let (host, port) = parse(url)?;
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in addresses(url, host, port).await? {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(taken(url)),
            Err(error) => last = error,
        }
    }
    Err(Error::new(format!("{url}: cannot listen here: {last}")))
}

fn taken(url: &str) -> Error {
    Error::new(format!(
        "{url} is already in use by another program: stop it or choose another address with --listen"
    ))
}

fn parse(url: &str) -> Result<(&str, u16), Error> {
    let expected = || Error::new(format!("{url}: expected an address like http://127.0.0.1:8083"));
    let (scheme, rest) = url.split_once("://").ok_or_else(expected)?;
    if scheme.eq_ignore_ascii_case("https") {
        return Err(Error::new(format!("{url}: https is not supported yet, expected http://host:port")));
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(expected());
    }
    let (host, port) = rest.strip_suffix('/').unwrap_or(rest).rsplit_once(':').ok_or_else(expected)?;
    let port =
        port.parse().map_err(|_| Error::new(format!("{url}: expected a port 0..=65535, got {port:?}")))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) if bare.parse::<Ipv6Addr>().is_ok() => Ok((bare, port)),
        None if !host.contains(['[', ']', ':', '/', '@']) => Ok((host, port)),
        _ => Err(expected()),
    }
}

/// What to try, in this order.
async fn addresses(url: &str, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    if host.is_empty() {
        // The first takes IPv4 too where the system does so; the second is for machines without IPv6.
        let every = [IpAddr::from(Ipv6Addr::UNSPECIFIED), IpAddr::from(Ipv4Addr::UNSPECIFIED)];
        return Ok(every.map(|ip| SocketAddr::new(ip, port)).into());
    }
    let found = lookup_host((host, port)).await;
    let mut found: Vec<_> =
        found.map_err(|error| Error::new(format!("{url}: cannot resolve {host}: {error}")))?.collect();
    // Clients that resolve `localhost` themselves try IPv4 as well; some know nothing else.
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_operators_write_them() {
        let check = |url, expected| assert_eq!(parse(url).ok(), expected, "{url}");
        check("http://127.0.0.1:8083", Some(("127.0.0.1", 8083)));
        check("HTTP://localhost:0/", Some(("localhost", 0)));
        check("http://:8083", Some(("", 8083)));
        check("http://[::1]:8083", Some(("::1", 8083)));
        check("http://connect-1.example:80", Some(("connect-1.example", 80)));
        check("http://[::1", None);
        check("http://::1:8083", None);
        check("http://[x]:8083", None);
        check("http://host", None);
        check("http://host:", None);
        check("http://host:99999", None);
        check("http://host:80/path", None);
        check("http://user@host:80", None);
        check("127.0.0.1:8083", None);
        check("ftp://host:80", None);
        check("", None);
    }

    #[test]
    fn https_is_refused_with_its_own_sentence() {
        let error = parse("https://:8443").unwrap_err().to_string();
        assert_eq!(error, "https://:8443: https is not supported yet, expected http://host:port");
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let first = bind("http://127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", first.local_addr().unwrap());
        let error = bind(&url).await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{url} is already in use by another program: stop it or choose another address with --listen"
            )
        );
    }

    #[tokio::test]
    async fn an_empty_host_and_a_name_can_be_bound() {
        assert!(bind("http://:0").await.is_ok());
        assert!(bind("http://localhost:0").await.is_ok());
        assert!(bind("http://no-such-host.invalid:0").await.is_err());
    }
}
