//! The way to a server: straight or through a proxy, plain or under TLS.
mod road;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::failure::Failure;
use crate::settings::{Connection, Proxy};
pub use road::Road;

/// What went wrong on the way, in words for a person.
#[derive(Debug)]
pub struct Trouble {
    pub sentence: String,
    /// Settings, here or on the other side, have to change: coming again alone helps nobody.
    pub is_settings: bool,
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

impl std::error::Error for Trouble {}

impl Road {
    /// Reads the certificates; connects to nothing yet.
    pub fn new(connection: &Connection) -> Result<Self, Failure> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        let tls = connection.trust.as_ref().map(tls::config).transpose()?.map(Arc::new);
        let name = connection.trust.as_ref().and_then(|trust| trust.server_name.clone());
        Ok(Road { http, proxy: connection.proxy.clone(), tls, name, patience: connection.timeout })
    }
}

/// A client that goes this way. `road` decides where its connections lead.
pub fn client(road: Road) -> clickhouse::Client {
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE_MAX)
        .build(road);
    clickhouse::Client::with_http_client(http)
}

/// What an error of a connection means that was there already: a server may refuse a certificate late.
pub fn trouble_of(error: &std::io::Error) -> Option<Trouble> {
    let inner = error.get_ref()?.downcast_ref()?;
    Some(tls::explain(inner, "the host"))
}

/// The value of `Authorization` for a proxy that asks for a login.
fn login(proxy: &Proxy) -> Option<String> {
    let user = proxy.user.as_ref()?;
    let pair = format!("{user}:{}", proxy.password.reveal());
    Some(format!("Basic {}", base64(pair.as_bytes())))
}

/// What a request that a proxy passes on has to say, for a server without TLS.
pub fn forwarded_login(connection: &Connection) -> Option<String> {
    connection.proxy.as_ref().filter(|proxy| !proxy.is_socks).and_then(login)
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for place in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const KEEPALIVE: Duration = Duration::from_secs(60);
/// The server ends connections that were idle for three seconds, if nobody told it otherwise.
const IDLE_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_pads_what_is_no_multiple_of_three() {
        for (given, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(given.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
