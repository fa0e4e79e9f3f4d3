//! A registry on loopback for tests, over real HTTP: it knows the schemas that it was given, and no others.
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};

use formats::registry::Format;
use penstock_sdk::Config;

use super::Schemas;

/// Schemas by their ids, which count from 1.
#[derive(Clone, Default)]
pub struct Fake {
    known: Arc<Mutex<Vec<(Format, String)>>>,
    url: String,
}

impl Fake {
    /// The one of this process.
    pub fn shared() -> &'static Fake {
        static SHARED: OnceLock<Fake> = OnceLock::new();
        SHARED.get_or_init(Fake::start)
    }

    /// One whose subjects `s` and `s-value` have all of its schemas.
    pub fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Fake { known: Arc::default(), url };
        let serving = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serving.serve(&stream.unwrap());
            }
        });
        fake
    }

    pub fn address(&self) -> &str {
        &self.url
    }

    /// The id of a schema of Avro.
    pub fn register(&self, schema: &str) -> u32 {
        self.register_as(Format::Avro, schema)
    }

    pub fn register_as(&self, format: Format, schema: &str) -> u32 {
        let mut known = self.known.lock().unwrap();
        if let Some(at) = known.iter().position(|other| other.0 == format && other.1 == schema) {
            return at as u32 + 1;
        }
        known.push((format, schema.to_owned()));
        known.len() as u32
    }

    /// What a sink of Avro with this registry's address, and `more` behind it, has.
    pub fn schemas(&self, more: &str) -> Arc<Schemas> {
        self.schemas_of(Format::Avro, more)
    }

    pub fn schemas_of(&self, format: Format, more: &str) -> Arc<Schemas> {
        open(format, &format!("{}{more}", self.url))
    }

    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        while !line.trim().is_empty() {
            line.clear();
            reader.read_line(&mut line).ok()?;
        }
        let (status, body) = self.answer(&path);
        let length = body.len();
        write!(&*stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .ok()
    }

    fn answer(&self, path: &str) -> (u16, String) {
        let known = self.known.lock().unwrap();
        let newest = known.len().to_string();
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        let found = match parts[..] {
            ["subjects", "s" | "s-value", "versions"] => {
                let numbers: Vec<_> = (1..=known.len()).map(|number| number.to_string()).collect();
                return (200, format!("[{}]", numbers.join(",")));
            }
            ["subjects", "s" | "s-value", "versions", "latest"] => newest.parse().ok(),
            ["subjects", "s" | "s-value", "versions", id] | ["schemas", "ids", id] => {
                id.parse::<usize>().ok()
            }
            _ => None,
        };
        let schema = found.and_then(|id| Some((id, known.get(id.checked_sub(1)?)?)));
        match schema {
            Some((id, (format, schema))) => {
                let (schema, format) = (serde_json::to_string(schema).unwrap(), format.name());
                let body = format!(
                    "{{\"id\":{id},\"version\":{id},\"schemaType\":\"{format}\",\"schema\":{schema}}}"
                );
                (200, body)
            }
            None => (404, "{\"error_code\":40403,\"message\":\"Schema not found\"}".to_owned()),
        }
    }
}

/// What a sink with a registry at this address has.
pub fn open(format: Format, url: &str) -> Arc<Schemas> {
    let config: Config = [("value.converter.schema.registry.url", url)].into_iter().collect();
    Arc::new(Schemas::open(&config, "value", format).unwrap())
}

/// A record behind the id of its schema.
pub fn framed(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], body].concat()
}
