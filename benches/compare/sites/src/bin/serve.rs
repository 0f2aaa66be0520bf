//! Serves the application with this name, on one thread, until standard input ends.
//!
//! ```text
//! serve NAME FOLDER
//! ```

use std::{env, error::Error, path::Path};

use compare_sites::{Site, serve_actix, site};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name, folder] = &args[..] else { return Err("usage: serve NAME FOLDER".into()) };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(site(name, Path::new(folder)))? {
        Site::Actix(pages) => serve_actix(pages)?,
        Site::Axum(app) => compare_door::serve(&runtime, app)?,
    }
    Ok(())
}
