//! The demo in a real browser: the tutorials' programs, as their readers would use them, with
//! sessions on the server and in the cookie.

mod answer;
mod demo;

use answer::dewar;
use demo::Demo;
use dewar_testdata::browser::{Browser, Profile};

fn visit(profile: &Profile<'_>, url: &str) -> String {
    profile.open(url);
    profile.text()
}

/// Plays a scene with sessions on the server, then with sessions in the cookie.
fn in_both_modes(program: &[&str], scene: impl Fn(&Browser, &Demo, Mode)) {
    let Some(browser) = Browser::start() else { return };
    for mode in [Mode::Server, Mode::Cookie] {
        let name = if mode == Mode::Server { "server" } else { "cookie" };
        scene(&browser, &Demo::start(&[program, &["--mode", name]].concat()), mode);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Server,
    Cookie,
}

#[test]
fn the_start_page_leads_to_every_program() {
    in_both_modes(&[], |browser, demo, mode| {
        let reader = browser.profile();
        let start = demo.site() + "/";
        let promise = match mode {
            Mode::Server => "a cookie with a unique id",
            Mode::Cookie => "nobody can change it unnoticed",
        };
        assert!(visit(&reader, &start).contains(promise), "{}", reader.text());
        reader.screenshot("start");
        for (link, text) in [
            ("/count/", "Count: 1"),
            ("/visits/", "Visit count: 1"),
            ("/username/get_session", "Hello, stranger!"),
            ("/login/", "You are not logged in"),
            ("/stocks/stocks/", "List of Stocks"),
            ("/flash/", "Notes"),
        ] {
            reader.open(&start);
            reader.follow(&format!("a[href='{link}']"));
            assert!(reader.text().contains(text), "{link}: {}", reader.text());
        }
        assert!(visit(&reader, &format!("{start}nothing/here")).contains("There is no page here"));
        reader.screenshot("not_found");
        // Each program sees its own cookie and no other.
        reader.open(&(start + "count/"));
        let names: Vec<_> = reader.cookies().iter().map(|cookie| cookie["name"].clone()).collect();
        assert_eq!(names, ["session_count"]);
    });
}

#[test]
fn two_browsers_count_apart() {
    in_both_modes(&["count"], |browser, demo, _| {
        let page = demo.site() + "/";
        let (alice, bob) = (browser.profile(), browser.profile());
        for count in 1..=6 {
            assert_eq!(visit(&alice, &page), format!("Count: {count}"));
        }
        assert_eq!(visit(&bob, &page), "Count: 1");
        assert_eq!(visit(&alice, &page), "Count: 7");
        alice.screenshot("count");
    });
}

#[test]
fn after_twenty_visits_cleared_cookies_begin_at_one() {
    in_both_modes(&["visits"], |browser, demo, _| {
        let page = demo.site() + "/";
        let reader = browser.profile();
        for count in 1..=20 {
            assert_eq!(visit(&reader, &page), format!("Visit count: {count}"));
        }
        reader.screenshot("visits");
        reader.delete_cookies();
        assert_eq!(visit(&reader, &page), "Visit count: 1");
        // What a reader tries next: another number. The signature does not hold.
        let cookie = reader.cookie("session").expect("a cookie");
        let (_, signature) = cookie.split_once('.').expect("a token");
        reader.set_cookie("session", &format!("eyJ2aXNpdHMiOjk5OX0.{signature}"));
        assert_eq!(visit(&reader, &page), "Visit count: 1");
    });
}

#[test]
fn a_username_is_set_read_and_deleted() {
    in_both_modes(&["username"], |browser, demo, mode| {
        let page = |name: &str| format!("{}/{name}", demo.site());
        let reader = browser.profile();
        assert_eq!(visit(&reader, &page("get_session")), "Hello, stranger!");
        assert_eq!(visit(&reader, &page("set_session")), "Session set.");
        assert_eq!(visit(&reader, &page("get_session")), "Hello, John Doe!");
        reader.screenshot("username");
        assert_eq!(visit(&reader, &page("delete_session")), "Session deleted.");
        assert_eq!(visit(&reader, &page("get_session")), "Hello, stranger!");
        // On the server the session lives on, empty.
        assert_eq!(reader.cookies().is_empty(), mode == Mode::Cookie);
    });
}

#[test]
fn a_visitor_logs_in_and_out() {
    in_both_modes(&["login"], |browser, demo, _| {
        let page = |path: &str| demo.site() + path;
        let (alice, bob) = (browser.profile(), browser.profile());
        assert_eq!(visit(&alice, &page("/")), "You are not logged in");
        alice.open(&page("/login"));
        alice.screenshot("login_form");
        alice.type_into("#username", "alice <script>document.title='owned'</script>");
        alice.follow("[type=submit]");
        assert_eq!(alice.url(), page("/"));
        // The name is shown, not run.
        assert_eq!(alice.text(), "Logged in as alice <script>document.title='owned'</script>");
        alice.screenshot("login");
        assert_eq!(visit(&bob, &page("/")), "You are not logged in");
        assert_eq!(visit(&alice, &page("/logout")), "You are not logged in");
        assert_eq!(alice.url(), page("/"));
    });
}

#[test]
fn a_stock_is_added_and_listed() {
    in_both_modes(&["stocks"], |browser, demo, _| {
        let (firefox, chrome) = (browser.profile(), browser.profile());
        let add = |profile: &Profile<'_>, stock: [&str; 3]| {
            profile.open(&(demo.site() + "/"));
            profile.follow("nav a");
            for (field, value) in
                ["stock_symbol", "number_of_shares", "purchase_price"].iter().zip(stock)
            {
                profile.type_into(&format!("[name={field}]"), value);
            }
            profile.screenshot("stocks_form");
            profile.follow("[type=submit]");
            assert_eq!(profile.url(), demo.site() + "/stocks/");
            assert_eq!(
                profile.text_of("tbody tr"),
                format!("{} {} ${}", stock[0], stock[1], stock[2])
            );
        };
        add(&firefox, ["AAPL", "15", "302.17"]);
        firefox.screenshot("stocks");
        add(&chrome, ["SBUX", "100", "87.56"]);
        firefox.reload();
        assert_eq!(firefox.text_of("tbody tr"), "AAPL 15 $302.17");
        firefox.follow("nav a:last-child");
        assert_eq!(firefox.text(), "Blog Post #17...");
    });
}

#[test]
fn a_flash_is_shown_once() {
    in_both_modes(&[], |browser, demo, _| {
        let page = demo.site() + "/flash/";
        let reader = browser.profile();
        reader.open(&page);
        reader.type_into("#note", "<b>milk</b>");
        reader.follow("[type=submit]");
        assert_eq!(reader.url(), page);
        assert_eq!(reader.text_of(".success"), "Saved: <b>milk</b>");
        reader.screenshot("flash");
        reader.reload();
        assert!(!reader.text().contains("Saved"), "{}", reader.text());
    });
}

/// "A unique id in a cookie, the data on the server": what the tutorials say is what one sees. And
/// what a cookie that carries the session cannot do, which the demo says of itself, is shown too.
#[test]
fn the_cookie_is_an_id_and_the_data_is_on_the_server() {
    in_both_modes(&["login"], |browser, demo, mode| {
        let page = |path: &str| demo.site() + path;
        let alice = browser.profile();
        alice.open(&page("/login"));
        alice.type_into("#username", "alice");
        alice.follow("[type=submit]");
        assert_eq!(alice.text(), "Logged in as alice");
        let cookie = alice.cookie("session").expect("a cookie");

        let decoded = dewar(&["cookie", "decode", "--json", &cookie]);
        match mode {
            Mode::Server => {
                let (id, signature) = cookie.split_once('.').expect("an id and a signature");
                assert_eq!((id.len(), signature.len()), (43, 43));
                assert!(decoded.err.contains("a session on the server"), "{}", decoded.err);
                assert_eq!(decoded.out, "");
            }
            Mode::Cookie => assert!(decoded.out.contains("\"alice\""), "{}", decoded.out),
        }

        // A copy of the cookie, put back by hand after the logout.
        assert_eq!(visit(&alice, &page("/logout")), "You are not logged in");
        alice.delete_cookies();
        alice.set_cookie("session", &cookie);
        let said = match mode {
            Mode::Server => "You are not logged in",
            Mode::Cookie => "Logged in as alice",
        };
        assert_eq!(visit(&alice, &page("/")), said);
        alice.screenshot("cookie_put_back");
    });
}
