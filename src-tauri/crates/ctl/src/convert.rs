//! What packs ask of the engine's side: which models it takes, by which names, and their quantising.

use hilum_drafting::{ConvertProgress, DraftingError, Quantise, convert, engine_name, quantised_sizes, shape_in};
use hilum_encoders::SiglipConfig;
use hilum_packs::{Convert, Kind, PackError, Quantization, Result, Sizes};
use std::{path::Path, sync::atomic::AtomicBool};

/// Converts with `hilum-drafting`.
pub struct EngineConversion;

impl Convert for EngineConversion {
    fn takes(&self, source: &Path, kind: Kind) -> Result<()> {
        let refused = match kind {
            Kind::MedGemma => shape_in(source).err().map(|e| e.to_string()),
            Kind::MedSigLip => SiglipConfig::read(&source.join("config.json")).err().map(|e| e.to_string()),
            // Nothing loads it yet.
            Kind::MedGemmaText => None,
        };
        match refused {
            Some(what) => Err(PackError::Unsupported { file: "config.json".into(), what }),
            None => Ok(()),
        }
    }

    fn tensor_name(&self, kind: Kind, published: &str) -> String {
        match kind {
            Kind::MedGemma => engine_name(published),
            // Both libraries write the encoder's names alike, and nothing loads the text model yet.
            Kind::MedSigLip | Kind::MedGemmaText => published.to_owned(),
        }
    }

    fn sizes(&self, source: &Path, quantization: Quantization) -> Result<Sizes> {
        let sizes = quantised_sizes(source, quantise(quantization)?).map_err(|e| refused(&e))?;
        Ok(Sizes { disk: sizes.disk, memory: sizes.memory })
    }

    fn convert(
        &self,
        source: &Path,
        target: &Path,
        quantization: Quantization,
        progress: &mut dyn FnMut(u64, u64),
        cancel: &AtomicBool,
    ) -> Result<()> {
        let mut say = |at: ConvertProgress| progress(at.done, at.total);
        convert(source, target, quantise(quantization)?, &mut say, cancel).map_err(|e| refused(&e))
    }
}

fn quantise(quantization: Quantization) -> Result<Quantise> {
    match quantization {
        Quantization::Q4k => Ok(Quantise::Q4k),
        Quantization::Q8 => Ok(Quantise::Q8),
        Quantization::None => Err(PackError::QuantizeUnsupported { reason: "nothing was asked for".into() }),
    }
}

fn refused(error: &DraftingError) -> PackError {
    match error {
        DraftingError::Cancelled => PackError::Cancelled,
        error => PackError::Convert { reason: error.to_string() },
    }
}
