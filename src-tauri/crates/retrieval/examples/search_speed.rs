//! How long one search takes over 100,000 embeddings of 1152 numbers, on one thread and on two:
//! `cargo run --release -p hilum-retrieval --example search_speed [ROWS]`.

use hilum_retrieval::Index;
use std::time::Instant;

const DIM: usize = 1152;
const RUNS: usize = 21;

fn main() {
    let rows: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut state = 1u64;
    let mut vector = || -> Vec<f32> {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.
        };
        (0..DIM).map(next).collect()
    };
    let mut index = Index::new(DIM);
    for _ in 0..rows {
        index.add(&vector()).expect("a direction");
    }
    let query = vector();
    for threads in [1, 2] {
        let mut seconds: Vec<f64> = (0..RUNS)
            .map(|_| {
                let begun = Instant::now();
                index.search(&query, 12, threads, |_| true).expect("hits");
                begun.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let ms = |i: usize| seconds[i] * 1000.;
        println!(
            "{rows} x {DIM}, {threads} threads: median {:.1} ms, {:.1} to {:.1}",
            ms(RUNS / 2),
            ms(0),
            ms(RUNS - 1)
        );
    }
}
