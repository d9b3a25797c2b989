//! What a step of writing takes from the allocator, in numbers and bytes:
//! `./dev cargo test --release --workspace --features hilum/custom-protocol --test allocations -- --nocapture`.
//!
//! Over the demonstration pack in Q4_K; and over the pack that `HILUM_PACK` names, where it names one.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{demonstration, draft, quantised};
use hilum_drafting::{Engine, Quantise, overlay};
use hilum_workers::messages::draft::DraftPrompt;
use image::{GrayImage, Luma};

/// The system's allocator, which writes down how often it was asked, by any thread, and for how much.
struct Counting;

static TIMES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

fn count(bytes: usize) {
    TIMES.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

// SAFETY: the system's allocator does all of it; counting touches no memory of its callers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Answers of these lengths are written; what the longer one takes more is its steps'.
const LENGTHS: [u32; 2] = [8, 40];

fn check(what: &str, pack: &Path) {
    let engine = Engine::load(pack, |_, _| {}).unwrap();
    let side = engine.shape().side;
    let images = [GrayImage::from_fn(side, side, |x, y| Luma([((x * 2 + y * 3) % 256) as u8]))];
    let prompt = DraftPrompt::Report { indication: None };
    let written = |most: u32| {
        let before = [&TIMES, &BYTES].map(|count| count.load(Ordering::Relaxed));
        let tokens = draft(&engine, &images, &prompt, most).token_ids.len() as u64;
        let after = [&TIMES, &BYTES].map(|count| count.load(Ordering::Relaxed));
        [tokens, after[0] - before[0], after[1] - before[1]]
    };
    // The first answer reads the whole prompt, and the image; those after it read the same end of it.
    written(1);
    let [short, long] = LENGTHS.map(written);
    let steps = long[0] - short[0];
    assert!(steps > 0, "{what}: the answer ends after {} tokens", short[0]);
    let a_step = |part: usize| long[part].saturating_sub(short[part]) as f64 / steps as f64;
    let (times, bytes) = (a_step(1), a_step(2));
    println!("{what}: {times:.0} allocations of {:.0} kB in all for a token, over {steps} tokens", bytes / 1e3);
    let weights = std::fs::read_dir(pack).unwrap().map(|entry| entry.unwrap());
    let weights: u64 = weights
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "uqff"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    // A step that copied its weights, or wrote them out in another form, would take as much.
    assert!(times > 0.0 && bytes < weights as f64, "{what}: {bytes} bytes for a token, of {weights} of weights");
}

#[test]
fn a_step_of_writing_copies_no_weights() {
    if overlay().is_empty() {
        return hilum_testkit::skipped("quantised packs need the engine that ./dev builds");
    }
    if let Some(demo) = demonstration() {
        check("demonstration pack in Q4_K", quantised(&demo, Quantise::Q4k).path());
    }
    if let Ok(own) = std::env::var("HILUM_PACK") {
        check(&own, Path::new(&own));
    }
}
