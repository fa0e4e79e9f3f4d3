//! Ways to the server that tests go: TLS, proxies, and servers that misbehave. Their threads end with the process.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, both in PEM.
pub struct Leaf {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    pub fn leaf(&self, name: &str) -> Leaf {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Leaf { certificate, key: key.serialize_pem() }
    }
}

/// `host:port` of the real server.
pub fn real() -> String {
    let url = super::config(&[]).get("url").unwrap().to_owned();
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

/// The real server behind TLS, which asks for certificates of an authority if one is given. Answers the port.
pub fn behind_tls(own: &Leaf, clients: Option<&Authority>) -> u16 {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(own.certificate.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let config = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        listener.set_nonblocking(true).unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((near, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut near) = acceptor.accept(near).await else { return };
                    let mut far = tokio::net::TcpStream::connect(real()).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    });
    port
}

/// What a server or proxy was asked: the lines of each request's head.
pub type Heads = Arc<Mutex<Vec<Vec<String>>>>;

/// A proxy that tunnels and passes on; with `login` it wants this value of `Proxy-Authorization`.
pub fn proxy(login: Option<&'static str>) -> (u16, Heads) {
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    let port = serve(move |near| {
        let mut reader = BufReader::new(near.try_clone().unwrap());
        let Some(head) = head(&mut reader) else { return };
        let target = head[0].split(' ').nth(1).unwrap().to_owned();
        let is_welcome = login.is_none_or(|login| {
            head.iter().any(|line| line.eq_ignore_ascii_case(&format!("proxy-authorization: {login}")))
        });
        seen.lock().unwrap().push(head.clone());
        if !is_welcome {
            let _ =
                (&near).write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        if head[0].starts_with("CONNECT ") {
            let far = TcpStream::connect(&target).unwrap();
            (&near).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            return join(reader, &near, &far);
        }
        let (address, path) = target.trim_start_matches("http://").split_once('/').unwrap();
        let far = TcpStream::connect(address).unwrap();
        let request = head[0].replace(&target, &format!("/{path}"));
        // One request a connection: the next may be for another server.
        let rest = head[1..].iter().filter(|line| !line.to_ascii_lowercase().starts_with("proxy-"));
        let rest: Vec<_> = rest.map(String::as_str).collect();
        write!(&far, "{request}\r\n{}\r\nConnection: close\r\n\r\n", rest.join("\r\n")).unwrap();
        join(reader, &near, &far);
    });
    (port, heads)
}

/// A SOCKS proxy of version 5 that wants this user and password.
pub fn socks(user: &'static str, password: &'static str) -> u16 {
    serve(move |near| {
        let _ = greet(&near, (user, password));
    })
}

/// `None` when the client leaves on the way.
fn greet(mut near: &TcpStream, (user, password): (&str, &str)) -> Option<()> {
    let methods = usize::from(take(near, 2)?[1]);
    let method = if take(near, methods)?.contains(&2) { 2 } else { 0xff };
    near.write_all(&[5, method]).ok()?;
    let length = usize::from(take(near, 2)?[1]);
    let given_user = take(near, length)?;
    let length = usize::from(take(near, 1)?[0]);
    let is_welcome = given_user == user.as_bytes() && take(near, length)? == password.as_bytes();
    near.write_all(&[1, u8::from(!is_welcome)]).ok()?;
    let is_v4 = take(near, 4)?[3] == 1;
    let length = if is_v4 { 4 } else { usize::from(take(near, 1)?[0]) };
    let name = take(near, length)?;
    let dotted = || name.iter().map(u8::to_string).collect::<Vec<_>>().join(".");
    let host = if is_v4 { dotted() } else { String::from_utf8(name).ok()? };
    let port = take(near, 2)?;
    let far = TcpStream::connect((host, u16::from_be_bytes([port[0], port[1]]))).ok()?;
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    join(BufReader::new(near.try_clone().ok()?), near, &far);
    Some(())
}

fn take(mut near: &TcpStream, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    near.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A server that gives every request this answer, after having read its head.
pub fn answering(answer: &'static str) -> (u16, Heads) {
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    let port = serve(move |near| {
        let mut reader = BufReader::new(near.try_clone().unwrap());
        while let Some(head) = head(&mut reader) {
            let length = head
                .iter()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let _ = std::io::copy(&mut (&mut reader).take(length.unwrap_or(0)), &mut std::io::sink());
            seen.lock().unwrap().push(head);
            if (&near).write_all(answer.as_bytes()).is_err() || answer.is_empty() {
                return;
            }
        }
    });
    (port, heads)
}

/// Inserts reach the real server; each of their answers is thrown away with the connection while `loses` says so.
pub fn losing_answers(loses: Arc<Mutex<bool>>) -> u16 {
    serve(move |near| {
        let far = TcpStream::connect(real()).unwrap();
        let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || copy(from, &to));
        let mut answers = BufReader::new(far);
        while let Ok(bytes @ [_, ..]) = answers.fill_buf() {
            if *loses.lock().unwrap() || (&near).write_all(bytes).is_err() {
                let _ = near.shutdown(Shutdown::Both);
                return;
            }
            let length = bytes.len();
            answers.consume(length);
        }
    })
}

/// What becomes of a statement.
#[derive(Clone, Copy)]
pub enum Twist {
    /// It is carried out, and the connection ends in place of the answer.
    Lost,
    /// Nobody carries it out, and the answer is that somebody did.
    Feigned,
    /// It takes more than a second.
    Slow,
}

/// The real server, but for statements with this word in them.
pub fn twisted(word: &'static str, twist: Twist) -> u16 {
    serve(move |near| {
        let far = TcpStream::connect(real()).unwrap();
        let is_lost = Arc::new(AtomicBool::new(false));
        let (loses, back, answers) =
            (Arc::clone(&is_lost), near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || answer(answers, &back, &loses));
        let mut asked = BufReader::new(&near);
        while let Ok(bytes @ [_, ..]) = asked.fill_buf() {
            if bytes.windows(word.len()).any(|part| part == word.as_bytes()) {
                match twist {
                    Twist::Lost => is_lost.store(true, Ordering::Release),
                    Twist::Slow => thread::sleep(Duration::from_millis(1300)),
                    Twist::Feigned => {
                        // The connection ends here, so nobody may take it for the next request.
                        let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                        let _ = (&near).write_all(answer);
                        break;
                    }
                }
            }
            if (&far).write_all(bytes).is_err() {
                break;
            }
            let length = bytes.len();
            asked.consume(length);
        }
        let _ = near.shutdown(Shutdown::Both);
        let _ = far.shutdown(Shutdown::Both);
    })
}

fn answer(from: TcpStream, mut to: &TcpStream, is_lost: &AtomicBool) {
    let mut answers = BufReader::new(from);
    while let Ok(bytes @ [_, ..]) = answers.fill_buf() {
        if is_lost.load(Ordering::Acquire) || to.write_all(bytes).is_err() {
            break;
        }
        let length = bytes.len();
        answers.consume(length);
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// A server that begins no answer to its first request and breaks it off when it is told to. Others it ends at once.
pub fn breaking() -> (u16, Breaking) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, has_asked) = channel();
    let (breaks, is_broken) = channel();
    thread::spawn(move || {
        let (first, _) = listener.accept().unwrap();
        let _ = head(&mut BufReader::new(&first));
        asked.send(()).unwrap();
        thread::spawn(move || {
            let _ = is_broken.recv();
            drop(first);
        });
        listener.incoming().for_each(drop);
    });
    (port, Breaking { has_asked, breaks })
}

pub struct Breaking {
    /// Told of the first request.
    pub has_asked: Receiver<()>,
    pub breaks: Sender<()>,
}

fn serve(each: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(near));
        }
    });
    port
}

fn head(from: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn join(near_in: BufReader<TcpStream>, near: &TcpStream, far: &TcpStream) {
    let to = far.try_clone().unwrap();
    thread::spawn(move || copy(near_in, &to));
    copy(far.try_clone().unwrap(), near);
}

fn copy(mut from: impl Read, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
