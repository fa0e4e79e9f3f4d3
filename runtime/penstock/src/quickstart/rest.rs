//! Submits connectors over the worker's own REST, as any client does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::connectors::Connector;
use crate::failure::Failure;

/// Where this machine itself reaches a listener.
pub fn url(bound: SocketAddr) -> String {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, bound.port()))
}

pub async fn submit(rest: &str, connector: &Connector) -> Result<(), Failure> {
    let path = format!("{rest}/connectors/{}/config", connector.name);
    let config = connector.config.to_string();
    let put = tokio::task::spawn_blocking(move || put(&path, &config));
    let done = put.await.map_err(|error| error.to_string()).and_then(|done| done);
    done.map_err(|reason| Failure::Failed(format!("creating connector {}: {reason}", connector.name)))
}

/// A worker that reads its stores, or runs an earlier request, answers 409 for a moment.
fn put(path: &str, config: &str) -> Result<(), String> {
    let settings =
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
    let agent = ureq::Agent::from(settings);
    let start = Instant::now();
    loop {
        let request = agent.put(path).header("Content-Type", "application/json");
        let mut answer = request.send(config).map_err(|error| error.to_string())?;
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200..300 => return Ok(()),
            409 if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            status => return Err(reason(status, &text)),
        }
    }
}

/// The sentence in Connect's shape of an error.
fn reason(status: u16, text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let message = body["message"].as_str().unwrap_or_default().trim();
    if message.is_empty() { format!("the worker answered {status}") } else { message.to_owned() }
}

/// Checking a connector's settings may ask the system it is for.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::{reason, url};

    #[test]
    fn a_listener_on_every_interface_is_reached_on_loopback() {
        let check = |bound: &str, expected: &str| assert_eq!(url(bound.parse().unwrap()), expected);
        check("127.0.0.1:1", "http://127.0.0.1:1");
        check("0.0.0.0:1", "http://127.0.0.1:1");
        check("[::]:1", "http://[::1]:1");
        check("10.0.0.7:1", "http://10.0.0.7:1");
    }

    #[test]
    fn a_refusal_is_the_workers_own_sentence() {
        assert_eq!(
            reason(400, r#"{"error_code":400,"message":"rate: expected a number"}"#),
            "rate: expected a number"
        );
        assert_eq!(reason(502, "<html>"), "the worker answered 502");
    }
}
