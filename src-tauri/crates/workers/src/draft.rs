//! The draft worker as a typed port: MedGemma's drafts, streamed and cancellable.

use crate::{
    Cancel, WorkerError, WorkerLimits, WorkerState,
    locate::locate,
    messages::draft::{DraftOutcome, DraftPhase, DraftPrompt, DraftReply, DraftRequest, Took},
    model::{Client, Meaning, Role},
};
use std::path::{Path, PathBuf};
use tokio::sync::{mpsc, watch};

/// A handle on the draft worker; copies share one child, which ends with the last of them.
#[derive(Clone)]
pub struct DraftWorker(Client<Draft>);

/// What a loaded drafting model says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct DrafterLoaded {
    /// Side of the square images that it takes, in pixels.
    pub side: u32,
    pub seconds: f64,
    pub took: Took,
}

/// What to draft from.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftJob {
    /// Side of each image in pixels.
    pub side: u32,
    /// None, one, or two images (prior first, then current), `side` x `side` bytes of grey each.
    pub images: Vec<Vec<u8>>,
    pub prompt: DraftPrompt,
    pub max_tokens: u32,
    /// The images that an earlier draft of the same pack encoded ([`DraftOutcome::encoded`]), one entry an image; or
    /// nothing.
    pub encoded: Vec<Option<Vec<u8>>>,
}

/// Several prompts about the same images.
#[derive(Debug, Clone, PartialEq)]
pub struct JointJob {
    /// As in [`DraftJob`], like the images and what is known of them.
    pub side: u32,
    pub images: Vec<Vec<u8>>,
    pub prompts: Vec<DraftPrompt>,
    /// Of each answer.
    pub max_tokens: u32,
    pub encoded: Vec<Option<Vec<u8>>>,
}

/// How the answering of several prompts ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JointOutcome {
    /// It was stopped before all were answered.
    pub cancelled: bool,
    /// The images that were encoded for it ([`DraftOutcome::encoded`]).
    pub encoded: Vec<(u32, Vec<u8>)>,
}

/// What happens while a model is loaded or a draft is written.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftEvent {
    Progress {
        phase: DraftPhase,
        /// 0 to 1 where it is known.
        fraction: Option<f32>,
        seconds: f64,
    },
    /// Text since the last one.
    Text(String),
}

impl DraftWorker {
    /// Prepares a worker run by `program worker draft`; the child starts on demand.
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

    /// Loads a pack in place of the one before; returns at once when it is loaded
    /// already. Progress goes to `events` where somebody listens.
    pub async fn load(
        &self,
        pack_dir: &Path,
        events: Option<mpsc::UnboundedSender<DraftEvent>>,
        cancel: &Cancel,
    ) -> Result<DrafterLoaded, WorkerError> {
        let (reply, _) = listen(events, event_of, |parts| self.0.load(pack_dir, parts, cancel)).await?;
        match reply {
            DraftReply::Loaded { side, seconds, took, .. } => Ok(DrafterLoaded { side, seconds, took }),
            _ => Err(garbled()),
        }
    }

    /// Writes one draft. A worker whose child died or was ended since loads its pack first.
    ///
    /// A cancel returns in less than two seconds whatever the worker does: with
    /// the outcome so far (`finish` is "cancelled") when the child answers in
    /// time, else with [`WorkerError::Cancelled`] after ending the child.
    ///
    /// # Errors
    /// [`WorkerError::NotLoaded`] before the first [`DraftWorker::load`]; the
    /// engine's own code as [`WorkerError::Refused`]; `worker.*` when the child failed.
    pub async fn draft(
        &self,
        job: DraftJob,
        events: Option<mpsc::UnboundedSender<DraftEvent>>,
        cancel: &Cancel,
    ) -> Result<DraftOutcome, WorkerError> {
        let DraftJob { side, images, prompt, max_tokens, encoded } = job;
        let (count, body, encoded) = body_of(&images, &encoded);
        // A token is at most one part; the rest is progress, a few a second.
        let max_parts = u64::from(max_tokens) + 16384;
        let request = move |id| DraftRequest::Draft { id, side, images: count, prompt, max_tokens, encoded };
        let asked = |parts| self.0.ask(request, body, parts, max_parts, cancel);
        match listen(events, event_of, asked).await? {
            (DraftReply::Finished(mut outcome), body) => {
                outcome.encoded = parts(&outcome.encoded_bytes, &body).ok_or_else(garbled)?;
                Ok(*outcome)
            }
            _ => Err(garbled()),
        }
    }

    /// Answers several prompts about the same images, some of them at a time. Each answer goes to `answers` with the
    /// index of its prompt as soon as it is whole; those that a cancel cut short do not.
    ///
    /// # Errors
    /// As [`DraftWorker::draft`].
    pub async fn draft_together(
        &self,
        job: JointJob,
        answers: mpsc::UnboundedSender<(usize, DraftOutcome)>,
        cancel: &Cancel,
    ) -> Result<JointOutcome, WorkerError> {
        let JointJob { side, images, prompts, max_tokens, encoded } = job;
        let (count, body, encoded) = body_of(&images, &encoded);
        let most = prompts.len();
        let request = move |id| DraftRequest::DraftTogether { id, side, images: count, prompts, max_tokens, encoded };
        let answer_of = |part| match part {
            DraftReply::Answered { index, outcome, .. } if (index as usize) < most && outcome.finish != "cancelled" => {
                Some((index as usize, *outcome))
            }
            _ => None,
        };
        let asked = |parts| self.0.ask(request, body, parts, 16384, cancel);
        match listen(Some(answers), answer_of, asked).await? {
            (DraftReply::Finished(outcome), body) => Ok(JointOutcome {
                cancelled: outcome.finish == "cancelled",
                encoded: parts(&outcome.encoded_bytes, &body).ok_or_else(garbled)?,
            }),
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

/// Passes the parts of an answer on as what `of` makes of them while the answer is awaited; every
/// one was sent when this returns.
async fn listen<T, E>(
    events: Option<mpsc::UnboundedSender<E>>,
    of: impl Fn(DraftReply) -> Option<E>,
    ask: impl AsyncFnOnce(Option<mpsc::UnboundedSender<DraftReply>>) -> T,
) -> T {
    let Some(events) = events else { return ask(None).await };
    let (parts, mut inbox) = mpsc::unbounded_channel();
    let pass_on = async {
        while let Some(part) = inbox.recv().await {
            if let Some(event) = of(part) {
                let _ = events.send(event);
            }
        }
    };
    // The asking side drops `parts` when it is answered, which ends the passing on.
    let (answer, ()) = tokio::join!(ask(Some(parts)), pass_on);
    answer
}

fn event_of(part: DraftReply) -> Option<DraftEvent> {
    match part {
        DraftReply::Progress { phase, fraction, seconds, .. } => {
            Some(DraftEvent::Progress { phase, fraction, seconds })
        }
        DraftReply::Token { text, .. } => Some(DraftEvent::Text(text)),
        _ => None,
    }
}

/// Number of images, the body of a request with them and what is known of them, and the bytes of the latter.
fn body_of(images: &[Vec<u8>], encoded: &[Option<Vec<u8>>]) -> (u32, Vec<u8>, Vec<u64>) {
    let mut body = images.concat();
    body.extend(encoded.iter().flatten().flatten());
    let sizes = encoded.iter().map(|image| image.as_ref().map_or(0, Vec::len) as u64).collect();
    (images.len() as u32, body, sizes)
}

/// The body cut into parts of these sizes; `None` unless it is exactly them.
fn parts(sizes: &[(u32, u64)], mut body: &[u8]) -> Option<Vec<(u32, Vec<u8>)>> {
    let mut parts = Vec::with_capacity(sizes.len());
    for &(index, size) in sizes {
        let (part, rest) = body.split_at_checked(usize::try_from(size).ok()?)?;
        parts.push((index, part.to_vec()));
        body = rest;
    }
    body.is_empty().then_some(parts)
}

/// Most bytes of encoded images in a reply: two of 4096 tokens of 4096 numbers.
const MOST_ENCODED: u64 = 128 << 20;

fn garbled() -> WorkerError {
    WorkerError::Garbled(Draft::NAME)
}

struct Draft;

impl Role for Draft {
    const NAME: &'static str = "draft";
    type Request = DraftRequest;
    type Reply = DraftReply;

    fn load(id: u64, pack_dir: String) -> DraftRequest {
        DraftRequest::Load { id, pack_dir }
    }

    fn cancel(id: u64) -> Option<DraftRequest> {
        Some(DraftRequest::Cancel { id })
    }

    fn meaning(reply: &DraftReply) -> Meaning<'_> {
        match reply {
            DraftReply::Heartbeat => Meaning::Heartbeat,
            // No token of any vocabulary is as long as this; it bounds what an answer can take.
            DraftReply::Token { text, .. } if text.len() > 4096 => Meaning::Nonsense,
            DraftReply::Progress { id, .. } | DraftReply::Token { id, .. } | DraftReply::Answered { id, .. } => {
                Meaning::Part(*id)
            }
            DraftReply::Loaded { id, .. } => Meaning::Last(*id),
            DraftReply::Finished(outcome) => Meaning::Last(outcome.id),
            DraftReply::Failed { id, code, message } => Meaning::Failed { id: *id, code, message },
        }
    }

    fn steady(request: &DraftRequest) -> Option<&'static str> {
        match request {
            // Phases and tokens are told as they come.
            DraftRequest::Draft { .. } => Some("draft"),
            // Several answers are told together, each at its end, however long they are.
            DraftRequest::DraftTogether { .. } | DraftRequest::Load { .. } | DraftRequest::Cancel { .. } => None,
        }
    }

    fn body_limit(reply: &DraftReply) -> u64 {
        match reply {
            DraftReply::Finished(outcome) => {
                outcome.encoded_bytes.iter().fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes)).min(MOST_ENCODED)
            }
            _ => 0,
        }
    }
}
