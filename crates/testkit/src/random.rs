//! Random numbers for tests that harm at any moment. The seed is printed, so that a failure can be repeated.

/// A small generator (xorshift64).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded by `MAILIMPORT_SEED`, else otherwise in each process; the seed is printed.
    #[must_use]
    pub fn seeded() -> Self {
        let given = std::env::var("MAILIMPORT_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()) * 7_919 + 1);
        eprintln!("MAILIMPORT_SEED={seed}");
        Self(seed)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
