//! What has to be the same for a greedy answer to come out the same, token for token.

use std::io::Read;
use std::sync::OnceLock;

use hilum_workers::messages::draft::Circumstances;
use image::GrayImage;
use sha2::{Digest, Sha256};

use crate::arithmetic;
use crate::load::{CPU, overlay};

/// The engine's crate; its exact version is fixed by `Cargo.lock`.
const ENGINE: &str = "mistralrs 0.8.1";

/// The circumstances of one answer.
pub(crate) fn circumstances(
    images: &[GrayImage],
    grammar: Option<&str>,
    device: &str,
    max_tokens: usize,
) -> Circumstances {
    Circumstances {
        build: build().to_owned(),
        engine: engine(device),
        images_sha256: images.iter().map(|image| hex::encode(Sha256::digest(image.as_raw()))).collect(),
        grammar_sha256: grammar.map(|grammar| hex::encode(Sha256::digest(grammar))),
        decoding: "greedy".to_owned(),
        max_tokens: max_tokens as u32,
        threads: candle_core::utils::get_num_threads() as u32,
        cpu_features: cpu_features(),
    }
}

/// SHA-256 over what has to be the same for an image to be encoded to the same numbers: program, engine, kernels, device
/// and the precision of the tower; and the instruction sets and the caches of the processor, by which the matrix products
/// of candle choose how they sum, on either side of the tower.
///
/// The number of threads is no part of it: every sum is one thread's, in one order, whichever thread that is
/// (`tests/soft_tokens.rs` holds it). With it, an image would be encoded anew where a system gives another number of threads.
pub(crate) fn encoding(device: &str) -> [u8; 32] {
    let place = if device.starts_with(CPU) { CPU } else { device };
    let parts = [build().to_owned(), engine(place), cpu_features().join(" "), caches().join(" ")];
    Sha256::digest(parts.join("\n")).into()
}

fn engine(device: &str) -> String {
    match overlay() {
        "" => format!("{ENGINE}, {device}"),
        edits => {
            // Set by whoever compares precisions, and then part of what a draft came from.
            let tower = std::env::var(arithmetic::TOWER).map(|word| format!(", tower in {word}")).unwrap_or_default();
            format!("{ENGINE} with {edits}; {}{tower}, {device}", arithmetic::description())
        }
    }
}

/// Version and SHA-256 of the running program: a commit's name would not say with which
/// compiler and for which processor it was built. Read once.
fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let version = env!("CARGO_PKG_VERSION");
        match std::env::current_exe().and_then(|path| digest(&path)) {
            Ok(digest) => format!("{version} {digest}"),
            Err(_) => version.to_owned(),
        }
    })
}

fn digest(path: &std::path::Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex::encode(hash.finalize())),
            length => hash.update(&block[..length]),
        }
    }
}

/// Instruction sets of this processor among those that matrix products choose by.
fn cpu_features() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx", std::arch::is_x86_feature_detected!("avx")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("avx512bf16", std::arch::is_x86_feature_detected!("avx512bf16")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512vnni", std::arch::is_x86_feature_detected!("avx512vnni")),
        ("f16c", std::arch::is_x86_feature_detected!("f16c")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    found.into_iter().filter(|(_, here)| *here).map(|(name, _)| name.to_owned()).collect()
}

/// Sizes of the caches of the first processor, where the system tells them.
fn caches() -> Vec<String> {
    let file = |index: usize| format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
    let size = |index| std::fs::read_to_string(file(index)).ok().map(|size| size.trim().to_owned());
    (0..).map_while(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_the_one_that_is_locked() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        let (name, version) = ENGINE.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")));
    }

    #[test]
    fn an_encoding_is_of_a_device_and_of_any_number_of_threads() {
        let [one, many, other] = ["CPU, 1 thread", "CPU, 16 threads", "CUDA device 0"].map(encoding);
        assert_eq!(one, many);
        assert_ne!(one, other);
    }

    #[test]
    fn everything_is_named() {
        let image = GrayImage::from_raw(1, 1, vec![0]).unwrap();
        let got = circumstances(&[image], Some("start: \"a\""), "CPU", 7);
        assert!(got.build.contains(' ') && got.engine.starts_with(ENGINE) && got.threads > 0);
        assert!(got.cpu_features.is_sorted());
        // SHA-256 of one zero byte (FIPS 180-4).
        assert_eq!(got.images_sha256, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]);
        assert_eq!((got.grammar_sha256.map(|hash| hash.len()), got.max_tokens), (Some(64), 7));
    }
}
