//! The rights that are given up before the file is looked at (design, section 2).

/// How well the process is locked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    Full,
    /// This system has no sandbox here yet; every header says so in a warning.
    #[cfg_attr(target_os = "linux", allow(dead_code))]
    None,
}

#[cfg(not(target_os = "linux"))]
pub fn enter() -> Result<Protection, &'static str> {
    Ok(Protection::None)
}

#[cfg(target_os = "linux")]
pub use linux::enter;

#[cfg(target_os = "linux")]
mod linux {
    use super::Protection;
    use crate::last_words;
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch,
    };
    use std::collections::BTreeMap;

    /// Address space in bytes.
    pub const MEMORY: u64 = 512 << 20;
    /// Processor time in seconds; a second before it the child says so itself.
    pub const SECONDS: u64 = 10;

    /// Gives up memory, time, files, processes, core dumps and the network.
    ///
    /// # Errors
    /// The name of the step that failed; nothing of the file may be read then.
    pub fn enter() -> Result<Protection, &'static str> {
        // SAFETY: plain calls with valid arguments; every status is checked
        // except where a refusal only costs speed.
        unsafe {
            #[cfg(target_env = "gnu")]
            // One arena: the address space counts, and there is one thread.
            libc::mallopt(libc::M_ARENA_MAX, 1);
            // A larger pipe saves most of the switching between parent and child.
            libc::fcntl(1, libc::F_SETPIPE_SZ, 1 << 20);
            limit(libc::RLIMIT_AS, MEMORY, MEMORY, "limiting memory")?;
            limit(libc::RLIMIT_CPU, SECONDS - 1, SECONDS, "limiting processor time")?;
            // With a limit of 1, and with no other, Linux pipes no core to a program either (fs/coredump.c); where no core
            // is allowed at all, that cannot be raised.
            limit(libc::RLIMIT_CORE, 1, 1, "turning core dumps off")
                .or_else(|_| limit(libc::RLIMIT_CORE, 0, 0, "turning core dumps off"))?;
            limit(libc::RLIMIT_NOFILE, 8, 8, "limiting open files")?;
            if libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 {
                return Err("closing the process to debuggers");
            }
            if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
                return Err("giving up new privileges");
            }
        }
        last_words::arm();
        let program = filter().map_err(|_| "making the system call filter")?;
        seccompiler::apply_filter(&program).map_err(|_| "entering the system call filter")?;
        Ok(Protection::Full)
    }

    fn limit(what: libc::__rlimit_resource_t, soft: u64, hard: u64, step: &'static str) -> Result<(), &'static str> {
        let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
        // SAFETY: the pointer is to a live struct.
        if unsafe { libc::setrlimit(what, &limit) } == 0 { Ok(()) } else { Err(step) }
    }

    /// Allows what decoding needs; everything else fails with EPERM, so that a
    /// library that merely asks (for the number of processors, say) goes on.
    fn filter() -> Result<BpfProgram, seccompiler::Error> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [
            libc::SYS_read,
            libc::SYS_pread64,
            libc::SYS_write,
            libc::SYS_writev,
            libc::SYS_lseek,
            libc::SYS_fstat,
            libc::SYS_close,
            libc::SYS_munmap,
            libc::SYS_mremap,
            libc::SYS_madvise,
            libc::SYS_brk,
            libc::SYS_futex,
            libc::SYS_getrandom,
            libc::SYS_clock_gettime,
            libc::SYS_sched_getaffinity,
            libc::SYS_sched_yield,
            libc::SYS_getpid,
            libc::SYS_gettid,
            libc::SYS_sigaltstack,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_restart_syscall,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ]
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect();
        // Memory may be mapped, never as code.
        let no_code =
            SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)?;
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            rules.insert(call, vec![SeccompRule::new(vec![no_code.clone()])?]);
        }
        // Asking about an open descriptor is allowed, about a path is not: only
        // the empty-path form of these calls takes this flag.
        let about_descriptor = |argument| {
            SeccompCondition::new(
                argument,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::MaskedEq(libc::AT_EMPTY_PATH as u64),
                libc::AT_EMPTY_PATH as u64,
            )
        };
        rules.insert(libc::SYS_newfstatat, vec![SeccompRule::new(vec![about_descriptor(3)?])?]);
        rules.insert(libc::SYS_statx, vec![SeccompRule::new(vec![about_descriptor(2)?])?]);
        // Descriptors may be copied, which the standard library does; nothing else of fcntl.
        let copies = |command: i32| {
            SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, command as u64)
                .and_then(|condition| SeccompRule::new(vec![condition]))
        };
        rules.insert(
            libc::SYS_fcntl,
            vec![copies(libc::F_DUPFD_CLOEXEC)?, copies(libc::F_GETFD)?, copies(libc::F_GETFL)?],
        );
        // An abort signals the process itself, and only that.
        let own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(std::process::id()))?;
        rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let denied = SeccompAction::Errno(libc::EPERM as u32);
        Ok(SeccompFilter::new(rules, denied, SeccompAction::Allow, arch)?.try_into()?)
    }
}
