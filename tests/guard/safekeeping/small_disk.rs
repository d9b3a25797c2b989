//! A disk of some megabytes, and a file that takes the room on it.

#![allow(dead_code, reason = "the guard and the scenes of the window use a part of this each")]

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Room is given and taken in pages of so many bytes.
pub const PAGE: u64 = 4096;

/// A small disk in memory, given back when dropped.
pub struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount one.
    pub fn mount(at: &Path, megabytes: u32) -> Option<Disk> {
        std::fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(at);
        mount.stdout(Stdio::null()).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success()).then(|| Disk(at.to_owned()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A file that takes the room of a disk; gives it back when dropped. The room is asked for whole and not written to, so
/// that what is left is exact, and a layer that lies about writes (`tests/guard/power_cut.c`) does not come between.
pub struct Filler(PathBuf);

impl Filler {
    /// Leaves so many bytes, whole pages of them.
    pub fn leaving(disk: &Path, room: u64) -> Filler {
        let filler = Filler(disk.join("filler"));
        filler.leave(room);
        filler
    }

    /// Takes more, until so much is left.
    pub fn leave(&self, room: u64) {
        let file = File::options().write(true).create(true).truncate(false).open(&self.0).expect("the filler");
        for _ in 0..100 {
            let length = file.metadata().expect("its length").len();
            let more = free(&self.0).saturating_sub(room) / PAGE * PAGE;
            if more == 0 {
                return;
            }
            // SAFETY: the file is open for the length of the call. It fails where somebody took room since the last look.
            let _ = unsafe { libc::fallocate(file.as_raw_fd(), 0, length.cast_signed(), more.cast_signed()) };
        }
        panic!("the disk of {} does not fill up: {}", self.0.display(), std::io::Error::last_os_error());
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Bytes that are free on the disk of a file.
fn free(of: &Path) -> u64 {
    let path = CString::new(of.as_os_str().as_bytes()).expect("a path");
    // SAFETY: plain numbers, for which zero is a value.
    let mut about: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with a zero, and the structure lives as long as the call.
    assert_eq!(unsafe { libc::statvfs(path.as_ptr(), &mut about) }, 0, "{}", of.display());
    about.f_bavail * about.f_frsize
}
