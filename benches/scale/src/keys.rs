//! Several secret keys: the newest signs, all verify.

use std::error::Error;

use dewar_signing::{KeyRing, TimestampSigner};

use crate::measure::{cpu_ns, figure, use_up};

const CALLS: u64 = 20_000;
const NOW_S: u64 = 1_800_000_000;

pub fn run(count: u64) -> Result<(), Box<dyn Error>> {
    let keys: Vec<String> = (0..count).map(|number| format!("{number:02}").repeat(16)).collect();
    let signer = |keys: &[String]| {
        Ok::<_, Box<dyn Error>>(TimestampSigner::new(KeyRing::oldest_first(keys.to_vec())?))
    };
    let payload = [b'x'; 100];
    let good = signer(&keys)?.sign(&payload, NOW_S);
    let oldest = signer(&keys[..1])?.sign(&payload, NOW_S);
    let bad = signer(&["no key of the ring".to_owned()])?.sign(&payload, NOW_S);
    let ring = signer(&keys)?;
    for (name, token) in [("good_ns", good), ("oldest_ns", oldest), ("bad_ns", bad)] {
        figure(
            "keys",
            "dewar",
            count,
            name,
            cpu_ns(CALLS, |_| use_up(ring.verify(&token).is_ok())),
        );
    }
    Ok(())
}
