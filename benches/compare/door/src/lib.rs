//! How a server of the comparison begins, says where it is, and ends.
//!
//! It takes any free port of the loopback interface and prints `listening 127.0.0.1:PORT`. It ends
//! when its standard input does, so that no server outlives whoever started it, however that ended.

use std::{io, io::Read, net::SocketAddr, process, thread};

use axum::{
    Router,
    serve::{ListenerExt, serve as serve_on},
};
use tokio::{net::TcpListener, runtime::Runtime};

/// What the session of a visitor holds: the 100 bytes of `dewar_benches::SESSION`.
pub const SESSION: &str = r#"{"cart":["a1b2","c3d4"],"csrf":"9f86d081884c7d","theme":"dark","user":"ada","user_id":10,"visits":1}"#;

/// Serves this application on this runtime, until standard input ends.
///
/// # Errors
/// If no port can be had.
pub fn serve(runtime: &Runtime, app: Router) -> io::Result<()> {
    end_with_stdin();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce(listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            // An answer is one write, so this changes nothing but to be like the others.
            let _ = stream.set_nodelay(true);
        });
        serve_on(listener, app).await
    })
}

/// Tells whoever started this process where it listens.
pub fn announce(address: SocketAddr) {
    println!("listening {address}");
}

/// Ends this process when its standard input ends.
pub fn end_with_stdin() {
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
}
