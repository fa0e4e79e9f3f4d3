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

    /// Of two's complement, highest byte first. `None` beyond 256 bits.
    #[inline]
    pub fn from_be(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > 8 {
            return Self::from_many_be(bytes);
        }
        let value = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let unused = 64 - 8 * bytes.len() as u32;
        // The highest byte goes to the top and back, which brings its sign along.
        let value = value.checked_shl(unused).map_or(0, |high| high.cast_signed() >> unused);
        Some(Wide::small(value < 0, value.unsigned_abs()))
    }

    fn from_many_be(bytes: &[u8]) -> Option<Self> {
        let negative = bytes.first().is_some_and(|first| *first >= 0x80);
        let sign = if negative { 0xFF } else { 0 };
        let repeated = bytes.iter().take_while(|byte| **byte == sign).count();
        let digits = &bytes[repeated..];
        let mut padded = [sign; 32];
        padded[32_usize.checked_sub(digits.len())?..].copy_from_slice(digits);
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().rev().zip(padded.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*chunk);
        }
        if negative {
            let mut carry = true;
            for limb in &mut limbs {
                (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
            }
            // A magnitude of 2^256 itself.
            if carry {
                return None;
            }
        }
        Some(Wide { negative, limbs })
    }

    /// The whole part of a division, and what is left.
    pub fn divided(mut self, divisor: u64) -> (Self, u64) {
        let mut rest = 0;
        for limb in self.limbs.iter_mut().rev() {
            let all = u128::from(rest) << 64 | u128::from(*limb);
            *limb = (all / u128::from(divisor)) as u64;
            rest = (all % u128::from(divisor)) as u64;
        }
        (self, rest)
    }

    /// The magnitude, if it is one machine word.
    #[inline]
    pub fn magnitude(&self) -> Option<u64> {
        if let [low, 0, 0, 0] = self.limbs { Some(low) } else { None }
    }

    pub fn is_zero(&self) -> bool {
        self.limbs == [0; 4]
    }

    /// Whether the magnitude is below that of another one.
    pub fn is_below(&self, other: &Wide) -> bool {
        self.limbs.iter().rev().lt(other.limbs.iter().rev())
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
    #[inline]
    pub fn push(&self, width: usize, out: &mut Vec<u8>) {
        match (self.magnitude(), width) {
            (Some(low), 1..=8) => {
                let value = if self.negative { low.wrapping_neg() } else { low };
                out.extend_from_slice(&value.to_le_bytes()[..width]);
            }
            _ => self.push_wide(width, out),
        }
    }

    fn push_wide(&self, width: usize, out: &mut Vec<u8>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_numbers_are_read_and_written_as_long_ones(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xFF)], 0..9),
            width in 1_usize..33,
        ) {
            let short = Wide::from_be(&bytes);
            prop_assert_eq!(short, Wide::from_many_be(&bytes));
            let (mut one, mut other) = (Vec::new(), Vec::new());
            short.unwrap().push(width, &mut one);
            short.unwrap().push_wide(width, &mut other);
            prop_assert_eq!(one, other);
        }
    }
}
