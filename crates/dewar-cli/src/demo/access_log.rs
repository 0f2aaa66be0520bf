//! One line for each request, as Flask's development server writes it.
//!
//! ```text
//! 127.0.0.1 - - [02/Jul/2021 14:03:08] "POST /add_stock HTTP/1.1" 302 -
//! ```
//!
//! The time is local. The address is shown decoded where that is safe; nothing in it reaches the
//! terminal as a command. Colours, by status as in Werkzeug, on a terminal only.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
};
use jiff::Zoned;

use crate::terminal;

/// The router with a log of its requests on the standard error.
pub(super) fn around(app: Router) -> Router {
    app.layer(middleware::from_fn_with_state(terminal::colours(), log))
}

async fn log(
    State(colours): State<bool>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let asked = format!(
        "{} {} {:?}",
        request.method(),
        readable(&request.uri().to_string()),
        request.version()
    );
    let response = next.run(request).await;
    let line = line(&client.ip().to_string(), &Zoned::now(), &asked, response.status(), colours);
    // Closed: nobody is left to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
    response
}

fn line(client: &str, now: &Zoned, asked: &str, status: StatusCode, colours: bool) -> String {
    let now = now.strftime("%d/%b/%Y %H:%M:%S");
    let asked = terminal::visible(asked);
    let (on, off) = if colours { colour(status) } else { ("", "") };
    format!("{client} - - [{now}] \"{on}{asked}{off}\" {} -", status.as_u16())
}

fn colour(status: StatusCode) -> (&'static str, &'static str) {
    let on = match status.as_u16() {
        100..=199 => "\x1b[1m",
        200 => return ("", ""),
        304 => "\x1b[36m",
        300..=399 => "\x1b[32m",
        404 => "\x1b[33m",
        400..=499 => "\x1b[31m\x1b[1m",
        _ => "\x1b[35m\x1b[1m",
    };
    (on, "\x1b[0m")
}

/// The address with those escapes undone that stand for letters, digits and text of any script;
/// whatever has a meaning in an address, or none for people, stays as it is.
fn readable(address: &str) -> String {
    let mut shown = String::with_capacity(address.len());
    let mut rest = address;
    while let Some(start) = rest.find('%') {
        shown.push_str(&rest[..start]);
        rest = &rest[start..];
        let run = escapes(rest);
        if run.is_empty() {
            shown.push('%');
            rest = &rest[1..];
        } else {
            push_decoded(&mut shown, &run);
            rest = &rest[run.len() * 3..];
        }
    }
    shown + rest
}

/// The bytes of the escapes with which the text begins.
fn escapes(text: &str) -> Vec<u8> {
    let escape = |part: &[u8]| match part {
        [b'%', digits @ ..] if digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) => {
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        }
        _ => None,
    };
    text.as_bytes().chunks(3).map_while(escape).collect()
}

fn push_decoded(shown: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let plain = c.is_ascii_alphanumeric() || "-._~".contains(c);
            if plain || !c.is_ascii() && !terminal::is_hidden(c) && !c.is_whitespace() {
                shown.push(c);
            } else {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_escaped(shown, byte));
            }
        }
        chunk.invalid().iter().for_each(|byte| push_escaped(shown, *byte));
    }
}

fn push_escaped(shown: &mut String, byte: u8) {
    shown.push_str(&format!("%{byte:02X}"));
}

#[cfg(test)]
mod tests;
