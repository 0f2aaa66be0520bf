//! What a password's proof is bound to: the certificate that the server has shown. Whoever stands in
//! between has another one, and the server then refuses the proof that he hands on.

use sha2::{Digest, Sha256, Sha384, Sha512};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// 1.2.840.113549.1.1: what RSA signs with a hash; the next byte says which.
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
/// 1.2.840.10045.4: the same of ECDSA.
const ECDSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04];

/// The certificate's hash by the function that its own signature uses, and SHA-256 instead of what is
/// weaker (RFC 5929, section 4.1). None if its signature names no such function, as Ed25519's does.
pub(super) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = signature_algorithm(certificate)?;
    let rsa = algorithm.strip_prefix(RSA);
    match (rsa, algorithm.strip_prefix(ECDSA)) {
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => {
            Some(Sha256::digest(certificate).to_vec())
        }
        (Some([12]), _) | (_, Some([3, 3])) => Some(Sha384::digest(certificate).to_vec()),
        (Some([13]), _) | (_, Some([3, 4])) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// A certificate is a sequence of what is signed, the algorithm and the signature; an algorithm is one
/// of its identifier and its parameters.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (parts, _) = element(certificate, SEQUENCE)?;
    let (_, parts) = element(parts, SEQUENCE)?;
    let (algorithm, _) = element(parts, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(identifier, _)| identifier)
}

/// What is in the first element of these, which has this tag, and what follows it (DER).
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = bytes else { return None };
    if *first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7F => (usize::from(*length), rest),
        // So many bytes of length follow.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate that is nothing but its signature's algorithm.
    fn signed_by(algorithm: &[u8]) -> Vec<u8> {
        let of = |tag: u8, contents: &[u8]| {
            let length = u8::try_from(contents.len()).unwrap();
            [&[tag, length][..], contents].concat()
        };
        let algorithm = of(SEQUENCE, &of(OBJECT_IDENTIFIER, algorithm));
        of(SEQUENCE, &[of(SEQUENCE, b""), algorithm].concat())
    }

    #[test]
    fn the_hash_is_that_of_the_certificates_signature() {
        let cases: [(&[u8], u8, Option<usize>); 10] = [
            (RSA, 4, Some(32)),
            (RSA, 5, Some(32)),
            (RSA, 11, Some(32)),
            (RSA, 12, Some(48)),
            (RSA, 13, Some(64)),
            (RSA, 10, None),
            (&[ECDSA, &[3]].concat(), 2, Some(32)),
            (&[ECDSA, &[3]].concat(), 3, Some(48)),
            (&[ECDSA, &[3]].concat(), 4, Some(64)),
            (&[0x2B, 0x65], 0x70, None),
        ];
        for (family, last, length) in cases {
            let hash = tls_server_end_point(&signed_by(&[family, &[last]].concat()));
            assert_eq!(hash.map(|hash| hash.len()), length, "{family:?} {last}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = signed_by(&[RSA, &[11]].concat());
        for end in 0..whole.len() {
            assert_eq!(tls_server_end_point(&whole[..end]), None);
            for byte in 0..=u8::MAX {
                let mut bytes = whole.clone();
                bytes[end] = byte;
                tls_server_end_point(&bytes);
            }
        }
    }
}
