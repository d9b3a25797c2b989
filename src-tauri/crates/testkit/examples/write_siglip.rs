//! Writes the tiny SigLIP checkpoints and their test images into a folder, for
//! `tests/parity/siglip_reference.py`: `cargo run -p hilum-testkit --example write_siglip DIR`.

use std::path::PathBuf;

use hilum_testkit::siglip::{SIGLIP_TEXTS, TinySiglip};

fn main() -> std::io::Result<()> {
    let Some(root) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: write_siglip DIR");
        std::process::exit(2);
    };
    for (name, checkpoint) in TinySiglip::references() {
        checkpoint.write(&root.join(name).join("pack"))?;
        for (i, image) in checkpoint.images().iter().enumerate() {
            std::fs::write(root.join(name).join(format!("image-{i}.gray")), image)?;
        }
        let texts = serde_json::to_vec(&SIGLIP_TEXTS)?;
        std::fs::write(root.join(name).join("texts.json"), texts)?;
    }
    Ok(())
}
