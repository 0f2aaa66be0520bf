//! Serves the pages with actix-session in Redis, with one worker, until standard input ends; with
//! `none:`, the same pages without sessions.

use std::{env, error::Error};

use actix_session::{SessionMiddleware, storage::RedisSessionStore};
use actix_web::{App, HttpServer, cookie::Key, rt::System};
use dewar_benches::KEY;

// The very pages of the comparison, which keeps them in a cookie.
#[path = "../../../compare/sites/src/peers/actix.rs"]
#[allow(dead_code, unreachable_pub, reason = "the store is another here")]
mod pages;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [flag, url] = &args[..] else { return Err(USAGE.into()) };
    match (flag.as_str(), url.as_str()) {
        ("--store", "none:") => Ok(pages::serve(pages::Pages::Floor)?),
        ("--store", url) => serve(url),
        _ => Err(USAGE.into()),
    }
}

const USAGE: &str = "usage: stores-actix-session --store none:|redis://…";

fn serve(url: &str) -> Result<(), Box<dyn Error>> {
    compare_door::end_with_stdin();
    System::new().block_on(async {
        let store = RedisSessionStore::new(url).await?;
        let key = Key::from(KEY.repeat(2).as_bytes());
        let app = move || {
            App::new()
                .wrap(SessionMiddleware::new(store.clone(), key.clone()))
                .configure(pages::session)
        };
        let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0")?;
        compare_door::announce(server.addrs()[0]);
        Ok(server.disable_signals().run().await?)
    })
}
