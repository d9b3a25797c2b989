//! How many sentences a second the labeller reads: `cargo run --release -p hilum-report --example claims_speed`.
//!
//! The sentences are those of the test sets, over and over, on one thread.

use hilum_report::claims::label;
use serde_json::Value;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() {
    let sets = [include_str!("../tests/claims/tuning.json"), include_str!("../tests/claims/held_out.json")];
    let sentences: Vec<String> = sets
        .iter()
        .filter_map(|set| serde_json::from_str::<Vec<Value>>(set).ok())
        .flatten()
        .filter_map(|case| case["text"].as_str().map(str::to_owned))
        .collect();
    // The tables are made at the first call.
    black_box(label("No pneumothorax."));
    let mut rates: Vec<f64> = (0..5).map(|_| rate(&sentences)).collect();
    rates.sort_by(f64::total_cmp);
    println!("{} sentences, over and over: {:.0} sentences/s (median of 5 runs of 2 s)", sentences.len(), rates[2]);
}

fn rate(sentences: &[String]) -> f64 {
    let begun = Instant::now();
    let mut read = 0;
    while begun.elapsed() < Duration::from_secs(2) {
        for sentence in sentences {
            black_box(label(black_box(sentence)));
        }
        read += sentences.len();
    }
    f64::from(read as u32) / begun.elapsed().as_secs_f64()
}
