//! Integers of up to 256 bits, as far as reading their digits needs them.

/// A sign and a magnitude, lowest limb first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wide {
    pub negative: bool,
    limbs: [u64; 4],
}

impl Wide {
    pub fn zero(negative: bool) -> Self {
        Wide { negative, limbs: [0; 4] }
    }

    pub fn small(negative: bool, magnitude: u64) -> Self {
        Wide { negative, limbs: [magnitude, 0, 0, 0] }
    }

    /// Multiplies, then adds. `None` when the magnitude no longer fits.
    pub fn multiply_add(mut self, factor: u64, summand: u64) -> Option<Self> {
        let mut carry = u128::from(summand);
        for limb in &mut self.limbs {
            carry += u128::from(*limb) * u128::from(factor);
            *limb = carry as u64;
            carry >>= 64;
        }
        if carry == 0 { Some(self) } else { None }
    }

    pub fn fits_unsigned(&self, width: usize) -> bool {
        let zero = self.limbs == [0; 4];
        (zero || !self.negative) && self.bits() <= width * 8
    }

    /// The most negative number has one more in its magnitude than the most positive one.
    pub fn fits_signed(&self, width: usize) -> bool {
        let bits = self.bits();
        bits < width * 8 || (self.negative && bits == width * 8 && self.is_power_of_two())
    }

    /// Appends the lowest `width` bytes of the two's complement.
    pub fn push(&self, width: usize, out: &mut Vec<u8>) {
        let mut bytes = [0; 32];
        let mut carry = self.negative;
        for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.limbs) {
            let (limb, overflow) =
                if self.negative { (!limb).overflowing_add(u64::from(carry)) } else { (limb, false) };
            carry = overflow;
            *chunk = limb.to_le_bytes();
        }
        out.extend_from_slice(&bytes[..width]);
    }

    pub fn to_i64(self) -> Option<i64> {
        let mut bytes = Vec::with_capacity(8);
        self.push(8, &mut bytes);
        if self.fits_signed(8) { bytes.first_chunk().map(|bytes| i64::from_le_bytes(*bytes)) } else { None }
    }

    fn bits(&self) -> usize {
        let top = self.limbs.iter().rposition(|&limb| limb != 0);
        top.map_or(0, |top| top * 64 + (64 - self.limbs[top].leading_zeros() as usize))
    }

    fn is_power_of_two(&self) -> bool {
        self.limbs.iter().map(|limb| limb.count_ones()).sum::<u32>() == 1
    }
}
