//! What a folder needs of the engine, and what the engine of this build can do.

use std::path::Path;

use mistralrs::{Device, ModelDType, MultimodalModelBuilder, UqffMultimodalModelBuilder, best_device};

use crate::DraftingError;
use crate::spelling::ModelShape;

/// Stands where the engine brings no name of its own: it is the crate as released.
#[allow(dead_code)] // In the other build.
const HILUM_OVERLAY: &str = "";

/// What the engine of this build can do beyond the release, in words; empty without the edits of `overlays/`.
///
/// The edited crate exports the name, the released one does not. A glob import of an inner scope goes before the
/// enclosing module's own name, so this cannot say other than what was compiled in.
pub fn overlay() -> &'static str {
    #[allow(unused_imports)] // In the other build.
    use mistralrs::core::*;
    HILUM_OVERLAY
}

/// Name of the folder's file of quantised layers, where it has one.
pub(crate) fn quantised_file(folder: &Path) -> Result<Option<String>, DraftingError> {
    let read = |source| DraftingError::Read { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        names.extend(entry.map_err(read)?.file_name().into_string());
    }
    names.retain(|name| name.ends_with(".uqff"));
    names.sort();
    Ok(names.into_iter().next())
}

/// The engine's builder for the pack in `folder`, of which `view` is what the engine sees.
///
/// # Errors
/// [`DraftingError::Quantised`] where the pack is quantised and the engine is the crate as released: it would leave the
/// vision tower out and fail at the first image.
pub(crate) fn builder(folder: &Path, view: &Path) -> Result<MultimodalModelBuilder, DraftingError> {
    match quantised_file(folder)? {
        Some(_) if overlay().is_empty() => Err(DraftingError::Quantised { path: folder.to_owned() }),
        Some(name) => Ok(UqffMultimodalModelBuilder::new(view.display(), vec![name.into()]).into_inner()),
        None => Ok(MultimodalModelBuilder::new(view.display())),
    }
}

/// What the words for the processor begin with.
pub(crate) const CPU: &str = "CPU";

/// The builder with its device and number type, and the device in words.
///
/// A build with the feature `cuda` or `metal` takes the graphics processor where it finds one, in the type that the engine
/// chooses there (bfloat16). Everything else computes in float32 on the CPU, which is what the parity tests hold.
pub(crate) fn placed(builder: MultimodalModelBuilder) -> (MultimodalModelBuilder, String) {
    match best_device(false) {
        Ok(Device::Cuda(_)) => (builder.with_dtype(ModelDType::Auto), "CUDA device 0".to_owned()),
        Ok(Device::Metal(_)) => (builder.with_dtype(ModelDType::Auto), "Metal device".to_owned()),
        _ => {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let words = if threads == 1 { "thread" } else { "threads" };
            (builder.with_dtype(ModelDType::F32).with_force_cpu(), format!("{CPU}, {threads} {words}"))
        }
    }
}

/// Tokens that may be written after a prompt of `tokens`.
///
/// # Errors
/// [`DraftingError::PastWindow`] where the engine is the crate as released: it sees one token too many behind the
/// sliding window. [`DraftingError::TooLong`] beyond the positions that the engine prepares.
pub(crate) fn room_after(tokens: usize, shape: &ModelShape) -> Result<usize, DraftingError> {
    let (window, positions) = (shape.window, shape.positions);
    let released = overlay().is_empty();
    match if released { window.min(positions) } else { positions }.checked_sub(tokens) {
        Some(room) if room > 0 => Ok(room),
        _ if released => Err(DraftingError::PastWindow { tokens, window }),
        _ => Err(DraftingError::TooLong { tokens, positions }),
    }
}
