//! Whether something goes on answering: how late it is each time that it wants to run, beside a thread of the system
//! that wants the same at the same moment, and computes for a moment each time: the system lets a thread that only
//! sleeps run at once on a busy machine, and has one that computes wait for its share.
//!
//! What the machine itself was late by at a moment is taken off what the window was late by then, and off nothing else:
//! one hiccup of a busy machine excuses itself alone. Where that excuses too much of a run, the run has shown nothing, and fails.

#![allow(dead_code, reason = "each guard uses a part of this")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A window that answers later than this is felt as stuck.
pub const MOST: Duration = Duration::from_millis(500);
/// How often either wants to run.
pub const EVERY: Duration = Duration::from_millis(10);
/// How much of that the machine's own thread computes.
const WORK: Duration = Duration::from_millis(1);
/// What is late by less than this is forgotten.
pub const NOTED: Duration = Duration::from_millis(50);
/// How much of the watched time the machine may excuse, and how many beats there have to be, for a verdict.
const EXCUSED: f64 = 0.25;
const FEWEST: usize = 10;
/// How long the end of a pulse is waited for.
const SILENT: Duration = Duration::from_secs(60);

/// One time that something wanted to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// When it began to wait for it, since the epoch of Unix, so that beats of several processes can be set side by side.
    pub begun: Duration,
    /// By how much more than [`EVERY`] it waited.
    pub late: Duration,
}

impl Beat {
    fn ended(&self) -> Duration {
        self.begun + EVERY + self.late
    }
}

/// What was felt of one thing.
#[derive(Debug, Clone, Default)]
pub struct Felt {
    pub beats: usize,
    /// From the first beat to the last.
    pub watched: Duration,
    /// Beats that were late by [`NOTED`] or more, in their order.
    pub late: Vec<Beat>,
    /// The latest of all beats.
    pub worst: Duration,
    /// Processor time that it took; known of the machine's own thread alone.
    pub worked: Duration,
}

impl Felt {
    pub fn add(&mut self, beat: Beat) {
        self.beats += 1;
        self.watched += EVERY + beat.late;
        self.worst = self.worst.max(beat.late);
        if beat.late >= NOTED {
            self.late.push(beat);
        }
    }
}

/// A thread of the system that wants to run every few milliseconds, and to compute for one of them.
pub struct Machine {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Felt>,
}

impl Machine {
    pub fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let end = over.clone();
        let thread = std::thread::spawn(move || {
            let mut felt = Felt::default();
            while !end.load(Ordering::Relaxed) {
                let (begun, at) = (now(), Instant::now());
                std::thread::sleep(EVERY - WORK);
                work();
                felt.add(Beat { begun, late: at.elapsed().saturating_sub(EVERY) });
            }
            felt.worked = processor_time();
            felt
        });
        Self { over, thread }
    }

    /// To be called after the last beat of what it is set beside.
    pub fn end(self) -> Felt {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the thread of the pulse")
    }
}

/// The pulse of the runtime in which it was begun.
pub struct Pulse {
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Felt>,
    machine: Machine,
}

impl Pulse {
    /// Begins to feel it; `ask` is what the window would ask each time, and panics where it gets no good answer.
    pub fn begin<F: Future<Output = ()> + Send + 'static>(ask: impl Fn() -> F + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let end = over.clone();
        let task = tokio::spawn(async move {
            let mut felt = Felt::default();
            while !end.load(Ordering::Relaxed) {
                let (begun, at) = (now(), Instant::now());
                ask().await;
                tokio::time::sleep(EVERY).await;
                felt.add(Beat { begun, late: at.elapsed().saturating_sub(EVERY) });
            }
            felt
        });
        Self { over, task, machine: Machine::begin() }
    }

    /// The longest that the runtime was late, and the machine by itself.
    ///
    /// # Panics
    /// Where a question was not answered, and as [`judged`] says.
    pub async fn end(self) -> (Duration, Duration) {
        self.over.store(true, Ordering::Relaxed);
        let task = tokio::time::timeout(SILENT, self.task).await.expect("the window answers its last question");
        let window = task.expect("every question of the window has a good answer");
        let machine = self.machine.end();
        judged("the window", &window, &machine).unwrap_or_else(|wrong| panic!("{wrong}"));
        (window.worst, machine.worst)
    }
}

/// Whether `window` was in time, each beat set beside what the machine did during it.
///
/// # Errors
/// In one sentence: late where the machine was not, or too little that can be judged.
pub fn judged(what: &str, window: &Felt, machine: &Felt) -> Result<(), String> {
    if window.beats < FEWEST {
        return Err(format!("inconclusive: {what} was felt {} times, {FEWEST} are needed", window.beats));
    }
    if machine.watched < window.watched / 2 {
        return Err(format!("inconclusive: the machine was watched for {:?} of {:?}", machine.watched, window.watched));
    }
    // One that only slept would excuse too little, and nobody would see it.
    if machine.worked < WORK.mul_f64(machine.beats as f64) {
        return Err(format!("inconclusive: the machine's thread computed for {:?} in {} beats", machine.worked, machine.beats));
    }
    let mut excused = Duration::ZERO;
    for beat in window.late.iter().filter(|beat| beat.late >= MOST) {
        // Beats of one thread follow each other, so that the first which ends after this one's begin is found by halves.
        let from = machine.late.partition_point(|stall| stall.ended() < beat.begun);
        let during = machine.late[from..].iter().take_while(|stall| stall.begun <= beat.ended());
        let stalled = during.map(|stall| stall.late).max().unwrap_or_default();
        if beat.late.saturating_sub(stalled) >= MOST {
            return Err(format!("{what} was late by {:?}, the machine at that moment by {stalled:?}", beat.late));
        }
        excused += EVERY + beat.late;
    }
    let share = excused.as_secs_f64() / window.watched.as_secs_f64();
    if share > EXCUSED {
        return Err(format!("inconclusive: the machine excuses {:.0} % of the time that {what} was watched", share * 100.0));
    }
    Ok(())
}

/// Computes until this thread has had the processor for as long as it wants it in a beat.
fn work() {
    let from = processor_time();
    while processor_time() - from < WORK {
        std::hint::spin_loop();
    }
}

/// How long this thread has had a processor.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of the right type.
    let told = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(told, 0, "the time of a thread");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}

/// Beats one after the other, each late by so many milliseconds, of a thread that computes as the machine's does.
fn felt(late: &[u64]) -> Felt {
    let (mut felt, mut begun) = (Felt::default(), Duration::from_secs(1_800_000_000));
    for late in late {
        let beat = Beat { begun, late: Duration::from_millis(*late) };
        felt.add(beat);
        begun = beat.ended();
        felt.worked += WORK;
    }
    felt
}

#[test]
fn a_late_beat_is_set_beside_the_machine_of_that_moment() {
    let check = |window: &[u64], machine: &[u64], wanted: &str| {
        let found = judged("it", &felt(window), &felt(machine)).err().unwrap_or_else(|| "in time".into());
        assert!(found.starts_with(wanted), "{found}, and not {wanted}");
    };
    let calm = [0u64; 1000];
    let among = |beats: usize, at: usize, late: u64| (0..beats).map(|n| if n == at { late } else { 0 }).collect::<Vec<_>>();
    check(&[0; 200], &calm, "in time");
    check(&among(200, 20, 499), &calm, "in time");
    check(&among(200, 20, 500), &calm, "it was late by 500ms, the machine at that moment by 0ns");
    // The machine was as late at the same moment.
    check(&among(300, 20, 700), &among(300, 20, 650), "in time");
    check(&among(300, 20, 1300), &among(300, 20, 650), "it was late by 1.3s, the machine at that moment by 650ms");
    // It was, but at another one: before, and after.
    check(&among(300, 200, 700), &among(400, 20, 650), "it was late by 700ms, the machine at that moment by 0ns");
    check(&among(300, 20, 700), &among(400, 250, 650), "it was late by 700ms");
    // Too little is left to judge, too little was felt, and nobody watched the machine.
    check(&among(12, 5, 700), &among(20, 5, 650), "inconclusive: the machine excuses");
    check(&[0; 9], &calm, "inconclusive: it was felt 9 times");
    check(&[0; 300], &[0; 10], "inconclusive: the machine was watched");
    // One that only slept.
    let asleep = Felt { worked: Duration::ZERO, ..felt(&calm) };
    let said = judged("it", &felt(&[0; 200]), &asleep).expect_err("nothing to set it beside");
    assert!(said.starts_with("inconclusive: the machine's thread computed for 0ns"), "{said}");
}

#[test]
fn the_machine_computes_in_every_beat() {
    let machine = Machine::begin();
    std::thread::sleep(20 * EVERY);
    let felt = machine.end();
    assert!(felt.beats > 0 && felt.worked >= WORK.mul_f64(felt.beats as f64), "{felt:?}");
}
