//! Reads the addresses that REST is served on.

use std::net::IpAddr;

use worker::settings::Listener;

/// One element of `listeners`, and whether an empty host was taken for loopback.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    pub listener: Listener,
    pub had_host: bool,
}

/// Java takes an empty host for every interface; here it is loopback, because nothing guards REST unless told to.
pub fn parse(text: &str) -> Result<Parsed, String> {
    let lower = text.to_ascii_lowercase();
    let expected = || "an address such as http://127.0.0.1:8083".to_owned();
    let (scheme, rest) = lower.split_once("://").ok_or_else(expected)?;
    let is_tls = match scheme {
        "http" => false,
        "https" => true,
        _ => return Err(expected()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = rest.rsplit_once(':').ok_or_else(expected)?;
    let port = port.parse().map_err(|_| "a port from 0 to 65535 after the last colon".to_owned())?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) if inner.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) => inner,
        Some(_) => return Err("an IPv6 address between the brackets".to_owned()),
        None if host.bytes().all(is_host_byte) => host,
        None => return Err(expected()),
    };
    let had_host = !host.is_empty();
    let host = if had_host { host } else { "127.0.0.1" };
    Ok(Parsed { listener: Listener { is_tls, host: host.to_owned(), port }, had_host })
}

pub fn is_loopback(listener: &Listener) -> bool {
    match listener.host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => listener.host == "localhost",
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, parse};

    fn check(given: &str, expected: Result<(&str, u16, bool), &str>) {
        let parsed =
            parse(given).map(|p| (p.listener.host.clone(), p.listener.port, is_loopback(&p.listener)));
        let expected = expected.map(|(host, port, is_local)| (host.to_owned(), port, is_local));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{given}");
    }

    #[test]
    fn addresses_that_java_accepts_are_read() {
        check("http://127.0.0.1:8083", Ok(("127.0.0.1", 8083, true)));
        check("HTTP://Localhost:0/", Ok(("localhost", 0, true)));
        check("http://0.0.0.0:8083", Ok(("0.0.0.0", 8083, false)));
        check("http://[::1]:1", Ok(("::1", 1, true)));
        check("http://[::ffff:127.0.0.1]:1", Ok(("::ffff:127.0.0.1", 1, true)));
        check("http://worker-1.example:80", Ok(("worker-1.example", 80, false)));
    }

    #[test]
    fn the_scheme_says_whether_it_is_encrypted() {
        assert!(parse("HTTPS://a:1").unwrap().listener.is_tls);
        assert!(!parse("http://a:1").unwrap().listener.is_tls);
    }

    #[test]
    fn an_empty_host_is_loopback() {
        check("http://:8083", Ok(("127.0.0.1", 8083, true)));
        assert!(!parse("http://:8083").unwrap().had_host);
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_its_reason() {
        check("ftp://a:1", Err("an address such as http://127.0.0.1:8083"));
        check("127.0.0.1:8083", Err("an address such as http://127.0.0.1:8083"));
        check("http://127.0.0.1", Err("an address such as http://127.0.0.1:8083"));
        check("http://a:65536", Err("a port from 0 to 65535 after the last colon"));
        check("http://[a]:1", Err("an IPv6 address between the brackets"));
        check("http://::1:1", Err("an address such as http://127.0.0.1:8083"));
        check("http://u:p@a:1", Err("an address such as http://127.0.0.1:8083"));
        check("", Err("an address such as http://127.0.0.1:8083"));
    }
}
