//! The engine: one model, one request at a time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use either::Either;
use hilum_workers::messages::draft::{AnswerRules, DraftOutcome, DraftPhase, DraftPrompt};
use image::{DynamicImage, GrayImage};
use mistralrs::{
    ChunkChoice, DeviceMapSetting, Model, MultimodalLoaderType, RequestBuilder, Response, TextMessageRole, TokenSource,
};
use tokio::runtime::Runtime;

use crate::DraftingError;
use crate::arithmetic::{EncodedImage, Turn, check_kernels, forget, install, table_of, times_asked, while_loading};
use crate::circumstances::{circumstances, encoding};
use crate::greedy::Greedy;
use crate::guide::Guides;
use crate::load::{CPU, builder, overlay, placed, quantised_file, room_after};
use crate::prompts::{BEGIN, ControlTokens, IMAGE, Tokenizer, prompt_text, render_turn};
use crate::sections::{sections_of, whole_sentences};
use crate::spelling::ModelShape;
use crate::stream::ReportText;
use crate::structure::Frame;
use crate::together::{Place, TOGETHER, WRITTEN_TOGETHER};
use crate::token_table::TokenTable;
use crate::view::{TEMPLATE, make_view};
use crate::vocabulary::vocabulary_of;

/// How often a cancel request is looked at while the engine computes.
const LOOK: Duration = Duration::from_millis(25);

/// How often where the engine waits for what comes after.
const LOOK_HELD: Duration = Duration::from_millis(3);

/// How long a cancelled prompt may still take before the process has to be killed. The
/// person was promised two seconds, and killing takes a moment too.
const GRACE: Duration = Duration::from_millis(1000);

/// Tokens around each image: begin and end of image and the line breaks beside them.
const AROUND_IMAGE: usize = 4;

/// What happens during a draft, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DraftEvent<'a> {
    /// Where the draft is, and how much of that phase is done (0 to 1) where it is known.
    Phase(DraftPhase, Option<f32>),
    /// Report text since the last one; whole characters, thinking left out.
    Text(&'a str),
}

/// A loaded MedGemma. Its calls block; call them from a thread that belongs to no runtime.
pub struct Engine {
    pub(crate) model: Model,
    /// Taken when the engine is dropped, so that it may be dropped anywhere.
    pub(crate) runtime: Option<Runtime>,
    pub(crate) shape: ModelShape,
    device: String,
    pub(crate) tokens: ControlTokens,
    guides: Guides,
    /// Whether answers that are written together are those that would be written apart.
    pub(crate) joins: bool,
    /// Tokens of prompts that were known from the prompt before.
    reused: AtomicUsize,
    begin: u32,
    pub(crate) adds_begin: bool,
    /// What the engine reads its token table from, where it does not hold it itself.
    _table: Option<Arc<TokenTable>>,
}

impl Engine {
    /// [`Self::load_in`] the system's temporary folder.
    ///
    /// # Errors
    /// As [`Self::load_in`].
    pub fn load(folder: &Path, on_progress: impl FnMut(DraftPhase, Option<f32>)) -> Result<Self, DraftingError> {
        Self::load_in(folder, &std::env::temp_dir(), on_progress)
    }

    /// Loads a Gemma 3 vision-language folder, in either spelling, in float32 on the CPU.
    ///
    /// The engine is given a view of the folder, which is made in `place` and removed before
    /// this returns. It is small unless tensors have to be renamed, when it takes
    /// [`crate::view_bytes`]; whoever kills a load has to sweep `place`. No connection is opened.
    ///
    /// # Errors
    /// Anything from a file that cannot be read to a model that the engine refuses, and an
    /// environment that asks for instructions that are not there ([`check_kernels`]). The
    /// engine may also panic on malformed weights: a process boundary has to catch that.
    pub fn load_in(
        folder: &Path,
        place: &Path,
        mut on_progress: impl FnMut(DraftPhase, Option<f32>),
    ) -> Result<Self, DraftingError> {
        check_kernels()?;
        on_progress(DraftPhase::LoadingModel, None);
        let view = tempfile::Builder::new()
            .prefix("hilum-model-")
            .tempdir_in(place)
            .map_err(|source| DraftingError::Write { path: place.to_owned(), source })?;
        let shape = make_view(folder, view.path())?;
        let path = folder.join("tokenizer.json");
        let tokenizer = Tokenizer::read(&path)?;
        for token in [IMAGE, "<end_of_image>", "<image_soft_token>"] {
            if tokenizer.id_of(token).is_none() {
                return Err(DraftingError::Tokenizer { path, token });
            }
        }
        let begin =
            tokenizer.id_of(BEGIN).ok_or_else(|| DraftingError::Tokenizer { path: path.clone(), token: BEGIN })?;

        let guides = Guides::new(vocabulary_of(&path, &shape.end_tokens)?, shape.end_tokens.clone())?;

        // One thread is enough here: the engine computes on threads of its own. It also
        // keeps mistral.rs from answering "hello" once before the first real prompt.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DraftingError::Runtime)?;
        let quantised = quantised_file(folder)?.is_some();
        let (builder, device) = placed(builder(folder, view.path())?);
        let joins = quantised && device.starts_with(CPU) && overlay().contains(WRITTEN_TOGETHER);
        let builder = builder
            .with_loader_type(MultimodalLoaderType::Gemma3)
            .with_device_mapping(DeviceMapSetting::dummy())
            .with_token_source(TokenSource::None)
            .with_jinja_explicit(view.path().join(TEMPLATE).display().to_string())
            // A draft must not depend on the drafts before it, and a cache would hold a
            // copy of keys and values for each of them.
            .with_prefix_cache_n(None)
            .with_max_num_seqs(if joins { TOGETHER } else { 1 });
        install();
        let table = if quantised { table_of(view.path()) } else { None };
        let model = while_loading(table.as_ref(), || runtime.block_on(builder.build()))
            .map_err(|error| DraftingError::Load { path: folder.to_owned(), what: format!("{error:#}") })?;
        return_free_memory();
        on_progress(DraftPhase::LoadingModel, Some(1.0));
        Ok(Self {
            model,
            runtime: Some(runtime),
            shape,
            device,
            tokens: tokenizer.control_tokens(),
            guides,
            joins,
            reused: AtomicUsize::new(0),
            begin,
            adds_begin: tokenizer.adds_begin(),
            _table: table,
        })
    }

    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// What it computes on, in words for a person.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// How often an image was known already, and how often the image tower read one.
    pub fn images_read(&self) -> (usize, usize) {
        let logger = self.model.inner().get_logger(None).ok();
        logger.and_then(|logger| logger.encoder_cache_stats()).unwrap_or_default()
    }

    /// Tokens of all prompts so far that were not read again because the prompt before began with them.
    pub fn tokens_reused(&self) -> usize {
        self.reused.load(Ordering::Relaxed)
    }

    /// How often the engine of this process has asked so far, while prompts were read, whether to go on.
    pub fn times_asked(&self) -> usize {
        times_asked()
    }

    /// Writes one draft, greedily, and keeps everything that explains it.
    ///
    /// `images` are square, grey, of the model's side, oldest first. At most `max_tokens`
    /// tokens are written, fewer where the model's window ends. Setting `cancel` while
    /// text is being written ends the draft within one token, with what there is and
    /// `finish` "cancelled". [`DraftOutcome::id`] is left to the caller.
    ///
    /// The answer to a structured prompt always has the template's shape; where it would
    /// have run out of tokens, the frame is completed without the model (`finish`
    /// "closed") and the sentence that this cut short is in `text` but in no section.
    /// An image that was read before is not read again: the engine keeps the tower's
    /// output of the last images. A prompt that begins as the last one did is read from
    /// where it differs; the numbers are the same as if all of it were read, so that an
    /// answer never depends on the answers before it.
    ///
    /// # Errors
    /// [`DraftingError::MustBeKilled`] where `cancel` was set while the prompt was being
    /// read and reading went on: the engine as released cannot stop there, its process has
    /// to go. The edited one stops before the next part of a layer, with `finish` "cancelled".
    pub fn draft(
        &self,
        images: &[GrayImage],
        prompt: &DraftPrompt,
        max_tokens: u32,
        sink: impl FnMut(DraftEvent<'_>),
        cancel: &AtomicBool,
    ) -> Result<DraftOutcome, DraftingError> {
        self.draft_knowing(images, vec![None; images.len()], prompt, max_tokens, sink, cancel)
            .map(|(outcome, _)| outcome)
    }

    /// What an image is encoded by, apart from the pack. Of two that differ, neither may take the other's images: an answer
    /// has to come out the same whether its image was known or not.
    pub fn encoding(&self) -> [u8; 32] {
        encoding(&self.device)
    }

    /// [`Self::draft`] where some of the images may have been encoded before, by this model or the same one in an earlier
    /// process: `known` has one entry an image. Also returns those that were encoded now, by index, with them those whose
    /// entry cannot be one of this model's.
    ///
    /// # Errors
    /// As [`Self::draft`].
    pub fn draft_knowing(
        &self,
        images: &[GrayImage],
        known: Vec<Option<EncodedImage>>,
        prompt: &DraftPrompt,
        max_tokens: u32,
        mut sink: impl FnMut(DraftEvent<'_>),
        cancel: &AtomicBool,
    ) -> Result<(DraftOutcome, Vec<(usize, EncodedImage)>), DraftingError> {
        self.check_images(images)?;
        let rendered = render_turn(images.len(), &prompt_text(prompt, &self.tokens)?);
        let runtime = self.runtime.as_ref().ok_or(DraftingError::EngineDied)?;
        let turn = Turn::begin(self.sound(known));
        let alone = || {};
        let place = Place { submitted: &alone, on_its_way: &alone, hold: None };
        let write = async {
            let room = self.room(&rendered, images.len()).await?;
            self.write(&turn, place, images, prompt, rendered, max_tokens, room, &mut sink, cancel).await
        };
        let outcome = runtime.block_on(write)?;
        Ok((outcome, turn.encoded()))
    }

    /// What is known of each image, where it is as many numbers as this model makes of one, and all of them are numbers. What
    /// was damaged counts as not known: the image is encoded anew.
    pub(crate) fn sound(&self, known: Vec<Option<EncodedImage>>) -> Vec<Option<EncodedImage>> {
        let length = self.shape.image_tokens * self.shape.hidden;
        let sound = |image: &EncodedImage| image.len() == length && image.iter().all(|number| number.is_finite());
        known.into_iter().map(|image| image.filter(sound)).collect()
    }

    pub(crate) fn check_images(&self, images: &[GrayImage]) -> Result<(), DraftingError> {
        let side = self.shape.side;
        match images.iter().enumerate().find(|(_, image)| image.dimensions() != (side, side)) {
            Some((index, image)) => {
                let (width, height) = image.dimensions();
                Err(DraftingError::ImageSize { index, width, height, side })
            }
            None => Ok(()),
        }
    }

    /// Writes one answer within `turn`, at its place among others. `room`: most tokens after the prompt.
    #[allow(clippy::too_many_arguments)]
    pub(crate) async fn write(
        &self,
        turn: &Turn,
        place: Place<'_>,
        images: &[GrayImage],
        prompt: &DraftPrompt,
        rendered: String,
        max_tokens: u32,
        room: usize,
        sink: &mut dyn FnMut(DraftEvent<'_>),
        cancel: &AtomicBool,
    ) -> Result<DraftOutcome, DraftingError> {
        let sent = self.sent(&rendered);
        let max_tokens = (max_tokens as usize).clamp(1, room);

        let (guide, grammar) = match Frame::for_prompt(prompt) {
            Some(frame) => {
                let (guide, grammar) = self.guides.structured(frame, rules_of(prompt), max_tokens)?;
                (Some(guide), Some(grammar))
            }
            None if matches!(prompt, DraftPrompt::YesNo { .. }) => (Some(self.guides.yes_no(max_tokens)), None),
            None => (None, None),
        };
        let circumstances = circumstances(images, grammar.as_deref(), &self.device, max_tokens);
        let held = place.hold.is_some();
        let greedy = Greedy::shared(guide, place.hold);
        let images: Vec<DynamicImage> = images.iter().cloned().map(DynamicImage::ImageLuma8).collect();
        let request = match images.is_empty() {
            true => RequestBuilder::new().add_message(TextMessageRole::User, sent),
            false => RequestBuilder::new().add_image_message(TextMessageRole::User, sent, images),
        };
        let request = request
            .set_deterministic_sampler()
            // Where none is given, the engine takes 1 and sorts a quarter of a million probabilities, of which one is left.
            .set_sampler_temperature(0.0)
            .set_sampler_max_len(max_tokens)
            .return_logprobs(true)
            .add_logits_processor(greedy.clone());

        let started = Instant::now();
        let mut shown = 0.0;
        sink(DraftEvent::Phase(DraftPhase::ReadingImage, None));
        let mut stream = self.model.stream_chat_request(request).await.map_err(|_| DraftingError::EngineDied)?;
        (place.submitted)();
        let mut outcome = DraftOutcome { prompt: rendered, circumstances, ..DraftOutcome::default() };
        let mut report = ReportText::default();
        let mut first_token = None;
        let mut reused = None;
        let mut written = 0;
        let mut cancelled_at: Option<Instant> = None;
        loop {
            if cancel.load(Ordering::Relaxed) {
                let asked = *cancelled_at.get_or_insert_with(Instant::now);
                if greedy.tokens() > 0 {
                    outcome.finish = "cancelled".to_owned();
                    break;
                }
                turn.stop();
                if asked.elapsed() > GRACE {
                    return Err(DraftingError::MustBeKilled);
                }
            }
            let look = if held && written < 2 { LOOK_HELD } else { LOOK };
            let response = tokio::time::timeout(look, stream.next()).await;
            // Tokens that end inside a character bring no chunk, so progress does not wait
            // for one.
            if greedy.tokens() > written {
                written = greedy.tokens();
                if written > 1 {
                    (place.on_its_way)();
                }
                if first_token.is_none() {
                    first_token = Some(Instant::now());
                    reused = turn.reused();
                    self.check_begin(&greedy.record().prompt)?;
                }
                let done = (written as f32 / max_tokens as f32).min(1.0);
                sink(DraftEvent::Phase(DraftPhase::Writing, Some(done)));
            }
            if let Some(fault) = greedy.take_fault() {
                return Err(fault);
            }
            let Ok(response) = response else {
                let read = turn.read();
                if greedy.tokens() == 0 && read > shown {
                    shown = read;
                    sink(DraftEvent::Phase(DraftPhase::ReadingImage, Some(read.min(1.0))));
                }
                continue;
            };
            let chunk = match response {
                // The engine ended the prompt because it was told to.
                Some(Response::ModelError(..) | Response::InternalError(_)) if cancelled_at.is_some() => {
                    outcome.finish = "cancelled".to_owned();
                    break;
                }
                Some(Response::Chunk(chunk)) => chunk,
                Some(Response::ModelError(what, _)) => return Err(DraftingError::Engine(what)),
                Some(Response::InternalError(what) | Response::ValidationError(what)) => {
                    return Err(DraftingError::Engine(what.to_string()));
                }
                Some(_) => return Err(DraftingError::Engine("an answer of another kind".into())),
                // An answer that ends inside a character ends without a last chunk.
                None => {
                    let record = greedy.record().until_its_end(&self.shape.end_tokens, max_tokens);
                    let ended = self.finish_of(&record.tokens, max_tokens);
                    outcome.finish = ended.ok_or(DraftingError::EngineDied)?.to_owned();
                    break;
                }
            };
            let Some(choice) = chunk.choices.first() else { continue };
            let piece = visible(&mut report, choice);
            if !piece.is_empty() {
                outcome.text.push_str(piece);
                sink(DraftEvent::Text(piece));
            }
            if let Some(reason) = &choice.finish_reason {
                outcome.finish = reason.clone();
                break;
            }
        }
        // Dropping the stream is what stops the engine: its next token finds nobody.
        drop(stream);
        let reused = reused.map_or(0, |(known, _)| known);
        self.reused.fetch_add(reused, Ordering::Relaxed);
        outcome.reused_tokens = reused as u32;
        let first_token = first_token.unwrap_or_else(Instant::now);
        outcome.prompt_seconds = (first_token - started).as_secs_f64();
        outcome.decode_seconds = first_token.elapsed().as_secs_f64();
        let record = greedy.record().until_its_end(&self.shape.end_tokens, max_tokens);
        outcome.prompt_token_ids = record.prompt;
        outcome.token_ids = record.tokens;
        outcome.logprobs = record.logprobs;
        outcome.text.truncate(outcome.text.trim_end().len());
        let guide = greedy.take_guide();
        outcome.sections = match guide.as_ref().and_then(|guide| guide.frame()) {
            Some((frame, cut)) => frame.sections(&outcome.text, cut),
            None => sections_of(whole_sentences(&outcome.text, &outcome.finish)),
        };
        if let DraftPrompt::Section { section, .. } = prompt {
            outcome.sections.retain(|one| one.section == section.name());
        }
        // Where it was cut short, the last answer may not have come yet.
        let whole = outcome.finish != "cancelled";
        outcome.yes_no = guide.as_ref().filter(|_| whole).and_then(|guide| guide.answer());
        if whole && guide.is_some_and(|guide| guide.closed()) {
            outcome.finish = "closed".to_owned();
        }
        Ok(outcome)
    }

    /// The prompt as it is given to the tokenizer, which may add the begin token itself.
    fn sent(&self, rendered: &str) -> String {
        match self.adds_begin {
            true => rendered.trim_start_matches(BEGIN).to_owned(),
            false => rendered.to_owned(),
        }
    }

    /// Tokens of a prompt, those of its images with them. The engine is asked, which has to be idle.
    pub(crate) async fn length(&self, rendered: &str, images: usize) -> Result<usize, DraftingError> {
        let words = self
            .model
            .tokenize(Either::Right(self.sent(rendered)), None, true, false, None)
            .await
            .map_err(|error| DraftingError::Engine(error.to_string()))?
            .len();
        Ok(words + images * (self.shape.image_tokens + AROUND_IMAGE))
    }

    /// Tokens that may be written after this prompt.
    async fn room(&self, rendered: &str, images: usize) -> Result<usize, DraftingError> {
        room_after(self.length(rendered, images).await?, &self.shape)
    }

    /// Why an answer with these tokens is complete, if it is.
    fn finish_of(&self, tokens: &[u32], max_tokens: usize) -> Option<&'static str> {
        match tokens.last() {
            Some(last) if self.shape.end_tokens.contains(last) => Some("stop"),
            _ if tokens.len() >= max_tokens => Some("length"),
            _ => None,
        }
    }

    /// A second begin token changes every probability, so the prompt is looked at as the
    /// model read it.
    fn check_begin(&self, prompt: &[u32]) -> Result<(), DraftingError> {
        let found = prompt.iter().filter(|&&token| token == self.begin).count();
        match found == 1 && prompt.first() == Some(&self.begin) {
            true => Ok(()),
            false => Err(DraftingError::BeginTokens { found }),
        }
    }
}

/// Gives what loading left behind back to the system: reading a vocabulary of 262144 words
/// leaves about 250 MB of free heap that nothing would ever ask for again.
fn return_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// What an answer to this prompt may hold.
fn rules_of(prompt: &DraftPrompt) -> &AnswerRules {
    static PLAIN: AnswerRules = AnswerRules { comparison: false, measured: Vec::new() };
    match prompt {
        DraftPrompt::Sections { rules, .. } | DraftPrompt::Section { rules, .. } => rules,
        _ => &PLAIN,
    }
}

/// The report text of one chunk.
fn visible<'a>(report: &mut ReportText, choice: &'a ChunkChoice) -> &'a str {
    let token = choice.logprobs.as_ref().and_then(|token| token.bytes.as_deref());
    let token = token.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    report.pass(token, choice.delta.content.as_deref().unwrap_or_default())
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The next model that reads a prompt may be long in coming.
        forget();
        // A runtime may not be dropped inside another one; this way it may.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
