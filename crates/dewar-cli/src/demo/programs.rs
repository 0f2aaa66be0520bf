//! The programs: what each shows and where its pages are.

use axum::Router;
use dewar_examples::{count, flash, login, race, stocks, username, visits};

use crate::args;

/// One program of the tutorials.
pub(super) struct Described {
    /// Its name on the command line, and the path below which `dewar demo` serves it.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// The chapter it comes from.
    pub(super) chapter: &'static str,
    /// One sentence: what to try.
    pub(super) try_this: &'static str,
    /// The pages, each with what a link to it says.
    pub(super) pages: &'static [(&'static str, &'static str)],
    pub(super) app: fn() -> Router,
}

/// The programs of the start page.
pub(super) const ALL: [Described; 6] = [
    Described {
        name: "count",
        title: "Count",
        chapter: "Session data storage in Flask",
        try_this: "Load the page again and again: the number grows by one each time, and it is \
                   yours alone.",
        pages: &[("/", "Count this visit")],
        app: count::app,
    },
    Described {
        name: "visits",
        title: "Visits",
        chapter: "Why sessions manage user state",
        try_this: "Come a few times, then clear your cookies or open a private window: the count \
                   begins at 1 again.",
        pages: &[("/", "Visit")],
        app: visits::app,
    },
    Described {
        name: "username",
        title: "Username",
        chapter: "Flask Tutorials: Storing Data in Session",
        try_this: "Set a name on one page, read it on another, delete it on the third, and read \
                   it once more.",
        pages: &[
            ("/set_session", "Set the name"),
            ("/get_session", "Read it"),
            ("/delete_session", "Delete it"),
        ],
        app: username::app,
    },
    Described {
        name: "login",
        title: "Login",
        chapter: "Flask session object",
        try_this: "Log in with any name; the front page knows you until you log out. There is no \
                   password: it is the session that is shown.",
        pages: &[("/login", "Log in"), ("/", "Who am I?"), ("/logout", "Log out")],
        app: login::app,
    },
    Described {
        name: "stocks",
        title: "Stocks",
        chapter: "Part 1, Chapter 7: Sessions in Flask",
        try_this: "Add a stock: the form redirects to the list. A second browser keeps a list of \
                   its own.",
        pages: &[
            ("/add_stock", "Add a stock"),
            ("/stocks/", "List the stocks"),
            ("/blog_posts/17", "Read post 17"),
        ],
        app: stocks::app,
    },
    Described {
        name: "flash",
        title: "Flash",
        chapter: "Beside the chapters: a message for the next page",
        try_this: "Save a note: the next page says so once. Load it again and the message is gone.",
        pages: &[("/", "Save a note")],
        app: flash::app,
    },
];

/// For terminals rather than browsers: it is not on the start page.
const RACE: Described = Described {
    name: "race",
    title: "Race",
    chapter: "Beside the chapters: requests that overlap",
    try_this: "Log in, then open several pages at once.",
    pages: &[
        ("/login", "begin"),
        ("/set?k=a&ms=500", "read the session, wait, set k to 1"),
        ("/incr?k=n&ms=500", "read, wait, add 1 to k"),
        ("/push?k=log&v=x&ms=500", "read, wait, append v to k"),
        ("/read?ms=500", "read, wait, change nothing"),
        ("/rotate", "a new id, and role = admin"),
        ("/logout", "end the session"),
        ("/dump", "the contents as JSON"),
        ("/plain", "a page without a session"),
    ],
    app: race::app,
};

/// The program of this name.
pub(super) fn find(program: args::Program) -> &'static Described {
    match program {
        args::Program::Count => &ALL[0],
        args::Program::Visits => &ALL[1],
        args::Program::Username => &ALL[2],
        args::Program::Login => &ALL[3],
        args::Program::Stocks => &ALL[4],
        args::Program::Flash => &ALL[5],
        args::Program::Race => &RACE,
    }
}
