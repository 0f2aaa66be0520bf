//! Proof that the checks bite: each machine here is broken in one way, and a check must say so.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    middleware::{map_request, map_response},
    response::Response,
};
use checks::{
    Check, KEY, Machine, NOW, Real, cookies, flash, flow, golden, reject, save_session,
    session_cookie, tamper,
};
use dewar::{ConfigError, ManualClock, Session, SessionLayerBuilder};
use dewar_signing::{
    Codec, Json,
    payload::{Compression, MAX_INFLATED, decode, encode},
};
use dewar_testdata::vectors;
use http::{HeaderValue, header};

/// Breaks the machine, runs one check, and expects a complaint.
macro_rules! sabotage {
    ($($name:ident in $check:expr, by $broken:expr;)+) => {$(
        #[test]
        fn $name() {
            struct Broken;
            impl Machine for Broken {
                fn app(
                    &self,
                    sessions: SessionLayerBuilder,
                    routes: Router,
                ) -> Result<Router, ConfigError> {
                    #[allow(clippy::redundant_closure_call, reason = "the saboteur is a closure")]
                    ($broken)(sessions, routes)
                }
            }
            let verdict: Check = ($check)(&Broken);
            assert!(verdict.is_err(), "the check did not notice");
        }
    )+};
}

type App = Result<Router, ConfigError>;

/// A saboteur who turns an option.
fn option(
    turn: impl Fn(SessionLayerBuilder) -> SessionLayerBuilder,
) -> impl Fn(SessionLayerBuilder, Router) -> App {
    move |sessions, routes| Real.app(turn(sessions), routes)
}

/// A saboteur between the browser and the session layer.
fn sent(change: fn(String) -> String) -> impl Fn(SessionLayerBuilder, Router) -> App {
    move |sessions, routes| {
        let rewrite = move |mut request: Request| async move {
            let cookie = request.headers().get(header::COOKIE).and_then(|line| line.to_str().ok());
            if let Some(changed) = cookie.map(|line| change(line.to_owned())) {
                let changed = HeaderValue::from_str(&changed).expect("visible text");
                request.headers_mut().insert(header::COOKIE, changed);
            }
            request
        };
        Ok(Real.app(sessions, routes)?.layer(map_request(rewrite)))
    }
}

/// A saboteur between the session layer and the browser.
fn answered(change: fn(&mut Response)) -> impl Fn(SessionLayerBuilder, Router) -> App {
    move |sessions, routes| {
        let rewrite = move |mut response: Response| async move {
            change(&mut response);
            response
        };
        Ok(Real.app(sessions, routes)?.layer(map_response(rewrite)))
    }
}

/// Rewrites every `Set-Cookie` line; an empty one is dropped.
fn lines(response: &mut Response, change: impl Fn(&str) -> String) {
    let headers = response.headers_mut();
    let old: Vec<_> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for line in old.iter().filter_map(|line| line.to_str().ok()).map(change) {
        if !line.is_empty() {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(&line).expect("visible"));
        }
    }
}

fn check_rejects(machine: &impl Machine) -> Check {
    reject::check(machine, &vectors("reject"))
}

/// Signs what the token claims, if `believe` does, whoever signed it.
fn signed_again(line: &str, believe: impl Fn(&str, &str) -> bool) -> String {
    let (name, token) = line.split_once('=').unwrap_or((line, ""));
    for key in [KEY, "secret"] {
        let [payload, time] = match token.rsplit('.').collect::<Vec<_>>()[..] {
            [_, time, ref rest @ ..] if !rest.is_empty() => {
                [&token[..token.rfind(time).unwrap_or(1) - 1], time]
            }
            _ => continue,
        };
        // The time of the golden cases; any other is left as it is.
        if time != "ZVPxAA" {
            continue;
        }
        let right = String::from_utf8(cookies::signer(key).sign(payload.as_bytes(), NOW)).unwrap();
        if believe(token, &right) {
            return format!("{name}={right}");
        }
    }
    line.to_owned()
}

fn signature(token: &str) -> &str {
    token.rsplit('.').next().unwrap_or_default()
}

sabotage! {
    a_cookie_on_every_read_is_noticed in flow::check_reading, by answered(|response| {
        let line = HeaderValue::from_static("session=again; Path=/");
        response.headers_mut().entry(header::SET_COOKIE).or_insert(line);
    });

    a_cookie_on_every_request_is_noticed in flow::check_untouched, by answered(|response| {
        let line = HeaderValue::from_static("session=again; Path=/");
        response.headers_mut().entry(header::SET_COOKIE).or_insert(line);
    });

    a_session_opened_for_everybody_is_noticed in flow::check_untouched, by
        |sessions, routes: Router| {
            let open = async |_: Session, request: Request| request;
            Real.app(sessions, routes.layer(map_request(open)))
        };

    a_missing_vary_is_noticed in flow::check_reading, by answered(|response| {
        response.headers_mut().remove(header::VARY);
    });

    a_vary_that_forgets_the_handlers_is_noticed in flow::check_headers, by answered(|response| {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Cookie"));
    });

    a_vary_behind_the_cookie_is_noticed in save_session::check, by answered(|response| {
        if let Some(vary) = response.headers_mut().remove(header::VARY) {
            lines(response, str::to_owned);
            response.headers_mut().insert(header::VARY, vary);
        }
    });

    a_cacheable_cookie_is_noticed in flow::check_headers, by answered(|response| {
        response.headers_mut().remove(header::CACHE_CONTROL);
    });

    a_second_session_cookie_is_noticed in flow::check_headers, by answered(|response| {
        let line = HeaderValue::from_static("session=mine; Path=/");
        response.headers_mut().append(header::SET_COOKIE, line);
    });

    forgetting_the_handlers_cookies_is_noticed in flow::check_headers, by answered(|response| {
        lines(response, |line| line.strip_prefix("session=").map_or("", |_| line).to_owned());
    });

    a_removal_without_attributes_is_noticed in flow::check_removal, by answered(|response| {
        lines(response, |line| match line.split_once("; Max-Age=0") {
            Some((start, _)) => format!("{start}; Max-Age=0; Path=/"),
            None => line.to_owned(),
        });
    });

    a_removal_that_stays_away_is_noticed in flash::check, by answered(|response| {
        lines(response, |line| if line.contains("Max-Age=0") { "" } else { line }.to_owned());
    });

    decoded_names_are_noticed in flow::check_names, by sent(|line| {
        line.replace("%2D", "-").replace("%2d", "-").replace("%5F", "_")
    });

    folded_names_are_noticed in flow::check_names, by sent(|line| {
        line.replace("__host-id", "__Host-id")
    });

    unquoted_names_are_noticed in flow::check_names, by sent(|line| line.replace("\"__", "__").replace("d\"=", "d="));

    the_last_of_two_cookies_winning_is_noticed in flow::check_duplicates, by sent(|line| {
        line.split("; ").collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("; ")
    });

    the_first_of_two_cookies_winning_is_noticed in flow::check_duplicates, by sent(|line| {
        line.split("; ").next().unwrap_or_default().to_owned()
    });

    a_clock_that_stands_still_is_noticed in flow::check_lifetimes, by
        option(|sessions| sessions.clock(ManualClock::at_unix(NOW)));

    an_idle_timeout_that_is_one_second_short_is_noticed in flow::check_lifetimes, by
        option(|sessions| sessions.idle_timeout(Duration::from_secs(7199)));

    an_absolute_timeout_that_use_extends_is_noticed in flow::check_lifetimes, by
        option(|sessions| sessions.absolute_timeout(Duration::from_secs(40 * 86_400)));

    a_leeway_too_generous_is_noticed in flow::check_lifetimes, by
        option(|sessions| sessions.max_skew(Duration::from_secs(60)));

    a_session_that_is_never_touched_is_noticed in flow::check_touching, by
        option(|sessions| sessions.rolling(false));

    a_session_that_is_always_touched_is_noticed in flow::check_touching, by
        option(|sessions| sessions.rolling(true));

    a_token_that_never_expires_is_noticed in check_rejects, by
        option(|sessions| sessions.permanent_lifetime(Duration::from_secs(u32::MAX.into())));

    a_token_from_the_future_is_noticed in check_rejects, by
        option(|sessions| sessions.max_skew(Duration::from_secs(u32::MAX.into())));

    a_signature_that_is_not_compared_is_noticed in check_rejects, by
        sent(|line| signed_again(&line, |_, _| true));

    a_signature_that_is_not_compared_lets_edits_through in tamper::check, by
        sent(|line| signed_again(&line, |_, _| true));

    a_signature_compared_in_its_first_four_bytes_is_noticed in tamper::check, by
        sent(|line| signed_again(&line, |token, right| {
            signature(token).get(..6) == signature(right).get(..6)
        }));

    a_signature_compared_without_its_last_bits_is_noticed in check_rejects, by
        sent(|line| signed_again(&line, |token, right| {
            signature(token).get(..26) == signature(right).get(..26)
        }));

    skipped_foreign_characters_are_noticed in tamper::check, by sent(|line| {
        let known = |c: &char| c.is_ascii_alphanumeric() || "-_.=;".contains(*c);
        let (name, token) = line.split_once('=').unwrap_or_default();
        let token = token.chars().filter(known).collect::<String>();
        format!("{name}={}", token.replace('=', ""))
    });

    inflating_without_limit_is_noticed in check_rejects, by sent(|line| {
        let payload = cookies::token(&line).to_owned();
        let signer = cookies::signer("secret");
        let unsigned = signer.verify(payload.as_bytes()).ok();
        match unsigned.map(|unsigned| decode(unsigned.value, usize::MAX)) {
            Some(Ok(text)) if text.len() > MAX_INFLATED => {
                format!("session={}", cookies::sign("secret", "{}", NOW))
            }
            _ => line,
        }
    });

    another_order_of_keys_is_noticed in save_session::check, by answered(|response| {
        lines(response, |line| {
            let Some(contents) = cookies::contents("secret", cookies::token(line)) else {
                return line.to_owned();
            };
            let mut members: Vec<_> = contents.into_iter().collect();
            members.reverse();
            let reversed = dewar::Value::Dict(members.into_iter().collect());
            let Ok(json) = Json::COMPACT.write(&reversed) else { return line.to_owned() };
            let payload = encode(json.as_bytes(), Compression::WhenSmaller);
            let token = String::from_utf8(cookies::signer("secret").sign(&payload, NOW)).unwrap();
            line.replace(cookies::token(line), &token)
        });
    });

    a_time_signed_one_second_off_is_noticed in session_cookie::check_writing, by
        option(|sessions| sessions.back_date(Duration::from_secs(1)));

    refusing_everything_is_noticed in session_cookie::check_opening, by sent(|line| {
        let (payload, time) = line.rsplit_once('.').unwrap_or_default().0.rsplit_once('.').unwrap_or_default();
        format!("{payload}.{time}.AAAAAAAAAAAAAAAAAAAAAAAAAAA")
    });

    an_error_page_that_saves_nothing_is_noticed in save_session::check, by answered(|response| {
        if response.status().is_client_error() {
            response.headers_mut().remove(header::SET_COOKIE);
        }
    });

    a_permanent_session_that_is_not_refreshed_is_noticed in golden::check, by
        option(|sessions| sessions.rolling(false));

    a_cookie_that_scripts_can_read_is_noticed in golden::check, by
        option(|sessions| sessions.http_only(false));

    a_cookie_that_outlives_the_browser_unasked_is_noticed in golden::check, by answered(|response| {
        lines(response, |line| match line.contains("Expires=") {
            true => line.to_owned(),
            false => line.replace("; HttpOnly", "; Max-Age=2678400; HttpOnly"),
        });
    });

    a_vary_without_access_is_noticed in save_session::check, by
        |sessions, routes: Router| {
            let open = async |_: Session, request: Request| request;
            Real.app(sessions, routes.layer(map_request(open)))
        };
}

/// The machine that all of them break is sound.
#[test]
fn the_checks_accept_the_real_machine() {
    type Sound = fn(&Real) -> Check;
    let checks: [(&str, Sound); 14] = [
        ("reading", |machine| flow::check_reading(machine)),
        ("untouched", |machine| flow::check_untouched(machine)),
        ("headers", |machine| flow::check_headers(machine)),
        ("removal", |machine| flow::check_removal(machine)),
        ("names", |machine| flow::check_names(machine)),
        ("duplicates", |machine| flow::check_duplicates(machine)),
        ("lifetimes", |machine| flow::check_lifetimes(machine)),
        ("touching", |machine| flow::check_touching(machine)),
        ("rejects", |machine| check_rejects(machine)),
        ("tamper", |machine| tamper::check(machine)),
        ("save_session", |machine| save_session::check(machine)),
        ("session_cookie", |machine| session_cookie::check_writing(machine)),
        ("flash", |machine| flash::check(machine)),
        ("golden", |machine| golden::check(machine)),
    ];
    for (name, check) in checks {
        assert_eq!(check(&Real), Ok(()), "{name}");
    }
}
