//! A loaded pair: grey pixels and texts in, embeddings and scores out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hilum_workers::messages::encode::FindingScore;

use crate::config::SiglipConfig;
use crate::error::{EncoderError, Result};
use crate::findings::{FindingClasses, Prompts, normalised};
use crate::map::{EvidenceMap, PatchFeatures};
use crate::precision::{self, Precision};
use crate::text::TextTower;
use crate::tokenizer::TextTokenizer;
use crate::vision::VisionTower;
use crate::weights::Weights;

/// An L2-normalised image embedding of [`Encoder::dim`] numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageEmbedding(pub Vec<f32>);

/// A SigLIP pair from a pack folder.
///
/// The image tower stays in memory. The text tower, which is as large again,
/// is read when texts come and let go afterwards: in daily use it embeds the
/// findings' prompts once and is not needed again.
pub struct Encoder {
    config: SiglipConfig,
    dir: PathBuf,
    vision: VisionTower,
    tokenizer: TextTokenizer,
    logit_scale: f32,
    logit_bias: f32,
    classes: OnceLock<Vec<FindingClasses>>,
}

impl Encoder {
    /// Loads `config.json`, `model.safetensors` (or its shards),
    /// `tokenizer.json` and, where present, `preprocessor_config.json` and
    /// `processor_config.json`, from a folder written by transformers 4 or 5. Computes in what [`crate::PRECISION`] names.
    /// Fails with an `encoder.*` code that names the file or the tensor.
    pub fn load(dir: &Path) -> Result<Self> {
        let config = SiglipConfig::read(&dir.join("config.json"))?;
        Self::load_in(dir, precision::chosen(config.vision_config.hidden_size))
    }

    /// [`Self::load`] with a given precision of the image tower's layers. Its head and the
    /// text tower are float32 in each.
    pub fn load_in(dir: &Path, precision: Precision) -> Result<Self> {
        let config = SiglipConfig::read(&dir.join("config.json"))?;
        check_preprocessor(dir)?;
        let weights = Weights::open(dir)?;
        let text = &config.text_config;
        let tokenizer = TextTokenizer::load(dir, text.max_position_embeddings, text.vocab_size)?;
        Ok(Self {
            vision: VisionTower::load(&weights, &config.vision_config, precision)?,
            logit_scale: weights.scalar("logit_scale")?,
            logit_bias: weights.scalar("logit_bias")?,
            dir: dir.to_owned(),
            classes: OnceLock::new(),
            config,
            tokenizer,
        })
    }

    /// Side of the square input image, in pixels.
    pub fn side(&self) -> usize {
        self.config.vision_config.image_size
    }

    /// Dimension of the shared embedding space.
    pub fn dim(&self) -> usize {
        self.config.embedding_dim()
    }

    /// The folder that this pair was loaded from.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `side x side` bytes of grey, row by row, 0 black and 255 white.
    pub fn encode_image(&self, grey: &[u8]) -> Result<ImageEmbedding> {
        self.vision.forward(grey).map(|embedding| ImageEmbedding(normalised(embedding)))
    }

    /// What evidence maps are read from; one pass serves the maps of all findings.
    /// Takes what [`Self::encode_image`] takes.
    pub fn encode_patches(&self, grey: &[u8]) -> Result<PatchFeatures> {
        let rows = self.vision.forward_patches(grey)?;
        Ok(PatchFeatures { side: self.vision.grid(), rows: rows.into_iter().map(normalised).collect() })
    }

    /// Where an image supports a published finding. The prompts' embeddings are computed
    /// on the first call of this or of [`Self::scores`].
    ///
    /// # Errors
    /// `encoder.unknown_finding` for a finding that is not in the published table.
    pub fn evidence_map(&self, patches: &PatchFeatures, finding: &str) -> Result<EvidenceMap> {
        let classes = self.finding_classes()?.iter().find(|classes| classes.finding == finding);
        let classes = classes.ok_or_else(|| EncoderError::UnknownFinding { finding: finding.to_owned() })?;
        Ok(patches.map(classes))
    }

    /// One L2-normalised embedding a text, in the texts' order.
    pub fn encode_texts(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let ids = texts.iter().map(|text| self.token_ids(text)).collect::<Result<Vec<_>>>()?;
        // The files are mapped only while a tower is read from them, so that their
        // pages do not count against this process for as long as it lives.
        let tower = TextTower::load(&Weights::open(&self.dir)?, &self.config.text_config)?;
        Ok(tower.forward(&ids)?.into_iter().map(normalised).collect())
    }

    /// The token ids of a text as the text tower sees them, padding included.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>> {
        self.tokenizer.encode(text)
    }

    /// Support for each published finding, in alphabetical order of the
    /// finding. The prompts' embeddings are computed on the first call.
    pub fn scores(&self, image: &ImageEmbedding) -> Result<Vec<FindingScore>> {
        if image.0.len() != self.dim() {
            return Err(EncoderError::EmbeddingSize { found: image.0.len(), dim: self.dim() });
        }
        let scale = self.logit_scale.exp();
        Ok(self
            .finding_classes()?
            .iter()
            .map(|classes| {
                let (difference, softmax) = classes.score(&image.0, scale);
                FindingScore { finding: classes.finding.clone(), difference, softmax }
            })
            .collect())
    }

    /// Computes the prompts' embeddings now instead of on the first [`Self::scores`].
    pub fn prepare_scores(&self) -> Result<()> {
        self.finding_classes().map(|_| ())
    }

    /// Natural logarithm of the scale on cosines, and the bias on logits, as trained.
    pub fn logit_scale_and_bias(&self) -> (f32, f32) {
        (self.logit_scale, self.logit_bias)
    }

    fn finding_classes(&self) -> Result<&[FindingClasses]> {
        if let Some(classes) = self.classes.get() {
            return Ok(classes);
        }
        let prompts = Prompts::published();
        let texts = prompts.distinct();
        let embeddings = self.encode_texts(&texts)?;
        let embedded: BTreeMap<_, _> = texts.into_iter().zip(embeddings).collect();
        Ok(self.classes.get_or_init(|| prompts.classes(&embedded)))
    }
}

/// The towers see (x / 255 - 0.5) / 0.5; a folder that asks for another
/// normalisation, in either of the places where the libraries say it, would be
/// scored on the wrong picture, so it is refused.
fn check_preprocessor(dir: &Path) -> Result<()> {
    for (file, at) in [("preprocessor_config.json", ""), ("processor_config.json", "/image_processor")] {
        let path = dir.join(file);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(EncoderError::Read { path, source }),
        };
        let json: serde_json::Value = match serde_json::from_slice(&bytes) {
            Ok(json) => json,
            Err(source) => return Err(EncoderError::Json { path, source }),
        };
        if let Some(what) = json.pointer(at).and_then(otherwise) {
            return Err(EncoderError::Unsupported { path, what });
        }
    }
    Ok(())
}

/// What an image processor does otherwise, if anything.
fn otherwise(processor: &serde_json::Value) -> Option<String> {
    for key in ["image_mean", "image_std"] {
        let numbers = match &processor[key] {
            serde_json::Value::Null => continue,
            serde_json::Value::Array(numbers) => numbers.as_slice(),
            number => std::slice::from_ref(number),
        };
        if numbers.iter().any(|number| number.as_f64().is_none_or(|number| (number - 0.5).abs() > 1e-6)) {
            return Some(format!("{key} {} instead of 0.5", processor[key]));
        }
    }
    let factor = &processor["rescale_factor"];
    if !factor.is_null() && factor.as_f64().is_none_or(|factor| (factor * 255. - 1.).abs() > 1e-6) {
        return Some(format!("rescale_factor {factor} instead of 1/255"));
    }
    let left_out = ["do_normalize", "do_rescale"].into_iter().find(|key| processor[key] == false)?;
    Some(format!("{left_out} false"))
}
