//! A way to ClickHouse on which inserts meet what inserts meet: answers that get lost, connections that break, delay.

use crate::http::{self, Request, read_message};
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// What happens to inserts; everything else passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Every so many inserts one is stored, and its answer thrown away with the connection.
    LoseAnswer(u64),
    /// Every so many inserts one breaks off in the middle of its body.
    CutBody(u64),
    /// Inserts wait in the proxy, whole. They reach the server when the fault ends, whoever is still there to hear.
    Hold,
    /// Nothing comes through, no insert and no question.
    Down,
}

pub struct FaultProxy {
    pub url: String,
    way: Arc<Way>,
}

struct Way {
    target: String,
    fault: Mutex<Fault>,
    changed: Condvar,
    inserts: AtomicU64,
    injected: AtomicU64,
    held: AtomicU64,
}

impl FaultProxy {
    /// `url` is the server's, `http://host:port`.
    pub fn start(url: &str) -> Self {
        let way = Arc::new(Way {
            target: http::authority(url).to_owned(),
            fault: Mutex::new(Fault::None),
            changed: Condvar::new(),
            inserts: AtomicU64::new(0),
            injected: AtomicU64::new(0),
            held: AtomicU64::new(0),
        });
        let shared = Arc::clone(&way);
        Self { url: http::serve(move |request, near| shared.carry(request, near)), way }
    }

    pub fn set(&self, fault: Fault) {
        *self.way.fault.lock().unwrap() = fault;
        self.way.changed.notify_all();
    }

    /// How often something was done to an insert.
    pub fn injected(&self) -> u64 {
        self.way.injected.load(Ordering::Acquire)
    }

    /// Inserts that wait at this moment.
    pub fn held(&self) -> u64 {
        self.way.held.load(Ordering::Acquire)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.set(Fault::None);
    }
}

impl Way {
    /// Brings one request to the server and its answer back; false when the client's connection shall end.
    fn carry(&self, request: &Request, mut near: &TcpStream) -> bool {
        let request = request.bytes.as_slice();
        let fault = *self.fault.lock().unwrap();
        let is_insert = request.windows(6).take(8192).any(|window| window == b"INSERT");
        if fault == Fault::Down {
            return false;
        }
        let chosen = |every: u64| {
            let is_chosen = is_insert && self.inserts.fetch_add(1, Ordering::AcqRel) % every == every - 1;
            self.injected.fetch_add(u64::from(is_chosen), Ordering::AcqRel);
            is_chosen
        };
        let (is_lost, is_cut) = match fault {
            Fault::LoseAnswer(every) => (chosen(every), false),
            Fault::CutBody(every) => (false, chosen(every)),
            Fault::Hold if is_insert => {
                self.hold();
                (false, false)
            }
            Fault::None | Fault::Hold | Fault::Down => (false, false),
        };
        let Ok(mut far) = TcpStream::connect(&self.target) else { return false };
        let part = if is_cut { &request[..request.len() / 2] } else { request };
        if far.write_all(part).is_err() || is_cut {
            return false;
        }
        let answer = read_message(&mut BufReader::new(far));
        match answer {
            Some(answer) if !is_lost => near.write_all(&answer).is_ok(),
            _ => false,
        }
    }

    fn hold(&self) {
        self.held.fetch_add(1, Ordering::AcqRel);
        self.injected.fetch_add(1, Ordering::AcqRel);
        let fault = self.fault.lock().unwrap();
        drop(self.changed.wait_while(fault, |fault| *fault == Fault::Hold).unwrap());
        self.held.fetch_sub(1, Ordering::AcqRel);
    }
}
