//! Threads that are at hand within a microsecond.
//!
//! A decoding step is some hundred products of a quarter of a millisecond each. Waking a
//! sleeping thread for every one of them costs as much again, so the helpers here look out
//! for work for a while before they sleep, as llama.cpp's do. The caller works along, and
//! whoever comes late is not waited for.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

/// Looks before a helper sleeps: some milliseconds, more than lies between two products of one step. Few where each look is
/// interpreted.
const LOOKS: u32 = if cfg!(miri) { 20 } else { 60_000 };

/// In the state: whether helpers may still join, beside the number of those at work (below) and of the job (above).
const OPEN: u64 = 1 << 15;
const AT_WORK: u64 = OPEN - 1;
const NEXT: u64 = 1 << 16;

type Job<'a> = dyn Fn() + Sync + 'a;

pub(crate) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<Helper>,
    /// Held by the one caller whose job this is.
    turn: Mutex<()>,
}

struct Helper {
    thread: JoinHandle<()>,
    asleep: Arc<AtomicBool>,
}

struct Shared {
    state: AtomicU64,
    /// The team is being dropped, and its helpers are to end.
    ended: AtomicBool,
    job: UnsafeCell<Option<*const Job<'static>>>,
    /// What a helper panicked with.
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

// SAFETY: `job` is written by the caller whose turn it is while nobody may join, and read by helpers that joined.
unsafe impl Sync for Shared {}
// SAFETY: as above; the job itself is `Sync`.
unsafe impl Send for Shared {}

impl Team {
    /// The team of this process, of as many threads as rayon's global pool has, the caller's with them.
    pub(crate) fn of_process() -> &'static Team {
        static TEAM: OnceLock<Team> = OnceLock::new();
        TEAM.get_or_init(|| Team::of(rayon::current_num_threads()))
    }

    fn of(threads: usize) -> Team {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            job: UnsafeCell::new(None),
            panic: Mutex::new(None),
        });
        let helpers = (1..threads).filter_map(|index| {
            let (shared, asleep) = (Arc::clone(&shared), Arc::new(AtomicBool::new(false)));
            let own = Arc::clone(&asleep);
            let spawned = std::thread::Builder::new().name(format!("kernels-{index}")).spawn(move || shared.help(&own));
            // Without the thread its share is done by the others.
            spawned.ok().map(|thread| Helper { thread, asleep })
        });
        Team { helpers: helpers.collect(), shared, turn: Mutex::new(()) }
    }

    /// Threads of the team, the caller's with them.
    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs `job` on the caller's thread and on every helper that comes in time; returns when all that began it are
    /// done. False, without having run it, while another caller has the team.
    ///
    /// # Panics
    /// Where the job does, on any thread, after all are done with it.
    pub(crate) fn run(&self, job: &Job<'_>) -> bool {
        let Ok(_turn) = self.turn.try_lock() else { return false };
        let shared = &*self.shared;
        // SAFETY: only the lifetime is changed. Helpers call the job between joining and leaving, and this function does
        // not return before all have left and no other can join.
        let job_pointer = unsafe { std::mem::transmute::<*const Job<'_>, *const Job<'static>>(job) };
        // SAFETY: it is our turn and the state is closed, so that nobody reads.
        unsafe { *shared.job.get() = Some(job_pointer) };
        self.call(OPEN);
        let own = catch_unwind(AssertUnwindSafe(job));
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0u32;
        while shared.state.load(Ordering::Acquire) & AT_WORK != 0 {
            looks = looks.wrapping_add(1);
            // A helper that lost its core needs ours to get on.
            if looks.is_multiple_of(1 << 12) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        let theirs = shared.panic.lock().unwrap_or_else(|e| e.into_inner()).take();
        if let Some(panic) = own.err().or(theirs) {
            drop(_turn);
            resume_unwind(panic);
        }
        true
    }

    /// Gives out the next number, open to be joined or not, and wakes the helpers that sleep. Only for the one whose turn it
    /// is.
    fn call(&self, open: u64) {
        let number = self.shared.state.load(Ordering::Relaxed) / NEXT + 1;
        // Sequentially consistent with the helpers' `asleep`: either the helper sees the number or we see that it sleeps.
        self.shared.state.store(number * NEXT | open, Ordering::SeqCst);
        for helper in &self.helpers {
            if helper.asleep.load(Ordering::SeqCst) {
                helper.thread.thread().unpark();
            }
        }
    }
}

/// The team of the process is never dropped; those of tests leave no thread behind.
impl Drop for Team {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.call(0);
        for helper in self.helpers.drain(..) {
            // A helper catches what a job panics with, and has nothing else to panic with.
            let _ = helper.thread.join();
        }
    }
}

impl Shared {
    /// A helper's life.
    fn help(&self, asleep: &AtomicBool) {
        let mut seen = 0;
        loop {
            seen = self.wait(seen, asleep);
            // Stored before the number that was waited for.
            if self.ended.load(Ordering::Acquire) {
                return;
            }
            let mut state = self.state.load(Ordering::Acquire);
            let joined = loop {
                if state & OPEN == 0 || state / NEXT != seen {
                    break false;
                }
                match self.state.compare_exchange_weak(state, state + 1, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => break true,
                    Err(now) => state = now,
                }
            };
            if !joined {
                continue;
            }
            // SAFETY: joined while it was open, so that the caller waits until we have left.
            let done = catch_unwind(AssertUnwindSafe(|| unsafe {
                if let Some(job) = *self.job.get() {
                    (*job)();
                }
            }));
            if let Err(panic) = done {
                *self.panic.lock().unwrap_or_else(|e| e.into_inner()) = Some(panic);
            }
            self.state.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Waits for a job other than the one of this number; returns its number.
    fn wait(&self, seen: u64, asleep: &AtomicBool) -> u64 {
        let number = |order| self.state.load(order) / NEXT;
        loop {
            for _ in 0..LOOKS {
                let now = number(Ordering::Acquire);
                if now != seen {
                    return now;
                }
                std::hint::spin_loop();
            }
            asleep.store(true, Ordering::SeqCst);
            while number(Ordering::SeqCst) == seen {
                std::thread::park();
            }
            asleep.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    const ROUNDS: usize = if cfg!(miri) { 20 } else { 2000 };

    #[test]
    fn every_part_is_done_once_whoever_comes() {
        for threads in [1, 2, 5] {
            let team = Team::of(threads);
            for round in 0..ROUNDS {
                let parts = round % 17;
                let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
                let ran = team.run(&|| {
                    while next.fetch_add(1, Ordering::Relaxed) < parts {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(ran && done.load(Ordering::Relaxed) == parts, "{threads} threads, round {round}");
                if round == ROUNDS / 2 {
                    std::thread::sleep(Duration::from_millis(50)); // They sleep by now, and are woken.
                }
            }
        }
    }

    #[test]
    fn helpers_do_come() {
        let team = Team::of(2);
        let here = AtomicUsize::new(0);
        team.run(&|| {
            here.fetch_add(1, Ordering::SeqCst);
            while here.load(Ordering::SeqCst) < 2 {
                std::thread::yield_now();
            }
        });
        assert_eq!(here.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::of(3);
        for _ in 0..20 {
            let panicked = catch_unwind(AssertUnwindSafe(|| team.run(&|| panic!("on purpose"))));
            assert!(panicked.is_err());
            assert!(team.run(&|| {}));
        }
    }

    /// Helpers that look out for work, that sleep, and that never had any.
    #[test]
    fn a_dropped_team_leaves_no_thread() {
        for (jobs, pause) in [(0, 0), (0, 50), (3, 0), (3, 50)] {
            let team = Team::of(4);
            for _ in 0..jobs {
                team.run(&|| {});
            }
            std::thread::sleep(Duration::from_millis(pause));
            let shared = Arc::downgrade(&team.shared);
            drop(team);
            // Each helper holds what is shared for as long as it lives.
            assert_eq!(shared.strong_count(), 0, "{jobs} jobs, {pause} ms");
        }
    }

    #[test]
    fn one_caller_at_a_time() {
        let team = Team::of(2);
        let inner = Mutex::new(None);
        team.run(&|| {
            inner.lock().unwrap().get_or_insert_with(|| team.run(&|| {}));
        });
        assert_eq!(inner.into_inner().unwrap(), Some(false));
    }
}
