//! Serves the pages with tower-sessions in memory, until standard input ends.

use std::error::Error;

use tokio::runtime::Builder;
use tower_sessions::MemoryStore;

mod pages;

fn main() -> Result<(), Box<dyn Error>> {
    match races_page::store()?.as_str() {
        "memory:" => {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            Ok(compare_door::serve(&runtime, pages::app(MemoryStore::default()))?)
        }
        _ => Err("this one keeps sessions in memory alone: --store memory:".into()),
    }
}
