//! Small numbers in few bytes, large ones in up to ten.

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Appends the way from one number to another, short in both directions.
pub(super) fn put_step(bytes: &mut Vec<u8>, from: u64, to: u64) {
    let step = to.wrapping_sub(from) as i64;
    put(bytes, ((step << 1) ^ (step >> 63)) as u64);
}

/// Takes a number off the front; `None` if there is none.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Undoes [`put_step`].
pub(super) fn take_step(bytes: &mut &[u8], from: u64) -> Option<u64> {
    let zigzag = take(bytes)?;
    let step = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
    Some(from.wrapping_add(step as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [u64; 9] =
        [0, 1, 127, 128, 1 << 32, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX - 1, u64::MAX];

    #[test]
    fn every_number_and_every_step_comes_back() {
        for from in NUMBERS {
            for to in NUMBERS {
                let mut bytes = Vec::new();
                put(&mut bytes, from);
                put_step(&mut bytes, from, to);
                let mut rest = &bytes[..];
                assert_eq!(take(&mut rest), Some(from));
                assert_eq!(take_step(&mut rest, from), Some(to));
                assert!(rest.is_empty());
            }
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        assert_eq!(take(&mut &[][..]), None);
        assert_eq!(take(&mut &[0x80][..]), None);
        assert_eq!(take(&mut &[0xff; 10][..]), None);
        assert_eq!(take(&mut &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2][..]), None);
    }
}
