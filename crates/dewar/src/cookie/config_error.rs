/// A cookie that no browser would keep, or that would not mean what it says.
///
/// Found when the configuration is built, never while a response is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieConfigError {
    /// The domain is empty.
    #[error("cookie domain {domain:?} names no host: leave it out for a host-only cookie")]
    DomainEmpty {
        /// As configured.
        domain: String,
    },
    /// The domain is not a host name.
    #[error(
        "cookie domain {domain:?} is not a host name: use letters, digits, '-' and '_' in labels \
         of 1 to 63, parted by single dots"
    )]
    DomainMalformed {
        /// As configured.
        domain: String,
    },
    /// The domain is not ASCII.
    #[error("cookie domain {domain:?} is not ASCII: write it in punycode (xn--…)")]
    DomainNotAscii {
        /// As configured.
        domain: String,
    },
    /// The name is not a token of RFC 9110 5.6.2.
    #[error(
        "cookie name {name:?} is not an HTTP token: use one or more ASCII letters, digits and \
         !#$%&'*+-.^_`|~"
    )]
    NameNotToken {
        /// As configured.
        name: String,
    },
    /// The path is not one a browser takes.
    #[error("cookie path {path:?} {rule}: {cure}")]
    Path {
        /// As configured.
        path: String,
        /// What it breaks.
        rule: &'static str,
        /// What to write instead.
        cure: &'static str,
    },
    /// The name looks like one with a protecting prefix, but browsers see none in it.
    #[error("cookie name {name:?} only looks like the prefix {meant:?}: start it with {meant:?}")]
    PrefixLookalike {
        /// As configured.
        name: String,
        /// The prefix it resembles.
        meant: &'static str,
    },
    /// The prefix in the name promises what the attributes do not keep.
    #[error("cookie name {name:?} begins with {prefix:?}, which needs {need}: {cure}")]
    PrefixNeeds {
        /// As configured.
        name: String,
        /// The prefix found in it.
        prefix: &'static str,
        /// What the prefix promises.
        need: &'static str,
        /// How to keep the promise.
        cure: &'static str,
    },
    /// Text that names none of the three values of `SameSite`.
    #[error("cookie attribute SameSite {text:?} is unknown: write 'Strict', 'Lax' or 'None'")]
    SameSiteUnknown {
        /// As configured.
        text: String,
    },
    /// `SameSite=None` or `Partitioned` on a cookie that also travels in the clear.
    #[error("cookie attribute {attribute} is ignored by browsers without Secure: add secure(true)")]
    SecureMissing {
        /// The attribute that needs `Secure`.
        attribute: &'static str,
    },
}
