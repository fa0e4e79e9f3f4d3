//! A registry on loopback, for tests of the converters that need one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

/// Answers each path with its JSON, over HTTP on loopback, and everything else with 404.
pub fn registry(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).unwrap();
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let header = header.to_ascii_lowercase();
                if let Some(given) = header.strip_prefix("content-length:") {
                    length = given.trim().parse().unwrap();
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let path = line.split(' ').nth(1).unwrap();
            let found = answers.iter().find(|(known, _)| *known == path).map(|(_, body)| *body);
            let (status, body) = found.map_or((404, "{\"message\":\"not found\"}"), |body| (200, body));
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    url
}
