//! Where this worker is found: what it tells other workers, and the file for whoever started it.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use worker::settings::{Advertised, Listener};

/// The address that other workers and people are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub scheme: String,
    pub host: String,
    pub port: u16,
}

impl Address {
    /// What was set, else what a listener really got: the first of the scheme that was set, else the first
    /// `http` one, else the first, as in Java. A listener on every interface has no address to give, so the
    /// machine's name stands in.
    pub fn of(advertised: &Advertised, listeners: &[Listener], bound: &[SocketAddr]) -> Option<Self> {
        let wanted = advertised.scheme.as_deref().unwrap_or("http");
        let fits = |listener: &Listener| listener.scheme() == wanted;
        let at = listeners.iter().position(fits).unwrap_or(0);
        let (listener, bound) = (listeners.get(at)?, bound.get(at)?);
        let is_everywhere = listener.host.parse().is_ok_and(|address: IpAddr| address.is_unspecified());
        let own = || if is_everywhere { machine() } else { listener.host.clone() };
        Some(Self {
            scheme: advertised.scheme.clone().unwrap_or_else(|| listener.scheme().to_owned()),
            host: advertised.host.clone().unwrap_or_else(own),
            port: advertised.port.unwrap_or(bound.port()),
        })
    }

    /// `host:port`, as the status of a task names its worker.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }
}

/// Where a listener is really found, for the log.
pub fn bound_url(listener: &Listener, bound: SocketAddr) -> String {
    format!("{}://{}", listener.scheme(), authority(&listener.host, bound.port()))
}

/// The whole line is there or nothing is: a reader may look at any moment.
pub fn write(path: &Path, url: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    fs::write(&beside, format!("{url}\n"))?;
    fs::rename(&beside, path)
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "127.0.0.1".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Address, bound_url, machine, write};
    use worker::settings::{Advertised, Listener};

    fn check(advertised: &Advertised, host: &str, expected: &str) {
        let listener = Listener { is_tls: false, host: host.to_owned(), port: 0 };
        let bound = "127.0.0.1:4711".parse().unwrap();
        assert_eq!(Address::of(advertised, &[listener], &[bound]).unwrap().url(), expected);
    }

    #[test]
    fn the_address_is_what_was_set_or_what_was_bound() {
        let none = Advertised::default();
        check(&none, "127.0.0.1", "http://127.0.0.1:4711");
        check(&none, "localhost", "http://localhost:4711");
        check(&none, "::1", "http://[::1]:4711");
        check(&none, "0.0.0.0", &format!("http://{}:4711", machine()));
        check(&none, "::", &format!("http://{}:4711", machine()));
        let all = Advertised {
            host: Some("connect.example".to_owned()),
            port: Some(443),
            scheme: Some("https".to_owned()),
        };
        check(&all, "0.0.0.0", "https://connect.example:443");
    }

    #[test]
    fn of_several_listeners_the_one_of_the_scheme_is_advertised() {
        let listener = |is_tls, host: &str| Listener { is_tls, host: host.to_owned(), port: 0 };
        let (plain, secure) = (listener(false, "a"), listener(true, "b"));
        let bound = ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().unwrap());
        let check = |scheme: Option<&str>, listeners: &[Listener], expected: &str| {
            let advertised = Advertised { scheme: scheme.map(str::to_owned), ..Advertised::default() };
            assert_eq!(Address::of(&advertised, listeners, &bound).unwrap().url(), expected);
        };
        check(None, &[secure.clone(), plain.clone()], "http://a:2");
        check(None, &[secure.clone(), listener(true, "c")], "https://b:1");
        check(Some("https"), &[plain.clone(), secure.clone()], "https://b:2");
        check(Some("https"), &[plain.clone(), listener(false, "c")], "https://a:1");
        assert_eq!(Address::of(&Advertised::default(), &[], &[]), None);
    }

    #[test]
    fn an_ipv6_listener_is_shown_in_brackets() {
        let listener = Listener { is_tls: true, host: "::1".to_owned(), port: 0 };
        assert_eq!(bound_url(&listener, "[::1]:8443".parse().unwrap()), "https://[::1]:8443");
    }

    #[test]
    fn the_file_holds_one_line_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("address");
        write(&path, "http://old").unwrap();
        write(&path, "http://127.0.0.1:1").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "http://127.0.0.1:1\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
