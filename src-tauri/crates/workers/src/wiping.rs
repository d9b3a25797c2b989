//! Memory that is given back holds nothing of what was in it.

use crate::in_large_pages;
#[cfg(target_os = "linux")]
use crate::large_pages::{FROM, PAGE, map, remap, unmap};
use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, with what is freed overwritten by zeros first.
///
/// A passphrase comes in as a message, is parsed, copied and dropped in places that know nothing of secrets.
/// Whatever of it lay in a buffer of this program is gone with the buffer, and so are names and report texts.
/// Buffers of [`LARGE`] bytes and more are left as they are: the C library takes them from the system and
/// gives them back to it, which hands out zeros; the longest of them are asked for in large pages.
/// What lies on stacks and in the web view's own processes is not reached; for C libraries there is
/// [`crate::overwrite_freed_memory`].
///
/// With `MAPS` the longest buffers are mapped here, past the C library: for a program in which that overwrites what it
/// hands out, and so would touch every page of them in vain. A program that computes is better off without, since the C
/// library hands out again what it has.
pub struct WipingAllocator<const MAPS: bool = false>;

/// Bytes from which a buffer is mapped on its own (mallopt(3), `M_MMAP_THRESHOLD`, as
/// [`crate::return_freed_buffers`] sets it).
const LARGE: usize = 256 << 10;

// SAFETY: every call is passed on to the system's allocator with the layout that it was made with; what is
// overwritten is the caller's own block, of the size in its layout, before it is given back.
unsafe impl<const MAPS: bool> GlobalAlloc for WipingAllocator<MAPS> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        #[cfg(target_os = "linux")]
        if MAPS && mapped(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is passed on.
        let block = unsafe { System.alloc(layout) };
        in_large_pages(block, layout.size());
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        #[cfg(target_os = "linux")]
        if MAPS && mapped(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is passed on.
        let block = unsafe { System.alloc_zeroed(layout) };
        in_large_pages(block, layout.size());
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        #[cfg(target_os = "linux")]
        if MAPS && mapped(layout) {
            // SAFETY: a block of this layout was mapped, and nobody uses it any more.
            return unsafe { unmap(block, layout.size()) };
        }
        // SAFETY: the block is the caller's, of this layout, and nobody uses it any more.
        unsafe {
            wipe(block, layout.size());
            System.dealloc(block, layout);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is not zero and does not overflow with the alignment.
        let after = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        #[cfg(target_os = "linux")]
        if MAPS && mapped(layout) && mapped(after) {
            // SAFETY: a block of this layout was mapped; the caller's promise.
            return unsafe { remap(block, layout.size(), size) };
        }
        #[cfg(target_os = "linux")]
        let in_place = layout.size() >= LARGE && !(MAPS && (mapped(layout) || mapped(after)));
        #[cfg(not(target_os = "linux"))]
        let in_place = layout.size() >= LARGE;
        if in_place {
            // SAFETY: the caller's promise is passed on.
            let block = unsafe { System.realloc(block, layout, size) };
            in_large_pages(block, size);
            return block;
        }
        // Moved by hand, so that what is left behind can be overwritten.
        // SAFETY: the layout's size is not zero.
        let moved = unsafe { self.alloc(after) };
        if !moved.is_null() {
            // SAFETY: both blocks are live, apart, and at least so long.
            unsafe {
                std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}

/// Blocks of this layout are asked of the system itself.
#[cfg(target_os = "linux")]
fn mapped(layout: Layout) -> bool {
    layout.size() >= FROM && layout.align() <= PAGE
}

/// Overwrites a block that nobody reads any more, which the compiler would otherwise leave out.
unsafe fn wipe(block: *mut u8, size: usize) {
    if size < LARGE {
        // SAFETY: the caller's block is so long.
        unsafe { std::ptr::write_bytes(block, 0, size) };
        // A store before free() is dead to the compiler, unless somebody may look at it.
        std::hint::black_box(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_overwritten_whole() {
        for size in [1, 7, 64, 4096, LARGE - 1] {
            let mut block = vec![0xAAu8; size];
            // SAFETY: the block is live and so long.
            unsafe { wipe(block.as_mut_ptr(), size) };
            assert!(block.iter().all(|b| *b == 0), "{size}");
        }
    }

    #[test]
    fn growing_and_shrinking_keep_what_is_inside() {
        grown_and_shrunk(WipingAllocator::<false>);
        grown_and_shrunk(WipingAllocator::<true>);
    }

    fn grown_and_shrunk(allocator: impl GlobalAlloc) {
        // From 4 MiB on a block may be mapped here.
        const FROM: usize = 4 << 20;
        let sizes = [
            (1usize, 100usize),
            (100, 1),
            (LARGE - 1, LARGE),
            (LARGE, 2 * LARGE),
            (2 * LARGE, 8),
            (FROM - 1, FROM),
            (FROM, FROM - 1),
            (100, FROM + 1),
            (FROM + 1, 100),
            (FROM, 3 * FROM + 5),
            (3 * FROM + 5, FROM),
        ];
        for (before, after) in sizes {
            let layout = Layout::from_size_align(before, 8).expect("a layout");
            // SAFETY: sizes are not zero; each block is freed once with the layout that it then has.
            unsafe {
                let block = allocator.alloc(layout);
                for i in 0..before {
                    block.add(i).write(i as u8);
                }
                let block = allocator.realloc(block, layout, after);
                assert!((0..before.min(after)).all(|i| block.add(i).read() == i as u8), "{before} to {after}");
                allocator.dealloc(block, Layout::from_size_align(after, 8).expect("a layout"));
            }
        }
    }

    #[test]
    fn zeros_are_zeros_at_every_size() {
        zeroed(WipingAllocator::<false>);
        zeroed(WipingAllocator::<true>);
    }

    fn zeroed(allocator: impl GlobalAlloc) {
        for size in [1, LARGE, (4 << 20) - 1, (4 << 20) + 1] {
            let layout = Layout::from_size_align(size, 8).expect("a layout");
            // SAFETY: the size is not zero; the block is freed once with its layout.
            unsafe {
                let block = allocator.alloc_zeroed(layout);
                assert!((0..size).all(|i| block.add(i).read() == 0), "{size}");
                allocator.dealloc(block, layout);
            }
        }
    }
}
