//! Buffers of pixels in large pages.

/// Buffers below this are too short for several large pages.
pub(crate) const FROM: usize = 4 << 20;
/// Of the smallest page; where pages are larger, the system refuses the place and nothing changes.
pub(crate) const PAGE: usize = 4096;

/// A fresh buffer of zeros from the system itself, in large pages; null where it has no room. The C library would touch
/// every page of it first where it overwrites what it hands out ([`crate::overwrite_freed_memory`]).
#[cfg(target_os = "linux")]
pub(crate) fn map(size: usize) -> *mut u8 {
    let (kind, rights) = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: a new mapping that shares no memory with anything.
    let block = unsafe { libc::mmap(std::ptr::null_mut(), size, rights, kind, -1, 0) };
    if block == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    in_large_pages(block.cast(), size);
    block.cast()
}

/// The same buffer with another size, perhaps elsewhere; null, and the buffer as it was, where there is no room.
///
/// # Safety
/// `block` is a buffer of [`map`] with `before` bytes, which nobody else uses.
#[cfg(target_os = "linux")]
pub(crate) unsafe fn remap(block: *mut u8, before: usize, after: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    let block = unsafe { libc::mremap(block.cast(), before, after, libc::MREMAP_MAYMOVE) };
    if block == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    in_large_pages(block.cast(), after);
    block.cast()
}

/// Gives a buffer back to the system.
///
/// # Safety
/// As of [`remap`]; nobody uses it afterwards.
#[cfg(target_os = "linux")]
pub(crate) unsafe fn unmap(block: *mut u8, size: usize) {
    // SAFETY: the caller's promise.
    unsafe { libc::munmap(block.cast(), size) };
}

/// Asks the system to back a fresh or grown buffer of `size` bytes with large pages, where it is long enough to have some.
/// What is in it stays.
///
/// A radiograph of 15 MB is 3,700 pages of 4 kB, and the first touch of each goes to the system: 25 ms for every such
/// buffer in a virtual machine, and there are four between a sealed original and the screen (madvise(2),
/// `MADV_HUGEPAGE`). Elsewhere than on Linux it does nothing.
pub fn in_large_pages(buffer: *mut u8, size: usize) {
    #[cfg(target_os = "linux")]
    if size >= FROM && !buffer.is_null() {
        let skipped = buffer.addr().wrapping_neg() % PAGE;
        let whole = (size - skipped) / PAGE * PAGE;
        // SAFETY: the range lies within the caller's buffer; the advice changes no byte of it, and a refusal is no loss.
        unsafe {
            libc::madvise(buffer.add(skipped).cast(), whole, libc::MADV_HUGEPAGE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (buffer, size, FROM, PAGE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_stays_and_short_or_missing_buffers_are_left_alone() {
        for size in [0, 1, PAGE, FROM - 1, FROM, FROM + 1, 5 * FROM + 77] {
            let mut buffer: Vec<u8> = (0..size).map(|i| i as u8).collect();
            in_large_pages(buffer.as_mut_ptr(), size);
            assert!(buffer.iter().enumerate().all(|(i, b)| *b == i as u8), "{size}");
        }
        in_large_pages(std::ptr::null_mut(), FROM);
    }
}
