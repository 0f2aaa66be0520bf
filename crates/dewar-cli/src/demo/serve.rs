//! The server: loopback only, and gone when it is told to go.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow};
use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
};

/// How long requests may take to end. A browser holds connections open on which it never asks
/// anything: those are not waited for.
const GRACE: Duration = Duration::from_millis(500);

/// Listens on 127.0.0.1.
pub(super) async fn bind(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken by another program: end that one, or take another port with \
             --port {}",
            port.checked_add(1).unwrap_or(5000)
        ),
        _ => anyhow!("cannot listen on {address}: {error}: take another port with --port 5000"),
    })
}

/// Serves until `interrupted` completes, then ends what is begun.
pub(super) async fn until(
    interrupted: impl Future<Output = ()>,
    listener: TcpListener,
    app: Router,
) -> anyhow::Result<()> {
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stopped.notified().await });
    let end = async {
        interrupted.await;
        stop.notify_one();
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.context("the server failed"),
        () = end => Ok(()),
    }
}

/// Completes at Ctrl-C, at the signal to terminate, and, if asked to, when the standard input ends.
/// Signals are caught from this call on.
pub(super) fn interrupted(by_stdin: bool) -> anyhow::Result<impl Future<Output = ()>> {
    let signalled = signalled()?;
    let (ended, end) = oneshot::channel::<()>();
    if by_stdin {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = ended.send(());
        });
    }
    Ok(async move {
        tokio::select! {
            () = signalled => (),
            _ = end, if by_stdin => (),
        }
    })
}

#[cfg(unix)]
fn signalled() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

#[cfg(not(unix))]
fn signalled() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
