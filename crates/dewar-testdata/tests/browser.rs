//! The driver does what its words say, against the smallest server that counts visits.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use dewar_testdata::browser::Browser;

#[test]
fn two_profiles_count_apart_and_a_person_can_read_type_click_and_forget() {
    let Some(browser) = Browser::start() else { return };
    let site = serve();
    let (alice, bob) = (browser.profile(), browser.profile());

    alice.open(&site);
    alice.reload();
    bob.open(&site);
    assert_eq!(alice.text_of("#visits"), "visit 2");
    assert_eq!(bob.text_of("#visits"), "visit 1");
    assert_eq!(alice.cookie("visits").as_deref(), Some("2"));
    assert_eq!(bob.cookies()[0]["httpOnly"], true);

    alice.type_into("[name=symbol]", "ÄPL & 1");
    alice.follow("[type=submit]");
    assert!(alice.url().ends_with("/add?symbol=%C3%84PL+%26+1"), "{}", alice.url());
    assert!(alice.text().contains("visit 3"), "{}", alice.html());

    alice.delete_cookies();
    assert!(alice.cookies().is_empty());
    alice.reload();
    assert_eq!(alice.text_of("#visits"), "visit 1");

    alice.set_cookie("visits", "41");
    alice.reload();
    assert_eq!(alice.text_of("#visits"), "visit 42");

    let picture = fs::read(alice.screenshot("browser_driver")).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 1000);
}

#[test]
fn a_step_that_cannot_be_done_says_so() {
    let Some(browser) = Browser::start() else { return };
    let visitor = browser.profile();
    visitor.open(&serve());
    let failure = failure_of(|| visitor.click("#missing"));
    assert!(failure.contains("no such element") && failure.contains("#missing"), "{failure}");
}

#[test]
fn no_page_leaves_this_machine() {
    let Some(browser) = Browser::start() else { return };
    let visitor = browser.profile();
    let failure = failure_of(|| visitor.open("http://example.com/"));
    assert!(failure.contains("ERR_NAME_NOT_RESOLVED"), "{failure}");
}

fn failure_of(step: impl FnOnce()) -> String {
    let failure = catch_unwind(AssertUnwindSafe(step)).expect_err("the step cannot be done");
    *failure.downcast::<String>().expect("a step fails with words")
}

/// Serves on a free port until the test ends; returns the address.
fn serve() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Each on its own: a browser opens connections ahead and leaves them silent.
            thread::spawn(move || answer(&stream));
        }
    });
    format!("http://{address}/")
}

fn answer(mut stream: &TcpStream) -> Option<()> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    if head.first()?.contains("favicon") {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n").ok();
    }
    let cookie = head.iter().find_map(|line| line.strip_prefix("Cookie: visits="));
    let visits = cookie.and_then(|value| value.parse::<u32>().ok()).unwrap_or(0) + 1;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\
         Set-Cookie: visits={visits}; Path=/; HttpOnly\r\n\r\n\
         <h1>Visits</h1><p id=visits>visit {visits}</p>\
         <form action=/add><input name=symbol><button type=submit>Add</button></form>"
    )
    .ok()
}
