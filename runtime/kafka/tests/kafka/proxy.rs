//! A way to Kafka that can be cut: everything goes through it, because it puts its own address into the answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use kafka::ClientSettings;

pub struct Proxy {
    port: u16,
    gate: Arc<Gate>,
}

/// Both directions wait here while the way is cut: nothing is lost, nothing arrives.
#[derive(Default)]
struct Gate {
    is_cut: Mutex<bool>,
    changed: Condvar,
}

impl Proxy {
    pub fn start(client: &ClientSettings) -> Self {
        let target = client.get("bootstrap.servers").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Arc::new(Gate::default());
        let proxy = Self { port, gate: gate.clone() };
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&target) else { continue };
                connect(near, far, port, &gate);
            }
        });
        proxy
    }

    pub fn client(&self, client: &ClientSettings) -> ClientSettings {
        client.clone().with("bootstrap.servers", format!("127.0.0.1:{}", self.port))
    }

    pub fn cut(&self) {
        *self.gate.is_cut.lock().unwrap() = true;
    }

    pub fn heal(&self) {
        *self.gate.is_cut.lock().unwrap() = false;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn pass(&self) {
        let is_cut = self.is_cut.lock().unwrap();
        drop(self.changed.wait_while(is_cut, |is_cut| *is_cut).unwrap());
    }
}

fn connect(near: TcpStream, far: TcpStream, port: u16, gate: &Arc<Gate>) {
    let broker = far.peer_addr().unwrap().port();
    let (mut up_from, mut up_to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let (mut down_from, mut down_to) = (far, near);
    let up_gate = gate.clone();
    thread::spawn(move || {
        while let Some(frame) = read_frame(&mut up_from) {
            up_gate.pass();
            if up_to.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = up_to.shutdown(Shutdown::Both);
    });
    let down_gate = gate.clone();
    thread::spawn(move || {
        while let Some(mut frame) = read_frame(&mut down_from) {
            replace_address(&mut frame, broker, port);
            down_gate.pass();
            if down_to.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = down_to.shutdown(Shutdown::Both);
    });
}

/// Requests and answers alike: a length of four bytes, then as many.
fn read_frame(from: &mut TcpStream) -> Option<Vec<u8>> {
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
    known.extend(u32::from(broker).to_be_bytes());
    let start = known.len() - 4;
    for at in 0..frame.len().saturating_sub(known.len() - 1) {
        if frame[at..].starts_with(&known) {
            frame[at + start..at + known.len()].copy_from_slice(&u32::from(port).to_be_bytes());
        }
    }
}
