//! Memory that starts on a cache line, seen as bytes, words or floats.

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

/// A buffer of whole cache lines, zero where nothing was written. It keeps its memory
/// when it shrinks, so that a buffer reused for every layer is allocated once.
#[derive(Default, Clone)]
pub(crate) struct Lines(Vec<Line>);

impl Lines {
    pub fn zeroed(bytes: usize) -> Self {
        Self(vec![Line([0; 64]); bytes.div_ceil(64)])
    }

    /// Makes room for `bytes`; what is in there is then of no meaning.
    pub fn reserve(&mut self, bytes: usize) {
        let lines = bytes.div_ceil(64);
        if self.0.len() < lines {
            *self = Self::zeroed(bytes);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: a line is 64 initialised bytes without padding.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 64) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and every value of a byte is a valid line.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 64) }
    }

    pub fn words(&self) -> &[u32] {
        // SAFETY: a line is 16 initialised words, aligned to more than a word.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16) }
    }

    pub fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as above, and every value of a word is valid.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16) }
    }
}

/// Has the line of the cache that holds this place fetched to the second-level cache. Any address may be asked for: asking
/// changes nothing.
#[inline(always)]
pub(crate) fn ask_for<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: an address that nobody may read is passed over.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Words as the bytes that they are made of.
pub(crate) fn bytes_of(words: &[u32]) -> &[u8] {
    // SAFETY: a word is four initialised bytes.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len() * 4) }
}

/// Words as floats.
pub(crate) fn floats_of(words: &[u32]) -> &[f32] {
    // SAFETY: every value of a word is a float, of the same size and alignment.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
}

/// Words as floats.
pub(crate) fn floats_of_mut(words: &mut [u32]) -> &mut [f32] {
    // SAFETY: every value of a word is a float and every float a word.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}
