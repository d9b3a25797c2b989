//! Plain numbers as the caller holds them, and brain floats.

/// Numbers in one of the forms in which checkpoints store them.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    F32(&'a [f32]),
    /// The bits of brain floats: the upper half of a float32.
    Bf16(&'a [u16]),
}

impl Values<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies out `out.len()` numbers from `start` on, widened to float32.
    #[inline(always)]
    pub(crate) fn read(&self, start: usize, out: &mut [f32]) {
        match self {
            Self::F32(values) => out.copy_from_slice(&values[start..start + out.len()]),
            Self::Bf16(values) => {
                let values = &values[start..start + out.len()];
                for (out, &bits) in out.iter_mut().zip(values) {
                    *out = from_bf16(bits);
                }
            }
        }
    }

    pub(crate) fn to_vec(self) -> Vec<f32> {
        let mut out = vec![0.; self.len()];
        self.read(0, &mut out);
        out
    }
}

/// The nearest brain float; ties go to the even one, and what is not a number stays so.
#[inline(always)]
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if x.is_nan() { 0x7fc0 } else { rounded as u16 }
}

#[inline(always)]
pub fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest_even() {
        let cases: [(u32, u16); 8] = [
            (0x3f80_0000, 0x3f80),
            (0x3f80_8000, 0x3f80),
            (0x3f81_8000, 0x3f82),
            (0x3f80_8001, 0x3f81),
            (0xbf80_7fff, 0xbf80),
            (0x7f7f_ffff, 0x7f80),
            (0x7f80_0000, 0x7f80),
            (0x7f80_0001, 0x7fc0),
        ];
        for (bits, expected) in cases {
            assert_eq!(to_bf16(f32::from_bits(bits)), expected, "{bits:08x}");
        }
        for bits in (0..=u16::MAX).filter(|&bits| !from_bf16(bits).is_nan()) {
            assert_eq!(to_bf16(from_bf16(bits)), bits);
        }
    }
}
