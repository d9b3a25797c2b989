//! Loads a pack, encodes one picture and prints times, scores and embedding:
//! `cargo run --release -p hilum-encoders --example encode -- PACK_DIR [GREY_FILE]`.
//!
//! The file holds side x side bytes of grey; without one, a slope is encoded.

use std::path::PathBuf;
use std::time::Instant;

use hilum_encoders::Encoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(pack) = args.next() else {
        eprintln!("usage: encode PACK_DIR [GREY_FILE]");
        std::process::exit(2);
    };
    let start = Instant::now();
    let encoder = Encoder::load(&pack)?;
    println!("load: {:.2} s", start.elapsed().as_secs_f64());

    let side = encoder.side();
    let grey = match args.next() {
        Some(path) => std::fs::read(path)?,
        None => (0..side * side).map(|i| ((i % side + i / side) * 127 / side) as u8).collect(),
    };
    let start = Instant::now();
    let embedding = encoder.encode_image(&grey)?;
    println!("image of {side} x {side}: {:.2} s", start.elapsed().as_secs_f64());

    let start = Instant::now();
    encoder.prepare_scores()?;
    println!("prompts: {:.2} s", start.elapsed().as_secs_f64());
    for score in encoder.scores(&embedding)? {
        println!("{:28} difference {:+.6}  softmax {:.6}", score.finding, score.difference, score.softmax);
    }
    println!("embedding: {:?}", embedding.0);
    Ok(())
}
