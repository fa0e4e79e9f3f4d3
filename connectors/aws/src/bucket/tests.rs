//! Requests to a real server, by those who may and those who may not, and to feigned ones that fail.
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use penstock_sdk::{Config, Kind};

use super::*;

fn server() -> String {
    std::env::var("PENSTOCK_TEST_S3")
        .expect("PENSTOCK_TEST_S3 names no S3 server: run ./test, which starts one")
}

fn access(id: &str, secret: &str, more: &[(&str, &str)]) -> Access {
    let endpoint = server();
    let base = [
        ("aws.endpoint", endpoint.as_str()),
        ("aws.region", "us-east-1"),
        ("aws.access.key.id", id),
        ("aws.secret.access.key", secret),
    ];
    let config: Config = base.iter().chain(more).copied().collect();
    Access::parse(&config, None).unwrap()
}

fn admin() -> Access {
    access("penstock", "penstock-secret", &[])
}

/// A bucket of one test.
async fn bucket(name: &str) -> Bucket {
    let bucket = Bucket::open(&format!("{name}-{}", std::process::id()), &admin()).await.unwrap();
    bucket.create().await.unwrap();
    bucket
}

async fn keys(bucket: &Bucket, prefix: &str, after: From<'_>) -> Vec<String> {
    let (mut found, mut page) = (Vec::new(), bucket.list(prefix, after).await.unwrap());
    loop {
        found.extend(page.objects.into_iter().map(|object| object.key));
        let Some(next) = page.next else { return found };
        page = bucket.list(prefix, From::Next(&next)).await.unwrap();
    }
}

#[tokio::test]
async fn objects_are_written_and_read_in_parts_and_some_are_not_there() {
    let bucket = bucket("bucket-objects").await;
    let etag = bucket.put("a b/ü+%41.json", Bytes::from_static(b"0123456789")).await.unwrap();
    let found = bucket.head("a b/ü+%41.json").await.unwrap();
    assert_eq!((found.size, &found.etag), (10, &etag));
    assert!(found.modified_ms.is_some_and(|ms| ms > 1_700_000_000_000), "{found:?}");
    assert_eq!(bucket.range("a b/ü+%41.json", (3, 7), Some(&etag)).await.unwrap(), "3456");
    assert_eq!(bucket.read("a b/ü+%41.json", 10).await.unwrap(), "0123456789");
    assert_eq!(bucket.read("a b/ü+%41.json", 9).await.unwrap_err().cause, Cause::Invalid);
    assert_eq!(bucket.head("a b/ü+%42.json").await.unwrap_err().cause, Cause::Gone);
    let gone = bucket.range("a b/ü+%42.json", (0, 1), None).await.unwrap_err();
    assert_eq!(gone.cause, Cause::Gone);
    let error = bucket.error_at("k", &gone);
    assert!(
        error.message().contains("/k: bucket ") && error.message().contains("the object is gone"),
        "{error}"
    );
}

#[tokio::test]
async fn listings_come_in_order_by_parts_from_any_key() {
    let bucket = bucket("bucket-listing").await;
    let mut expected: Vec<String> = (0..1005).map(|n| format!("many/{n:05}")).collect();
    expected.extend(["odd/a b+c%20.json", "odd/é&<x>.json"].map(String::from));
    // Side by side, as one after the other would take its time.
    let mut writes = tokio::task::JoinSet::new();
    for part in expected.chunks(60) {
        let (bucket, part) = (bucket.clone(), part.to_vec());
        writes.spawn(async move {
            for key in part {
                bucket.put(&key, Bytes::from_static(b"x")).await.unwrap();
            }
        });
    }
    writes.join_all().await;
    assert_eq!(keys(&bucket, "", From::Start).await, expected);
    assert_eq!(keys(&bucket, "many/0100", From::Start).await, expected[1000..1005]);
    assert_eq!(keys(&bucket, "many/", From::After("many/01002")).await, expected[1003..1005]);
    assert_eq!(keys(&bucket, "none/", From::Start).await, [""; 0]);
}

#[tokio::test]
async fn an_object_that_was_replaced_is_not_read_on() {
    let bucket = bucket("bucket-replaced").await;
    let etag = bucket.put("k", Bytes::from_static(b"first")).await.unwrap();
    bucket.put("k", Bytes::from_static(b"other")).await.unwrap();
    let failure = bucket.range("k", (0, 2), Some(&etag)).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Changed, "{failure:?}");
    assert!(bucket.error(&failure).message().contains("was replaced by another one"));
}

#[tokio::test]
async fn large_objects_are_written_in_parts_or_not_at_all() {
    let bucket = bucket("bucket-parts").await;
    let mut upload = bucket.upload("large").await.unwrap();
    let piece: Vec<u8> = (0..3_000_001_u32).map(|n| ((n * 31) >> 7) as u8).collect();
    for _ in 0..6 {
        upload.write(&piece).await.unwrap();
    }
    assert_eq!(bucket.head("large").await.unwrap_err().cause, Cause::Gone, "it is not finished");
    upload.finish().await.unwrap();
    let read = bucket.read("large", 20_000_000).await.unwrap();
    assert!(read == piece.repeat(6), "{} bytes", read.len());
    let mut upload = bucket.upload("aborted").await.unwrap();
    upload.write(&piece).await.unwrap();
    upload.abort().await;
    assert_eq!(bucket.head("aborted").await.unwrap_err().cause, Cause::Gone);
    let empty = bucket.upload("empty").await.unwrap();
    empty.finish().await.unwrap();
    assert_eq!(bucket.head("empty").await.unwrap().size, 0);
}

/// What a task would be told.
async fn refused(name: &str, access: &Access, key: &str) -> String {
    let bucket = Bucket::open(name, access).await.unwrap();
    let failure = bucket.range(key, (0, 1), None).await.unwrap_err();
    let error = bucket.error(&failure);
    assert_eq!(*error.kind(), Kind::Config, "{error}");
    error.to_string()
}

#[tokio::test]
async fn whoever_may_not_is_named_with_bucket_and_action() {
    let admin = Bucket::open("penstock-reader", &admin()).await.unwrap();
    admin.create().await.unwrap();
    admin.put("in/a.json", Bytes::from_static(b"{}")).await.unwrap();
    admin.put("elsewhere/a.json", Bytes::from_static(b"{}")).await.unwrap();
    let reader = access("reader", "reader-secret", &[]);
    let own = Bucket::open("penstock-reader", &reader).await.unwrap();
    assert_eq!(own.read("in/a.json", 10).await.unwrap(), "{}");
    assert_eq!(own.list("in/", From::Start).await.unwrap().objects[0].key, "in/a.json");
    let denied = own.list("elsewhere/", From::Start).await.unwrap_err();
    assert_eq!((denied.cause, denied.action), (Cause::Denied, "s3:ListBucket"), "{denied:?}");
    let denied = own.put("in/b.json", Bytes::new()).await.unwrap_err();
    assert_eq!((denied.cause, denied.action), (Cause::Denied, "s3:PutObject"), "{denied:?}");
    let said = refused("penstock-reader", &reader, "elsewhere/a.json").await;
    assert!(
        said.starts_with("bucket penstock-reader: s3:GetObject is denied to access key reader"),
        "{said}"
    );
    let said = refused("penstock-reader", &access("reader", "wrong", &[]), "in/a.json").await;
    assert!(said.contains("there are no valid credentials, by access key reader"), "{said}");
    let nowhere =
        Bucket::open("penstock-nowhere", &access("penstock", "penstock-secret", &[])).await.unwrap();
    let failure = nowhere.list("", From::Start).await.unwrap_err();
    let said = nowhere.error(&failure).to_string();
    assert!(
        said.starts_with("bucket penstock-nowhere: there is no such bucket for access key penstock"),
        "{said}"
    );
}

#[tokio::test]
async fn a_role_reads_in_place_of_the_keys() {
    let admin = Bucket::open("penstock-reader", &admin()).await.unwrap();
    admin.create().await.unwrap();
    admin.put("in/role.json", Bytes::from_static(b"{}")).await.unwrap();
    let sts = server();
    let role = |name: &str| {
        let arn = format!("arn:aws:iam::000000000000:role/{name}");
        access("service", "service-secret", &[("aws.role.arn", &arn), ("aws.sts.endpoint", &sts)])
    };
    let bucket = Bucket::open("penstock-reader", &role("PenstockReader")).await.unwrap();
    assert_eq!(bucket.read("in/role.json", 10).await.unwrap(), "{}");
    assert_eq!(bucket.put("in/x", Bytes::new()).await.unwrap_err().cause, Cause::Denied);
    let said = refused("penstock-reader", &role("Nobody"), "in/role.json").await;
    assert!(said.contains("there are no valid credentials, by role arn:aws:iam::"), "{said}");
}

/// A server that answers by the number of the request.
fn feigned(answer: fn(usize) -> &'static str) -> (Access, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let answer = answer(counts.fetch_add(1, Ordering::Relaxed));
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let pairs = [
        ("aws.endpoint", url.as_str()),
        ("aws.region", "us-east-1"),
        ("aws.access.key.id", "a"),
        ("aws.secret.access.key", "b"),
    ];
    (Access::parse(&pairs.into_iter().collect(), None).unwrap(), asked)
}

const BUSY: &str = "HTTP/1.1 503 X\r\nconnection: close\r\ncontent-length: 52\r\n\r\n\
                    <Error><Code>SlowDown</Code><Message>.</Message></Er";

#[tokio::test]
async fn what_passes_is_tried_again_and_what_breaks_off_too() {
    let answer = |number| match number {
        0 => BUSY,
        1 => "HTTP/1.1 206 X\r\nconnection: close\r\ncontent-length: 4\r\n\r\nab",
        _ => "HTTP/1.1 206 X\r\nconnection: close\r\ncontent-length: 4\r\n\r\nabcd",
    };
    let (access, asked) = feigned(answer);
    let bucket = Bucket::open("some-bucket", &access).await.unwrap();
    assert_eq!(bucket.range("k", (0, 4), None).await.unwrap(), "abcd");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_service_that_stays_away_is_asked_later() {
    let (access, asked) = feigned(|_| BUSY);
    let bucket = Bucket::open("some-bucket", &access).await.unwrap();
    let failure = bucket.list("", From::Start).await.unwrap_err();
    assert!(matches!(bucket.error(&failure).kind(), Kind::Retry { .. }), "{failure:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn the_service_says_in_which_region_a_bucket_is() {
    let answer = |number| match number {
        0 => {
            "HTTP/1.1 301 X\r\nx-amz-bucket-region: eu-north-1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        }
        _ => "HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
    };
    let (access, _) = feigned(answer);
    let bucket = Bucket::open("some-bucket", &access).await.unwrap();
    assert_eq!(bucket.read("k", 10).await.unwrap(), "{}");
    assert_eq!(bucket.sender.region(), "eu-north-1");
}
