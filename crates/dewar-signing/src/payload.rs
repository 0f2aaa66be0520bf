//! Text ⇄ the payload of a URL-safe token.
//!
//! ```text
//! plain        base64url(text)
//! compressed   "." base64url(zlib(text))      if that is shorter
//! ```
//!
//! [`decode`] is for payloads whose signature is good, and still trusts nothing: base64url is
//! strict, the zlib stream must be whole, checked and alone, and the output has a limit.

use std::cell::RefCell;

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{
    encoding,
    error::{BadToken, Reason},
};

/// The most bytes of text a payload may hold unless the reader says otherwise: 1 MiB.
///
/// A cookie of 4 KiB can hold a zlib stream of 3 MiB.
pub const MAX_INFLATED: usize = 1 << 20;

/// Whether a payload may be compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Plain base64url, always.
    Never,
    /// Compressed if that saves at least two bytes before base64: the rule of itsdangerous.
    #[default]
    WhenSmaller,
    /// The same for texts of at least so many bytes; shorter ones stay plain, and nothing is tried.
    ///
    /// Trying costs many times what signing costs.
    WhenLong(usize),
}

thread_local! {
    /// Kept for the next payload of this thread: to make one is to clear all its memory, which by
    /// zlib's own account is 256 KB for deflating and 40 KB for inflating.
    static DEFLATER: RefCell<Compress> =
        RefCell::new(Compress::new(flate2::Compression::new(6), true));
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// Encodes text as a payload. The result is ASCII.
///
/// The compressed form is a zlib stream of level 6. Other zlib libraries write other bytes, which
/// all of them read.
///
/// # Example
/// ```
/// use dewar_signing::payload::{Compression, encode};
///
/// assert_eq!(encode(br#"{"visits":3}"#, Compression::WhenSmaller), b"eyJ2aXNpdHMiOjN9");
/// let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(60));
/// assert!(encode(long.as_bytes(), Compression::WhenSmaller).starts_with(b".eJ"));
/// ```
///
/// # Flask
/// `URLSafeSerializer.dump_payload`
#[doc(alias = "dump_payload")]
pub fn encode(text: &[u8], compression: Compression) -> Vec<u8> {
    let mut payload = Vec::new();
    encode_onto(&mut payload, text, compression);
    payload
}

/// Appends what [`encode`] gives to `out`, for a payload that is part of something longer.
pub fn encode_onto(out: &mut Vec<u8>, text: &[u8], compression: Compression) {
    let deflated = match compression {
        Compression::Never => None,
        Compression::WhenLong(least) if text.len() < least => None,
        Compression::WhenSmaller | Compression::WhenLong(_) => {
            DEFLATER.with_borrow_mut(|deflater| deflate_if_smaller(deflater, text))
        }
    };
    if deflated.is_some() {
        out.push(b'.');
    }
    encoding::push_base64(out, deflated.as_deref().unwrap_or(text));
}

/// Decodes a payload to its text, of which there may be at most `limit` bytes.
///
/// - `limit`: bytes of text; [`MAX_INFLATED`] is a good one. Memory stays below twice that, plus
///   the payload's own size.
///
/// # Errors
/// [`BadPayload`](crate::BadTokenKind::BadPayload).
///
/// # Security
/// Verify the signature first.
///
/// # Flask
/// The first half of `URLSafeSerializer.load_payload`, which has no limit, skips foreign
/// characters, and ignores what follows the zlib stream.
#[doc(alias = "load_payload")]
pub fn decode(payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
    let (text, compressed) = match payload.strip_prefix(b".") {
        Some(text) => (text, true),
        None => (payload, false),
    };
    if !compressed && text.len() / 4 * 3 > limit {
        return Err(Reason::TooLarge { limit }.into());
    }
    let bytes = encoding::base64(text).ok_or(Reason::Base64)?;
    if compressed {
        return Ok(INFLATER.with_borrow_mut(|inflater| inflate(inflater, &bytes, limit))?);
    }
    if bytes.len() > limit {
        return Err(Reason::TooLarge { limit }.into());
    }
    Ok(bytes)
}

/// Deflates into a buffer that ends where compression stops paying.
fn deflate_if_smaller(deflater: &mut Compress, text: &[u8]) -> Option<Vec<u8>> {
    // itsdangerous compresses if `len(compressed) < len(text) - 1`.
    let mut deflated = vec![0; text.len().checked_sub(2)?];
    deflater.reset();
    let status = deflater.compress(text, &mut deflated, FlushCompress::Finish);
    let whole = matches!(status, Ok(Status::StreamEnd));
    deflated.truncate(usize::try_from(deflater.total_out()).ok()?);
    whole.then_some(deflated)
}

fn inflate(inflater: &mut Decompress, stream: &[u8], limit: usize) -> Result<Vec<u8>, Reason> {
    inflater.reset(true);
    // One byte more than allowed, to tell a full buffer from one that would overflow.
    let most = limit.saturating_add(1);
    let mut text = Vec::new();
    loop {
        if text.len() == text.capacity() {
            let wanted = text.len().saturating_mul(2).max(stream.len().saturating_mul(4)).max(256);
            text.reserve_exact(wanted.min(most) - text.len());
        }
        // Both counts stay below a length in memory.
        let (read, written) = (inflater.total_in() as usize, text.len());
        let rest = stream.get(read..).unwrap_or_default();
        let status = inflater
            .decompress_vec(rest, &mut text, FlushDecompress::None)
            .map_err(|_| Reason::Zlib { rule: "not a sound zlib stream" })?;
        if text.len() > limit {
            return Err(Reason::TooLarge { limit });
        }
        let progress = text.len() > written || inflater.total_in() as usize > read;
        match status {
            Status::StreamEnd if inflater.total_in() == stream.len() as u64 => return Ok(text),
            Status::StreamEnd => return Err(Reason::Zlib { rule: "bytes follow the zlib stream" }),
            Status::Ok | Status::BufError if !progress && text.len() < text.capacity() => {
                return Err(Reason::Zlib { rule: "the zlib stream is cut short" });
            }
            Status::Ok | Status::BufError => {}
        }
    }
}
