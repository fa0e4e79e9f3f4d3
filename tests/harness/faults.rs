//! A way to ClickHouse on which inserts meet what inserts meet: answers that get lost, connections that break, delay.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

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
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("the proxy's address").port();
        let way = Arc::new(Way {
            target: url.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            fault: Mutex::new(Fault::None),
            changed: Condvar::new(),
            inserts: AtomicU64::new(0),
            injected: AtomicU64::new(0),
            held: AtomicU64::new(0),
        });
        let shared = Arc::clone(&way);
        // Ends with the process: it waits for clients that tests kill.
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let way = Arc::clone(&shared);
                thread::spawn(move || way.serve(&near));
            }
        });
        Self { url: format!("http://127.0.0.1:{port}"), way }
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
    fn serve(&self, near: &TcpStream) {
        let mut reader = BufReader::new(near.try_clone().expect("a second handle"));
        while let Some(request) = read_message(&mut reader) {
            if !self.carry(&request, near) {
                break;
            }
        }
        let _ = near.shutdown(Shutdown::Both);
    }

    /// Brings one request to the server and its answer back; false when the client's connection shall end.
    fn carry(&self, request: &[u8], mut near: &TcpStream) -> bool {
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

/// A whole request or answer of HTTP/1.1, byte for byte.
fn read_message(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let line = read_line(from, &mut message)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        is_chunked |= line.starts_with("transfer-encoding:") && line.ends_with("chunked");
    }
    if !is_chunked {
        return read_exactly(from, length, &mut message).map(|()| message);
    }
    loop {
        let size = read_line(from, &mut message)?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        read_exactly(from, size, &mut message)?;
        read_line(from, &mut message)?;
        if size == 0 {
            return Some(message);
        }
    }
}

fn read_line(from: &mut impl BufRead, into: &mut Vec<u8>) -> Option<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).ok()?;
    into.extend_from_slice(&line);
    line.ends_with(b"\n").then(|| String::from_utf8_lossy(&line).into_owned())
}

fn read_exactly(from: &mut impl Read, length: usize, into: &mut Vec<u8>) -> Option<()> {
    let start = into.len();
    into.resize(start + length, 0);
    from.read_exact(&mut into[start..]).ok()
}

#[cfg(test)]
mod tests {
    use super::read_message;

    #[test]
    fn messages_end_where_their_heads_say() {
        let plain = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".to_vec();
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec();
        let both = [plain.clone(), chunked.clone()].concat();
        let mut left = both.as_slice();
        assert_eq!(read_message(&mut left), Some(plain));
        assert_eq!(read_message(&mut left), Some(chunked));
        assert_eq!(read_message(&mut left), None);
    }
}
