//! The tiles of AMX: whether this process may use them, and a thread that is ready to.
//!
//! Intel's Architectures Software Developer's Manual, volume 1, chapter 18, and volume 2 under the names of the
//! instructions. Rust has no intrinsics for them outside of its nightly compiler, so that they are written as assembly.

use std::arch::asm;
use std::cell::Cell;
use std::marker::PhantomData;

/// Rows of a tile.
pub(crate) const ROWS: usize = 16;

/// Bytes of a tile's row: 16 words.
pub(crate) const WIDTH: usize = 64;

/// Whether the processor has tiles with products of brain floats and of bytes, and the system lets this process use
/// them, for which it is asked (Linux, `Documentation/arch/x86/xstate.rst`): what it keeps of a thread grows by 8 KB with
/// them, so that nobody has them unasked. From then on Linux also refuses a thread's alternate stack for signals that has no
/// room for tiles; one that is too small already makes it refuse the tiles, and then all is computed as without.
pub(crate) fn granted() -> bool {
    in_hardware() && asked_for()
}

/// CPUID leaf 7, and the states that the system saves (XCR0): of tiles both the shapes and the data.
fn in_hardware() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    const PRODUCTS_AND_TILES: u32 = 1 << 22 | 1 << 24 | 1 << 25;
    const STATES: u64 = 1 << 17 | 1 << 18;
    if __cpuid(0).eax < 7 || !is_x86_feature_detected!("xsave") {
        return false;
    }
    // SAFETY: `xgetbv` is there with XSAVE, which the system has switched on where it is detected.
    let saved = || unsafe { _xgetbv(0) };
    __cpuid_count(7, 0).edx & PRODUCTS_AND_TILES == PRODUCTS_AND_TILES && saved() & STATES == STATES
}

#[cfg(target_os = "linux")]
fn asked_for() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: a call with two numbers, which writes no memory of this process.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// Other systems are not asked, and have no tiles.
#[cfg(not(target_os = "linux"))]
fn asked_for() -> bool {
    false
}

/// A thread whose eight tiles are of [`ROWS`] rows of [`WIDTH`] bytes, for as long as this lives. Tiles take the thread
/// longer to be put aside for another one, so that they are given back.
pub(crate) struct Tiles {
    /// Another thread's tiles are its own.
    _stays: PhantomData<*const ()>,
}

thread_local! {
    /// How many [`Tiles`] this thread has: their shape is set by the first and given up with the last.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// What `ldtilecfg` reads: palette 1 has eight tiles, of which each row's bytes and the rows are said.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    _reserved: [u8; 14],
    width: [u16; 16],
    rows: [u8; 16],
}

/// The same for each of the eight tiles that there are, and nothing for those of palettes to come.
macro_rules! first_eight {
    ($of:expr) => {
        [$of, $of, $of, $of, $of, $of, $of, $of, 0, 0, 0, 0, 0, 0, 0, 0]
    };
}

impl Tiles {
    /// # Safety
    /// [`granted`] said that this process has tiles.
    pub unsafe fn new() -> Self {
        static SHAPES: Shapes = Shapes {
            palette: 1,
            start_row: 0,
            _reserved: [0; 14],
            width: first_eight!(WIDTH as u16),
            rows: first_eight!(ROWS as u8),
        };
        if HELD.replace(HELD.get() + 1) == 0 {
            // SAFETY: 64 bytes of a valid palette, on a processor that has tiles.
            unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, preserves_flags)) };
        }
        Self { _stays: PhantomData }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        if HELD.replace(HELD.get() - 1) == 1 {
            // SAFETY: the processor has tiles, and nobody on this thread holds any more.
            unsafe { asm!("tilerelease", options(nostack, preserves_flags)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Isa;

    #[test]
    fn the_last_one_gives_the_shape_up() {
        // What a machine cannot test is said once, in `cpu`.
        if !Isa::Amx.is_available() {
            return;
        }
        let palette = || {
            let mut shapes = [0u8; 64];
            // SAFETY: 64 bytes to be written, on a processor that has tiles.
            unsafe { asm!("sttilecfg [{}]", in(reg) shapes.as_mut_ptr(), options(nostack, preserves_flags)) };
            shapes[0]
        };
        // SAFETY: the set is there.
        let tiles = || unsafe { Tiles::new() };
        assert_eq!(palette(), 0);
        let first = tiles();
        drop(tiles());
        assert_eq!(palette(), 1);
        drop(first);
        assert_eq!(palette(), 0);
        let unwound = std::panic::catch_unwind(|| {
            let _held = tiles();
            panic!("on purpose");
        });
        assert!(unwound.is_err());
        assert_eq!(palette(), 0);
    }
}
