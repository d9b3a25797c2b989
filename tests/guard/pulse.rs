//! Whether a runtime goes on answering: how late a task that wants to run every few milliseconds runs at most,
//! beside a thread of the system that wants the same.

#![allow(dead_code, reason = "each guard uses a part of this")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A window that answers later than this is felt as stuck.
pub const MOST: Duration = Duration::from_millis(500);
/// How often either wants to run.
const EVERY: Duration = Duration::from_millis(10);

/// The pulse of the runtime in which it was begun.
pub struct Pulse {
    late: Arc<AtomicU64>,
    machine: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pulse {
    /// Begins to feel it; `ask` is what the window would ask each time.
    pub fn begin<F: Future<Output = ()> + Send + 'static>(ask: impl Fn() -> F + Send + 'static) -> Self {
        let (late, machine) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let over = Arc::new(AtomicBool::new(false));
        let (worst, end) = (late.clone(), over.clone());
        let task = tokio::spawn(async move {
            while !end.load(Ordering::Relaxed) {
                let at = Instant::now();
                ask().await;
                tokio::time::sleep(EVERY).await;
                worst.fetch_max(at.elapsed().saturating_sub(EVERY).as_micros() as u64, Ordering::Relaxed);
            }
        });
        let (worst, end) = (machine.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let at = Instant::now();
                std::thread::sleep(EVERY);
                worst.fetch_max(at.elapsed().saturating_sub(EVERY).as_micros() as u64, Ordering::Relaxed);
            }
        });
        Self { late, machine, over, task, thread: Some(thread) }
    }

    /// The longest that the runtime was late, and the machine by itself.
    ///
    /// # Panics
    /// Where the runtime was late by more than [`MOST`] and the machine by less than half of it.
    pub async fn end(mut self) -> (Duration, Duration) {
        self.over.store(true, Ordering::Relaxed);
        let _ = (&mut self.task).await;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the thread of the pulse");
        }
        let of = |counted: &AtomicU64| Duration::from_micros(counted.load(Ordering::Relaxed));
        let (late, machine) = (of(&self.late), of(&self.machine));
        if machine >= MOST / 2 {
            println!("this machine kept a sleeping thread waiting for {machine:?}: how late the window is says nothing here");
        } else {
            assert!(late < MOST, "the window was late by {late:?}, the machine by {machine:?}");
        }
        (late, machine)
    }
}
