//! Chance that repeats itself: xorshift64*.

/// Numbers that follow from a seed.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64, history: u64) -> Self {
        let mut chance = Self(seed.wrapping_add(history).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        chance.below(2);
        chance
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

/// From the environment, to replay what was printed.
pub fn seed(default: u64) -> u64 {
    let seed = std::env::var("DEWAR_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(default);
    println!("replay with DEWAR_TEST_SEED={seed}");
    seed
}
