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
    /// What was set, else what the first listener really got; a listener on every interface has no address
    /// to give, so the machine's name stands in.
    pub fn of(advertised: &Advertised, listener: &Listener, bound: SocketAddr) -> Self {
        let is_everywhere = listener.host.parse().is_ok_and(|address: IpAddr| address.is_unspecified());
        let own = || if is_everywhere { machine() } else { listener.host.clone() };
        Self {
            scheme: advertised.scheme.clone().unwrap_or_else(|| "http".to_owned()),
            host: advertised.host.clone().unwrap_or_else(own),
            port: advertised.port.unwrap_or(bound.port()),
        }
    }

    /// `host:port`, as the status of a task names its worker.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }
}

/// What a listener is asked to bind.
pub fn bind_url(listener: &Listener) -> String {
    format!("http://{}", authority(&listener.host, listener.port))
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
    use super::{Address, bind_url, machine, write};
    use worker::settings::{Advertised, Listener};

    fn check(advertised: &Advertised, host: &str, expected: &str) {
        let listener = Listener { host: host.to_owned(), port: 0 };
        let bound = "127.0.0.1:4711".parse().unwrap();
        assert_eq!(Address::of(advertised, &listener, bound).url(), expected);
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
    fn an_ipv6_listener_is_bound_in_brackets() {
        assert_eq!(bind_url(&Listener { host: "::1".to_owned(), port: 8083 }), "http://[::1]:8083");
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
