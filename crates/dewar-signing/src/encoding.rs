//! Base64url and times as they stand in a token: strict to read, as Python to write.
//!
//! Python's decoder skips foreign characters, accepts padding, and ignores unused bits, so that
//! many texts stand for one value. Nothing it writes needs that; here each value has one text.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The last second of the year 9999, where Python's calendar ends.
pub(crate) const LAST_SECOND: u64 = 253_402_300_799;

/// Appends base64url without padding.
pub(crate) fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    // Four characters for every three bytes begun: what padding would fill is cut off again.
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = URL_SAFE_NO_PAD
        .encode_slice(bytes, &mut out[start..])
        .expect("the room was computed from the length");
    out.truncate(start + written);
}

/// Decodes base64url of any length.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes base64url that should fit a small buffer, and refuses what cannot fit unread.
pub(crate) fn small_base64<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let len = URL_SAFE_NO_PAD.decode_slice(text, buffer).ok()?;
    buffer.get(..len)
}

/// Appends a time: big-endian, without leading zero bytes, in base64url. Zero is no text at all.
pub(crate) fn push_time(out: &mut Vec<u8>, seconds: u64) {
    let bytes = seconds.to_be_bytes();
    let zeros = (seconds.leading_zeros() / 8) as usize;
    push_base64(out, &bytes[zeros..]);
}

/// Reads a time back. `None` if it is not written as [`push_time`] writes it, or if no calendar
/// has a date for it.
pub(crate) fn time(text: &[u8]) -> Option<u64> {
    let mut buffer = [0; 12];
    let bytes = small_base64(text, &mut buffer)?;
    let mut padded = [0; 8];
    let zeros = padded.len().checked_sub(bytes.len())?;
    padded[zeros..].copy_from_slice(bytes);
    let seconds = u64::from_be_bytes(padded);
    (bytes.first() != Some(&0) && seconds <= LAST_SECOND).then_some(seconds)
}
