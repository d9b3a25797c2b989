//! Writes the tiny Gemma 3 checkpoints of the parity test, for `tests/parity/gemma3_reference.py`:
//! `cargo run --release -p hilum-testkit --example gemma3_checkpoint -- SEED FOLDER`.

use std::path::PathBuf;

use hilum_testkit::gemma3::{SIDE, Spelling, image, write_checkpoint};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(seed), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err(std::io::Error::other("give a seed and a folder"));
    };
    let seed = seed.parse().map_err(std::io::Error::other)?;
    let folder = PathBuf::from(folder);
    write_checkpoint(&folder.join("style4"), Spelling::Transformers4, seed)?;
    write_checkpoint(&folder.join("style5"), Spelling::Transformers5, seed)?;
    for (name, seed) in [("prior", 1), ("current", 2)] {
        // Portable graymap (Netpbm), which needs no encoder and which Pillow reads.
        let mut bytes = format!("P5 {SIDE} {SIDE} 255\n").into_bytes();
        bytes.extend(image(seed));
        std::fs::write(folder.join(format!("{name}.pgm")), bytes)?;
    }
    Ok(())
}
