//! A promise of two seconds, and how late this machine was by itself while it was to be kept.

#![allow(dead_code, reason = "the guard and the scenes of the window use a part of this each")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Within so much time a person is told that something is not kept.
pub const PROMISED: Duration = Duration::from_secs(2);
/// How long the thread wants to sleep each time.
const NAP: Duration = Duration::from_millis(10);

/// A thread that sleeps again and again, and notes how much longer than it wanted the machine kept it waiting.
pub struct Lateness {
    began: Instant,
    /// In all until it last woke, microseconds.
    late: Arc<AtomicU64>,
    /// When it last woke, microseconds since it began.
    woke: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lateness {
    pub fn begin() -> Lateness {
        let (late, woke, over) =
            (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let began = Instant::now();
        let (sum, last, end) = (late.clone(), woke.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let at = Instant::now();
                std::thread::sleep(NAP);
                sum.fetch_add(at.elapsed().saturating_sub(NAP).as_micros() as u64, Ordering::Relaxed);
                last.store(began.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
        });
        Lateness { began, late, woke, over, thread: Some(thread) }
    }

    /// How long the machine has kept the thread waiting, in all since it began.
    pub fn so_far(&self) -> Duration {
        // It may be waiting at this moment.
        let asleep = self.began.elapsed().saturating_sub(Duration::from_micros(self.woke.load(Ordering::Relaxed)));
        Duration::from_micros(self.late.load(Ordering::Relaxed)) + asleep.saturating_sub(NAP)
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Holds what it took until a person was told against what is promised; what the machine was late by itself meanwhile
/// is not the program's.
///
/// # Panics
/// Where it took longer.
pub fn told_in_time(what: &str, took: Duration, late: Duration) {
    assert!(
        took <= PROMISED + late,
        "{what}: told after {:.2} s, {:.0} s are promised; this machine was late by {:.2} s itself meanwhile",
        took.as_secs_f64(),
        PROMISED.as_secs_f64(),
        late.as_secs_f64()
    );
}
