//! Several hosts, TLS with certificates of one's own, tokens, proxies: each the way a user sets it.
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use penstock_sdk::Kind;

use super::ways::{self, Authority};
use super::*;
use crate::delivery::Delivery;
use crate::exact::Promise;
use crate::failure::{Cause, Failure};
use crate::server::Piece;

/// A port on which nobody listens.
fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn delivery(lab: &Lab, settings: &[(&str, &str)]) -> Result<Delivery> {
    let config: Config = settings.iter().copied().collect();
    Delivery::new(Settings::parse(&config.with("database", &lab.database))?, false, patient())
}

/// Writes one record this way, and looks for it in the table.
fn arrives(lab: &Lab, settings: &[(&str, &str)]) {
    accept(&mut delivery(lab, settings).unwrap(), "t", &["{\"k\":1}"]);
    assert_eq!(lab.rows("t"), ["{\"k\":1}\n"]);
}

/// Why one record does not arrive this way.
fn fails(lab: &Lab, settings: &[(&str, &str)], kind: &Kind) -> String {
    let error = match delivery(lab, settings) {
        Ok(mut delivery) => write(&mut delivery, "t", &["{\"k\":1}"]).unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), kind, "{error}");
    error.message().to_owned()
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    lab
}

const LATER: Kind = Kind::Retry { after: None };

#[test]
fn a_host_that_refuses_is_passed_over_at_once_and_left_alone() {
    let lab = lab();
    let hosts = format!("127.0.0.1:{},{}", closed(), ways::real());
    let mut delivery = delivery(&lab, &[("hostname", &hosts)]).unwrap();
    accept(&mut delivery, "t", &["{\"k\":1}"]);
    accept(&mut delivery, "t", &["{\"k\":2}"]);
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["2"]]);
    assert_eq!(delivery.take_signals().hosts_set_aside, 1, "the second batch did not ask it");
}

#[test]
fn a_host_that_says_nothing_is_passed_over_after_its_time() {
    let lab = lab();
    // The listener's backlog takes connections; nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hosts = format!("{},{}", silent.local_addr().unwrap(), ways::real());
    arrives(&lab, &[("hostname", &hosts), ("timeoutSeconds", "1")]);
}

#[test]
fn a_host_whose_tables_are_read_only_is_passed_over_at_the_next_attempt() {
    let lab = lab();
    let answer = "HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 242\r\nContent-Length: 66\r\n\r\n\
                  Code: 242. DB::Exception: Table is in readonly mode (replica path)";
    let (port, _) = ways::answering(answer);
    let hosts = format!("127.0.0.1:{port},{}", ways::real());
    arrives(&lab, &[("hostname", &hosts)]);
    // Alone, it is tried again without end.
    let alone = fails(&lab, &[("hostname", "127.0.0.1"), ("port", &port.to_string())], &LATER);
    assert!(alone.contains("code 242: Table is in readonly mode"), "{alone}");
}

#[test]
fn an_insert_in_doubt_comes_again_only_at_the_workers_word_and_elsewhere() {
    let lab = lab();
    let loses = Arc::new(Mutex::new(false));
    let port = ways::losing_answers(Arc::clone(&loses));
    let hosts = format!("127.0.0.1:{port},{}", ways::real());
    let mut delivery = delivery(&lab, &[("hostname", &hosts)]).unwrap();
    accept(&mut delivery, "t", &["{\"k\":1}"]);
    *loses.lock().unwrap() = true;
    let error = write(&mut delivery, "t", &["{\"k\":2}"]).unwrap_err();
    assert_eq!(error.kind(), &LATER, "{error}");
    let stored = "SELECT count() FROM @.t WHERE k = 2";
    let start = Instant::now();
    while lab.run(stored) == [["0"]] {
        assert!(start.elapsed() < Duration::from_secs(10), "the insert without an answer was not stored");
    }
    assert_eq!(lab.run(stored), [["1"]], "it was sent once");
    accept(&mut delivery, "t", &["{\"k\":2}"]);
    assert_eq!(lab.run(stored), [["2"]], "at least once is what was asked for");
}

#[test]
fn an_insert_that_reached_nobody_goes_on_at_once_if_it_still_may() {
    let lab = lab();
    let columns =
        [crate::decoder::Column { name: "k".into(), type_text: "UInt32".into(), has_default: false }];
    let mut decoder = crate::decoder::Decoder::new(&columns, &crate::values::Zones::utc(), false);
    decoder.append(b"{\"k\":1}").unwrap();
    let statement = format!("INSERT INTO {}.t (k) FORMAT Native", lab.database);
    let sending = crate::server::Sending { statement, insert: decoder.insert(), token: None };
    let server = || {
        let hosts = format!("127.0.0.1:{},{}", closed(), ways::real());
        Server::new(&Settings::parse(&Config::new().with("hostname", hosts)).unwrap()).unwrap()
    };
    let asked = std::cell::Cell::new(0);
    let may = || {
        asked.set(asked.get() + 1);
        Ok(())
    };
    server().insert(&sending, &may).unwrap();
    assert_eq!((asked.get(), lab.rows("t").len()), (2, 1), "it was allowed anew before each attempt");
    let once = || {
        asked.set(asked.get() + 1);
        if asked.get() > 3 { Err(Failure::new(Cause::Busy, "not any more")) } else { Ok(()) }
    };
    assert_eq!(server().insert(&sending, &once).unwrap_err().sentence, "not any more");
    assert_eq!(lab.rows("t").len(), 1);
}

#[test]
fn a_host_that_fails_several_inserts_at_once_has_failed_once() {
    let lab = lab();
    lab.run("CREATE TABLE @.u (k UInt32) ENGINE = MergeTree ORDER BY k");
    let loses = Arc::new(Mutex::new(false));
    let port = ways::losing_answers(Arc::clone(&loses));
    let hosts = format!("127.0.0.1:{port},{}", ways::real());
    let mut delivery = delivery(&lab, &[("hostname", &hosts)]).unwrap();
    let value = Some(b"{\"k\":1}".as_slice());
    let records = ["t", "u"].map(|topic| Incoming { topic, value, ..Incoming::default() });
    delivery.write(&records, None).unwrap();
    *loses.lock().unwrap() = true;
    assert!(delivery.write(&records, None).is_err());
    assert_eq!(delivery.take_signals().hosts_set_aside, 1);
}

#[test]
fn a_host_is_blamed_for_its_own_answer_alone() {
    let (port, breaking) = ways::breaking();
    let hosts = format!("127.0.0.1:{port},{}", ways::real());
    let server = Server::new(&Settings::parse(&Config::new().with("hostname", hosts)).unwrap()).unwrap();
    let mut stream = server.stream("SELECT 1", "RowBinary", &[]).unwrap();
    let mut next = || server.piece(&mut stream, &mut Vec::new(), Duration::from_millis(5));
    let start = Instant::now();
    while breaking.has_asked.try_recv().is_err() {
        assert_eq!(next(), Ok(Piece::Late));
        assert!(start.elapsed() < Duration::from_secs(10), "the host was not asked");
    }
    assert_eq!(server.query("SELECT 2", &[]).unwrap(), [["2"]], "the other host answers meanwhile");
    assert_eq!(server.take_set_aside(), 1);
    breaking.breaks.send(()).unwrap();
    let failure = loop {
        match next() {
            Ok(piece) => assert_eq!(piece, Piece::Late),
            Err(failure) => break failure,
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the answer did not break off");
    };
    assert!(failure.sentence.starts_with(&format!("clickhouse 127.0.0.1:{port}: ")), "{failure:?}");
}

#[test]
fn exactly_once_over_several_hosts_needs_tables_that_share_their_tokens() {
    let lab = lab();
    lab.run("ALTER TABLE @.t MODIFY SETTING non_replicated_deduplication_window = 100");
    let hosts = format!("127.0.0.1:{},{}", closed(), ways::real());
    let settings = [("hostname", hosts.as_str()), ("exactlyOnce", "true"), ("topics", "t")];
    let error = delivery(&lab, &settings).unwrap().check_tables().unwrap_err();
    assert_eq!(error.kind(), &Kind::Config, "{error}");
    assert!(error.message().contains("tokens are known to one server alone"), "{error}");
    let promise = Promise {
        token: "p",
        age: Duration::ZERO,
        is_repeated: false,
        is_foreign: false,
        may_send: &|| panic!("nothing to send"),
    };
    let value = Some(b"{\"k\":1}".as_slice());
    let record = Incoming { topic: "t", value, ..Incoming::default() };
    assert!(delivery(&lab, &settings).unwrap().write(&[record], Some(&promise)).is_err());
    assert_eq!(lab.run("SELECT count() FROM @.t"), [["0"]]);
}

#[test]
fn https_trusts_an_authority_of_ones_own_and_nobody_else() {
    let lab = lab();
    let (authority, other) = (Authority::new(), Authority::new());
    let port = ways::behind_tls(&authority.leaf("127.0.0.1"), None).to_string();
    let base = [("hostname", "127.0.0.1"), ("port", &port), ("ssl", "true")];
    let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
        base.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let attempt = |settings: Vec<(String, String)>| -> String {
        let pairs: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        fails(&lab, &pairs, &Kind::Fatal)
    };
    let unknown = "was issued by an authority that is not trusted here; set sslRootCertificate";
    let public = attempt(with(&[]));
    assert!(public.contains(unknown), "{public}");
    let wrong = attempt(with(&[("sslRootCertificate", &other.pem)]));
    assert!(wrong.contains(unknown), "{wrong}");
    let misnamed =
        attempt(with(&[("sslRootCertificate", &authority.pem), ("ssl_socket_sni", "other.example")]));
    assert!(misnamed.contains("is not made out to other.example"), "{misnamed}");
    let file = std::env::temp_dir().join(format!("{}.pem", lab.database));
    std::fs::write(&file, &authority.pem).unwrap();
    let root = ("sslRootCertificate", file.to_str().unwrap());
    arrives(&lab, &[base[0], base[1], base[2], root]);
    std::fs::remove_file(&file).unwrap();
    let gone = fails(&lab, &[base[0], base[1], base[2], root], &Kind::Config);
    assert!(gone.starts_with("sslRootCertificate: reading /"), "{gone}");
}

#[test]
fn a_port_without_tls_is_named_as_such() {
    let lab = lab();
    let (host, port) = ways::real().split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let sentence = fails(&lab, &[("hostname", &host), ("port", &port), ("ssl", "true")], &Kind::Fatal);
    assert!(
        sentence.ends_with(
            "the server does not speak TLS on this port; name its HTTPS port, or set ssl to false"
        ),
        "{sentence}"
    );
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_clients_own() {
    let lab = lab();
    let (servers, clients) = (Authority::new(), Authority::new());
    let port = ways::behind_tls(&servers.leaf("127.0.0.1"), Some(&clients)).to_string();
    let own = clients.leaf("penstock");
    let base =
        [("hostname", "127.0.0.1"), ("port", &port), ("ssl", "true"), ("sslRootCertificate", &servers.pem)];
    let pair = [("sslClientCertificate", own.certificate.as_str()), ("sslClientKey", own.key.as_str())];
    arrives(&lab, &[&base[..], &pair].concat());
    let strange = servers.leaf("penstock");
    let settings = [
        &base[..],
        &[("sslClientCertificate", strange.certificate.as_str()), ("sslClientKey", own.key.as_str())],
    ]
    .concat();
    let unfit = fails(&lab, &settings, &Kind::Config);
    assert!(unfit.starts_with("sslClientKey: does not go with sslClientCertificate"), "{unfit}");
    assert!(!unfit.contains("PRIVATE"), "{unfit}");
    let error = write(&mut delivery(&lab, &base).unwrap(), "t", &["{\"k\":2}"]).unwrap_err();
    assert!(error.message().contains("sslClientCertificate"), "{error}");
}

#[test]
fn a_token_or_a_certificate_stands_for_a_password() {
    let (port, heads) = ways::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let url = format!("http://127.0.0.1:{port}");
    let ask = |settings: &[(&str, &str)]| {
        let config: Config = settings.iter().copied().collect();
        let server = Server::new(&Settings::parse(&config.with("url", &url)).unwrap()).unwrap();
        server.query("SELECT 1", &[]).unwrap();
        heads.lock().unwrap().pop().unwrap().join("\n").to_ascii_lowercase()
    };
    let token = ask(&[("accessToken", "h.t.s")]);
    assert!(token.contains("authorization: bearer h.t.s") && !token.contains("x-clickhouse-user"), "{token}");
    let password = ask(&[("username", "u"), ("password", "p")]);
    assert!(
        password.contains("x-clickhouse-user: u\n") && password.contains("x-clickhouse-key: p"),
        "{password}"
    );
}

#[test]
fn a_proxy_passes_on_what_is_plain_and_tunnels_what_is_not() {
    let lab = lab();
    // base64 of u:p
    let (port, heads) = ways::proxy(Some("Basic dTpw"));
    let port = port.to_string();
    let proxy = [("proxyType", "HTTP"), ("proxyHost", "127.0.0.1"), ("proxyPort", port.as_str())];
    let login = [("proxyUser", "u"), ("proxyPassword", "p")];
    let real = ways::real();
    arrives(&lab, &[&[("hostname", real.as_str())], &proxy[..], &login].concat());
    let first = heads.lock().unwrap()[0][0].clone();
    assert!(first.starts_with(&format!("POST http://{real}/?")), "{first}");
    let wrong = fails(&lab, &[&[("hostname", real.as_str())], &proxy[..]].concat(), &Kind::Fatal);
    assert!(wrong.contains("407"), "{wrong}");

    lab.run("TRUNCATE TABLE @.t");
    let authority = Authority::new();
    let tls = ways::behind_tls(&authority.leaf("127.0.0.1"), None).to_string();
    let secure =
        [("hostname", "127.0.0.1"), ("port", &tls), ("ssl", "true"), ("sslRootCertificate", &authority.pem)];
    arrives(&lab, &[&secure[..], &proxy, &login].concat());
    let last = heads.lock().unwrap().last().unwrap().clone();
    assert_eq!(last[0], format!("CONNECT 127.0.0.1:{tls} HTTP/1.1"));
    let refused = fails(&lab, &[&secure[..], &proxy].concat(), &Kind::Fatal);
    assert!(refused.contains("it wants a login: set proxyUser and proxyPassword"), "{refused}");
    let away = closed().to_string();
    let proxy = [("proxyType", "HTTP"), ("proxyHost", "127.0.0.1"), ("proxyPort", away.as_str())];
    let away = fails(&lab, &[&secure[..], &proxy].concat(), &LATER);
    assert!(away.contains("proxy 127.0.0.1:") && away.contains("refused"), "{away}");
}

#[test]
fn a_socks_proxy_is_gone_through_with_its_login() {
    let lab = lab();
    let (port, real) = (ways::socks("u", "p").to_string(), ways::real());
    let base = [
        ("hostname", real.as_str()),
        ("proxyType", "SOCKS"),
        ("proxyHost", "127.0.0.1"),
        ("proxyPort", port.as_str()),
        ("proxyUser", "u"),
    ];
    arrives(&lab, &[&base[..], &[("proxyPassword", "p")]].concat());
    let wrong = fails(&lab, &[&base[..], &[("proxyPassword", "wr0ng")]].concat(), &Kind::Fatal);
    assert!(wrong.contains("it refuses proxyUser and proxyPassword"), "{wrong}");
    assert!(!wrong.contains("wr0ng"), "{wrong}");
    let nobody = fails(&lab, &base[..4], &Kind::Fatal);
    assert!(nobody.contains("it refuses proxyUser and proxyPassword"), "{nobody}");
}
