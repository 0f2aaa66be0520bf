//! Where a cookie is sent: its domain and its path.

use std::fmt::Write as _;

use super::CookieConfigError;

/// Takes the host out of the configured domain as Werkzeug does, and checks it.
pub(super) fn host(domain: &str, flask: bool) -> Result<&str, CookieConfigError> {
    let whole = || domain.to_owned();
    let host = domain.split(':').next().unwrap_or_default().trim_start_matches('.');
    if !domain.is_ascii() {
        return Err(CookieConfigError::DomainNotAscii { domain: whole() });
    }
    if host.is_empty() {
        let empty = CookieConfigError::DomainEmpty { domain: whole() };
        return if flask { Ok(host) } else { Err(empty) };
    }
    // Browsers ignore a domain with a final dot; Flask writes it.
    let name = if flask { host.strip_suffix('.').unwrap_or(host) } else { host };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let port =
        domain.split_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    if !port || name.len() > 253 || !name.split('.').all(is_label) {
        return Err(CookieConfigError::DomainMalformed { domain: whole() });
    }
    Ok(host)
}

/// Checks the path and writes it as Werkzeug does.
pub(super) fn encoded_path(path: &str, flask: bool) -> Result<String, CookieConfigError> {
    let refuse = |rule, cure| Err(CookieConfigError::Path { path: path.into(), rule, cure });
    match path {
        "" if flask => return Ok(String::new()),
        "" => return refuse("is empty", "write \"/\", or leave it out"),
        _ if !path.starts_with('/') => return refuse("is not absolute", "start it with '/'"),
        _ if path.chars().any(char::is_control) => {
            return refuse("holds a control character", "leave it out");
        }
        _ if path.contains(';') && !flask => return refuse("holds ';'", "write %3B"),
        _ => {}
    }
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~%!$&'()*+,/:=@".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    Ok(encoded)
}
