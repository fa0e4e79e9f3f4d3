//! Stores that OpenSSL writes here. Those of Java's keytool are tested against a broker.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::rsa::Rsa;
use openssl::x509::X509Name;

use super::*;

fn certificate(name: &str, signer: Option<(&str, &PKey<Private>)>) -> (X509, PKey<Private>) {
    let named = |name: &str| {
        let mut builder = X509Name::builder().unwrap();
        builder.append_entry_by_text("CN", name).unwrap();
        builder.build()
    };
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&named(name)).unwrap();
    builder.set_issuer_name(&named(signer.map_or(name, |(issuer, _)| issuer))).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(signer.map_or(&key, |(_, key)| key), MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

fn given(pairs: &[(&str, &str)]) -> Map {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn refused<T>(outcome: Result<T, Error>, start: &str) {
    let error = outcome.err().unwrap_or_else(|| panic!("accepted: {start}"));
    assert!(error.message.starts_with(start), "{error}");
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[test]
fn a_pkcs12_store_gives_key_and_chain_in_order() {
    let (root, root_key) = certificate("root", None);
    let (middle, middle_key) = certificate("middle", Some(("root", &root_key)));
    let (own, key) = certificate("own", Some(("middle", &middle_key)));
    let mut others = openssl::stack::Stack::new().unwrap();
    others.push(root).unwrap();
    others.push(middle).unwrap();
    let mut builder = Pkcs12::builder();
    builder.pkey(&key).cert(&own).ca(others).name("me");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("me.p12");
    std::fs::write(&path, builder.build2("secret").unwrap().to_der().unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let identity = identity(&given(&[("ssl.keystore.location", path), ("ssl.keystore.password", "secret")]));
    let identity = identity.unwrap().unwrap();
    let names: Vec<String> = X509::stack_from_pem(identity.chain.as_bytes())
        .unwrap()
        .iter()
        .map(|one| format!("{:?}", one.subject_name()))
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for (name, expected) in names.iter().zip(["own", "middle", "root"]) {
        assert!(name.contains(expected), "{names:?}");
    }
    assert!(identity.key.starts_with("-----BEGIN PRIVATE KEY-----"));
    refused(
        super::identity(&given(&[("ssl.keystore.location", path), ("ssl.keystore.password", "hunter2")])),
        "ssl.keystore.password: it does not open ",
    );
}

#[test]
fn what_is_no_store_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let trust = |path: &str, kind: &str| {
        trusted(&given(&[("ssl.truststore.location", path), ("ssl.truststore.type", kind)]))
    };
    refused(trust("/no/such/file", "JKS"), "ssl.truststore.location: /no/such/file: ");
    refused(trust(&write("a", b"what"), "JKS"), "ssl.truststore.location: ");
    refused(trust(&write("b", b""), "PEM"), "ssl.truststore.location: ");
    refused(trust(&write("c", b"\x30\x03abc"), "PKCS12"), "ssl.truststore.location: ");
    refused(trust(&write("d", &[0xFE, 0xED, 0xFE, 0xED, 0, 0]), "JKS"), "ssl.truststore.location: ");
    refused(trust(&write("e", b"x"), "BCFKS"), "ssl.truststore.type: expected JKS, PKCS12 or PEM");
    let both = [("ssl.truststore.location", "/x"), ("ssl.truststore.certificates", "hunter2")];
    refused(trusted(&given(&both)), "ssl.truststore.location: expected either");
    let (own, _) = certificate("own", None);
    let only_public = write("f", &own.to_pem().unwrap());
    assert!(trust(&only_public, "PEM").unwrap().is_some());
}

#[test]
fn pem_in_one_line_gets_its_lines_back() {
    let (own, key) = certificate("own", None);
    let pem = String::from_utf8(own.to_pem().unwrap()).unwrap();
    let key = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    for flat in [pem.replace('\n', " "), pem.replace('\n', ""), pem.replace('\n', "\\n")] {
        assert_eq!(lines(&flat).trim(), pem.trim());
    }
    let two = lines(&format!("{}{}", pem.replace('\n', " "), pem.replace('\n', " ")));
    assert_eq!(X509::stack_from_pem(two.as_bytes()).unwrap().len(), 2);
    assert_eq!(lines(&key), key);
    assert_eq!(lines("no pem"), "no pem");
}
