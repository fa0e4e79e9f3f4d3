//! How REST is served: where, to whom, and with which certificates and headers.

use std::path::PathBuf;

use super::Properties;

#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// At least one.
    pub listeners: Vec<Listener>,
    pub admin: Admin,
    pub advertised: Advertised,
    /// Of `https` listeners, and of this worker where it is the client of another one.
    pub tls: Tls,
    /// Of `https` listeners that serve `/admin` alone.
    pub admin_tls: Tls,
    pub cross_origin: CrossOrigin,
    /// Added to every answer of `listeners`, in this order.
    pub response_headers: Vec<HeaderRule>,
    /// The JAAS file that says where users and passwords are; absent asks nobody who they are.
    pub users: Option<PathBuf>,
    pub signatures: Signatures,
}

/// Where REST is served; port 0 lets the system choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub is_tls: bool,
    /// A name or an address, IPv6 without its brackets.
    pub host: String,
    pub port: u16,
}

impl Listener {
    pub fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }
}

/// Where `/admin` is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admin {
    /// On the listeners of everything else.
    Beside,
    Nowhere,
    /// On listeners of its own, and there alone.
    At(Vec<Listener>),
}

/// What other workers and users are told to call, where it differs from the listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advertised {
    pub host: Option<String>,
    pub port: Option<u16>,
    /// `http` or `https`, the latter also for a worker behind a TLS proxy.
    pub scheme: Option<String>,
}

/// Java's `ssl.*` settings of a listener.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tls {
    /// What stood before `ssl.` in the worker's settings: `listeners.https.`, or nothing.
    pub prefix: &'static str,
    /// Without the prefix.
    pub settings: Properties,
}

/// Which pages of other origins may read answers; without origins no answer says anything about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrossOrigin {
    /// Patterns that fit a whole origin, or `*`.
    pub origins: Vec<String>,
    /// Empty means GET, POST and HEAD.
    pub methods: Vec<String>,
}

/// One header that answers get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    /// Whether it stands beside another header of its name, or gives way to it.
    pub is_added: bool,
    pub name: String,
    pub value: HeaderText,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderText {
    Fixed(String),
    /// The date so many milliseconds from the answer.
    DateAfterMs(i64),
}

/// How workers prove to each other that a request is one of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// What this worker signs with, one of `accepted`.
    pub algorithm: String,
    pub accepted: Vec<String>,
}
