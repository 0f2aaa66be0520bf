//! TLS over the driver's connection.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::{TlsConnector, client};

use super::{super::error::OpenError, Wanted, binding, trust};

/// Opens connections; one for all of them.
#[derive(Clone)]
pub(crate) struct Connector(Arc<ClientConfig>);

impl Connector {
    pub(super) fn new(wanted: &Wanted) -> Result<Self, OpenError> {
        trust::config(wanted).map(|config| Self(Arc::new(config)))
    }
}

/// Why there is no TLS between here and the server. The connection that carries it was there.
#[derive(Debug, thiserror::Error)]
#[error("no TLS connection")]
pub(crate) struct Handshake(#[from] io::Error);

/// Whether TLS itself failed, and not what came before or after.
pub(crate) fn is_handshake(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<Handshake>())
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = ToServer;
    type Error = io::Error;

    // It is asked before it is known whether TLS will be spoken, so this is no place to fail.
    fn make_tls_connect(&mut self, host: &str) -> io::Result<ToServer> {
        let name = ServerName::try_from(host.to_owned()).ok();
        Ok(ToServer { connector: TlsConnector::from(Arc::clone(&self.0)), name })
    }
}

/// Speaks TLS to the server of this name.
pub(crate) struct ToServer {
    connector: TlsConnector,
    name: Option<ServerName<'static>>,
}

impl TlsConnect<Socket> for ToServer {
    type Stream = Stream;
    type Error = Handshake;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Handshake>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let name = self.name.ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "a certificate cannot name this host")
            })?;
            let tls = self.connector.connect(name, socket).await?;
            let shown = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let binding = shown.and_then(|certificate| binding::tls_server_end_point(certificate));
            Ok(Stream { tls, binding })
        })
    }
}

/// A connection under TLS.
pub(crate) struct Stream {
    tls: client::TlsStream<Socket>,
    binding: Option<Vec<u8>>,
}

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        self.binding.clone().map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}
