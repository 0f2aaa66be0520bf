//! What the demo says when it starts.

use super::{
    home::Home,
    key::Origin,
    programs::{self, Described},
};
use crate::{args::Demo, terminal};

/// Prints where it listens, what to open, and what the place of the sessions promises.
pub(super) fn print(args: &Demo, site: &str, origin: &Origin, home: &Home) -> anyhow::Result<()> {
    let (what, pages) = match args.program.map(programs::find) {
        Some(program) => (title(program), pages(program)),
        None => (String::from("the programs of the tutorials"), first_pages()),
    };
    let width = pages.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
    let pages: Vec<_> =
        pages.iter().map(|(path, text)| format!("   {site}{path:<width$}  {text}")).collect();
    let pages = pages.join("\n");
    terminal::print(&format!(
        " * Serving {what}
 * Running on {site}, open:
{pages}
 * Secret key {origin}
 * {home}
Press CTRL+C to quit"
    ))
}

fn title(program: &Described) -> String {
    format!("{}, of {:?}", program.name, program.chapter)
}

fn pages(program: &Described) -> Vec<(String, &'static str)> {
    program.pages.iter().map(|(path, text)| ((*path).into(), *text)).collect()
}

/// The start page, and the page of each program to begin with.
fn first_pages() -> Vec<(String, &'static str)> {
    let first = |program: &Described| {
        let (path, _) = program.pages[0];
        (format!("/{}{path}", program.name), program.chapter)
    };
    [(String::from("/"), "start page")].into_iter().chain(programs::ALL.iter().map(first)).collect()
}
