//! 302 with a page for whoever is not taken along.

use axum::{
    http::{StatusCode, header::LOCATION},
    response::{Html, IntoResponse, Response},
};

use crate::escape::escape;

/// Sends the browser to another address of this site.
///
/// # Flask
/// `redirect(location)`, with Werkzeug's page as its body.
#[derive(Clone, Debug)]
pub struct Redirect(String);

/// Redirects to `location`, for example the [`url`](crate::mount::Mount::url) of a path.
pub fn redirect(location: impl Into<String>) -> Redirect {
    Redirect(location.into())
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let shown = escape(&self.0);
        let page = format!(
            "<!doctype html>\n\
             <html lang=en>\n\
             <title>Redirecting...</title>\n\
             <h1>Redirecting...</h1>\n\
             <p>You should be redirected automatically to the target URL: \
             <a href=\"{shown}\">{shown}</a>. If not, click the link.\n"
        );
        (StatusCode::FOUND, [(LOCATION, quoted(&self.0))], Html(page)).into_response()
    }
}

/// Percent-encodes what may not stand in a `Location`: the result is a header value, always.
fn quoted(location: &str) -> String {
    let mut quoted = String::with_capacity(location.len());
    for byte in location.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,/:;=@?#".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_always_a_header_value() {
        let response = redirect("/é\r\nSet-Cookie: a=b\"<").into_response();
        assert_eq!(response.status(), StatusCode::FOUND);
        assert_eq!(response.headers()[LOCATION], "/%C3%A9%0D%0ASet-Cookie:%20a=b%22%3C");
    }
}
