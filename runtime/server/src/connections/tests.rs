//! Connections over real sockets, with answers that need no worker.
use super::*;
use crate::tls::certificates::Authority;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
    /// Told when a request to `/slow` has arrived.
    arrived: Arc<Notify>,
    /// Lets a request to `/slow` finish.
    go_on: Arc<Notify>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&go_on));
    let slow = move || async move {
        tell.notify_one();
        wait.notified().await;
        "slow"
    };
    let router = Router::new().route("/", get(|| async { "hello" })).route("/slow", get(slow));
    let running = tokio::spawn(async move {
        run(&[Door { listener, tls: None, router }], async { _ = stopped.await }).await;
    });
    Server { address, stop, running, arrived, go_on }
}

async fn send(address: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

/// Everything up to the end of the connection, in lower case.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset ends here too; what came before counts.
    _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).to_ascii_lowercase()
}

#[tokio::test]
async fn a_request_is_answered_without_naming_the_server() {
    let server = start().await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = rest(&mut send(server.address, request).await).await;
    assert!(answer.starts_with("http/1.1 200 ok\r\n") && answer.ends_with("hello"), "{answer}");
    assert!(!answer.contains("\r\nserver:"), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let server = start().await;
    for request in ["garbage\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let answer = rest(&mut send(server.address, request.as_bytes()).await).await;
        assert!(answer.starts_with("http/1.1 400 "), "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_request_under_way_finishes_at_shutdown() {
    let server = start().await;
    let mut stream = send(server.address, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.arrived.notified().await;
    server.stop.send(()).unwrap();
    server.go_on.notify_one();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("http/1.1 200 ok\r\n") && answer.ends_with("slow"), "{answer}");
    server.running.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_shutdown() {
    let server = start().await;
    let mut stream = send(server.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    server.stop.send(()).unwrap();
    rest(&mut stream).await;
    server.running.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_never_finishes_is_cut_off_at_shutdown() {
    let server = start().await;
    let mut stream = send(server.address, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.arrived.notified().await;
    server.stop.send(()).unwrap();
    server.running.await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn all_listeners_are_served() {
    let (first, second) = (TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await);
    let router = Router::new().route("/", get(|| async { "hello" }));
    let door = |listener| Door { listener, tls: None, router: router.clone() };
    let doors = [door(first.unwrap()), door(second.unwrap())];
    let addresses: Vec<_> = doors.iter().map(|door| door.listener.local_addr().unwrap()).collect();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move { run(&doors, async { _ = stopped.await }).await });
    for address in addresses {
        let answer = rest(&mut send(address, b"GET / HTTP/1.0\r\n\r\n").await).await;
        assert!(answer.ends_with("hello"), "{answer}");
    }
    stop.send(()).unwrap();
    running.await.unwrap();
}

/// A listener with a certificate, and an answer behind it.
fn secure(listener: TcpListener) -> Door {
    let leaf = Authority::new("root").leaf("127.0.0.1");
    let pem = format!("{}{}", leaf.key, leaf.certificate);
    let given = [("ssl.keystore.key", &pem), ("ssl.keystore.certificate.chain", &pem)];
    let settings = given.map(|(key, value)| (key.to_owned(), value.clone())).into_iter().collect();
    let tls = Tls::load(&worker::settings::Tls { prefix: "", settings }).unwrap();
    let router = Router::new().route("/", get(|| async { "hello" }));
    Door { listener, tls: Some(Arc::new(tls)), router }
}

#[tokio::test]
async fn a_handshake_that_never_begins_holds_up_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let doors = [secure(listener)];
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move { run(&doors, async { _ = stopped.await }).await });
    let mut silent = TcpStream::connect(address).await.unwrap();
    // Plain HTTP is no beginning of an encrypted connection, and another client is served meanwhile.
    let mut plain = send(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!rest(&mut plain).await.contains("hello"));
    let started = std::time::Instant::now();
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(started.elapsed() < DRAIN_TIME_MAX, "the silent client held up the end");
    assert_eq!(rest(&mut silent).await, "");
}
