//! Starting, ending and reaping one child process.

use std::{
    io,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
    thread,
};
use tokio::sync::{oneshot, watch};

/// A child that has just been started, with the pipes that its command asked for.
pub(crate) struct Started {
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
    pub life: Life,
}

/// The hold on a child. Dropping it ends the child with its whole process group.
pub(crate) struct Life {
    target: Arc<Target>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Life {
    /// Ends the child now. Harmless when it is gone already.
    pub fn kill(&self) {
        self.target.kill();
    }

    /// Returns when the child is gone and reaped; `None` when its status could not be read.
    pub async fn exited(&mut self) -> Option<ExitStatus> {
        self.exit.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How many bytes a core may have.
///
/// Where Linux pipes cores to a program it ignores this limit, 0 included (core(5)), but for one value: 1 is that of the
/// program itself, whose own crash must not start it again, and with it nothing is started (`fs/coredump.c`). Where cores
/// are files, none of less than a page is begun, so that 1 allows no more than 0.
#[cfg(unix)]
const CORE_BYTES: libc::rlim_t = if cfg!(target_os = "linux") { 1 } else { 0 };

/// Keeps this process and all that it starts from ever leaving a core, and other programs of the same
/// user out of its memory: a core of the app would hold the database key and patients' images in plain.
///
/// What it starts inherits the limit; the web view's own processes have nothing else. A process that is not
/// dumpable leaves none whatever the limit, and only root may look into it (prctl(2), `PR_SET_DUMPABLE`).
pub fn forbid_core_files() {
    #[cfg(unix)]
    limit_cores();
    #[cfg(target_os = "linux")]
    // SAFETY: an option and its value; no pointer is involved.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

/// Lowers the limit for good. It makes a system call only, as is asked for between fork and exec. Where whoever started
/// this process allows no core at all, that cannot be raised, and stays.
#[cfg(unix)]
fn limit_cores() {
    let limit = libc::rlimit { rlim_cur: CORE_BYTES, rlim_max: CORE_BYTES };
    // SAFETY: the pointer is to a live value of the right type.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &limit);
    }
}

/// Has every freed buffer of pixels go back to the system at once.
///
/// The C library of GNU raises the size from which a buffer is mapped by itself to that of
/// the largest one freed so far (mallopt(3), `M_MMAP_THRESHOLD`), and keeps what is smaller in
/// its heaps. After a few radiographs of 15 MB each that held 110 MB for nothing; naming the
/// threshold stops the raising. It gives threads heaps of their own, too, eight for each processor (`M_ARENA_MAX`), and each
/// keeps the room of the largest study that it happened to work on: over a day of 500 studies the app grew by 5 MB,
/// and grows less with one heap for all (docs/reliability.md, section 8). For a process that waits more than it allocates. To be called before threads are started.
pub fn return_freed_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: an option and its value; no pointer is involved.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, 256 << 10);
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// Has the C library overwrite what is freed, so that nothing of a passphrase or a patient stays in what GTK, the web
/// view's messages and SQLite gave back (mallopt(3), `M_PERTURB`). It overwrites what it hands out as well, so that
/// this is for the app, and not for what computes. To be called before threads are started; elsewhere than with the
/// C library of GNU it does nothing.
pub fn overwrite_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: an option and its value; no pointer is involved.
        unsafe {
            libc::mallopt(libc::M_PERTURB, 0xFF);
        }
    }
}

/// Gives a command what every child of ours has: an empty environment, the root
/// folder, a process group of its own, no inherited descriptors, no core file,
/// and an end when this process ends however it ends.
pub(crate) fn confine(command: &mut Command) {
    command.env_clear();
    #[cfg(windows)]
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.current_dir("/").process_group(0);
        let parent = std::process::id();
        // SAFETY: `before_exec` makes system calls only; it neither allocates nor takes locks.
        unsafe {
            command.pre_exec(move || before_exec(parent));
        }
    }
}

/// Starts a child on a thread of its own and reaps it there.
///
/// The thread lives exactly as long as the child. Linux sends the parent-death
/// signal when the *thread* that forked ends, so a pool thread would not do.
pub(crate) async fn start(mut command: Command) -> io::Result<Started> {
    let (report, started) = oneshot::channel();
    thread::Builder::new().name("hilum-child".to_owned()).stack_size(256 << 10).spawn(move || {
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(e) => {
                let _ = report.send(Err(e));
                return;
            }
        };
        // The command holds the parent's copies of descriptors given to the child.
        drop(command);
        let (gone, exit) = watch::channel(None);
        let target = Arc::new(Target::new(&child));
        let started = Started {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            life: Life { target: target.clone(), exit },
        };
        // When nobody waits any more, `started` comes back and is dropped, which ends the child.
        drop(report.send(Ok(started)));
        gone.send_replace(target.reap(&mut child));
    })?;
    started.await.unwrap_or_else(|_| Err(io::Error::other("the thread that starts children ended")))
}

/// The process id while it is certain that it still means this child.
struct Target(Mutex<Option<u32>>);

impl Target {
    fn new(child: &Child) -> Self {
        Self(Mutex::new(Some(child.id())))
    }

    fn alive(&self) -> std::sync::MutexGuard<'_, Option<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(unix)]
    fn kill(&self) {
        let alive = self.alive();
        if let Some(id) = alive.and_then(|id| i32::try_from(id).ok()) {
            // SAFETY: plain system calls. The lock is held, so the id is not reaped and not reused.
            unsafe {
                libc::kill(-id, libc::SIGKILL);
                libc::kill(id, libc::SIGKILL);
            }
        }
    }

    #[cfg(not(unix))]
    fn kill(&self) {
        // The thread that waits sees this and ends the child through its handle.
        *self.alive() = None;
    }

    #[cfg(unix)]
    fn reap(&self, child: &mut Child) -> Option<ExitStatus> {
        // Waiting without reaping keeps the id ours until the lock says that it is gone.
        loop {
            // SAFETY: `info` is a plain structure that the call fills in.
            let outcome = unsafe {
                let mut info = std::mem::zeroed::<libc::siginfo_t>();
                libc::waitid(libc::P_PID, child.id(), &mut info, libc::WEXITED | libc::WNOWAIT)
            };
            if outcome == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                break;
            }
        }
        let mut alive = self.alive();
        *alive = None;
        child.wait().ok()
    }

    #[cfg(not(unix))]
    fn reap(&self, child: &mut Child) -> Option<ExitStatus> {
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                *self.alive() = None;
                return Some(status);
            }
            if self.alive().is_none() {
                let _ = child.kill();
                return child.wait().ok();
            }
            thread::sleep(std::time::Duration::from_millis(15));
        }
    }
}

/// Runs in the child between fork and exec.
#[cfg(unix)]
fn before_exec(parent: u32) -> io::Result<()> {
    // A core file would put a patient's image on the disk.
    limit_cores();
    #[cfg(target_os = "linux")]
    // SAFETY: system calls on constants and on locals that outlive them.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have died before the line above took effect.
        if libc::getppid() as u32 != parent {
            libc::_exit(127);
        }
        // Files under /proc/self belong to root while a process is not dumpable; the program that
        // starts next makes itself so again.
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
        // Under memory pressure the children go first: they can be started again.
        let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file >= 0 {
            libc::write(file, c"500".as_ptr().cast(), 3);
            libc::close(file);
        }
        // Rust opens everything close-on-exec; libraries in C may not have.
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    Ok(())
}
