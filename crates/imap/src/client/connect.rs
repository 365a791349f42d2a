//! Connecting: resolve, dial, greeting, encryption, capabilities.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Connection;
use super::guard::AddressGuard;
use super::options::{Endpoint, Options, Security};
use super::tls::Tls;
use super::transport::{BoxStream, Transport};
use crate::error::{Error, Stage};
use crate::protocol::{Condition, Frame, Response};

impl Connection {
    /// Connects to a server: resolves its name, tries each address, reads the greeting, encrypts as
    /// asked, learns the capabilities.
    pub async fn open(endpoint: &Endpoint, tls: &Tls, options: &Options) -> Result<Connection, Error> {
        let host = endpoint.host.as_str();
        let failed = |source| Error::Dns { host: host.to_owned(), source: Arc::new(source) };
        let lookup = timeout(options.timeouts.connect, lookup_host((host, endpoint.port)));
        let addresses =
            lookup.await.map_err(|_| Error::Timeout { stage: Stage::Connect })?.map_err(failed)?;
        let addresses: Vec<SocketAddr> = addresses.collect();
        if addresses.is_empty() {
            return Err(failed(std::io::Error::from(std::io::ErrorKind::NotFound)));
        }
        Self::open_at(&addresses, endpoint, tls, options).await
    }

    /// The same where somebody decides about the addresses: resolved once, judged, and connected to as judged.
    pub async fn open_guarded(
        guard: &dyn AddressGuard,
        endpoint: &Endpoint,
        tls: &Tls,
        options: &Options,
    ) -> Result<Connection, Error> {
        let addresses = timeout(options.timeouts.connect, guard.addresses(endpoint));
        let addresses = addresses.await.map_err(|_| Error::Timeout { stage: Stage::Connect })??;
        Self::open_at(&addresses, endpoint, tls, options).await
    }

    /// The same without a look-up: only these addresses are tried, in this order.
    pub async fn open_at(
        addresses: &[SocketAddr],
        endpoint: &Endpoint,
        tls: &Tls,
        options: &Options,
    ) -> Result<Connection, Error> {
        let (stream, peer) = dial(addresses, endpoint, options).await?;
        let mut stream: BoxStream = Box::new(stream);
        if endpoint.security == Security::ImplicitTls {
            stream = tls.connect(&endpoint.host, stream, options.timeouts.tls).await?;
        }
        let mut connection = Self::greeted(stream, Some(peer), options).await?;
        if endpoint.security == Security::StartTls {
            connection.start_tls(endpoint, tls).await?;
        }
        connection.ensure_capabilities().await?;
        Ok(connection)
    }

    /// Speaks IMAP over a given stream as it is.
    pub async fn over<S>(stream: S, options: &Options) -> Result<Connection, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut connection = Self::greeted(Box::new(stream), None, options).await?;
        connection.ensure_capabilities().await?;
        Ok(connection)
    }

    async fn greeted(
        stream: BoxStream,
        peer: Option<SocketAddr>,
        options: &Options,
    ) -> Result<Connection, Error> {
        let mut connection =
            Connection::new(Transport::new(stream, options.limits.compression_ratio), peer, options);
        let patience = options.timeouts.greeting;
        match timeout(patience, connection.greeting()).await {
            Ok(result) => result.map(|()| connection),
            Err(_) => Err(Error::Timeout { stage: Stage::Greeting }),
        }
    }

    async fn greeting(&mut self) -> Result<(), Error> {
        let limit = self.options.limits.greeting;
        loop {
            let banner: String = String::from_utf8_lossy(&self.waiting)
                .chars()
                .take_while(|c| *c != '\n')
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            match self.decode()? {
                Some(Frame::Response(response)) => return self.greet(*response, banner),
                Some(_) => return Err(Error::NotImap { banner }),
                None if self.waiting.len() > limit => {
                    return Err(Error::LimitExceeded { what: "the greeting's length", limit: limit as u64 });
                }
                None => {}
            }
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            if transport.read(&mut self.waiting).await? == 0 {
                return if banner.is_empty() { Err(Error::Closed) } else { Err(Error::NotImap { banner }) };
            }
        }
    }

    fn greet(&mut self, response: Response, banner: String) -> Result<(), Error> {
        self.observe(&response)?;
        match response {
            Response::Status(status) if status.condition == Condition::Ok => self.greeting = status,
            Response::PreAuth(status) => {
                self.authenticated = true;
                self.greeting = status;
            }
            _ => return Err(Error::NotImap { banner }),
        }
        Ok(())
    }
}

async fn dial(
    addresses: &[SocketAddr],
    endpoint: &Endpoint,
    options: &Options,
) -> Result<(TcpStream, SocketAddr), Error> {
    let mut last = Error::Timeout { stage: Stage::Connect };
    for &address in addresses {
        match timeout(options.timeouts.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Whatever stands between us and the network: nothing is said to anybody else.
                let peer = stream.peer_addr()?;
                if (peer.ip(), peer.port()) != (address.ip(), address.port()) {
                    return Err(Error::AddressRefused { host: endpoint.host.clone() });
                }
                // Commands are small and must not wait for each other's acknowledgement.
                stream.set_nodelay(true)?;
                return Ok((stream, address));
            }
            Ok(Err(source)) => {
                let (host, port) = (endpoint.host.clone(), endpoint.port);
                last = Error::Connect { host, port, source: Arc::new(source) };
            }
            Err(_) => last = Error::Timeout { stage: Stage::Connect },
        }
    }
    Err(last)
}
