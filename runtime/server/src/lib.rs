//! Serves the worker over HTTP: the REST API of Kafka Connect as its clients know it, and the worker's metrics.
//!
//! A request is first read into a [`call::Call`] without asking the worker anything, then performed through the
//! worker's `Handle`. Whatever is wrong with a request is found in the first step and answered with a 4xx.

mod body;
mod call;
mod config;
mod connections;
mod cross_origin;
mod fault;
mod forward;
mod front;
mod headers;
mod listener;
mod media;
mod number;
mod offsets;
mod openapi;
mod path;
mod perform;
mod query;
mod reply;
mod routes;
mod server;
mod shape;
mod signature;
mod tls;
mod users;

pub use listener::Error;
pub use server::Server;
pub use users::Users;
