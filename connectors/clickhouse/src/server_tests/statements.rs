//! Statements that create and alter: sent once, and given their time.
use std::sync::Arc;

use penstock_sdk::Kind;

use super::ways::{self, Twist};
use super::*;
use crate::failure::{Cause, Failure};

fn delivery(lab: &Lab, settings: &[(&str, &str)]) -> Delivery {
    let config: Config = settings.iter().copied().collect();
    Delivery::new(Settings::parse(&config.with("database", &lab.database)).unwrap(), false, patient())
        .unwrap()
}

#[test]
fn a_statement_that_may_have_been_carried_out_is_not_sent_to_another_host() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.old (k UInt32) ENGINE = MergeTree ORDER BY k");
    for (word, table, setting) in [
        ("CREATE TABLE", "new", ("tableCreation", "create")),
        ("ADD COLUMN", "old", ("schemaEvolution", "add")),
    ] {
        let first = ways::twisted(word, Twist::Lost);
        let (other, heads) = ways::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let hosts = format!("127.0.0.1:{first},127.0.0.1:{other}");
        let mut delivery = delivery(&lab, &[("hostname", &hosts), setting]);
        let error = write(&mut delivery, table, &["{\"k\":1,\"x\":2}"]).unwrap_err();
        assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
        assert_eq!(heads.lock().unwrap().len(), 0, "{word}: the second host was asked as well");
        assert_eq!(delivery.take_signals().hosts_set_aside, 1);
    }
}

#[test]
fn a_statement_is_allowed_anew_before_it_goes_to_another_host() {
    let lab = Lab::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = || {
        let hosts = format!("{closed},{}", ways::real());
        Server::new(&Settings::parse(&Config::new().with("hostname", hosts)).unwrap()).unwrap()
    };
    let statement = |table: &str| format!("CREATE TABLE {}.{table} (k UInt32) ENGINE = Memory", lab.database);
    let asked = AtomicU32::new(0);
    let allowed = |times: u32| {
        let asked = &asked;
        move || match asked.fetch_add(1, Ordering::Relaxed) {
            before if before < times => Ok(()),
            _ => Err(Failure::new(Cause::Busy, "not any more")),
        }
    };
    let failure = server().run(&statement("first"), &allowed(1)).unwrap_err();
    assert_eq!((failure.sentence.as_str(), asked.swap(0, Ordering::Relaxed)), ("not any more", 2));
    server().run(&statement("second"), &allowed(2)).unwrap();
    assert_eq!(lab.run("SHOW TABLES FROM @"), [["second"]]);
}

#[test]
fn a_task_that_ends_waits_for_no_altered_table() {
    let lab = Lab::new();
    lab.run("CREATE TABLE @.t (k UInt32) ENGINE = MergeTree ORDER BY k");
    let port = ways::twisted("ADD COLUMN", Twist::Feigned).to_string();
    let settings = [
        ("hostname", "127.0.0.1"),
        ("port", port.as_str()),
        ("schemaEvolution", "add"),
        ("database", lab.database.as_str()),
    ];
    let waits = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&waits);
    let wait = Box::new(move |_| seen.fetch_add(1, Ordering::Relaxed) == 1);
    let settings = Settings::parse(&settings.iter().copied().collect()).unwrap();
    let mut delivery = Delivery::new(settings, false, wait).unwrap();
    let error = write(&mut delivery, "t", &["{\"k\":1,\"x\":2}"]).unwrap_err();
    assert_eq!(error.kind(), &Kind::Retry { after: None }, "{error}");
    assert!(error.message().ends_with("was altered and does not show it yet"), "{error}");
    assert_eq!(waits.load(Ordering::Relaxed), 2);
}

#[test]
fn a_statement_has_the_time_of_an_insert() {
    let lab = Lab::new();
    let port = ways::twisted("CREATE TABLE", Twist::Slow).to_string();
    let settings = [("hostname", "127.0.0.1"), ("port", &port), ("timeoutSeconds", "1")];
    let mut delivery = delivery(&lab, &[&settings[..], &[("tableCreation", "create")]].concat());
    accept(&mut delivery, "t", &["{\"k\":1}"]);
}
