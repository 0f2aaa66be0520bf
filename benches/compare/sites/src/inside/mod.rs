//! Applications called directly, without a socket: on this thread, in this process.

mod by_actix;
mod by_axum;
mod turns;

use std::{error::Error, rc::Rc};

use tokio::runtime::{Builder, Runtime};

use crate::{Site, site};

pub use turns::{PAGES, in_turns};

/// A visitor of one application.
pub trait Visitor {
    /// Asks for a page, keeps the cookies that come with it, and gives the text of the page.
    ///
    /// # Panics
    /// If the page does not answer 200: nothing else is worth measuring.
    fn visit(&mut self, page: &'static str) -> String;

    /// Asks for a page `count` times with the cookies at hand, and keeps none of those that come:
    /// what a browser does with them is no cost of a server's.
    ///
    /// # Panics
    /// As [`visit`](Self::visit).
    fn ask(&mut self, page: &'static str, count: u32);
}

/// A visitor of the application with this name, who has a session if the application has any.
///
/// # Errors
/// If there is no such application, or it does not do what the pages promise.
pub fn visitor(name: &str) -> Result<Box<dyn Visitor>, Box<dyn Error>> {
    let runtime: Rc<Runtime> = Rc::new(Builder::new_current_thread().enable_all().build()?);
    // None of them keeps anything on a disk: those that do have threads whose time is not seen here.
    let site = runtime.block_on(site(name, "".as_ref()))?;
    let mut visitor: Box<dyn Visitor> = match site {
        Site::Actix(pages) => by_actix::visitor(runtime, pages),
        Site::Axum(app) => Box::new(by_axum::Visitor::new(runtime, app)),
    };
    check(name, visitor.as_mut())?;
    Ok(visitor)
}

/// Whether the pages count and remember, or answer as the floor does.
fn check(name: &str, visitor: &mut dyn Visitor) -> Result<(), String> {
    let expected = match name {
        "floor" | "actix-floor" => ["filled", "1", "1", "1", "unused", "1"],
        _ => ["filled", "2", "3", "3", "unused", "4"],
    };
    let answers = ["/fill", "/", "/", "/read", "/unused", "/"].map(|page| visitor.visit(page));
    if answers == expected {
        return Ok(());
    }
    Err(format!("{name} answered {answers:?} instead of {expected:?}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_application_counts_and_remembers() {
        assert_eq!(compare_door::SESSION, dewar_benches::SESSION);
        let names = [
            "floor",
            "dewar-cookie",
            "dewar-flask",
            "dewar-memory",
            "hand-cookie",
            "hand-memory",
            "axum-extra-private",
            "axum-extra-signed",
            "axum-session-memory",
            "tower-sessions-memory",
            "actix-floor",
            "actix-session-cookie",
        ];
        for name in names {
            super::visitor(name).unwrap();
        }
    }
}
