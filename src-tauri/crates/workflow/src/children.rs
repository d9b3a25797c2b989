//! The ports, fulfilled by Hilum's child processes.

use crate::{Decoder, Drafter, Fault, ModelPack, Scorer};
use async_trait::async_trait;
use hilum_workers::messages::{decode::DecodeWants, draft::DraftOutcome};
use hilum_workers::{
    Cancel, DecodeChild, DecodeInput, Decoded, DraftEvent, DraftJob, DraftWorker, EncodeWorker, EncodedImage,
    EvidenceMap, JointJob, JointOutcome, LogoImage, Unpacked, WorkerError,
};
use tokio::sync::mpsc;

impl From<WorkerError> for Fault {
    fn from(error: WorkerError) -> Fault {
        Fault { code: error.code().to_owned(), detail: error.to_string() }
    }
}

#[async_trait]
impl Decoder for DecodeChild {
    async fn decode(&self, file: Vec<u8>, wants: &DecodeWants, cancel: &Cancel) -> Result<Decoded, Fault> {
        Ok(DecodeChild::decode(self, DecodeInput::Bytes(file), wants, cancel).await?)
    }

    async fn logo(&self, file: Vec<u8>, longest: u32, cancel: &Cancel) -> Result<LogoImage, Fault> {
        Ok(DecodeChild::logo(self, DecodeInput::Bytes(file), longest, cancel).await?)
    }

    async fn unpack(&self, file: Vec<u8>, members: &mpsc::Sender<Unpacked>, cancel: &Cancel) -> Result<(), Fault> {
        Ok(DecodeChild::unpack(self, DecodeInput::Bytes(file), members, cancel).await?)
    }
}

/// The encode worker with the pack that it is to run.
#[derive(Clone)]
pub struct PackScorer {
    pub worker: EncodeWorker,
    pub pack: ModelPack,
}

#[async_trait]
impl Scorer for PackScorer {
    fn pack(&self) -> &ModelPack {
        &self.pack
    }

    async fn side(&self, cancel: &Cancel) -> Result<u32, Fault> {
        Ok(self.worker.load(&self.pack.dir, cancel).await?.side)
    }

    async fn score(&self, side: u32, gray: Vec<u8>, cancel: &Cancel) -> Result<EncodedImage, Fault> {
        Ok(self.worker.image(side, gray, cancel).await?)
    }

    async fn map(&self, side: u32, gray: Vec<u8>, finding: &str, cancel: &Cancel) -> Result<EvidenceMap, Fault> {
        Ok(self.worker.map(side, gray, finding, cancel).await?)
    }
}

/// The draft worker with the pack that it is to run.
#[derive(Clone)]
pub struct PackDrafter {
    pub worker: DraftWorker,
    pub pack: ModelPack,
}

#[async_trait]
impl Drafter for PackDrafter {
    fn pack(&self) -> &ModelPack {
        &self.pack
    }

    async fn side(&self, events: &mpsc::UnboundedSender<DraftEvent>, cancel: &Cancel) -> Result<u32, Fault> {
        Ok(self.worker.load(&self.pack.dir, Some(events.clone()), cancel).await?.side)
    }

    async fn draft(
        &self,
        job: DraftJob,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftOutcome, Fault> {
        Ok(self.worker.draft(job, Some(events.clone()), cancel).await?)
    }

    async fn draft_together(
        &self,
        job: JointJob,
        answers: mpsc::UnboundedSender<(usize, DraftOutcome)>,
        cancel: &Cancel,
    ) -> Result<JointOutcome, Fault> {
        Ok(self.worker.draft_together(job, answers, cancel).await?)
    }
}
