//! The demo's own pages: the start, and what is said where no page is.

use super::{
    home::Home,
    programs::{ALL, Described},
};

const STYLE: &str = include_str!("style.css");

/// A flask, as the icon of the window.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 \
    16'%3E%3Cpath d='M6 1h4v5l4 8q0 1-1 1H3q-1 0-1-1l4-8z' fill='%230f766e'/%3E%3C/svg%3E";

/// What the sessions of the demo promise, and what they do not.
struct Promise {
    keeps: &'static str,
    footer: &'static str,
}

const COOKIE: Promise = Promise {
    keeps: "each keeps what it knows of you in a cookie of its own",
    footer: "<h2>What the cookie promises, and what it does not</h2>\n\
             <p>It is <strong>signed</strong>: nobody can change it unnoticed, you included. It is \
             <strong>not encrypted</strong>: whoever holds it can read it. An old copy stays valid \
             until it expires, so logging out ends only the copy in this browser. Of two \
             overlapping requests the last answer wins.</p>\n\
             <h2>Look inside</h2>\n\
             <p>Copy a cookie from the developer tools of your browser (Application or Storage, \
             then Cookies) and read it in a terminal:</p>\n\
             <pre><code>dewar cookie decode <var>COOKIE</var></code></pre>\n",
};

const SERVER: Promise = Promise {
    keeps: "each keeps what it knows of you on the server, and gives your browser a cookie with a \
            unique id",
    footer: "<h2>What the server promises, and what it does not</h2>\n\
             <p>The cookie holds a <strong>random id</strong> and its signature, and nothing of \
             what is known of you. Of overlapping requests <strong>no write is lost</strong>, and a \
             <strong>logout is final</strong>: no copy of the cookie opens anything afterwards. \
             But whoever holds the cookie before that is you.</p>\n\
             <h2>Look inside</h2>\n\
             <p>Copy a cookie from the developer tools of your browser (Application or Storage, \
             then Cookies): there is nothing in it to read. Start the demo with <code>--mode \
             cookie</code> to see the difference.</p>\n",
};

/// The start page: a card for each program.
pub(super) fn start(home: &Home) -> String {
    let Promise { keeps, footer } = match home {
        Home::Cookie => COOKIE,
        Home::Server { .. } => SERVER,
    };
    let cards: String = ALL.iter().map(card).collect();
    page(
        "dewar: what a session keeps",
        &format!(
            "<header>\n\
             <h1>dewar</h1>\n\
             <p class=lead>A session is what a site remembers of you between two requests. Here \
             are the programs of five tutorials, in Rust; {keeps}.</p>\n\
             </header>\n\
             <main>\n{cards}</main>\n\
             <footer>\n{footer}</footer>\n"
        ),
    )
}

/// What stands at `/` of a program that has no page there.
pub(super) fn front(program: &Described) -> String {
    let Described { title, chapter, try_this, .. } = program;
    page(
        title,
        &format!(
            "<header>\n<h1>{title}</h1>\n<p class=lead>{chapter}. {try_this}</p>\n</header>\n\
             <main class=plain>\n<article>\n{}</article>\n</main>\n",
            links(program, "")
        ),
    )
}

/// What is shown instead of a page that is not there; `mount` is put before each address.
pub(super) fn lost(programs: &[&Described], mount: &str) -> String {
    let several = programs.len() > 1;
    let list: String = programs
        .iter()
        .map(|program| {
            let mount = if several { format!("{mount}/{}", program.name) } else { mount.into() };
            format!("<article>\n<h2>{}</h2>\n{}</article>\n", program.title, links(program, &mount))
        })
        .collect();
    let start = if several { "<p><a href=\"/\">To the start page</a></p>\n" } else { "" };
    page(
        "There is no page here",
        &format!(
            "<header>\n<h1>There is no page here</h1>\n<p class=lead>These are the pages there \
             are.</p>\n{start}</header>\n<main class=plain>\n{list}</main>\n"
        ),
    )
}

fn card(program: &Described) -> String {
    let Described { name, title, chapter, try_this, .. } = program;
    let links = links(program, &format!("/{name}"));
    format!(
        "<article aria-labelledby={name}>\n\
         <h2 id={name}>{title}</h2>\n\
         <p class=chapter>{chapter}</p>\n\
         <p>{try_this}</p>\n\
         {links}</article>\n"
    )
}

fn links(program: &Described, mount: &str) -> String {
    let link = |(path, text): &(&str, &str)| format!("<li><a href=\"{mount}{path}\">{text}</a>\n");
    let links: String = program.pages.iter().map(link).collect();
    format!("<ul>\n{links}</ul>\n")
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=icon href=\"{ICON}\">\n<style>\n{STYLE}</style>\n{body}"
    )
}
