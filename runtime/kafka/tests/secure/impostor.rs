//! Servers that are not what a client expects: with certificates of any kind, or without TLS.

use std::io::Read;
use std::net::TcpListener;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod, SslVersion};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

pub struct Issued {
    pub certificate: X509,
    pub key: PKey<Private>,
}

impl Issued {
    pub fn pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }
}

pub struct Wanted<'a> {
    pub host: &'a str,
    /// Days from now.
    pub until: i64,
    pub issuer: Option<&'a Issued>,
}

pub fn issue(wanted: &Wanted<'_>) -> Issued {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", wanted.host).unwrap();
    let name = name.build();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(wanted.issuer.map_or(&name, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(now - 30 * 86_400).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + wanted.until * 86_400).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    if wanted.issuer.is_none() {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    let names =
        SubjectAlternativeName::new().dns(wanted.host).build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(wanted.issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Issued { certificate: builder.build(), key }
}

/// Serves for the rest of the test's process; gives back its port.
pub fn serve_tls(issued: &Issued, newest: Option<SslVersion>) -> u16 {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_private_key(&issued.key).unwrap();
    acceptor.set_certificate(&issued.certificate).unwrap();
    acceptor.set_max_proto_version(newest).unwrap();
    let acceptor = acceptor.build();
    serve(move |stream| {
        if let Ok(mut stream) = acceptor.accept(stream) {
            let _ = stream.read(&mut [0; 64]);
        }
    })
}

/// Answers everything with a line of text.
pub fn serve_text() -> u16 {
    serve(|mut stream| {
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    })
}

fn serve(mut answer: impl FnMut(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream);
        }
    });
    port
}
