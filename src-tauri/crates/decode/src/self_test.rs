//! `hilum-decode --self-test`: enters the sandbox, tries to leave it, and prints
//! as JSON what happened to each attempt.

use crate::sandbox;
use std::io::Write;
use std::process::ExitCode;

/// Prints one object: the attempt's name, and "denied", "allowed" or another failure.
pub fn run() -> ExitCode {
    if let Err(step) = sandbox::enter() {
        eprintln!("hilum-decode: {step} failed");
        return ExitCode::from(3);
    }
    let attempts: Vec<(&str, String)> =
        attempts().into_iter().map(|(name, attempt)| (name, outcome(attempt()))).collect();
    let report: serde_json::Map<String, serde_json::Value> =
        attempts.into_iter().map(|(name, outcome)| (name.to_owned(), outcome.into())).collect();
    let text = serde_json::Value::Object(report).to_string();
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

type Attempt = fn() -> libc::c_long;

/// Each gives a negative number when it failed, with `errno` set.
fn attempts() -> Vec<(&'static str, Attempt)> {
    // SAFETY (all): arguments are constants or live buffers; a forked child
    // leaves at once.
    unsafe {
        vec![
            ("socket_inet", || libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0).into()),
            ("socket_inet6", || libc::socket(libc::AF_INET6, libc::SOCK_DGRAM, 0).into()),
            ("socket_unix", || libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).into()),
            ("socketpair", || {
                let mut pair = [0; 2];
                libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()).into()
            }),
            ("open", || libc::syscall(libc::SYS_openat, libc::AT_FDCWD, c"/etc/passwd".as_ptr(), libc::O_RDONLY)),
            ("create", || {
                let flags = libc::O_CREAT | libc::O_WRONLY;
                libc::syscall(libc::SYS_openat, libc::AT_FDCWD, c"/tmp/hilum-decode-self-test".as_ptr(), flags, 0o600)
            }),
            ("open_by_handle", || libc::syscall(libc::SYS_open_by_handle_at, libc::AT_FDCWD, 0, 0)),
            ("io_uring", || {
                let mut parameters = [0u8; 256];
                libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr())
            }),
            ("stat", || {
                let mut about: libc::stat = std::mem::zeroed();
                libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, c"/etc/passwd".as_ptr(), &mut about, 0)
            }),
            ("unlink", || libc::unlink(c"/tmp/hilum-decode-self-test".as_ptr()).into()),
            ("fork", || {
                let child = libc::fork();
                if child == 0 {
                    libc::_exit(0);
                }
                child.into()
            }),
            ("thread", || {
                match std::thread::Builder::new().spawn(|| ()) {
                    Ok(_) => 0,
                    // `errno` is the one that the failed call left.
                    Err(_) => -1,
                }
            }),
            ("ptrace", || libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0)),
            ("kill_parent", || libc::kill(libc::getppid(), 0).into()),
            ("code_memory", || {
                let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let pointer = libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0);
                if pointer == libc::MAP_FAILED { -1 } else { 0 }
            }),
            ("memory_600_mb", || {
                let protection = libc::PROT_READ | libc::PROT_WRITE;
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let pointer = libc::mmap(std::ptr::null_mut(), 600 << 20, protection, flags, -1, 0);
                if pointer == libc::MAP_FAILED { -1 } else { 0 }
            }),
            ("raise_limit", || {
                let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
                libc::setrlimit(libc::RLIMIT_AS, &limit).into()
            }),
            // Last: had it succeeded, there would be no report.
            ("exec", || {
                let arguments = [c"true".as_ptr(), std::ptr::null()];
                let environment = [std::ptr::null()];
                libc::execve(c"/bin/true".as_ptr(), arguments.as_ptr(), environment.as_ptr()).into()
            }),
        ]
    }
}

fn outcome(status: libc::c_long) -> String {
    if status >= 0 {
        return "allowed".to_owned();
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EPERM | libc::ENOMEM | libc::EAGAIN) => "denied".to_owned(),
        other => format!("failed with {other:?}"),
    }
}
