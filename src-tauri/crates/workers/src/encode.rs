//! The encode worker as a typed port: scores, embeddings and evidence maps of MedSigLIP.

use crate::{
    Cancel, WorkerError, WorkerLimits, WorkerState,
    locate::locate,
    messages::encode::{EncodeReply, EncodeRequest, FindingScore},
    model::{Client, Meaning, Role},
};
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// A handle on the encode worker; copies share one child, which ends with the last of them.
#[derive(Clone)]
pub struct EncodeWorker(Client<Encode>);

/// What a loaded encoder says of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncoderLoaded {
    /// Side of the square image that it takes, in pixels.
    pub side: u32,
    /// Length of an embedding.
    pub dim: u32,
    pub seconds: f64,
}

/// Scores and embedding of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedImage {
    pub scores: Vec<FindingScore>,
    /// L2-normalised, [`EncoderLoaded::dim`] long.
    pub embedding: Vec<f32>,
    pub seconds: f64,
}

/// Where an image supports a finding; support, never a probability or an outline.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceMap {
    /// Patches along one side of the model input.
    pub side: u32,
    /// `side` x `side` cosine differences in [-2, 2], row by row from the top left.
    pub values: Vec<f32>,
    pub seconds: f64,
}

impl EncodeWorker {
    /// Prepares a worker run by `program worker encode`; the child starts on demand.
    /// Must be called inside a tokio runtime.
    pub fn start(program: PathBuf, limits: WorkerLimits) -> Self {
        Self(Client::start(program, limits, None))
    }

    /// The same, keeping in the folder `figures` what is measured of each pack: device, memory and speed.
    pub fn measuring(program: PathBuf, limits: WorkerLimits, figures: &Path) -> Self {
        Self(Client::start(program, limits, Some(figures)))
    }

    /// The worker of the `hilumctl` that was installed with this program.
    ///
    /// # Errors
    /// [`WorkerError::NotFound`] when it is not there.
    pub fn located() -> Result<Self, WorkerError> {
        Ok(Self::start(locate("hilumctl")?, WorkerLimits::default()))
    }

    /// State changes as they happen.
    pub fn state(&self) -> watch::Receiver<WorkerState> {
        self.0.state()
    }

    /// Loads a pack in place of the one before; returns at once when it is loaded already.
    pub async fn load(&self, pack_dir: &Path, cancel: &Cancel) -> Result<EncoderLoaded, WorkerError> {
        match self.0.load(pack_dir, None, cancel).await? {
            (EncodeReply::Loaded { side, dim, seconds, .. }, _) => Ok(EncoderLoaded { side, dim, seconds }),
            _ => Err(garbled()),
        }
    }

    /// Scores and embeds one image of `side` x `side` bytes of grey.
    pub async fn image(&self, side: u32, gray: Vec<u8>, cancel: &Cancel) -> Result<EncodedImage, WorkerError> {
        let request = move |id| EncodeRequest::Image { id, side };
        match self.0.ask(request, gray, None, 0, cancel).await? {
            (EncodeReply::Encoded { dim, scores, seconds, .. }, body) => {
                let embedding = floats(&body, 1, dim)?.remove(0);
                Ok(EncodedImage { scores, embedding, seconds })
            }
            _ => Err(garbled()),
        }
    }

    /// Where one image of `side` x `side` bytes of grey supports a finding.
    pub async fn map(
        &self,
        side: u32,
        gray: Vec<u8>,
        finding: &str,
        cancel: &Cancel,
    ) -> Result<EvidenceMap, WorkerError> {
        let finding = finding.to_owned();
        let request = move |id| EncodeRequest::Map { id, side, finding };
        match self.0.ask(request, gray, None, 0, cancel).await? {
            (EncodeReply::Map { side, seconds, .. }, body) => {
                let values = floats(&body, 1, side.saturating_mul(side))?.remove(0);
                Ok(EvidenceMap { side, values, seconds })
            }
            _ => Err(garbled()),
        }
    }

    /// Embeds texts; each row is L2-normalised.
    pub async fn texts(&self, texts: Vec<String>, cancel: &Cancel) -> Result<Vec<Vec<f32>>, WorkerError> {
        let wanted = texts.len();
        let request = move |id| EncodeRequest::Texts { id, texts };
        match self.0.ask(request, Vec::new(), None, 0, cancel).await? {
            (EncodeReply::Texts { count, dim, .. }, body) if count as usize == wanted => floats(&body, count, dim),
            _ => Err(garbled()),
        }
    }

    /// Allows a worker that is in a crash loop to start again.
    pub async fn retry(&self) {
        self.0.retry().await;
    }

    /// Ends the child and frees its memory. The next request loads the pack again.
    pub async fn unload(&self) {
        self.0.unload().await;
    }
}

fn garbled() -> WorkerError {
    WorkerError::Garbled(Encode::NAME)
}

fn floats(body: &[u8], count: u32, dim: u32) -> Result<Vec<Vec<f32>>, WorkerError> {
    let row = dim as usize * 4;
    if row == 0 || body.len() != row * count as usize {
        return Err(garbled());
    }
    let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    Ok(body.chunks_exact(row).map(|row| row.chunks_exact(4).map(number).collect()).collect())
}

struct Encode;

impl Role for Encode {
    const NAME: &'static str = "encode";
    type Request = EncodeRequest;
    type Reply = EncodeReply;

    fn load(id: u64, pack_dir: String) -> EncodeRequest {
        EncodeRequest::Load { id, pack_dir }
    }

    fn cancel(_: u64) -> Option<EncodeRequest> {
        None
    }

    fn meaning(reply: &EncodeReply) -> Meaning<'_> {
        match reply {
            EncodeReply::Heartbeat => Meaning::Heartbeat,
            EncodeReply::Loaded { id, .. }
            | EncodeReply::Encoded { id, .. }
            | EncodeReply::Map { id, .. }
            | EncodeReply::Texts { id, .. } => Meaning::Last(*id),
            EncodeReply::Failed { id, code, message } => Meaning::Failed { id: *id, code, message },
        }
    }

    fn steady(request: &EncodeRequest) -> Option<&'static str> {
        match request {
            // One pass each.
            EncodeRequest::Image { .. } | EncodeRequest::Map { .. } => Some("image"),
            // As many passes as texts.
            EncodeRequest::Load { .. } | EncodeRequest::Texts { .. } => None,
        }
    }

    fn body_limit(reply: &EncodeReply) -> u64 {
        match reply {
            EncodeReply::Encoded { dim, .. } => u64::from(*dim) * 4,
            // A model with 1024 patches a side does not exist.
            EncodeReply::Map { side, .. } => (u64::from(*side) * u64::from(*side) * 4).min(4 << 20),
            // 8192 texts of 2048 numbers; more is asked for in several requests.
            EncodeReply::Texts { count, dim, .. } => (u64::from(*count) * u64::from(*dim) * 4).min(64 << 20),
            _ => 0,
        }
    }
}
