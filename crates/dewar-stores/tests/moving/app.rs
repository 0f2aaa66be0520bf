//! An application of real visitors, whose every acknowledged step can be checked afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Query,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use dewar::{Session, SessionLayer, store::Store};
use tower::ServiceExt;

use super::chance::Chance;

/// One node of it.
#[derive(Clone, Debug)]
pub struct App(Router);

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub cookie: Option<String>,
    pub body: String,
}

impl App {
    pub fn on(store: impl Store) -> Self {
        let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
        let sessions = SessionLayer::server(key, store).build().unwrap();
        let pages = Router::new()
            .route("/login", get(login))
            .route("/add", get(add))
            .route("/show", get(show))
            .route("/rotate", get(rotate))
            .route("/logout", get(logout));
        Self(pages.layer(sessions))
    }

    pub async fn get(&self, page: &str, cookie: &str) -> Answer {
        let mut request = Request::get(page);
        if !cookie.is_empty() {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.0.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let cookie = parts
            .headers
            .get(header::SET_COOKIE)
            .map(|line| line.to_str().unwrap().split(';').next().unwrap_or_default().to_owned());
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: parts.status, cookie, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub async fn login(&self) -> String {
        self.get("/login", "").await.cookie.expect("a login sets a cookie")
    }
}

async fn login(session: Session) {
    session.set("user", "ada");
}

/// Counts and notes the mark, if somebody is logged in.
async fn add(
    session: Session,
    Query(asked): Query<BTreeMap<String, i64>>,
) -> Result<&'static str, Response> {
    if !session.contains("user") {
        return Ok("nobody");
    }
    session.incr("n", 1).map_err(IntoResponse::into_response)?;
    session.push("log", asked["mark"]).map_err(IntoResponse::into_response)?;
    Ok("added")
}

async fn show(session: Session) -> String {
    let n = session.get::<i64>("n").unwrap_or(0);
    let log = session.to_dict().get("log").map(|log| log.to_python_text()).unwrap_or("[]".into());
    let user = if session.contains("user") { "ada" } else { "nobody" };
    format!("{user} {n} {log}")
}

async fn rotate(session: Session) {
    if session.contains("user") {
        session.regenerate();
    }
}

async fn logout(session: Session) {
    session.destroy();
}

/// A line for each thing that was begun (`b`), and one for each that was answered (`d`):
/// `d mark session what cookie`.
pub struct Log(File);

impl Log {
    pub fn append(path: &Path) -> Self {
        Self(File::options().create(true).append(true).open(path).unwrap())
    }

    /// A session that anybody may use, and its cookie.
    pub fn login(&mut self, number: u64, cookie: &str) {
        self.line(&format!("d {number} s{number} login {cookie}"));
    }

    /// Appended in one piece, and the kernel keeps it when the process is killed.
    fn line(&mut self, line: &str) {
        self.0.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// Marks that no other run has.
pub struct Marks {
    run: u64,
    next: AtomicU64,
}

impl Marks {
    pub fn of_run(run: u64) -> Self {
        Self { run, next: AtomicU64::new(0) }
    }

    fn next(&self) -> u64 {
        self.run * 1_000_000 + self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Uses the shared sessions until the file `stop` is there: adds, and now and then a login or a logout.
pub async fn share(app: App, log: PathBuf, stop: PathBuf, marks: &Marks, client: u64) {
    let mut chance = Chance::of(marks.run * 100 + client, 7);
    let mut cookies = cookies(&log);
    let mut log = Log::append(&log);
    while !stop.exists() {
        let at = chance.below(cookies.len());
        let (session, cookie) = &cookies[at];
        let mark = marks.next();
        match chance.below(100) {
            0..=1 => {
                log.line(&format!("b {mark} {session} logout"));
                let answer = app.get("/logout", cookie).await;
                log.line(&format!("d {mark} {session} logout {}", answer.status.as_u16()));
                cookies.swap_remove(at);
            }
            2..=3 => {
                let cookie = app.login().await;
                log.line(&format!("d {mark} s{mark} login {cookie}"));
                cookies.push((format!("s{mark}"), cookie));
            }
            _ => add_one(&app, &mut log, mark, session, cookie).await,
        }
        tokio::time::sleep(Duration::from_millis(chance.below(3) as u64)).await;
    }
}

async fn add_one(app: &App, log: &mut Log, mark: u64, session: &str, cookie: &str) {
    log.line(&format!("b {mark} {session} add"));
    let answer = app.get(&format!("/add?mark={mark}"), cookie).await;
    let what = if answer.status == 200 { answer.body } else { answer.status.as_str().to_owned() };
    log.line(&format!("d {mark} {session} {what}"));
}

/// Rotates a session of its own, with an addition under way each time.
pub async fn rotate_own(app: App, log: PathBuf, stop: PathBuf, marks: &Marks, client: u64) {
    let mut chance = Chance::of(marks.run * 100 + client, 9);
    let mut other_log = Log::append(&log);
    let mut log = Log::append(&log);
    let first = marks.next();
    let session = format!("r{first}");
    let mut cookie = app.login().await;
    log.line(&format!("d {first} {session} login {cookie}"));
    while !stop.exists() {
        let (add, rotate) = (marks.next(), marks.next());
        log.line(&format!("b {rotate} {session} rotate"));
        let adding = add_one(&app, &mut other_log, add, &session, &cookie);
        let ((), answer) = tokio::join!(adding, app.get("/rotate", &cookie));
        cookie = answer.cookie.expect("a rotation sets a cookie");
        log.line(&format!("d {rotate} {session} login {cookie}"));
        tokio::time::sleep(Duration::from_millis(5 + chance.below(20) as u64)).await;
    }
}

/// The sessions that anybody may use, and their cookies.
fn cookies(log: &Path) -> Vec<(String, String)> {
    let log = fs::read_to_string(log).unwrap();
    let mut all = BTreeMap::new();
    for line in log.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["d", _, session, "login", cookie] if session.starts_with('s') => {
                all.insert(session.to_owned(), cookie.to_owned());
            }
            ["b", _, session, "logout"] => drop(all.remove(session)),
            _ => {}
        }
    }
    all.into_iter().collect()
}

/// What is known of one session.
#[derive(Default)]
struct Known {
    /// The newest that was answered.
    cookie: String,
    /// All before.
    left: Vec<String>,
    begun: BTreeSet<u64>,
    added: BTreeSet<u64>,
    nobody: u64,
    logout_begun: bool,
    logged_out: bool,
    /// A rotation was begun and its answer lost.
    adrift: bool,
}

/// The figures of a run that kept every promise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub sessions: usize,
    pub alive: usize,
    pub logged_out: usize,
    pub rotations: usize,
    pub additions: usize,
}

/// Compares what was answered with what the store alone says now.
pub async fn judge(app: &App, log: &Path) -> Result<Figures, String> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let log = fs::read_to_string(log).unwrap();
    for line in log.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [kind, mark, session, what, ..] = words[..] else { continue };
        let mark: u64 = mark.parse().unwrap();
        let of = known.entry(session.to_owned()).or_default();
        match (kind, what) {
            ("b", "add") => drop(of.begun.insert(mark)),
            ("b", "rotate") => of.adrift = true,
            ("b", "logout") => of.logout_begun = true,
            ("d", "added") => drop(of.added.insert(mark)),
            ("d", "nobody") => of.nobody += 1,
            ("d", "logout") if words[4] == "200" => of.logged_out = true,
            ("d", "login") => {
                of.adrift = false;
                let left = std::mem::replace(&mut of.cookie, words[4].to_owned());
                of.left.extend(Some(left).filter(|left| !left.is_empty()));
            }
            _ => return Err(format!("an answer was not as expected: {line}")),
        }
    }
    let mut figures = Figures { sessions: known.len(), ..Figures::default() };
    for (session, of) in known {
        figures.rotations += of.left.len();
        figures.additions += of.added.len();
        figures.logged_out += usize::from(of.logged_out);
        figures.alive +=
            usize::from(check(app, &of).await.map_err(|it| format!("{session}: {it}"))?);
    }
    Ok(figures)
}

/// Gives whether it is alive.
async fn check(app: &App, of: &Known) -> Result<bool, String> {
    for left in &of.left {
        let shown = app.get("/show", left).await.body;
        if !shown.starts_with("nobody") {
            return Err(format!("an id that was rotated away is alive: {shown}"));
        }
    }
    let shown = app.get("/show", &of.cookie).await;
    if shown.status != 200 {
        return Err(format!("answered {}", shown.status));
    }
    let (user, rest) = shown.body.split_once(' ').unwrap();
    if of.logged_out && user == "ada" {
        return Err("a logout was undone".into());
    }
    if of.logout_begun || of.adrift {
        return Ok(user == "ada");
    }
    if user != "ada" || (of.nobody > 0 && of.left.is_empty()) {
        return Err(format!(
            "it was logged out: {shown}, {} times nobody",
            of.nobody,
            shown = shown.body
        ));
    }
    let (n, log) = rest.split_once(' ').unwrap();
    let marks: Vec<u64> = log
        .trim_matches(['[', ']'])
        .split(", ")
        .filter(|mark| !mark.is_empty())
        .map(|mark| mark.parse().unwrap())
        .collect();
    let once: BTreeSet<_> = marks.iter().copied().collect();
    if once.len() != marks.len() || n != marks.len().to_string() {
        return Err(format!("counted {n}, noted {marks:?}"));
    }
    if let Some(lost) = of.added.difference(&once).next() {
        return Err(format!("the acknowledged addition {lost} was lost: {marks:?}"));
    }
    if let Some(foreign) = once.difference(&of.begun).next() {
        return Err(format!("{foreign} is another's: {marks:?}"));
    }
    Ok(true)
}
