//! What the use cases need of the world: pixels, scores, drafts, time and ids.

use crate::ModelPack;
use async_trait::async_trait;
use hilum_workers::messages::{decode::DecodeWants, draft::DraftOutcome};
use hilum_workers::{
    Cancel, Decoded, DraftEvent, DraftJob, EncodedImage, EvidenceMap, JointJob, JointOutcome, LogoImage, Unpacked,
};
use time::OffsetDateTime;
use tokio::sync::mpsc;

/// Something outside did not do what was asked: a child refused, died or was stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// Stable, for example "dicom.not_dicom" or "worker.crash_loop".
    pub code: String,
    /// A plain sentence without patient identifiers.
    pub detail: String,
}

/// Turns the bytes of one file into tags and pixels, in a process of its own.
#[async_trait]
pub trait Decoder: Send + Sync {
    async fn decode(&self, file: Vec<u8>, wants: &DecodeWants, cancel: &Cancel) -> Result<Decoded, Fault>;
    /// Decodes a PNG or JPEG in colour, longest side at most `longest` pixels.
    async fn logo(&self, _file: Vec<u8>, _longest: u32, _cancel: &Cancel) -> Result<LogoImage, Fault> {
        Err(Fault { code: "logo.unsupported".into(), detail: "Logos are not decoded here.".into() })
    }
    /// Hands over the members of a ZIP archive one by one.
    async fn unpack(&self, _file: Vec<u8>, _members: &mpsc::Sender<Unpacked>, _cancel: &Cancel) -> Result<(), Fault> {
        Err(Fault { code: "zip.unsupported".into(), detail: "Archives are not opened here.".into() })
    }
}

/// The encoder that scores images.
#[async_trait]
pub trait Scorer: Send + Sync {
    fn pack(&self) -> &ModelPack;
    /// Side of its square input in pixels; loads the model when it must.
    async fn side(&self, cancel: &Cancel) -> Result<u32, Fault>;
    /// `gray` is `side * side` bytes.
    async fn score(&self, side: u32, gray: Vec<u8>, cancel: &Cancel) -> Result<EncodedImage, Fault>;
    /// Where an image supports a finding; `gray` is `side * side` bytes.
    async fn map(&self, side: u32, gray: Vec<u8>, finding: &str, cancel: &Cancel) -> Result<EvidenceMap, Fault>;
}

/// The model that drafts.
#[async_trait]
pub trait Drafter: Send + Sync {
    fn pack(&self) -> &ModelPack;
    /// Side of its square input in pixels; loads the model when it must.
    async fn side(&self, events: &mpsc::UnboundedSender<DraftEvent>, cancel: &Cancel) -> Result<u32, Fault>;
    /// Returns within two seconds of a cancel, with what was written by then
    /// (`finish` is "cancelled") or with the code "worker.cancelled".
    async fn draft(
        &self,
        job: DraftJob,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftOutcome, Fault>;

    /// Answers several prompts about the same images; each answer goes to `answers` with its prompt's index as soon as it
    /// is whole. Those that a cancel cut short do not.
    async fn draft_together(
        &self,
        job: JointJob,
        answers: mpsc::UnboundedSender<(usize, DraftOutcome)>,
        cancel: &Cancel,
    ) -> Result<JointOutcome, Fault>;
}

/// What time it is, with the local offset.
pub trait Clock: Send + Sync {
    fn now(&self) -> OffsetDateTime;
}

/// Fresh ids that nobody can guess or has used.
pub trait Ids: Send + Sync {
    fn fresh(&self) -> String;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    pub offset: time::UtcOffset,
}

impl SystemClock {
    /// With the machine's own offset of this moment, or UTC where it cannot be told.
    pub fn local() -> SystemClock {
        SystemClock { offset: local_offset().unwrap_or(time::UtcOffset::UTC) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc().to_offset(self.offset)
    }
}

#[cfg(unix)]
fn local_offset() -> Option<time::UtcOffset> {
    let now = libc::time_t::try_from(OffsetDateTime::now_utc().unix_timestamp()).ok()?;
    let mut local = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of the right types; an all-zero `tm` is valid.
    let local = unsafe {
        if libc::localtime_r(&now, local.as_mut_ptr()).is_null() {
            return None;
        }
        local.assume_init()
    };
    time::UtcOffset::from_whole_seconds(i32::try_from(local.tm_gmtoff).ok()?).ok()
}

#[cfg(not(unix))]
fn local_offset() -> Option<time::UtcOffset> {
    None
}

/// 128 random bits of the operating system, in hex.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn fresh(&self) -> String {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        hex::encode(bytes)
    }
}
