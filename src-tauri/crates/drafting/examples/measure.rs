//! Load time, first token, decode speed and memory of a pack:
//! `cargo run --release -p hilum-drafting --example measure -- FOLDER [TOKENS] [IMAGES]`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use hilum_drafting::Engine;
use hilum_workers::messages::draft::DraftPrompt;
use image::{GrayImage, Luma};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().ok_or("give a pack's folder")?);
    let tokens = arguments.get(1).map_or(Ok(64), |text| text.parse())?;
    let images = arguments.get(2).map_or(Ok(1), |text| text.parse())?;
    eprintln!("before loading   {}", memory());
    let started = Instant::now();
    let engine = Engine::load(&folder, |_, _| {})?;
    let side = engine.shape().side;
    eprintln!("loaded           {}  {:.2} s, side {side}", memory(), started.elapsed().as_secs_f64());
    let image =
        |n: usize| GrayImage::from_fn(side, side, |x, y| Luma([((x * 2 + y * 3) as usize * (n + 1) % 256) as u8]));
    let images: Vec<GrayImage> = (0..images).map(image).collect();
    let prompt = DraftPrompt::Report { indication: None };
    for _ in 0..3 {
        let outcome = engine.draft(&images, &prompt, tokens, |_| {}, &AtomicBool::new(false))?;
        eprintln!(
            "drafted          {}  prompt {} tokens {:.3} s, {} tokens {:.1}/s, {}",
            memory(),
            outcome.prompt_token_ids.len(),
            outcome.prompt_seconds,
            outcome.token_ids.len(),
            (outcome.token_ids.len() - 1) as f64 / outcome.decode_seconds,
            outcome.finish,
        );
    }
    Ok(())
}

/// Proportional and resident memory now and at the highest, from the kernel (Linux).
fn memory() -> String {
    let field = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(key).map(str::to_owned));
        line.and_then(|line| line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()))
            .map_or("?".to_owned(), |kilobytes| format!("{} MB", kilobytes / 1024))
    };
    format!("PSS {}, peak RSS {}", field("/proc/self/smaps_rollup", "Pss:"), field("/proc/self/status", "VmHWM:"))
}
