//! In what the towers compute.

pub use hilum_kernels::linear::Precision;

/// Names the precision of [`crate::Encoder::load`]: `f32`, `bf16` or `int8`. Another word
/// changes nothing.
pub const PRECISION: &str = "HILUM_ENCODER";

/// What [`PRECISION`] names, and brain floats where it names nothing, for half the memory
/// and half the time. Two random layers of MedSigLIP's width then move a score by less
/// than 3e-4; narrow trained towers by more (`tests/precision.rs`).
pub(crate) fn chosen() -> Precision {
    let word = std::env::var(PRECISION).unwrap_or_default();
    match word.trim().to_ascii_lowercase().as_str() {
        "f32" => Precision::F32,
        "int8" => Precision::Int8,
        _ => Precision::Bf16,
    }
}
