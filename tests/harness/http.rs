//! HTTP/1.1 on loopback, byte for byte: a server whose answers a function gives, and messages carried from wire to wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Serves until the process ends, as it waits for clients that tests kill; what comes back is its URL. `answer` has each
/// request and the wire to answer on; false ends the connection.
pub fn serve(answer: impl Fn(&Request, &TcpStream) -> bool + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("the server's address"));
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut reader = BufReader::new(&near);
                while Request::read(&mut reader).is_some_and(|request| answer(&request, &near)) {}
                let _ = near.shutdown(Shutdown::Both);
            });
        }
    });
    url
}

/// `host:port` of a URL.
pub fn authority(url: &str) -> &str {
    url.trim_start_matches("http://").split('/').next().unwrap_or_default()
}

/// A whole answer.
pub fn answer(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into()
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub bytes: Vec<u8>,
    body_at: usize,
}

impl Request {
    pub fn new(bytes: Vec<u8>) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        Self { body_at: end.map_or(bytes.len(), |end| end + 4), bytes }
    }

    fn read(from: &mut impl BufRead) -> Option<Self> {
        read_message(from).map(Self::new)
    }

    pub fn method(&self) -> &str {
        self.head().split(' ').next().unwrap_or_default()
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.head().split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header; its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head().lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }

    fn head(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.body_at]).unwrap_or_default()
    }

    /// Asks the server at `host:port` and brings its answer to `to` as it comes; none when it broke off.
    pub fn pass(&self, server: &str, to: &mut impl Write) -> Option<()> {
        let mut far = TcpStream::connect(server).ok()?;
        far.write_all(&self.bytes).ok()?;
        carry(&mut BufReader::new(far), to, self.method() == "HEAD")
    }
}

/// A whole request or answer.
pub fn read_message(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    carry(from, &mut message, false).map(|()| message)
}

/// One message; that to a HEAD has no body, whatever its head says.
fn carry(from: &mut impl BufRead, to: &mut impl Write, is_headless: bool) -> Option<()> {
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let line = carry_line(from, to)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        is_chunked |= line.starts_with("transfer-encoding:") && line.ends_with("chunked");
    }
    if is_headless {
        return Some(());
    }
    if !is_chunked {
        return carry_exactly(from, to, length);
    }
    loop {
        let size = carry_line(from, to)?;
        let size = u64::from_str_radix(size.trim(), 16).ok()?;
        carry_exactly(from, to, size)?;
        carry_line(from, to)?;
        if size == 0 {
            return Some(());
        }
    }
}

fn carry_line(from: &mut impl BufRead, to: &mut impl Write) -> Option<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).ok()?;
    to.write_all(&line).ok()?;
    line.ends_with(b"\n").then(|| String::from_utf8_lossy(&line).into_owned())
}

fn carry_exactly(from: &mut impl Read, to: &mut impl Write, length: u64) -> Option<()> {
    let carried = std::io::copy(&mut from.take(length), to).ok()?;
    (carried == length).then_some(())
}

#[cfg(test)]
mod tests {
    use super::{Request, answer, carry, read_message};

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

    #[test]
    fn an_answer_to_a_head_has_no_body() {
        let (head, mut to) = (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec(), Vec::new());
        assert_eq!(carry(&mut head.as_slice(), &mut to, true), Some(()));
        assert_eq!(to, head);
        assert_eq!(carry(&mut head.as_slice(), &mut to, false), None, "cut off");
    }

    #[test]
    fn requests_are_taken_apart() {
        let request = Request::new(b"PUT /a/b?c HTTP/1.1\r\nX-Amz-Target: A.b\r\n\r\nbody".to_vec());
        assert_eq!((request.method(), request.target()), ("PUT", "/a/b?c"));
        assert_eq!((request.header("x-amz-target"), request.header("host")), (Some("A.b"), None));
        assert_eq!(request.body(), b"body");
        assert!(answer(400, "text/plain", "no").ends_with(b"content-length: 2\r\n\r\nno"));
    }
}
