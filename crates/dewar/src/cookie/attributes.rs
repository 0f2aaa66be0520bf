//! The constant part of the cookie that is written, checked once.

#[cfg(test)]
mod tests;

use std::str::FromStr;

use http::HeaderValue;

use super::{
    CookieConfigError,
    prefix::{self, Seen},
    scope::{encoded_path, host},
};

/// When a browser sends the cookie along with a request that another site caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6265bis 4.1.2.7 defines these three")]
pub enum SameSite {
    /// Never.
    Strict,
    /// When the visitor follows a link, not with a form or a script.
    Lax,
    /// Always. Browsers then ask for `Secure`.
    None,
}

impl SameSite {
    /// The value as it stands in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl FromStr for SameSite {
    type Err = CookieConfigError;

    /// Reads the three words in any case.
    ///
    /// # Errors
    /// [`CookieConfigError::SameSiteUnknown`] for anything else, the empty text included.
    ///
    /// # Flask
    /// As `SESSION_COOKIE_SAMESITE`, but at start, not with the first cookie.
    fn from_str(text: &str) -> Result<Self, CookieConfigError> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| CookieConfigError::SameSiteUnknown { text: text.into() })
    }
}

/// The name and the attributes of one cookie, checked against each other.
///
/// Everything that does not change from response to response is rendered here, once. A cookie with
/// a value is made by [`set`](Self::set), one that removes it by [`removal`](Self::removal).
///
/// # Example
/// ```
/// use dewar::cookie::CookieAttributes;
///
/// let cookie = CookieAttributes::builder("__Host-id").build()?;
/// let header = cookie.set("c0ffee").to_header();
/// assert_eq!(header, "__Host-id=c0ffee; Secure; HttpOnly; Path=/; SameSite=Lax");
/// # Ok::<(), dewar::cookie::CookieConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CookieAttributes {
    pub(super) name: String,
    pub(super) secure: bool,
    /// `; Domain=…`, or nothing; `Expires` and `Max-Age` come after it.
    pub(super) head: String,
    /// `; Secure; HttpOnly; Path=…` and so on.
    pub(super) tail: String,
    pub(super) removal: HeaderValue,
}

impl CookieAttributes {
    /// Starts with the safe attributes: `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, no
    /// `Domain`.
    pub fn builder(name: impl Into<String>) -> CookieAttributesBuilder {
        CookieAttributesBuilder {
            name: name.into(),
            domain: None,
            path: Some("/".into()),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: false,
            flask: false,
            prefix_rules: true,
        }
    }

    /// Starts with Flask's attributes, `HttpOnly` and `Path=/`, and with Flask's leniency.
    ///
    /// `Partitioned` then brings `Secure` along, `SameSite=None` does without it, an empty domain
    /// or path is written as it is, and `;` in a path is percent-encoded. Prefixes stay checked:
    /// see [`insecure_accept_prefix_violations`].
    ///
    /// [`insecure_accept_prefix_violations`]:
    ///     CookieAttributesBuilder::insecure_accept_prefix_violations
    pub fn flask_builder(name: impl Into<String>) -> CookieAttributesBuilder {
        let safe = Self::builder(name);
        CookieAttributesBuilder { secure: false, same_site: None, flask: true, ..safe }
    }

    /// The cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the cookie travels over TLS only.
    pub fn secure(&self) -> bool {
        self.secure
    }
}

/// Builds [`CookieAttributes`]; the last call for an attribute counts.
#[derive(Clone, Debug)]
#[must_use]
pub struct CookieAttributesBuilder {
    name: String,
    domain: Option<String>,
    path: Option<String>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    flask: bool,
    prefix_rules: bool,
}

impl CookieAttributesBuilder {
    /// Gives the cookie another name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Sends the cookie to this host and all below it.
    ///
    /// Default: none, the cookie goes to the very host that set it. A port and leading dots are
    /// cut off.
    ///
    /// # Flask
    /// `SESSION_COOKIE_DOMAIN`. Flask also turns Unicode into punycode; here it is refused.
    pub fn domain(self, domain: impl Into<Option<String>>) -> Self {
        Self { domain: domain.into(), ..self }
    }

    /// Sends the cookie to this path and all below it, percent-encoded where needed.
    ///
    /// Default: `/`. With `None` the browser takes the folder of the page that set it.
    ///
    /// # Flask
    /// `SESSION_COOKIE_PATH`, or else `APPLICATION_ROOT`.
    pub fn path(self, path: impl Into<Option<String>>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// Keeps the cookie off connections without TLS. Default: true, in Flask false.
    pub fn secure(self, secure: bool) -> Self {
        Self { secure, ..self }
    }

    /// Hides the cookie from scripts. Default: true.
    pub fn http_only(self, http_only: bool) -> Self {
        Self { http_only, ..self }
    }

    /// Limits what other sites can cause. Default: [`SameSite::Lax`], in Flask none.
    pub fn same_site(self, same_site: impl Into<Option<SameSite>>) -> Self {
        Self { same_site: same_site.into(), ..self }
    }

    /// Keeps a jar per embedding site (CHIPS). Default: false.
    pub fn partitioned(self, partitioned: bool) -> Self {
        Self { partitioned, ..self }
    }

    /// Lets names such as `__Host-id` through although the attributes break their promise.
    ///
    /// # Security
    /// Browsers drop such a cookie or do not guard it. Only for proving parity with Flask, which
    /// does not look at names.
    pub fn insecure_accept_prefix_violations(self) -> Self {
        Self { prefix_rules: false, ..self }
    }

    /// Checks the attributes against each other and renders them.
    ///
    /// # Errors
    /// The first contradiction found; its text names the cure.
    pub fn build(self) -> Result<CookieAttributes, CookieConfigError> {
        let secure = self.secure || (self.flask && self.partitioned);
        let is_token = !self.name.is_empty() && self.name.bytes().all(is_token_byte);
        if !is_token {
            return Err(CookieConfigError::NameNotToken { name: self.name });
        }
        let domain = self.domain.as_deref().map(|text| host(text, self.flask)).transpose()?;
        let path = self.path.as_deref().map(|text| encoded_path(text, self.flask)).transpose()?;
        if self.prefix_rules {
            let root_path = path.as_deref() == Some("/");
            let http_only = self.http_only;
            prefix::check(
                &self.name,
                &Seen { secure, http_only, root_path, domain: domain.is_some() },
            )?;
        }
        if self.partitioned && !secure {
            return Err(CookieConfigError::SecureMissing { attribute: "Partitioned" });
        }
        if self.same_site == Some(SameSite::None) && !secure && !self.flask {
            return Err(CookieConfigError::SecureMissing { attribute: "SameSite=None" });
        }
        let head = domain.map(|host| format!("; Domain={host}")).unwrap_or_default();
        let tail = self.tail(secure, path.as_deref());
        Ok(CookieAttributes::rendered(self.name, secure, head, tail))
    }

    /// Renders what follows `Expires` and `Max-Age`, in Werkzeug's order.
    fn tail(&self, secure: bool, path: Option<&str>) -> String {
        let same_site = self.same_site.map(SameSite::as_str);
        let flag = |on: bool| on.then_some("");
        let attributes = [
            ("Secure", flag(secure)),
            ("HttpOnly", flag(self.http_only)),
            ("Path=", path),
            ("SameSite=", same_site),
            ("Partitioned", flag(self.partitioned)),
        ];
        let written = attributes.iter().filter_map(|(name, value)| value.map(|v| [name, v]));
        written.fold(String::new(), |tail, [name, value]| tail + "; " + name + value)
    }
}

/// RFC 9110 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
