//! Room 6: the change of the cookie becomes headers.
//!
//! Default profile: `Vary: Cookie` whenever the session was opened, and a response that carries our
//! `Set-Cookie` is kept out of caches. `flask`: `Vary` when the session was opened or a cookie is
//! set, before the cookie in the first case and behind it in the second, as Flask orders them.
//!
//! A response that was made without the session, or whose changes were given up, is kept out of caches
//! too: it would be shown to others, and to the visitor when his session is there again.

use http::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};

use crate::{
    commit::CookieChange,
    config::{Config, Profile},
    cookie::replace_set_cookie,
    error::CommitError,
    slot::Finished,
    vary::{forbid_caching, vary_on_cookie},
};

/// Tells the browser what was decided. A session that could not be kept replaces the response:
/// nobody is told of a login that was not saved.
pub(crate) fn write<B: From<&'static str>>(
    config: &Config,
    finished: Finished,
    mut response: Response<B>,
) -> Response<B> {
    let change = finished.change.unwrap_or_else(|error| {
        response = not_saved(&error);
        CookieChange::Keep
    });
    let headers = response.headers_mut();
    if finished.accessed {
        vary_on_cookie(headers);
    }
    if finished.without {
        forbid_caching(headers);
    }
    if let CookieChange::Set(cookie) | CookieChange::Remove(cookie) = change {
        replace_set_cookie(headers, config.cookie.name(), cookie);
        vary_on_cookie(headers);
        if config.profile == Profile::Default {
            forbid_caching(headers);
        }
    }
    response
}

fn not_saved<B: From<&'static str>>(error: &CommitError) -> Response<B> {
    let mut response = Response::new(B::from("The session could not be saved.\n"));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    forbid_caching(headers);
    *response.status_mut() = match error {
        CommitError::Store(error) => {
            headers.insert(RETRY_AFTER, error.retry_after_s().into());
            StatusCode::SERVICE_UNAVAILABLE
        }
        CommitError::Ended | CommitError::TooManySessions { .. } => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response
}
