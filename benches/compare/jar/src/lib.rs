//! The cookies of one visitor, as far as the comparison needs a browser.
//!
//! Every server here has one host and one path, so a name is enough to tell cookies apart.

/// Cookies by name, and the header that sends them.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    cookies: Vec<(String, String)>,
    line: String,
}

impl Jar {
    /// What the header `Cookie` says; empty if there is none to send.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Keeps what a `Set-Cookie` hands out, or drops the cookie that it ends.
    ///
    /// Several may come in one response, in any order, and one of them may end a cookie that never
    /// was: axum_session does so with every answer.
    pub fn keep(&mut self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let Some((name, value)) = pair.trim().split_once('=') else { return };
        let at = self.cookies.iter().position(|(known, _)| known == name);
        match (at, ends(attributes)) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            (Some(at), false) => value.clone_into(&mut self.cookies[at].1),
            (None, true) => return,
            (None, false) => self.cookies.push((name.to_owned(), value.to_owned())),
        }
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.line = pairs.join("; ");
    }
}

/// Whether these attributes end a cookie at once.
fn ends(attributes: &str) -> bool {
    attributes.split(';').filter_map(|attribute| attribute.trim().split_once('=')).any(
        |(name, value)| match name.to_ascii_lowercase().as_str() {
            "max-age" => value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
            "expires" => value.contains(" 1970 ") || value.contains("-1970 "),
            _ => false,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::Jar;

    #[test]
    fn a_jar_keeps_replaces_and_ends_cookies() {
        let steps = [
            ("a=1; Path=/", "a=1"),
            ("b=\"2 3\"", "a=1; b=\"2 3\""),
            ("a=x=y; HttpOnly; Max-Age=60", "a=x=y; b=\"2 3\""),
            ("c=; Max-Age=0", "a=x=y; b=\"2 3\""),
            ("a=; Path=/; Max-Age=0; Expires=Mon, 24 Nov 2025 05:00:00 GMT", "b=\"2 3\""),
            ("b=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ];
        let mut jar = Jar::default();
        for (set_cookie, line) in steps {
            jar.keep(set_cookie);
            assert_eq!(jar.line(), line, "after {set_cookie}");
        }
    }
}
