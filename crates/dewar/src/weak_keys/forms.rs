//! The forms under which one key may be written.

use std::collections::BTreeSet;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Reads what people paste, with or without padding: this decides about no token.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes a key may stand for: as given, without its wrapping, unescaped, decoded.
pub(super) fn spellings(key: &[u8]) -> BTreeSet<Vec<u8>> {
    let bare = unwrapped(key);
    let mut forms = BTreeSet::from([key.to_vec(), bare.to_vec(), unescaped(bare)]);
    forms.extend(from_hex(bare));
    forms.extend(from_base64(bare));
    forms.retain(|form| !form.is_empty());
    forms
}

/// How many bytes of a tail are cut off one by one; a longer tail is cut off whole as well.
const TAIL: usize = 8;

/// A spelling, in lower case, and each without what people append to pass a length rule.
pub(super) fn variants(form: &[u8]) -> BTreeSet<Vec<u8>> {
    let bare = unwrapped(form);
    let mut variants = BTreeSet::from([form.to_vec(), bare.to_vec()]);
    variants.extend([form.to_ascii_lowercase(), bare.to_ascii_lowercase()]);
    let mut stem = bare;
    let mut cut = 0;
    while let [rest @ .., b'0'..=b'9' | b'!'] = stem {
        (stem, cut) = (rest, cut + 1);
        if cut <= TAIL {
            variants.extend([stem.to_vec(), stem.to_ascii_lowercase()]);
        }
    }
    variants.extend([stem.to_vec(), stem.to_ascii_lowercase()]);
    variants.retain(|variant| !variant.is_empty());
    variants
}

/// Cuts off white space, one pair of quotes, Python's `b` before them, and Laravel's `base64:`.
fn unwrapped(key: &[u8]) -> &[u8] {
    let key = key.trim_ascii();
    let quoted = match key {
        [b'b' | b'B', rest @ ..] if matches!(rest, [b'"' | b'\'', ..]) => rest,
        _ => key,
    };
    let key = match quoted {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner.trim_ascii(),
        _ => key,
    };
    key.strip_prefix(b"base64:").unwrap_or(key)
}

/// Resolves escapes as a Python string literal does; an unknown one stays as it is.
fn unescaped(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key;
    loop {
        rest = match rest {
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes.extend(from_hex(&[*high, *low]).unwrap_or_default());
                tail
            }
            [b'\\', b'0'..=b'7', ..] => {
                let digits = rest[1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7'));
                let count = digits.clone().count();
                // Python, too, keeps the low eight bits.
                bytes.push(digits.fold(0_u16, |sum, b| sum * 8 + u16::from(b - b'0')) as u8);
                &rest[1 + count..]
            }
            [b'\\', letter, tail @ ..] => {
                match simple_escape(*letter) {
                    Some(byte) => bytes.push(byte),
                    None => bytes.extend([b'\\', *letter]),
                }
                tail
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
            [] => return bytes,
        }
    }
}

fn simple_escape(letter: u8) -> Option<u8> {
    let byte = match letter {
        b'\\' | b'\'' | b'"' => letter,
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0B,
        _ => return None,
    };
    Some(byte)
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    if text.len() % 2 != 0 {
        return None;
    }
    text.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    TOLERANT.decode(text.iter().map(standard).collect::<Vec<_>>()).ok()
}
