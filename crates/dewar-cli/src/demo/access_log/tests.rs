use dewar_testdata::golden;
use jiff::{Timestamp, tz::TimeZone};

use super::*;

/// What Werkzeug logged for the tutorials' programs, colours included.
#[test]
fn the_lines_are_those_of_flasks_development_server() {
    let mut lines = 0;
    for name in ["01_count_six_requests", "06_set_get_delete", "07_login_logout", "08_stocks"] {
        for exchange in golden(name)["exchanges"].as_array().expect("a list") {
            let clock = exchange["clock"].as_i64().expect("seconds");
            let now = Timestamp::from_second(clock).expect("a moment").to_zoned(TimeZone::UTC);
            let asked = exchange["request"]["line"].as_str().expect("text");
            // Werkzeug merges the leading slashes before it logs; here the log is what was asked.
            let asked = asked.replacen(" //", " /", 1);
            let status = exchange["response"]["status"].as_u64().expect("a number");
            let status = StatusCode::try_from(status as u16).expect("a status");
            let log = exchange["server_log"].as_array().expect("a list");
            // A failure is logged in several lines; the request is the last.
            let recorded = log.last().expect("a line").as_str().expect("text");
            assert_eq!(line("127.0.0.1", &now, &readable(&asked), status, true), recorded);
            lines += 1;
        }
    }
    assert!(lines > 80, "{lines}");
}

#[test]
fn nothing_in_an_address_commands_the_terminal() {
    let shown = |address| terminal::visible(&readable(address));
    assert_eq!(shown("/h%C3%A9%0a\"x?a=%20b"), "/hé%0A\"x?a=%20b");
    assert_eq!(shown("/%1b[31m%E2%80%AEx%c2%9b"), "/%1B[31m%E2%80%AEx%C2%9B");
    assert_eq!(shown("/a%2Fb%3F%41%ff%C3"), "/a%2Fb%3FA%FF%C3");
    assert_eq!(shown("/100%/%4"), "/100%/%4");
    assert_eq!(shown("/\x1b]0;x\x07"), "/\\x1b]0;x\\x07");
}
