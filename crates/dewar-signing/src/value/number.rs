//! Numbers as Python holds and prints them.

use std::fmt;

/// An integer that does not fit 64 bits, kept as its decimal text.
///
/// Sessions carry such numbers through untouched; arithmetic on them is the application's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigInt(Box<str>);

impl BigInt {
    /// The most digits Python reads or writes.
    pub const MAX_DIGITS: usize = 4300;

    /// Reads a decimal number; `None` if it is no integer, fits an `i64` (use
    /// [`Value::Int`](super::Value::Int)) or has over [`MAX_DIGITS`](Self::MAX_DIGITS) digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        if digits.is_empty() || digits.len() > Self::MAX_DIGITS {
            return None;
        }
        if !digits.bytes().all(|b| b.is_ascii_digit()) || text.parse::<i64>().is_ok() {
            return None;
        }
        Some(Self(format!("{sign}{}", digits.trim_start_matches('0')).into()))
    }

    /// The decimal text: an optional `-`, then digits without leading zeros.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Appends a float as `json.dumps` and `repr` print it: the shortest digits that read back, a
/// `.0` at least, an exponent below 1e-4 and from 1e16 on. The caller names `NaN` and infinities.
pub(crate) fn write_float(out: &mut String, float: f64) {
    // Rust's `{:e}` gives the same shortest digits; only the layout differs.
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` prints an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` prints a whole exponent");
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    out.push_str(sign);
    if !(-4..16).contains(&exponent) {
        out.push_str(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push_str(&format!("e{sign}{:02}", exponent.abs()));
    } else if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', exponent.unsigned_abs() as usize - 1));
        out.push_str(&digits);
    } else {
        let whole = exponent.unsigned_abs() as usize + 1;
        let (head, tail) = digits.split_at(whole.min(digits.len()));
        out.push_str(head);
        out.extend(std::iter::repeat_n('0', whole - head.len()));
        out.push('.');
        out.push_str(if tail.is_empty() { "0" } else { tail });
    }
}
