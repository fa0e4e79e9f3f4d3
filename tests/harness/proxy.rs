//! A way to Kafka that can be cut, also in one direction alone: nothing is lost in it, and nothing arrives.
//!
//! Everything goes through it, because it puts its own address in place of the broker's into the answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

/// What does not arrive any more. It does when the way is healed, however late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Both,
    Requests,
    Answers,
}

pub struct Proxy {
    pub address: String,
    gate: Arc<Gate>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Gate {
    cut: Mutex<Option<Cut>>,
    changed: Condvar,
    is_closed: AtomicBool,
}

impl Proxy {
    /// `target` is the one broker's `host:port`.
    pub fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("the proxy's address").port();
        let (gate, target) = (Arc::new(Gate::default()), target.to_owned());
        let shared = Arc::clone(&gate);
        let accepting = thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if shared.is_closed.load(Ordering::Acquire) {
                    return;
                }
                // A broker that is away is a connection that ends.
                if let Ok(far) = TcpStream::connect(&target) {
                    join(near, far, port, &shared);
                }
            }
        });
        Self { address: format!("127.0.0.1:{port}"), gate, accepting: Some(accepting) }
    }

    pub fn cut(&self, cut: Cut) {
        *self.gate.cut.lock().unwrap() = Some(cut);
    }

    pub fn heal(&self) {
        *self.gate.cut.lock().unwrap() = None;
        self.gate.changed.notify_all();
    }
}

impl Drop for Proxy {
    /// Connections live on until one of their sides ends them.
    fn drop(&mut self) {
        self.heal();
        self.gate.is_closed.store(true, Ordering::Release);
        let _ = TcpStream::connect(&self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Gate {
    fn pass(&self, mine: Cut) {
        let cut = self.cut.lock().unwrap();
        let is_shut = |cut: &mut Option<Cut>| cut.is_some_and(|cut| cut == mine || cut == Cut::Both);
        drop(self.changed.wait_while(cut, is_shut).unwrap());
    }
}

fn join(near: TcpStream, far: TcpStream, port: u16, gate: &Arc<Gate>) {
    let broker = far.peer_addr().map_or(0, |address| address.port());
    let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { return };
    let (requests, answers) = (Arc::clone(gate), Arc::clone(gate));
    thread::spawn(move || carry(near, far, |_| requests.pass(Cut::Requests)));
    thread::spawn(move || {
        carry(far_too, near_too, |frame| {
            replace_address(frame, broker, port);
            answers.pass(Cut::Answers);
        });
    });
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut pass: impl FnMut(&mut [u8])) {
    while let Some(mut frame) = read_frame(&mut from) {
        pass(&mut frame);
        if to.write_all(&frame).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Requests and answers alike: a length of four bytes, then as many.
fn read_frame(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut head = [0; 4];
    from.read_exact(&mut head).ok()?;
    let mut frame = head.to_vec();
    frame.resize(4 + u32::from_be_bytes(head) as usize, 0);
    from.read_exact(&mut frame[4..]).ok()?;
    Some(frame)
}

/// An address is a host and then a port of four bytes, in every answer that has one.
fn replace_address(frame: &mut [u8], broker: u16, port: u16) {
    let mut known = b"127.0.0.1".to_vec();
    let at_port = known.len();
    known.extend(u32::from(broker).to_be_bytes());
    for at in 0..(frame.len() + 1).saturating_sub(known.len()) {
        if frame[at..].starts_with(&known) {
            frame[at + at_port..at + known.len()].copy_from_slice(&u32::from(port).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Proxy, read_frame, replace_address};
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    #[test]
    fn an_address_is_replaced_wherever_it_stands() {
        let mut frame = b"ab127.0.0.1\0\0\x1f\x90cd127.0.0.1\0\0\x1f\x90".to_vec();
        replace_address(&mut frame, 8080, 9);
        assert_eq!(frame, b"ab127.0.0.1\0\0\0\x09cd127.0.0.1\0\0\0\x09");
        replace_address(&mut [], 8080, 9);
    }

    #[test]
    fn a_cut_holds_one_direction_until_it_heals() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(&server.local_addr().unwrap().to_string());
        let mut near = TcpStream::connect(&proxy.address).unwrap();
        let mut far = server.accept().unwrap().0;
        for end in [&near, &far] {
            end.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        }
        proxy.cut(Cut::Requests);
        far.write_all(&[0, 0, 0, 1, 7]).unwrap();
        assert_eq!(read_frame(&mut near), Some(vec![0, 0, 0, 1, 7]), "answers arrive");
        near.write_all(&[0, 0, 0, 1, 8]).unwrap();
        assert_eq!(read_frame(&mut far), None, "a request does not");
        far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        proxy.heal();
        assert_eq!(read_frame(&mut far), Some(vec![0, 0, 0, 1, 8]), "nothing was lost");
    }
}
