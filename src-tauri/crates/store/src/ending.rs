//! How a process ends that has had a database open.
//!
//! When a program exits, SQLCipher frees its provider, its mutexes and the memory that its keys lie in
//! (`sqlcipher_extra_shutdown`, which 4.10 registers with `atexit` and as a finaliser), and asks nobody whether a
//! connection is still at work. One that is, in a thread of sqlx's, then reads freed memory: the program
//! dies of a segmentation fault although all went well, or a page is sealed with whatever the key has become.
//!
//! So from the first connection on, the process leaves before any of that runs. What that amounts to is a kill at that
//! moment, and a kill loses nothing that was acknowledged; the memory goes back to the system, which wipes it before
//! anybody else gets it.

/// Has the process leave, when it exits, without what libraries registered before this call.
/// Called once a connection is open, because SQLCipher registers its own with the first.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn leave_at_once() {
    use std::ffi::{c_int, c_void};
    use std::sync::Once;

    static REGISTERED: Once = Once::new();

    unsafe extern "C" {
        /// glibc's `on_exit(3)`: as `atexit`, and the function is told the status.
        fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
        fn _exit(status: c_int) -> !;
    }

    extern "C" fn leave(status: c_int, _: *mut c_void) {
        // SAFETY: ends the process; what Rust had to flush was flushed before the first such function ran.
        unsafe { _exit(status) }
    }

    // SAFETY: the function is one of this program, lives as long as it, and takes no argument into account.
    REGISTERED.call_once(|| unsafe {
        on_exit(leave, std::ptr::null_mut());
    });
}

/// Elsewhere the C library does not tell the status, so a process closes its stores before it exits.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn leave_at_once() {}
