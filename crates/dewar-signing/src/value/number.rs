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
    let scientific = shortest(float);
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

/// The shortest decimal that reads back as `float`, in Rust's layout.
///
/// Rust and Python agree on how many digits that takes. Where two such decimals are equally near,
/// Rust's shortest form takes the larger and Python the even one: 671662680751325.25 is written
/// `671662680751325.2`. Rounding to a given number of digits is what Rust does as Python.
fn shortest(float: f64) -> String {
    let shortest = format!("{float:e}");
    let mantissa = shortest.split('e').next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let even = format!("{float:.*e}", digits - 1);
    // At a power of two the nearest decimal may lie too far on the narrow side to read back.
    if even.parse() == Ok(float) { even } else { shortest }
}

#[cfg(test)]
mod tests {
    use super::write_float;

    #[test]
    fn of_two_equally_near_decimals_the_even_one_is_written() {
        let cases = [
            (671_662_680_751_325.0 + 0.25, "671662680751325.2"),
            (255_452_652_913_477.0 + 0.125, "255452652913477.12"),
            (-0.5, "-0.5"),
            (2_f64.powi(-44), "5.684341886080802e-14"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (f64::MAX, "1.7976931348623157e+308"),
        ];
        for (float, expected) in cases {
            let mut text = String::new();
            write_float(&mut text, float);
            assert_eq!(text, expected);
        }
    }
}
