//! Handshakes with certificates from every kind of store.
use super::certificates::{Authority, Leaf};
use super::*;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{self, ProtocolVersion};
use worker::settings::Properties;

fn settings(given: &[(&str, &str)]) -> Settings {
    let pairs = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Settings { prefix: "listeners.https.", settings: pairs.collect::<Properties>() }
}

/// A listener whose certificate `authority` vouches for, and the settings that say so.
fn listener<'a>(pem: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("ssl.keystore.key", pem), ("ssl.keystore.certificate.chain", pem)], more].concat()
}

fn pem(leaf: &Leaf) -> String {
    format!("{}{}", leaf.key, leaf.certificate)
}

/// What the client saw, or what the server says of the failure.
struct Shaken {
    version: ProtocolVersion,
    chain: Vec<CertificateDer<'static>>,
}

async fn shake(server: &Tls, client: &Tls, name: &'static str) -> Result<Shaken, String> {
    let (near, far) = duplex(64 * 1024);
    let answering = async {
        let mut stream = server.acceptor().unwrap().accept(far).await.map_err(|error| error.to_string())?;
        stream.write_all(b"x").await.map_err(|error| error.to_string())?;
        stream.shutdown().await.map_err(|error| error.to_string())
    };
    let asking = async {
        let connector = TlsConnector::from(client.client());
        let mut stream =
            connector.connect(name.try_into().unwrap(), near).await.map_err(|e| e.to_string())?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await.map_err(|error| error.to_string())?;
        let (_, connection) = stream.get_ref();
        let chain =
            connection.peer_certificates().unwrap().iter().map(|each| each.clone().into_owned()).collect();
        Ok(Shaken { version: connection.protocol_version().unwrap(), chain })
    };
    let (answered, asked) = tokio::join!(answering, asking);
    match answered {
        Ok(()) => asked,
        // The client's side of a refusal is that it was refused.
        Err(reason) => Err(asked.err().map_or(reason.clone(), |asked| format!("{reason}; {asked}"))),
    }
}

fn load(given: &[(&str, &str)]) -> Tls {
    Tls::load(&settings(given)).unwrap()
}

fn client(given: &[(&str, &str)]) -> Tls {
    Tls::load_client(&settings(given)).unwrap()
}

fn refused(given: &[(&str, &str)]) -> String {
    Tls::load(&settings(given)).err().expect("settings that cannot be used").to_string()
}

fn pkcs12(leaf: &Leaf, authorities: &[&str], password: &str) -> Vec<u8> {
    let mut stack = Stack::new().unwrap();
    for pem in authorities {
        stack.push(X509::from_pem(pem.as_bytes()).unwrap()).unwrap();
    }
    let key = PKey::private_key_from_pem(leaf.key.as_bytes()).unwrap();
    let certificate = X509::from_pem(leaf.certificate.as_bytes()).unwrap();
    let mut builder = Pkcs12::builder();
    builder.name("worker").pkey(&key).cert(&certificate).ca(stack);
    builder.build2(password).unwrap().to_der().unwrap()
}

fn encrypted(key: &str, password: &str) -> String {
    let key = PKey::private_key_from_pem(key.as_bytes()).unwrap();
    let pem = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), password.as_bytes());
    String::from_utf8(pem.unwrap()).unwrap()
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_kind_of_store_is_read_and_sends_its_whole_chain() {
    let dir = tempfile::tempdir().unwrap();
    let root = Authority::new("root");
    let middle = root.intermediate("middle");
    let leaf = middle.leaf("worker.test");
    // Of two authorities in the file, only the one that vouches for the key belongs to its chain.
    let chain = format!("{}{}{}", leaf.certificate, Authority::new("other").pem, middle.pem);
    let plain = write(dir.path(), "plain.pem", format!("{}{chain}", leaf.key).as_bytes());
    let locked = format!("{chain}{}", encrypted(&leaf.key, "geheim"));
    let locked = write(dir.path(), "locked.pem", locked.as_bytes());
    let store = write(dir.path(), "store.p12", &pkcs12(&leaf, &[&middle.pem], "geheim"));
    let trusted = client(&[("ssl.truststore.certificates", &root.pem)]);
    for given in [
        vec![("ssl.keystore.location", plain.as_str()), ("ssl.keystore.type", "PEM")],
        vec![("ssl.keystore.location", locked.as_str()), ("ssl.key.password", "geheim")],
        vec![("ssl.keystore.location", store.as_str()), ("ssl.keystore.password", "geheim")],
        vec![("ssl.keystore.key", leaf.key.as_str()), ("ssl.keystore.certificate.chain", chain.as_str())],
    ] {
        let shaken = shake(&load(&given), &trusted, "worker.test").await;
        let shaken = shaken.unwrap_or_else(|reason| panic!("{given:?}: {reason}"));
        assert_eq!((shaken.version, shaken.chain.len()), (ProtocolVersion::TLSv1_3, 2), "{given:?}");
    }
}

#[tokio::test]
async fn trust_is_read_from_files_too_and_names_are_checked_unless_told_not_to() {
    let dir = tempfile::tempdir().unwrap();
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let server = pem(&root.leaf("worker.test"));
    let server = load(&listener(&server, &[]));
    let file = write(dir.path(), "trust.pem", format!("{}{}", other.pem, root.pem).as_bytes());
    let store = write(dir.path(), "trust.p12", &pkcs12(&other.leaf("x"), &[&root.pem], "geheim"));
    let check = async |given: &[(&str, &str)], name: &'static str, expected: bool| {
        let outcome = shake(&server, &client(given), name).await.map(drop);
        assert_eq!(outcome.is_ok(), expected, "{given:?} {name}: {outcome:?}");
    };
    check(&[("ssl.truststore.location", &file)], "worker.test", true).await;
    let store = [("ssl.truststore.location", store.as_str()), ("ssl.truststore.password", "geheim")];
    check(&store, "worker.test", true).await;
    check(&store, "other.test", false).await;
    let any = ("ssl.endpoint.identification.algorithm", "");
    check(&[store[0], store[1], any], "other.test", true).await;
    check(&[("ssl.truststore.certificates", &other.pem), any], "worker.test", false).await;
    // Without a word about it, public authorities are trusted.
    check(&[], "worker.test", false).await;
}

#[tokio::test]
async fn clients_show_certificates_as_the_listener_asks() {
    let (root, foreign) = (Authority::new("root"), Authority::new("foreign"));
    let identity = pem(&root.leaf("worker.test"));
    let (known, unknown) = (pem(&root.leaf("client")), pem(&foreign.leaf("client")));
    let trust = ("ssl.truststore.certificates", root.pem.as_str());
    let check = async |auth: &'static str, key: Option<&str>, expected: bool| {
        let server = load(&listener(&identity, &[trust, ("ssl.client.auth", auth)]));
        let own = key.map(|pem| listener(pem, &[])).unwrap_or_default();
        let client = client(&[own, vec![trust]].concat());
        let outcome = shake(&server, &client, "worker.test").await.map(drop);
        assert_eq!(outcome.is_ok(), expected, "{auth}: {outcome:?}");
    };
    check("required", Some(&known), true).await;
    check("required", None, false).await;
    check("required", Some(&unknown), false).await;
    check("Requested", Some(&known), true).await;
    check("requested", None, true).await;
    check("requested", Some(&unknown), false).await;
    check("none", None, true).await;
    check("none", Some(&unknown), true).await;
}

#[tokio::test]
async fn versions_and_ciphers_are_those_of_the_settings() {
    let root = Authority::new("root");
    let identity = pem(&root.leaf("worker.test"));
    let trusted = client(&[("ssl.truststore.certificates", &root.pem)]);
    let version = async |more: &[(&str, &str)]| {
        shake(&load(&listener(&identity, more)), &trusted, "worker.test").await.map(|shaken| shaken.version)
    };
    assert_eq!(version(&[("ssl.enabled.protocols", "TLSv1.2")]).await, Ok(ProtocolVersion::TLSv1_2));
    let both = ("ssl.enabled.protocols", "TLSv1.1, TLSv1.2,TLSv1.3");
    assert_eq!(version(&[both]).await, Ok(ProtocolVersion::TLSv1_3));
    let old = ("ssl.cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_RSA_WITH_RC4_128_MD5");
    assert_eq!(version(&[both, old]).await, Ok(ProtocolVersion::TLSv1_2));
    let new = ("ssl.cipher.suites", "TLS_AES_256_GCM_SHA384");
    assert_eq!(version(&[new]).await, Ok(ProtocolVersion::TLSv1_3));
}

#[test]
fn what_cannot_be_used_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let root = Authority::new("root");
    let leaf = root.leaf("worker.test");
    let pem = pem(&leaf);
    let check = |given: &[(&str, &str)], expected: &str| {
        let reason = refused(given);
        assert!(reason.starts_with("listeners.https.ssl."), "{reason}");
        assert!(reason.contains(expected) && !reason.contains("canary"), "{reason}");
    };
    let key = "ssl.keystore.location";
    check(&[], "expected key and certificate, got none");
    check(&[(key, "/nowhere/k.p12")], "/nowhere/k.p12: No such file");
    let jks = write(dir.path(), "k.jks", &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]);
    check(
        &[(key, &jks)],
        &format!(
            "convert it with `keytool -importkeystore -deststoretype PKCS12 -srckeystore {jks} -destkeystore {jks}.new`"
        ),
    );
    let garbage = write(dir.path(), "garbage", b"garbage");
    check(&[(key, &garbage)], "garbage: expected PKCS12 or PEM");
    let store = write(dir.path(), "k.p12", &pkcs12(&leaf, &[], "geheim"));
    check(&[(key, &store), ("ssl.keystore.password", "canary")], "ssl.keystore.password does not open it");
    check(&[(key, &store)], "ssl.keystore.password does not open it");
    let locked = format!("{}{}", encrypted(&leaf.key, "geheim"), leaf.certificate);
    let locked = write(dir.path(), "locked.pem", locked.as_bytes());
    check(
        &[(key, &locked), ("ssl.key.password", "canary")],
        "ssl.key.password does not open the private key",
    );
    let bare = write(dir.path(), "bare.pem", leaf.certificate.as_bytes());
    check(&[(key, &bare)], "expected a private key in PEM");
    check(&[("ssl.keystore.key", &leaf.key)], "expected a certificate beside the key");
    let other = root.leaf("x").certificate;
    check(&[("ssl.keystore.key", &leaf.key), ("ssl.keystore.certificate.chain", &other)], "cannot be used");
    check(&listener(&pem, &[("ssl.client.auth", "required")]), "expected the authorities of clients");
    check(&listener(&pem, &[("ssl.client.auth", "maybe")]), "expected none, requested or required");
    check(&listener(&pem, &[("ssl.truststore.certificates", "x")]), "expected at least one certificate");
    check(&listener(&pem, &[("ssl.enabled.protocols", "SSLv3")]), "expected TLSv1.3 or TLSv1.2, got SSLv3");
    check(&listener(&pem, &[("ssl.cipher.suites", "RC4")]), "expected some of TLS_AES_256_GCM_SHA384");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = Authority::new("root");
    let trusted = client(&[("ssl.truststore.certificates", &root.pem)]);
    let path = write(dir.path(), "k.pem", pem(&root.leaf("worker.test")).as_bytes());
    let tls = Arc::new(load(&[("ssl.keystore.location", &path)]));
    let seen = async || shake(&tls, &trusted, "worker.test").await.unwrap().chain.remove(0);
    let first = seen().await;
    tls.reload();
    assert_eq!(seen().await, first);
    // A pair of which only one half was replaced, as seen in the middle of a renewal.
    let (new, half) = (root.leaf("worker.test"), root.leaf("worker.test").key);
    write(dir.path(), "k.pem", format!("{half}{}\n", new.certificate).as_bytes());
    tls.reload();
    assert_eq!(seen().await, first);
    let before = tls.client();
    write(dir.path(), "k.pem", pem(&new).as_bytes());
    let renewing = tokio::spawn(Arc::clone(&tls).keep_current(Duration::from_millis(1)));
    let renewed = async {
        while seen().await == first {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("the new certificate within 30 s");
    renewing.abort();
    assert!(!Arc::ptr_eq(&before, &tls.client()));
}

#[test]
fn settings_meant_for_kafka_alone_do_not_keep_a_plain_worker_from_starting() {
    let tls = client(&[("ssl.truststore.location", "/nowhere/t.jks"), ("ssl.client.auth", "garbage")]);
    assert!(tls.acceptor().is_none());
    let _: Arc<rustls::ClientConfig> = tls.client();
}
