//! A token endpoint on loopback that signs nothing, over HTTP or HTTPS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};

use crate::broker::file;

pub struct Endpoint {
    pub url: String,
    state: Arc<State>,
}

struct State {
    life: Duration,
    is_away: AtomicBool,
    given: AtomicUsize,
    asked: Mutex<Vec<String>>,
    acceptor: Option<SslAcceptor>,
}

impl Endpoint {
    pub fn start(life: Duration) -> Self {
        Self::serve(life, None)
    }

    /// With the broker's own certificate.
    pub fn start_tls(life: Duration) -> Self {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_private_key_file(file("server.key"), SslFiletype::PEM).unwrap();
        acceptor.set_certificate_chain_file(file("server.crt")).unwrap();
        Self::serve(life, Some(acceptor.build()))
    }

    fn serve(life: Duration, acceptor: Option<SslAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/token", listener.local_addr().unwrap());
        let state = Arc::new(State {
            life,
            is_away: AtomicBool::new(false),
            given: AtomicUsize::new(0),
            asked: Mutex::default(),
            acceptor,
        });
        let served = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that does not trust the certificate hangs up.
                let _ = served.accept(stream);
            }
        });
        Self { url, state }
    }

    /// Tokens given so far.
    pub fn given(&self) -> usize {
        self.state.given.load(Ordering::Acquire)
    }

    /// While it is away it answers 503.
    pub fn set_away(&self, is_away: bool) {
        self.state.is_away.store(is_away, Ordering::Release);
    }

    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }
}

impl State {
    fn accept(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        match &self.acceptor {
            None => self.answer(stream),
            Some(acceptor) => self.answer(acceptor.accept(stream).map_err(std::io::Error::other)?),
        }
    }

    fn answer(&self, stream: impl Read + Write) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let at = head.len();
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
            if let Some(value) = head[at..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (status, answer) = self.decide(&head);
        self.asked.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
        write!(
            reader.get_mut(),
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )
    }

    /// Of the client `me` with the secret `s3`.
    fn decide(&self, head: &str) -> (u16, String) {
        let wanted = openssl::base64::encode_block(b"me:s3");
        if self.is_away.load(Ordering::Acquire) {
            (503, "hunter2".into())
        } else if !head.contains(&format!("Basic {wanted}")) {
            (401, r#"{"error":"invalid_client","error_description":"hunter2"}"#.into())
        } else {
            self.given.fetch_add(1, Ordering::AcqRel);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let claims = format!(
                r#"{{"sub":"me","iat":{},"exp":{}}}"#,
                now.as_secs_f64(),
                (now + self.life).as_secs_f64()
            );
            let encode = |text: &str| {
                let text = openssl::base64::encode_block(text.as_bytes());
                text.trim_end_matches('=').replace('+', "-").replace('/', "_")
            };
            let token = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims));
            (
                200,
                format!(
                    r#"{{"access_token":"{token}","token_type":"bearer","expires_in":{}}}"#,
                    self.life.as_secs()
                ),
            )
        }
    }
}
