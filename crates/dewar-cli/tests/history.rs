//! Three real processes on one SQLite file, asked at random by many clients: the recorded history
//! is one that sessions may have.
//!
//! `DEWAR_HISTORY=6000` asks so many times. `DEWAR_TEST_SEED` gives the same requests again, though
//! not the same race.

mod demo;
mod recorded;

use std::time::Instant;

use demo::Demo;
use recorded::{
    Event, Op, clients,
    judge::{Figures, judge},
};

/// So many requests for each session, more or less.
const EACH: usize = 30;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn three_processes_on_one_file_keep_every_promise() {
    let seed = from_environment("DEWAR_TEST_SEED").unwrap_or(7);
    let requests = from_environment("DEWAR_HISTORY").unwrap_or_default().max(600) as usize;
    println!("replay with DEWAR_TEST_SEED={seed} DEWAR_HISTORY={requests}");
    let first = Demo::start(&["race"]);
    let demos = [first.start_beside(&["race"]), first.start_beside(&["race"]), first];
    let begun = Instant::now();
    let history = clients::history(&demos, requests / EACH, requests, seed);
    println!("{} requests in {:?}", history.len(), begun.elapsed());
    let figures = judge(&history).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{figures:?}");
    assert_eq!(figures.sessions, requests / EACH);
    assert!(figures.ended > 0 && figures.rotations > 0 && figures.overlaps > requests);
    assert!(figures.known > requests / 4, "too little is known to judge");
    for process in 0..demos.len() {
        let asked = history.iter().filter(|event| event.process == process).count();
        assert!(asked > requests / 10, "process {process} was asked {asked} times");
    }

    // The last dump of a live session tells of one visit less.
    let last = history.iter().rposition(|event| event.contents().get("user").is_some());
    let mut edited = history;
    let dump = &mut edited[last.expect("a live session")];
    let n = dump.contents()["n"].as_u64().expect("a number");
    dump.body = dump.body.replace(&format!("\"n\":{n}"), &format!("\"n\":{}", n - 1));
    println!("edited: {}", judge(&edited).expect_err("a lost count"));
}

/// Begun and ended in the order of writing, unless times are changed.
struct Written(Vec<Event>);

impl Written {
    /// A session that was counted, written to, rotated and read.
    fn new() -> Self {
        let mut written = Self(Vec::new());
        written.add(Op::Login, "", Some("a"), "logged in\n");
        written.add(Op::Incr, "a", None, "2\n");
        written.add(Op::Push("p1".into()), "a", None, "pushed\n");
        written.add(Op::Rotate, "a", Some("b"), "rotated\n");
        written.add(Op::Set("s1".into()), "b", None, "set\n");
        written.add(Op::Incr, "a", None, "1\n");
        written.add(Op::Dump, "b", None, DUMP);
        written.add(Op::Dump, "a", None, "{}");
        written
    }

    /// The same, and then a logout.
    fn ended() -> Self {
        let mut written = Self::new();
        written.add(Op::Logout, "b", Some(""), "logged out\n");
        written.add(Op::Push("p2".into()), "b", Some("c"), "pushed\n");
        written.add(Op::Dump, "b", None, "{}");
        written.add(Op::Dump, "c", None, r#"{"log":["p2"]}"#);
        written
    }

    fn add(&mut self, op: Op, token: &str, cookie: Option<&str>, body: &str) {
        let from = 10 * self.0.len() as u128;
        self.0.push(Event {
            session: 0,
            process: 0,
            op,
            token: token.into(),
            from,
            to: from + 5,
            status: 200,
            cookie: cookie.map(Into::into),
            body: body.into(),
        });
    }

    /// Judges it with one event edited.
    fn with(mut self, at: usize, edit: impl FnOnce(&mut Event)) -> Result<Figures, String> {
        edit(&mut self.0[at]);
        judge(&self.0)
    }

    /// Judges it with another answer of one event.
    fn answering(self, at: usize, body: &str) -> Result<Figures, String> {
        self.with(at, |event| event.body = body.into())
    }
}

const DUMP: &str = r#"{"log":["p1"],"n":2,"role":"admin","s1":1,"user":"ada"}"#;

#[test]
fn a_history_that_sessions_may_have_is_accepted() {
    let figures = judge(&Written::new().0).expect("good");
    assert_eq!((figures.known, figures.unknown, figures.rotations), (4, 0, 1));
    assert_eq!(judge(&Written::ended().0).expect("good").ended, 1);
    // It overlapped with the rotation, so nobody can tell whether it came too late.
    let mut lost = Written::new();
    lost.0[2].to = lost.0[3].to;
    assert!(lost.answering(6, &DUMP.replace("\"p1\"", "")).is_ok());
}

#[test]
fn a_history_with_one_event_edited_is_rejected() {
    let dump = |from, to| Written::new().answering(6, &DUMP.replace(from, to));
    let edited = [
        ("a failure", Written::new().with(2, |event| event.status = 503)),
        ("a lost count", dump("\"n\":2", "\"n\":1")),
        ("a count too many", dump("\"n\":2", "\"n\":3")),
        ("a lost push", dump("\"p1\"", "")),
        ("a push twice", dump("\"p1\"", "\"p1\",\"p1\"")),
        ("a push of nobody", dump("\"p1\"", "\"p1\",\"p9\"")),
        ("a lost set", dump("\"s1\":1,", "")),
        ("a set of nobody", dump("\"s1\":1,", "\"s1\":1,\"s9\":1,")),
        ("a lost role", dump("\"role\":\"admin\",", "")),
        ("a session that is gone", Written::new().answering(6, "{}")),
        ("an old id that opens", Written::new().answering(7, DUMP)),
        ("an old id that counts", Written::new().answering(5, "3\n")),
        ("two rotations that won", {
            let mut twice = Written::new();
            twice.add(Op::Rotate, "a", Some("d"), "rotated\n");
            twice.add(Op::Dump, "b", None, DUMP);
            judge(&twice.0)
        }),
        (
            "a cookie out of nothing",
            Written::new().with(4, |event| event.cookie = Some("x".into())),
        ),
        ("a logout that did nothing", Written::ended().answering(10, DUMP)),
        ("a logout undone by a late push", Written::ended().answering(11, DUMP)),
        ("no dump in the end", Written::new().with(6, |event| event.op = Op::Read)),
    ];
    for (what, verdict) in edited {
        assert!(verdict.is_err(), "{what} went unnoticed");
    }
}
