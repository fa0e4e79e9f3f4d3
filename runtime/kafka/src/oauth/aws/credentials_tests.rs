//! Where keys come from, in which order, against services that answer on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::{Duration, UNIX_EPOCH};

use super::*;

fn around(vars: &[(&str, &str)]) -> Surroundings {
    Surroundings::of(vars.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

/// Answers one connection for each (start of the request, answer), and gives back what was asked.
fn service(
    answers: &'static [(&'static str, &'static str)],
) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (start, answer) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut request, mut length) = (String::new(), 0);
            while !request.ends_with("\r\n\r\n") {
                let at = request.len();
                reader.read_line(&mut request).unwrap();
                let line = request[at..].to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            request.push_str(&String::from_utf8(body).unwrap());
            assert!(request.starts_with(start), "{request}");
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            )
            .unwrap();
            asked.push(request);
        }
        asked
    });
    (address, thread)
}

fn check(chain: &Chain, id: &str, session: Option<&str>) -> Option<SystemTime> {
    match chain.fetch(UNIX_EPOCH) {
        Ok((keys, ends)) => {
            assert_eq!((keys.id.as_str(), keys.session.as_deref()), (id, session));
            ends
        }
        Err(failure) => panic!("{}", failure.sentence),
    }
}

#[test]
fn variables_come_first() {
    let around = around(&[
        ("AWS_ACCESS_KEY_ID", "A"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1"),
    ]);
    assert_eq!(check(&Chain::new(around), "A", None), None);
}

#[test]
fn profiles_come_from_both_files() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("credentials"), "[default]\naws_access_key_id=A\naws_secret_access_key=s\n")
        .unwrap();
    std::fs::write(folder.join("config"), "[profile b]\naws_access_key_id=B\naws_secret_access_key=s\n")
        .unwrap();
    let around = around(&[("HOME", home.path().to_str().unwrap()), ("AWS_EC2_METADATA_DISABLED", "true")]);
    let mut chain = Chain::new(around);
    check(&chain, "A", None);
    chain.profile = Some("b".into());
    check(&chain, "B", None);
    chain.profile = Some("c".into());
    assert!(chain.fetch(UNIX_EPOCH).is_err_and(|failure| failure.sentence.starts_with("awsProfileName: ")));
}

#[test]
fn nothing_found_names_what_was_looked_for() {
    let around = around(&[("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nowhere")]);
    let failure = Chain::new(around).fetch(UNIX_EPOCH).err().unwrap();
    assert!(failure.sentence.starts_with("no AWS credentials: "), "{}", failure.sentence);
}

#[test]
fn a_container_is_asked_with_its_token() {
    let (address, thread) = service(&[(
        "GET / ",
        r#"{"AccessKeyId":"C","SecretAccessKey":"s","Token":"t","Expiration":"2023-11-14T22:13:20Z"}"#,
    )]);
    let around = around(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &address),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x"),
    ]);
    let ends = check(&Chain::new(around), "C", Some("t"));
    assert_eq!(ends, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    assert!(thread.join().unwrap()[0].to_ascii_lowercase().contains("authorization: bearer x"));
}

#[test]
fn a_machine_is_asked_by_the_second_version_only() {
    let (address, thread) = service(&[
        ("PUT /latest/api/token ", "secret-session"),
        ("GET /latest/meta-data/iam/security-credentials/ ", "my-role\n"),
        (
            "GET /latest/meta-data/iam/security-credentials/my-role ",
            r#"{"AccessKeyId":"E","SecretAccessKey":"s","Token":"t","Expiration":"2023-11-14T22:13:20Z"}"#,
        ),
    ]);
    let around = around(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address)]);
    check(&Chain::new(around), "E", Some("t"));
    let asked = thread.join().unwrap();
    assert!(asked[1..].iter().all(|request| request.contains("x-aws-ec2-metadata-token: secret-session")));
}

#[test]
fn a_web_identity_is_exchanged() {
    let (address, thread) = service(&[(
        "POST / ",
        r#"{"AssumeRoleWithWebIdentityResponse":{"AssumeRoleWithWebIdentityResult":{"Credentials":
           {"AccessKeyId":"W","SecretAccessKey":"s","SessionToken":"t","Expiration":1.7E9}}}}"#,
    )]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "jwt\n").unwrap();
    let around = around(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
        ("AWS_ENDPOINT_URL_STS", &format!("{address}/")),
    ]);
    let ends = check(&Chain::new(around), "W", Some("t"));
    assert_eq!(ends, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let asked = thread.join().unwrap();
    assert!(asked[0].contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"), "{}", asked[0]);
    assert!(asked[0].ends_with("WebIdentityToken=jwt"), "{}", asked[0]);
}

#[test]
fn a_role_is_asked_for_by_a_signed_url() {
    let (address, thread) = service(&[(
        "GET /?Action=AssumeRole&",
        r#"{"AssumeRoleResponse":{"AssumeRoleResult":{"Credentials":
           {"AccessKeyId":"R","SecretAccessKey":"s","SessionToken":"t","Expiration":1.7E9}}}}"#,
    )]);
    let mut chain = Chain::new(around(&[
        ("AWS_ACCESS_KEY_ID", "A"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_ENDPOINT_URL_STS", &format!("{address}/")),
    ]));
    chain.role = Some(Role {
        arn: "arn:aws:iam::1:role/r".into(),
        session: "s".into(),
        external_id: Some("x".into()),
        region: "eu-west-1".into(),
    });
    check(&chain, "R", Some("t"));
    let asked = thread.join().unwrap();
    assert!(asked[0].contains("ExternalId=x") && asked[0].contains("X-Amz-Signature="), "{}", asked[0]);
    assert!(!asked[0].contains("hunter2"));
}
