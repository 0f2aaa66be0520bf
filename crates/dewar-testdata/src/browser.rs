//! A real browser: headless Chromium, driven as a person would use it.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use crate::{tool, webdriver};

/// What keeps Chromium small, silent and off the network. It also runs as root, without a display.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    // No name but the loopback's is looked up: Chromium asks for its maker's hosts at every start,
    // and a page waited five seconds behind such a look-up wherever there is no network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    "--window-size=1000,700",
];

/// How long a page may take to come after a click.
const PATIENCE: Duration = Duration::from_secs(20);

/// The name under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A running `chromedriver` on a free port. It ends when this is dropped.
///
/// ```no_run
/// use dewar_testdata::browser::Browser;
///
/// let Some(browser) = Browser::start() else { return };
/// let alice = browser.profile();
/// alice.open("http://localhost:5000/login");
/// alice.type_into("[name=username]", "alice");
/// alice.follow("[type=submit]");
/// assert!(alice.text().contains("Welcome"));
/// ```
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    chromium: PathBuf,
}

impl Browser {
    /// Starts it. `None`, said on the standard error, if no browser is named: see [`tool::find`].
    ///
    /// # Panics
    /// If a browser is named but does not start, or is missing where nothing may be skipped.
    pub fn start() -> Option<Self> {
        let program = tool::find(tool::CHROMEDRIVER)?;
        let chromium = tool::find(tool::CHROMIUM)?;
        let mut driver = Command::new(&program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let mut output = BufReader::new(driver.stdout.take().expect("the pipe was asked for"));
        let port = port_from(&mut output);
        // Read on, or the driver stops at a full pipe.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Some(Self { driver, port, chromium })
    }

    /// Opens one more visitor: a browser with an empty profile of its own, so no cookie is shared.
    ///
    /// # Panics
    /// If Chromium does not start.
    pub fn profile(&self) -> Profile<'_> {
        let folder = new_folder();
        let mut args: Vec<String> = FLAGS.iter().map(|&flag| flag.into()).collect();
        args.push(format!("--user-data-dir={}", folder.display()));
        let options = json!({"binary": self.chromium, "args": args});
        let capabilities = json!({"alwaysMatch": {"goog:chromeOptions": options}});
        let body = json!({"capabilities": capabilities});
        let session = self.command("POST", "/session", &body);
        let id = session["sessionId"].as_str().expect("a session has an id");
        Profile { browser: self, path: format!("/session/{id}"), folder }
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Json) -> Json {
        webdriver::command(self.port, method, path, body).unwrap_or_else(|e| panic!("{e}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// One visitor: a browser window with its own cookies. It is closed when this is dropped.
///
/// A selector is a CSS selector and means the first element that matches. Every method panics,
/// with the browser's own words, when a step cannot be done.
#[derive(Debug)]
pub struct Profile<'a> {
    browser: &'a Browser,
    path: String,
    folder: PathBuf,
}

impl Profile<'_> {
    /// Goes to an address and waits until the page is loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Loads the page again.
    #[track_caller]
    pub fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// The address that the browser is at, after all redirects.
    #[track_caller]
    pub fn url(&self) -> String {
        text(self.get("/url"))
    }

    /// The text of the page, as a person reads it.
    #[track_caller]
    pub fn text(&self) -> String {
        self.text_of("body")
    }

    /// The text of one element, as a person reads it.
    #[track_caller]
    pub fn text_of(&self, selector: &str) -> String {
        let element = self.element(selector);
        text(self.get(&format!("{element}/text")))
    }

    /// The source of the page as it stands.
    #[track_caller]
    pub fn html(&self) -> String {
        text(self.get("/source"))
    }

    /// Empties a form field and types into it.
    #[track_caller]
    pub fn type_into(&self, selector: &str, input: &str) {
        let element = self.element(selector);
        self.post(&format!("{element}/clear"), &json!({}));
        self.post(&format!("{element}/value"), &json!({"text": input}));
    }

    /// Clicks something that stays on the page. For links and forms see [`follow`](Self::follow).
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("{element}/click"), &json!({}));
    }

    /// Clicks something that leads to another page, or to this one again, and waits until that is
    /// loaded. A form is sent only after the click is over, so `click` could come back too early.
    #[track_caller]
    pub fn follow(&self, selector: &str) {
        let old_page = format!("{}{}/name", self.path, self.element("html"));
        self.click(selector);
        let gone = || webdriver::command(self.browser.port, "GET", &old_page, &Json::Null).is_err();
        wait_until(gone, || format!("{selector} led nowhere from {}", self.url()));
        wait_until(|| self.is_loaded(), || format!("{} is not loaded", self.url()));
    }

    /// The cookies that the browser would send to this page: objects with `name`, `value`, `path`,
    /// `domain`, `httpOnly`, `secure`, `sameSite` and, unless it ends with the browser, `expiry`.
    #[track_caller]
    pub fn cookies(&self) -> Vec<Json> {
        match self.get("/cookie") {
            Json::Array(cookies) => cookies,
            other => panic!("a list of cookies, not {other}"),
        }
    }

    /// The value of one cookie.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies();
        let found = cookies.iter().find(|cookie| cookie["name"] == name)?;
        found["value"].as_str().map(str::to_owned)
    }

    /// Sets a cookie of this page, as the developer tools can: a forged one, for example.
    #[track_caller]
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.post("/cookie", &json!({"cookie": {"name": name, "value": value}}));
    }

    /// Forgets every cookie of this page.
    #[track_caller]
    pub fn delete_cookies(&self) {
        self.browser.command("DELETE", &format!("{}/cookie", self.path), &Json::Null);
    }

    /// Takes a picture of the window into `target/screenshots/NAME.png`.
    #[track_caller]
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        let path = folder.join(format!("{name}.png"));
        let picture = STANDARD.decode(text(self.get("/screenshot"))).expect("base64");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, picture))
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    #[track_caller]
    fn is_loaded(&self) -> bool {
        let script = json!({"script": "return document.readyState", "args": []});
        self.post("/execute/sync", &script) == "complete"
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        format!("/element/{}", found[ELEMENT].as_str().expect("an element has an id"))
    }

    #[track_caller]
    fn get(&self, what: &str) -> Json {
        self.browser.command("GET", &format!("{}{what}", self.path), &Json::Null)
    }

    #[track_caller]
    fn post(&self, what: &str, body: &Json) -> Json {
        self.browser.command("POST", &format!("{}{what}", self.path), body)
    }
}

impl Drop for Profile<'_> {
    fn drop(&mut self) {
        // Chromium ends with its session; whatever it says, the folder goes too.
        let _ = webdriver::command(self.browser.port, "DELETE", &self.path, &Json::Null);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn wait_until(done: impl Fn() -> bool, else_say: impl Fn() -> String) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{}", else_say());
        thread::sleep(Duration::from_millis(10));
    }
}

fn port_from(output: &mut impl BufRead) -> u16 {
    let mut said = String::new();
    while output.read_line(&mut said).is_ok_and(|length| length > 0) {
        let Some((_, rest)) = said.split_once("successfully on port ") else { continue };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return digits.parse().unwrap_or_else(|e| panic!("the port of chromedriver: {e}: {said}"));
    }
    panic!("chromedriver ended without naming its port: {said}");
}

fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("dewar-browser-{}-{number}", process::id()));
    fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    folder
}

#[track_caller]
fn text(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => panic!("a text, not {other}"),
    }
}
