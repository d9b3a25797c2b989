//! A verdict even when memory or time runs out.
//!
//! Both ends would otherwise kill the process without a word. The frames are
//! made beforehand, because neither moment allows an allocation.

use hilum_workers::in_large_pages;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

const TOO_LARGE: &str = r#"{"reply":"refused","code":"dicom.too_large","message":"This file needs more memory than a single image may take."}"#;
const TOO_SLOW: &str =
    r#"{"reply":"refused","code":"decode.too_slow","message":"This file takes too long to decode."}"#;

/// Set between the first and the last byte of a frame, when nothing may come between.
static WRITING: AtomicBool = AtomicBool::new(false);
/// Set when time ran out while a frame was being written; it is said after that frame.
static TIME_IS_UP: AtomicBool = AtomicBool::new(false);
/// Set once the limits are in place; before that, the usual abort is right.
static LIMITED: AtomicBool = AtomicBool::new(false);

/// Runs `write` during which no last words are said.
pub fn while_writing<T>(write: impl FnOnce() -> T) -> T {
    WRITING.store(true, Ordering::SeqCst);
    let result = write();
    WRITING.store(false, Ordering::SeqCst);
    if TIME_IS_UP.load(Ordering::SeqCst) {
        say_and_exit(TOO_SLOW);
    }
    result
}

/// From here on a failed allocation and the end of the processor time are answered.
pub fn arm() {
    LIMITED.store(true, Ordering::SeqCst);
    #[cfg(unix)]
    // SAFETY: the handler only writes to a descriptor and exits, both of which
    // are allowed in a signal handler.
    unsafe {
        libc::signal(libc::SIGXCPU, out_of_time as extern "C" fn(libc::c_int) as libc::sighandler_t);
    }
}

/// The system's allocator, except that a refusal ends the process with a verdict and pixels lie in large pages.
pub struct LimitedAllocator;

// SAFETY: every call is passed on unchanged; a null pointer, which the caller
// would abort on, ends the process here instead.
unsafe impl GlobalAlloc for LimitedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        granted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        granted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        granted(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn granted(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() && LIMITED.load(Ordering::SeqCst) {
        say_and_exit(TOO_LARGE);
    }
    in_large_pages(pointer, size);
    pointer
}

#[cfg(unix)]
extern "C" fn out_of_time(_: libc::c_int) {
    if WRITING.load(Ordering::SeqCst) {
        TIME_IS_UP.store(true, Ordering::SeqCst);
        return;
    }
    say_and_exit(TOO_SLOW);
}

#[cfg(unix)]
fn say_and_exit(head: &'static str) -> ! {
    // SAFETY: the pointers are good for the lengths given; `_exit` does not return.
    unsafe {
        if !WRITING.load(Ordering::SeqCst) {
            let mut lengths = [0u8; 8];
            lengths[..4].copy_from_slice(&(head.len() as u32).to_le_bytes());
            libc::write(1, lengths.as_ptr().cast(), lengths.len());
            libc::write(1, head.as_ptr().cast(), head.len());
            libc::_exit(0);
        }
        libc::_exit(4)
    }
}

#[cfg(not(unix))]
fn say_and_exit(_: &'static str) -> ! {
    std::process::abort()
}
