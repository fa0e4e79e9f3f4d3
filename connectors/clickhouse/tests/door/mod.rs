//! A way to a server that can be shut: connections end at once and new ones are not served.
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Clones are the same door. Its threads end with the process.
#[derive(Clone)]
pub struct Door {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_shut: bool,
    streams: Vec<TcpStream>,
}

impl Door {
    /// To the server at this host and port.
    pub fn new(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let door = Door { port, state: Arc::default() };
        let behind = door.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                behind.serve(client, &server);
            }
        });
        door
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn shut(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_shut = true;
        for stream in state.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn open(&self) {
        self.state.lock().unwrap().is_shut = false;
    }

    fn serve(&self, client: TcpStream, server: &str) {
        let mut state = self.state.lock().unwrap();
        if state.is_shut {
            return;
        }
        let Ok(server) = TcpStream::connect(server) else {
            return;
        };
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        state.streams.extend([clone(&client), clone(&server)]);
        copy(clone(&client), clone(&server));
        copy(server, client);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}
