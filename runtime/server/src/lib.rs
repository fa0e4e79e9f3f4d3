//! Serves the worker over HTTP: the REST API of Kafka Connect as its clients know it, and the worker's metrics.
//!
//! A request is first read into a [`call::Call`] without asking the worker anything, then performed through the
//! worker's `Handle`. Whatever is wrong with a request is found in the first step and answered with a 4xx.

mod body;
mod call;
mod config;
mod connections;
mod fault;
mod front;
mod listener;
mod media;
mod number;
mod path;
mod perform;
mod query;
mod reply;
mod routes;
mod shape;

pub use listener::{Error, bind};

use std::future::Future;
use tokio::net::TcpListener;
use worker::Handle;

/// Answers requests on all `listeners` until `shutdown`; then the requests under way get two seconds to finish.
///
/// `advertised` is the `http://host:port` under which clients and other workers reach this one.
pub async fn serve(
    listeners: Vec<TcpListener>,
    advertised: String,
    handle: Handle,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    if listeners.is_empty() {
        return Err(Error::new("listeners: expected at least one address, got none"));
    }
    let site = front::Site { advertised: advertised.trim_end_matches('/').to_owned(), handle };
    connections::run(&listeners, &front::router(site), shutdown).await;
    Ok(())
}
