//! Two servers on loopback: one that takes another for the leader, and what the other one hears and answers.
use super::*;
use crate::connections::{Door, run};
use crate::tls::certificates::{Authority, Leaf};
use axum::Router;
use axum::extract::Request as Incoming;
use axum::response::IntoResponse;
use std::future::pending;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use worker::api::Refusal;
use worker::settings::{Properties, Tls as Settings};

const TIME: Duration = Duration::from_secs(30);

/// Servers that end with the test.
struct Scene {
    servers: JoinSet<()>,
}

impl Scene {
    fn new() -> Self {
        Self { servers: JoinSet::new() }
    }

    async fn serve(&mut self, router: Router, tls: Option<Arc<Tls>>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.servers.spawn(async move { run(&[Door { listener, tls, router }], pending()).await });
        address
    }

    /// A worker that carries out nothing itself: whoever is at `leader` has to.
    async fn follower(&mut self, leader: &str, tls: Arc<Tls>, time: Duration) -> SocketAddr {
        let forward = Arc::new(Forward::new(tls));
        let leader = leader.to_owned();
        let answer = move |request: Incoming| async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let fault = Fault::from(Refusal::Elsewhere { url: leader });
            forward.or_refuse(fault, &parts, body, time).await.unwrap_or_else(IntoResponse::into_response)
        };
        self.serve(Router::new().fallback(answer), None).await
    }

    /// A worker that tells what it was asked, and answers 201.
    async fn leader(&mut self, tls: Option<Arc<Tls>>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
        let (tell, told) = mpsc::unbounded_channel();
        let answer = move |request: Incoming| async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let mut names: Vec<_> = parts
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            names.retain(|line| !line.starts_with("host") && !line.starts_with("content-length"));
            names.sort();
            let (headers, body) = (names.join(", "), String::from_utf8_lossy(&body).into_owned());
            tell.send(format!("{} {} [{headers}] {body}", parts.method, parts.uri)).unwrap();
            let headers =
                [("Location", "http://l/connectors/a"), ("Content-Type", "application/json"), ("X-Own", "1")];
            (StatusCode::CREATED, headers, "{\"name\":\"a\"}")
        };
        (self.serve(Router::new().fallback(answer), tls).await, told)
    }
}

fn plain() -> Arc<Tls> {
    Arc::new(Tls::load_client(&Settings::default()).unwrap())
}

fn tls(authority: &Authority, leaf: &Leaf, auth: &str) -> Arc<Tls> {
    let pem = format!("{}{}", leaf.key, leaf.certificate);
    let given = [
        ("ssl.keystore.key", pem.as_str()),
        ("ssl.keystore.certificate.chain", pem.as_str()),
        ("ssl.truststore.certificates", authority.pem.as_str()),
        ("ssl.client.auth", auth),
    ];
    let settings = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Arc::new(
        Tls::load(&Settings { prefix: "", settings: settings.into_iter().collect::<Properties>() }).unwrap(),
    )
}

/// The whole answer in lower case, of one request on a connection of its own.
async fn ask(address: SocketAddr, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!("{request}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.to_ascii_lowercase()
}

const POST: &str = "POST /connectors/a%2Fb/x?a=1&forwarded=2 HTTP/1.1\r\nContent-Type: application/json\r\n\
                    Accept: */*\r\nAuthorization: Basic eA==\r\nX-Connect-Authorization: c2ln\r\n\
                    X-Connect-Request-Signature-Algorithm: HmacSHA256\r\nX-Other: secret\r\nCookie: a=b";

#[tokio::test]
async fn a_request_reaches_the_leader_whole_and_its_answer_comes_back() {
    let mut scene = Scene::new();
    let (leader, mut told) = scene.leader(None).await;
    let follower = scene.follower(&format!("http://{leader}/"), plain(), TIME).await;
    let answer = ask(follower, POST, "{\"a\":1}").await;
    assert_eq!(
        told.recv().await.unwrap(),
        "POST /connectors/a%2Fb/x?a=1&forwarded=2&forward=true [accept: */*, authorization: Basic eA==, \
         content-type: application/json, x-connect-authorization: c2ln, \
         x-connect-request-signature-algorithm: HmacSHA256] {\"a\":1}"
    );
    assert!(answer.starts_with("http/1.1 201 created\r\n"), "{answer}");
    assert!(answer.contains("\r\nlocation: http://l/connectors/a\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
    assert!(!answer.contains("x-own") && answer.ends_with("{\"name\":\"a\"}"), "{answer}");
}

#[tokio::test]
async fn a_request_is_passed_on_twice_and_no_further() {
    let mut scene = Scene::new();
    let (leader, mut told) = scene.leader(None).await;
    let second = scene.follower(&format!("http://{leader}"), plain(), TIME).await;
    let first = scene.follower(&format!("http://{second}"), plain(), TIME).await;
    ask(first, "PUT /connectors/a/pause HTTP/1.1", "").await;
    assert!(told.recv().await.unwrap().starts_with("PUT /connectors/a/pause?forward=false "));
    // Two workers that take each other for the leader: the second one says so.
    let zeroth = scene.follower(&format!("http://{first}"), plain(), TIME).await;
    let answer = ask(zeroth, "PUT /connectors/a/pause HTTP/1.1", "").await;
    assert!(answer.starts_with("http/1.1 409 conflict\r\n"), "{answer}");
    assert!(answer.contains("because of a conflicting operation (e.g. worker rebalance)"), "{answer}");
    for query in ["forward=false", "forward=garbage", "forward=false&forward=true"] {
        let answer = ask(second, &format!("GET /connectors/a?{query} HTTP/1.1"), "").await;
        assert!(answer.starts_with("http/1.1 409 ") && answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    }
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_leader_that_cannot_be_asked_is_one_nobody_knows() {
    let mut scene = Scene::new();
    // Nobody listens where somebody just did.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // Somebody who listens and never says a word.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = mute.local_addr().unwrap();
    for (url, time) in [
        (format!("http://{gone}"), TIME),
        (format!("http://{silent}"), Duration::from_millis(100)),
        ("no url".to_owned(), TIME),
        ("ftp://127.0.0.1:1".to_owned(), TIME),
    ] {
        let follower = scene.follower(&url, plain(), time).await;
        let answer = ask(follower, "DELETE /connectors/a HTTP/1.1", "").await;
        assert!(answer.starts_with("http/1.1 409 conflict\r\n"), "{url}: {answer}");
        assert!(answer.contains("\r\nretry-after: 1\r\n"), "{url}: {answer}");
        assert!(
            answer.contains("momentarily due to no known leader url, likely because a rebalance"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_leader_behind_tls_is_asked_with_the_worker_s_own_certificate() {
    let mut scene = Scene::new();
    let (root, foreign) = (Authority::new("root"), Authority::new("foreign"));
    let server = tls(&root, &root.leaf("127.0.0.1"), "required");
    let (leader, mut told) = scene.leader(Some(server)).await;
    let url = format!("https://{leader}");
    let own = scene.follower(&url, tls(&root, &root.leaf("127.0.0.1"), "none"), TIME).await;
    assert!(ask(own, POST, "{}").await.starts_with("http/1.1 201 "));
    assert!(told.recv().await.unwrap().ends_with("] {}"));
    for stranger in
        [tls(&root, &foreign.leaf("127.0.0.1"), "none"), tls(&foreign, &root.leaf("x"), "none"), plain()]
    {
        let follower = scene.follower(&url, stranger, TIME).await;
        assert!(ask(follower, POST, "{}").await.starts_with("http/1.1 409 "));
    }
    assert!(told.try_recv().is_err());
}
