//! A registry on loopback that answers what a test tells it to, over real HTTP.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers by `METHOD PATH`, with their status, and all requests that came.
#[derive(Clone, Default)]
pub struct Fake {
    pub answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub fn answer(&self, request: &str, status: u16, body: &str) -> &Self {
        self.answers.lock().unwrap().insert(request.to_owned(), (status, body.to_owned()));
        self
    }

    pub fn count(&self, request: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|known| known.starts_with(request)).count()
    }

    /// Serves until the process ends; answers the address.
    pub fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (fake, stream) = (fake.clone(), stream.unwrap());
                std::thread::spawn(move || fake.serve(stream));
            }
        });
        url
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut parts = line.split(' ');
        let request = format!("{} {}", parts.next()?, parts.next()?);
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim();
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "authorization" => authorization = value.trim().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        self.requests.lock().unwrap().push(format!("{request} {authorization} {body}"));
        let missing = (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned());
        let (status, body) = self.answers.lock().unwrap().get(&request).cloned().unwrap_or(missing);
        let mut stream = stream;
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()
    }
}
