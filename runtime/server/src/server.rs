//! Opens everything that settings name before the worker starts, and serves once it is there.
use crate::connections::{self, Door};
use crate::cross_origin::CrossOrigin;
use crate::forward::Forward;
use crate::front::{self, Entrance, Scope, Site};
use crate::headers::Headers;
use crate::listener::{self, Error};
use crate::tls::{self, Tls};
use crate::users::Users;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use worker::Handle;
use worker::settings::{Admin, Listener, Rest};

/// Sockets that listen already; whoever connects waits until [`Server::serve`].
pub struct Server {
    main: Vec<Socket>,
    admin: Vec<Socket>,
    scope: Scope,
    users: Option<Users>,
    cross_origin: Option<CrossOrigin>,
    headers: Headers,
    accepted_signatures: Vec<String>,
    /// Of the `https` listeners; for requests to other workers it is there without them too.
    tls: Arc<Tls>,
    admin_tls: Option<Arc<Tls>>,
}

struct Socket {
    listener: TcpListener,
    is_tls: bool,
}

impl Server {
    /// Whatever is wrong with the settings is found here. Without `users` nobody is asked who they are.
    pub async fn open(rest: &Rest, users: Option<Users>) -> Result<Self, Error> {
        if rest.listeners.is_empty() {
            return Err(Error::new("listeners: expected at least one address, got none"));
        }
        let none = Vec::new();
        let (admin, scope) = match &rest.admin {
            Admin::Beside => (&none, Scope::Everything),
            Admin::Nowhere => (&none, Scope::WithoutAdmin),
            Admin::At(listeners) => (listeners, Scope::WithoutAdmin),
        };
        let is_tls = |listeners: &[Listener]| listeners.iter().any(|listener| listener.is_tls);
        let tls = if is_tls(&rest.listeners) { Tls::load(&rest.tls)? } else { Tls::load_client(&rest.tls)? };
        let admin_tls = if is_tls(admin) { Some(Arc::new(Tls::load(&rest.admin_tls)?)) } else { None };
        Ok(Self {
            cross_origin: CrossOrigin::new(&rest.cross_origin)?,
            headers: Headers::new(&rest.response_headers)?,
            main: bind(&rest.listeners).await?,
            admin: bind(admin).await?,
            scope,
            users,
            accepted_signatures: rest.signatures.accepted.clone(),
            tls: Arc::new(tls),
            admin_tls,
        })
    }

    /// What each of the listeners got, in the order of the settings.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.main)
    }

    /// The same of the listeners for `/admin` alone.
    pub fn admin_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.admin)
    }

    /// Answers requests until `shutdown`; then the requests under way get two seconds to finish.
    ///
    /// `advertised` is the `http://host:port` under which clients and other workers reach this one.
    pub async fn serve(self, advertised: &str, handle: Handle, shutdown: impl Future<Output = ()>) {
        let site = Arc::new(Site {
            advertised: advertised.trim_end_matches('/').to_owned(),
            handle,
            accepted_signatures: self.accepted_signatures,
            forward: Forward::new(Arc::clone(&self.tls)),
        });
        let main = front::router(Entrance {
            site: Arc::clone(&site),
            scope: self.scope,
            users: self.users,
            cross_origin: self.cross_origin,
            headers: self.headers,
        });
        // Java's extensions, origins and headers are for the main listeners alone.
        let admin = front::router(Entrance {
            site,
            scope: Scope::AdminAlone,
            users: None,
            cross_origin: None,
            headers: Headers::default(),
        });
        let mut renewing = JoinSet::new();
        for tls in self.admin_tls.iter().chain([&self.tls]).filter(|tls| tls.acceptor().is_some()) {
            renewing.spawn(Arc::clone(tls).keep_current(tls::RELOAD_INTERVAL));
        }
        let door = |socket: Socket, tls: Option<&Arc<Tls>>, router: &axum::Router| Door {
            listener: socket.listener,
            tls: tls.filter(|_| socket.is_tls).map(Arc::clone),
            router: router.clone(),
        };
        let main_doors = self.main.into_iter().map(|socket| door(socket, Some(&self.tls), &main));
        let admin_doors = self.admin.into_iter().map(|socket| door(socket, self.admin_tls.as_ref(), &admin));
        let doors: Vec<_> = main_doors.chain(admin_doors).collect();
        connections::run(&doors, shutdown).await;
        renewing.shutdown().await;
    }
}

async fn bind(listeners: &[Listener]) -> Result<Vec<Socket>, Error> {
    let mut sockets = Vec::new();
    for listener in listeners {
        sockets.push(Socket { listener: listener::bind(listener).await?, is_tls: listener.is_tls });
    }
    Ok(sockets)
}

fn addresses(sockets: &[Socket]) -> Vec<SocketAddr> {
    // The system forgets the address of an open socket never.
    sockets.iter().filter_map(|socket| socket.listener.local_addr().ok()).collect()
}
