//! Settings that say where the servers are, how they are reached, and who asks.
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use penstock_sdk::{Config, Error, Result, Secret};

use super::parts::Properties;

/// How to get to the servers.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Never empty.
    pub hosts: Vec<Host>,
    pub login: Login,
    /// `None` when no server is reached by HTTPS.
    pub trust: Option<Trust>,
    pub proxy: Option<Proxy>,
    /// For a connection to stand, with proxy and TLS.
    pub timeout: Duration,
    compression: Compression,
}

/// What bytes on the way are compressed with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Compression {
    /// LZ4, but for a server on the same machine.
    Auto,
    Lz4,
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    pub url: String,
    /// Host and port, for messages.
    pub address: String,
}

#[derive(Clone, Debug)]
pub enum Login {
    Password {
        user: String,
        password: Secret,
    },
    /// The certificate of TLS stands for the password.
    Certificate {
        user: String,
    },
    Token(Secret),
}

/// What TLS goes by.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Without it, the authorities that browsers know.
    pub root: Option<Pem>,
    /// The certificate, with those that vouch for it, and its key.
    pub client: Option<(Pem, Pem)>,
    pub server_name: Option<String>,
}

/// Where certificates or a key are.
#[derive(Clone, Debug)]
pub enum Pem {
    File(String),
    Text(Secret),
}

#[derive(Clone, Debug)]
pub struct Proxy {
    /// Host and port.
    pub address: String,
    pub is_socks: bool,
    pub user: Option<String>,
    pub password: Secret,
}

impl Login {
    /// Their names.
    pub fn settings(&self) -> String {
        match self {
            Login::Password { .. } => "username and password".to_owned(),
            Login::Certificate { .. } => format!("username and {CERTIFICATE}"),
            Login::Token(_) => TOKEN.to_owned(),
        }
    }
}

impl Connection {
    pub fn parse(config: &Config, properties: &Properties) -> Result<Self> {
        let hosts = hosts(config, properties.ssl)?;
        let is_secure = hosts.iter().any(|host| host.url.starts_with("https:"));
        let trust = trust(config, properties, is_secure)?;
        let login = login(config, properties, trust.as_ref())?;
        let timeout = Duration::from_millis(properties.connect_timeout_ms.unwrap_or(CONNECT_TIMEOUT_MS));
        let compression = match text(config, "compression").unwrap_or_default().to_ascii_lowercase().as_str()
        {
            "lz4" => Compression::Lz4,
            "none" => Compression::None,
            _ => Compression::Auto,
        };
        Ok(Connection { hosts, login, trust, proxy: proxy(config)?, timeout, compression })
    }

    /// Whether bytes to this host are worth the time that compressing takes.
    pub fn is_compressed(&self, host: &Host) -> bool {
        match self.compression {
            Compression::Auto => self.proxy.is_some() || !host.is_this_machine(),
            Compression::Lz4 => true,
            Compression::None => false,
        }
    }
}

impl Host {
    /// By its name or address alone: nobody is asked.
    fn is_this_machine(&self) -> bool {
        let uri = self.url.parse::<hyper::Uri>().unwrap_or_default();
        let name = uri.host().unwrap_or_default();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

fn hosts(config: &Config, ssl_property: Option<bool>) -> Result<Vec<Host>> {
    let urls = config.list("url");
    let hosts: Vec<Host> = if urls.is_empty() {
        let ssl = match text(config, "ssl") {
            None => ssl_property.unwrap_or(false),
            Some(_) => config.flag("ssl", false)?,
        };
        let port: u16 = config.parsed("port")?.unwrap_or(if ssl { 8443 } else { 8123 });
        config.required("hostname")?;
        let names = config.list("hostname").into_iter();
        names
            .map(|name| host(name, ssl, port).ok_or_else(|| no_host(config, "hostname", name)))
            .collect::<Result<_>>()?
    } else {
        urls.into_iter().map(of_url).collect::<Result<_>>()?
    };
    if hosts.is_empty() {
        return Err(Error::config("hostname: expected at least one name between the commas"));
    }
    for (index, host) in hosts.iter().enumerate() {
        if hosts[..index].contains(host) {
            return Err(Error::config(format!("hostname: {} comes twice", host.address)));
        }
    }
    Ok(hosts)
}

/// `name`, `name:port`, `[v6]:port`, or an address of version 6 alone, which is full of colons.
fn host(text: &str, ssl: bool, port: u16) -> Option<Host> {
    let is_bare_v6 = !text.starts_with('[') && text.matches(':').count() > 1;
    let own_port = if is_bare_v6 || text.ends_with(']') { None } else { text.rsplit_once(':') };
    let (name, port) = match own_port {
        Some((name, own)) => (name, own.parse::<u16>().ok().filter(|port| *port > 0)?),
        None => (text, port),
    };
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
    let v6 = name.strip_prefix('[').map_or(is_bare_v6.then_some(name), |name| name.strip_suffix(']'));
    let name = match v6 {
        Some(v6) if v6.parse::<Ipv6Addr>().is_ok() => format!("[{v6}]"),
        None if !name.is_empty() && name.chars().all(is_part) => name.to_owned(),
        _ => return None,
    };
    let scheme = if ssl { "https" } else { "http" };
    Some(Host { url: format!("{scheme}://{name}:{port}"), address: format!("{name}:{port}") })
}

/// A login before the host's name is not shown, nor what a comma in its password makes of it.
fn no_host(config: &Config, key: &str, text: &str) -> Error {
    let has_login = config.get(key).is_some_and(|all| all.contains('@'));
    let got = if has_login { ", without user and password".to_owned() } else { format!(", got {text:?}") };
    Error::config(format!("{key}: expected a host name or an IP address{got}"))
}

/// A password in a URL would end up in messages, so it is refused; a path has no meaning to `ClickHouse`.
fn of_url(url: &str) -> Result<Host> {
    let expected = "url: expected http://host:port or https://host:port, without user, password and path";
    let (scheme, rest) = url.split_once("://").ok_or_else(|| Error::config(expected))?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let is_plain = !authority.is_empty() && !authority.contains(['/', '@', '?', '#', ' ']);
    if !is_plain || !matches!(scheme, "http" | "https") {
        return Err(Error::config(expected));
    }
    Ok(Host { url: format!("{scheme}://{authority}"), address: authority.to_owned() })
}

fn trust(config: &Config, properties: &Properties, is_secure: bool) -> Result<Option<Trust>> {
    let given = |key: &str, property: &Option<String>| {
        text(config, key).map(str::to_owned).or_else(|| property.clone())
    };
    let root = given(ROOT, &properties.root);
    let certificate = given(CERTIFICATE, &properties.certificate);
    let key = given(KEY, &properties.key);
    let server_name = text(config, SERVER_NAME).map(str::to_owned);
    if !is_secure {
        let unused = [(ROOT, &root), (CERTIFICATE, &certificate), (KEY, &key), (SERVER_NAME, &server_name)];
        return match unused.iter().find(|(_, value)| value.is_some()) {
            Some((key, _)) => Err(Error::config(format!("{key}: has no effect without ssl=true"))),
            None => Ok(None),
        };
    }
    let client = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((Pem::new(certificate), Pem::new(key))),
        (Some(_), None) => {
            return Err(Error::config(format!("{KEY}: a value is required beside {CERTIFICATE}")));
        }
        (None, Some(_)) => {
            return Err(Error::config(format!("{CERTIFICATE}: a value is required beside {KEY}")));
        }
    };
    Ok(Some(Trust { root: root.map(Pem::new), client, server_name }))
}

impl Pem {
    /// Comments may stand before what was pasted, and bytes that an editor put there.
    fn new(value: String) -> Self {
        match value.find("-----BEGIN") {
            Some(start) => Pem::Text(Secret::new(&value[start..])),
            None => Pem::File(value),
        }
    }
}

fn login(config: &Config, properties: &Properties, trust: Option<&Trust>) -> Result<Login> {
    let user = text(config, "username").unwrap_or("default").to_owned();
    let password = config.get("password").unwrap_or_default();
    let by_certificate = config.flag(BY_CERTIFICATE, properties.by_certificate)?;
    if let Some(token) = text(config, TOKEN) {
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::config(format!("{TOKEN}: expected a token without spaces")));
        }
        if !password.is_empty() || by_certificate {
            return Err(Error::config(format!(
                "{TOKEN}: stands in the place of a password: leave password and {BY_CERTIFICATE} out"
            )));
        }
        return Ok(Login::Token(Secret::new(token)));
    }
    if !by_certificate {
        return Ok(Login::Password { user, password: Secret::new(password) });
    }
    if trust.is_none_or(|trust| trust.client.is_none()) {
        return Err(Error::config(format!("{BY_CERTIFICATE}: needs ssl=true, {CERTIFICATE} and {KEY}")));
    }
    if !password.is_empty() {
        return Err(Error::config(format!(
            "{BY_CERTIFICATE}: the certificate stands for the password, which must be empty"
        )));
    }
    Ok(Login::Certificate { user })
}

fn proxy(config: &Config) -> Result<Option<Proxy>> {
    let kind = text(config, "proxyType").unwrap_or("IGNORE").to_ascii_uppercase();
    let is_socks = match kind.as_str() {
        "IGNORE" | "DIRECT" => return Ok(None),
        "HTTP" => false,
        "SOCKS" => true,
        other => {
            return Err(Error::config(format!(
                "proxyType: expected IGNORE, DIRECT, HTTP or SOCKS, got {other:?}"
            )));
        }
    };
    let needed = |key: &str| Error::config(format!("{key}: a value is required when proxyType is {kind}"));
    let name = text(config, "proxyHost").ok_or_else(|| needed("proxyHost"))?;
    let port: i64 = config.parsed("proxyPort")?.unwrap_or(-1);
    let port = u16::try_from(port).ok().filter(|port| *port > 0).ok_or_else(|| needed("proxyPort"))?;
    let host = host(name, false, port).ok_or_else(|| no_host(config, "proxyHost", name))?;
    let password = config.get("proxyPassword").unwrap_or_default().to_owned();
    let user = text(config, "proxyUser").map(str::to_owned);
    if user.is_none() && !password.is_empty() {
        return Err(Error::config("proxyUser: a value is required beside proxyPassword"));
    }
    Ok(Some(Proxy { address: host.address, is_socks, user, password: Secret::new(password) }))
}

fn text<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).map(str::trim).filter(|value| !value.is_empty())
}

pub const ROOT: &str = "sslRootCertificate";
pub const CERTIFICATE: &str = "sslClientCertificate";
pub const KEY: &str = "sslClientKey";
pub const SERVER_NAME: &str = "ssl_socket_sni";
const BY_CERTIFICATE: &str = "sslClientAuthentication";
const TOKEN: &str = "accessToken";
/// A server that is there answers much sooner; one behind a firewall that says nothing never does.
const CONNECT_TIMEOUT_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pairs: &[(&str, &str)]) -> Result<Connection> {
        let config: Config = pairs.iter().copied().collect();
        Connection::parse(&config, &Properties::parse(&config)?)
    }

    fn urls(pairs: &[(&str, &str)]) -> Vec<String> {
        parsed(pairs).unwrap().hosts.into_iter().map(|host| host.url).collect()
    }

    fn refused(pairs: &[(&str, &str)], expected: &str) {
        let pairs = [&[("hostname", "a")], pairs].concat();
        assert_eq!(parsed(&pairs).unwrap_err().message(), expected, "{pairs:?}");
    }

    #[test]
    fn several_hosts_have_ports_of_their_own_or_the_common_one() {
        assert_eq!(
            urls(&[("hostname", "a, b:9000,[::1]:7,::2"), ("port", "8124")]),
            ["http://a:8124", "http://b:9000", "http://[::1]:7", "http://[::2]:8124"]
        );
        assert_eq!(urls(&[("hostname", "a,b"), ("ssl", "true")]), ["https://a:8443", "https://b:8443"]);
        assert_eq!(urls(&[("url", "http://a:1, https://b:2/")]), ["http://a:1", "https://b:2"]);
        for bad in ["a:0", "a:x", "a:70000", "[::1", "a b", "::g", "[a]:1", "a/b"] {
            let error = parsed(&[("hostname", bad)]).unwrap_err();
            assert!(error.message().starts_with("hostname: expected a host name"), "{bad}: {error}");
        }
        assert!(parsed(&[("hostname", "a,a:8123")]).unwrap_err().message().ends_with("a:8123 comes twice"));
        assert!(parsed(&[("hostname", ",")]).is_err());
    }

    #[test]
    fn bytes_to_the_same_machine_are_not_compressed_unless_it_is_said() {
        let proxied = [("proxyType", "SOCKS"), ("proxyHost", "p"), ("proxyPort", "1")];
        let compressed = |hosts: &str, more: &[(&str, &str)]| -> Vec<bool> {
            let connection = parsed(&[&[("hostname", hosts)], more].concat()).unwrap();
            connection.hosts.iter().map(|host| connection.is_compressed(host)).collect()
        };
        let hosts = "LocalHost,127.3.2.1:9,[::1]:7,localhost.example,10.0.0.1,::2";
        let auto = [false, false, false, true, true, true];
        assert_eq!(compressed(hosts, &[]), auto);
        assert_eq!(compressed(hosts, &[("compression", "AUTO")]), auto);
        assert_eq!(compressed(hosts, &proxied), [true; 6], "the way leads over another machine");
        assert_eq!(compressed(hosts, &[("compression", "lz4")]), [true; 6]);
        assert_eq!(compressed(hosts, &[("compression", "None")]), [false; 6]);
        let connection = parsed(&[("url", "https://[::1],http://localhost/,http://a")]).unwrap();
        let of_urls: Vec<_> = connection.hosts.iter().map(|host| connection.is_compressed(host)).collect();
        assert_eq!(of_urls, [false, false, true]);
    }

    #[test]
    fn certificates_are_files_or_text_and_go_with_their_key() {
        let pairs = [
            ("hostname", "a"),
            ("ssl", "true"),
            ("sslRootCertificate", "/ca.pem"),
            (
                "jdbcConnectionProperties",
                "sslcert=/c.pem&sslkey=/k.pem&sslmode=strict&ssl_authentication=true",
            ),
        ];
        let connection = parsed(&pairs).unwrap();
        let trust = connection.trust.unwrap();
        assert!(matches!(trust.root, Some(Pem::File(path)) if path == "/ca.pem"));
        assert!(matches!(trust.client, Some((Pem::File(_), Pem::File(key))) if key == "/k.pem"));
        assert!(matches!(connection.login, Login::Certificate { user } if user == "default"));
        let text = parsed(&[("hostname", "a"), ("ssl", "true"), ("sslRootCertificate", "-----BEGIN X")]);
        assert!(matches!(text.unwrap().trust.unwrap().root, Some(Pem::Text(_))));
        refused(&[("sslRootCertificate", "/x")], "sslRootCertificate: has no effect without ssl=true");
        refused(&[("ssl_socket_sni", "b")], "ssl_socket_sni: has no effect without ssl=true");
        let half = [("ssl", "true"), ("sslClientCertificate", "/x")];
        refused(&half, "sslClientKey: a value is required beside sslClientCertificate");
        refused(
            &[("ssl", "true"), ("sslClientAuthentication", "true")],
            "sslClientAuthentication: needs ssl=true, sslClientCertificate and sslClientKey",
        );
        refused(
            &[("jdbcConnectionProperties", "sslmode=none")],
            "jdbcConnectionProperties: sslmode must be strict; name the server's authority in sslRootCertificate",
        );
    }

    #[test]
    fn a_pasted_certificate_or_key_is_text_whatever_stands_before_it() {
        for before in ["", " ", "\n\n", "\u{feff}", "# of the staging servers\n", "Bag Attributes\n  x: 1\n"]
        {
            let pasted = format!("{before}-----BEGIN PRIVATE KEY-----\nc2VjcmV0");
            let pairs = [
                ("hostname", "a"),
                ("ssl", "true"),
                ("sslClientCertificate", &pasted),
                ("sslClientKey", &pasted),
            ];
            let client = parsed(&pairs).unwrap().trust.unwrap().client;
            let Some((Pem::Text(certificate), Pem::Text(key))) = client else {
                panic!("{pasted:?}: {client:?}")
            };
            assert_eq!([certificate.reveal(), key.reveal()], [&pasted[before.len()..]; 2]);
        }
    }

    #[test]
    fn a_login_in_an_address_is_not_shown() {
        let told = |pairs: &[(&str, &str)]| parsed(pairs).unwrap_err().message().to_owned();
        let expected = "hostname: expected a host name or an IP address, without user and password";
        for bad in ["u:s3cret@a", "http://u:s3cret@a:8123", "a,u:s3cret@b:1", "[u:s3cret@a"] {
            assert_eq!(told(&[("hostname", bad)]), expected, "{bad}");
        }
        let proxy =
            [("hostname", "a"), ("proxyType", "HTTP"), ("proxyHost", "u:s3cret@p"), ("proxyPort", "1")];
        assert_eq!(told(&proxy), expected.replace("hostname", "proxyHost"));
        let properties = [("hostname", "a"), ("jdbcConnectionProperties", "password=x&s3cret")];
        assert!(!told(&properties).contains("s3cret"), "{}", told(&properties));
    }

    #[test]
    fn a_token_stands_in_the_place_of_a_password() {
        let connection = parsed(&[("hostname", "a"), ("accessToken", "e.y.J")]).unwrap();
        assert!(matches!(&connection.login, Login::Token(token) if token.reveal() == "e.y.J"));
        assert!(!format!("{connection:?}").contains("e.y.J"));
        refused(
            &[("accessToken", "t0ken"), ("password", "p")],
            "accessToken: stands in the place of a password: leave password and sslClientAuthentication out",
        );
        refused(&[("accessToken", "t0 ken")], "accessToken: expected a token without spaces");
    }

    #[test]
    fn proxies_need_an_address() {
        let all = [("proxyType", "http"), ("proxyHost", "p"), ("proxyPort", "3128"), ("proxyUser", "u")];
        let proxy = parsed(&[&[("hostname", "a")], &all[..]].concat()).unwrap().proxy.unwrap();
        assert_eq!((proxy.address.as_str(), proxy.is_socks), ("p:3128", false));
        assert!(parsed(&[("hostname", "a"), ("proxyType", "Direct")]).unwrap().proxy.is_none());
        refused(&[("proxyType", "SOCKS")], "proxyHost: a value is required when proxyType is SOCKS");
        refused(&all[..2], "proxyPort: a value is required when proxyType is HTTP");
        refused(&[("proxyType", "FTP")], "proxyType: expected IGNORE, DIRECT, HTTP or SOCKS, got \"FTP\"");
    }
}
