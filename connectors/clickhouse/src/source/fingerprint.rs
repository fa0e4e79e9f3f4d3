//! A number that stands for a row: SipHash-2-4, the same in every version and on every machine.

/// Of all rows that share a cursor value, two have the same one by chance less often than once in 10^11 groups of
/// ten thousand.
pub fn of(bytes: &[u8]) -> u64 {
    let mut state = State::new();
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state.word(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    state.word(u64::from_le_bytes(last));
    state.end()
}

struct State([u64; 4]);

impl State {
    fn new() -> Self {
        let [low, high] = KEY;
        State([
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ])
    }

    fn word(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn end(mut self) -> u64 {
        self.0[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.0.iter().fold(0, |all, part| all ^ part)
    }

    fn round(&mut self) {
        let [a, b, c, d] = &mut self.0;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

/// The key of the algorithm's published example. It is no secret: offsets have to mean the same for ever.
const KEY: [u64; 2] = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_published_example_comes_out() {
        let bytes: Vec<u8> = (0..15).collect();
        assert_eq!(of(&bytes), 0xa129_ca61_49be_45e5);
        assert_eq!(of(&[]), 0x726f_db47_dd0e_0e31);
    }
}
