//! `hilumctl worker draft`: MedGemma behind a pipe.

use super::{Figures, check_pack, last_panic, pipe, place::Place};
use crate::{library::speed_of, memory};
use hilum_drafting::{DraftEvent, EncodedImage, Engine};
use hilum_workers::messages::draft::{DraftOutcome, DraftPhase, DraftReply, DraftRequest};
use image::GrayImage;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Bytes before the numbers of an encoded image: what it was encoded by ([`Engine::encoding`]).
pub const ENCODING_BYTES: usize = 32;

/// Progress within a phase is said this often at most.
const EVERY: Duration = Duration::from_millis(250);

/// Why a request was not carried out, and whether this process can go on.
struct Refusal {
    code: String,
    message: String,
    fatal: bool,
}

impl Refusal {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), fatal: false }
    }
}

impl From<hilum_drafting::DraftingError> for Refusal {
    fn from(e: hilum_drafting::DraftingError) -> Self {
        Self { code: e.code().to_owned(), message: e.to_string(), fatal: e.ends_the_process() }
    }
}

/// The newest draft that was asked for, and the switch that stops it.
type Newest = Arc<Mutex<(u64, Arc<AtomicBool>)>>;

pub fn serve(out: pipe::Pipe, figures: &Figures) -> ExitCode {
    out.beat(DraftReply::Heartbeat);
    let newest: Newest = Arc::default();
    let seen = newest.clone();
    let requests = pipe::requests::<DraftRequest>(move |request| {
        let mut newest = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match request {
            DraftRequest::Draft { id, .. } | DraftRequest::DraftTogether { id, .. } => *newest = (*id, Arc::default()),
            DraftRequest::Cancel { id } if *id == newest.0 => newest.1.store(true, Ordering::Relaxed),
            _ => {}
        }
    });
    let mut engine: Option<Engine> = None;
    let mut folder = PathBuf::new();
    while let Ok((request, body)) = requests.recv() {
        let id = match &request {
            DraftRequest::Load { id, .. } | DraftRequest::Draft { id, .. } | DraftRequest::DraftTogether { id, .. } => {
                *id
            }
            // It has been seen when it arrived.
            DraftRequest::Cancel { .. } => continue,
        };
        let stop = {
            let newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
            if newest.0 == id { newest.1.clone() } else { Arc::default() }
        };
        let teller = Teller { out: &out, id, begun: Instant::now(), last: None };
        let answer =
            catch_unwind(AssertUnwindSafe(|| answer(&mut engine, &mut folder, figures, request, &body, teller, &stop)));
        let refusal = match answer {
            Ok(Ok(reply)) => {
                let body = match &reply {
                    DraftReply::Finished(outcome) => {
                        outcome.encoded.iter().flat_map(|(_, bytes)| bytes).copied().collect()
                    }
                    _ => Vec::new(),
                };
                out.send(&reply, &body);
                continue;
            }
            Ok(Err(refusal)) => refusal,
            Err(_) => {
                let message = format!("the engine gave up at {}", last_panic());
                Refusal { fatal: true, ..Refusal::new("drafting.panicked", message) }
            }
        };
        // A prompt that cannot be stopped has been cancelled: the parent takes this end for that.
        if refusal.fatal && stop.load(Ordering::Relaxed) {
            pipe::end(3);
        }
        out.send(&DraftReply::Failed { id, code: refusal.code, message: refusal.message }, &[]);
        if refusal.fatal {
            pipe::end(3);
        }
    }
    ExitCode::SUCCESS
}

fn answer(
    engine: &mut Option<Engine>,
    folder: &mut PathBuf,
    figures: &Figures,
    request: DraftRequest,
    body: &[u8],
    mut teller: Teller<'_>,
    stop: &AtomicBool,
) -> Result<DraftReply, Refusal> {
    let begun = Instant::now();
    match request {
        DraftRequest::Load { id, pack_dir } => {
            *engine = None;
            let dir = Path::new(&pack_dir);
            teller.tell(DraftEvent::Phase(DraftPhase::LoadingModel, None));
            check_pack(dir).map_err(|e| Refusal::new(e.code(), e.to_string()))?;
            let place = Place::of(&[dir], figures.0.as_deref()).map_err(|e| Refusal::new(e.code(), e.to_string()))?;
            let say = |phase, done| teller.tell(DraftEvent::Phase(phase, done));
            let loaded = engine.insert(Engine::load_in(dir, &place.path(), say)?);
            drop(place);
            let (side, seconds) = (loaded.shape().side, begun.elapsed().as_secs_f64());
            let took = memory::of_this_process(loaded.device());
            let changed = took.clone();
            figures.of(dir, |figures| {
                figures.device = changed.device;
                (figures.memory_bytes, figures.peak_bytes) = (changed.memory_bytes, changed.peak_bytes);
                figures.load_seconds = Some(seconds);
            });
            *folder = dir.to_owned();
            Ok(DraftReply::Loaded { id, side, seconds, took })
        }
        DraftRequest::Draft { id, side, images, prompt, max_tokens, encoded } => {
            let engine = engine.as_ref().ok_or_else(not_loaded)?;
            let (images, known) = inputs_of(engine, body, side, images, &encoded)?;
            let (outcome, new) = engine.draft_knowing(&images, known, &prompt, max_tokens, |e| teller.tell(e), stop)?;
            figures.of(folder, |figures| speed_of(&outcome, figures));
            let (encoded_bytes, encoded) = encoded_of(engine, &new);
            Ok(DraftReply::Finished(Box::new(DraftOutcome { id, encoded_bytes, encoded, ..outcome })))
        }
        DraftRequest::DraftTogether { id, side, images, prompts, max_tokens, encoded } => {
            let engine = engine.as_ref().ok_or_else(not_loaded)?;
            let (images, known) = inputs_of(engine, body, side, images, &encoded)?;
            let answered = |index: usize, outcome: DraftOutcome| {
                let outcome = Box::new(DraftOutcome { id, ..outcome });
                teller.out.send(&DraftReply::Answered { id, index: index as u32, outcome }, &[]);
            };
            let new = engine.draft_together(&images, known, &prompts, max_tokens, answered, stop)?;
            let (encoded_bytes, encoded) = encoded_of(engine, &new);
            let finish = if stop.load(Ordering::Relaxed) { "cancelled" } else { "stop" }.to_owned();
            Ok(DraftReply::Finished(Box::new(DraftOutcome {
                id,
                finish,
                encoded_bytes,
                encoded,
                ..DraftOutcome::default()
            })))
        }
        DraftRequest::Cancel { .. } => unreachable!("seen when it arrived"),
    }
}

fn not_loaded() -> Refusal {
    Refusal::new("worker.not_loaded", "no pack is loaded")
}

/// The images of a request, and what it knows of them.
fn inputs_of(
    engine: &Engine,
    body: &[u8],
    side: u32,
    images: u32,
    encoded: &[u64],
) -> Result<(Vec<GrayImage>, Vec<Option<EncodedImage>>), Refusal> {
    let known = encoded.iter().try_fold(0u64, |sum, &size| sum.checked_add(size).filter(|_| size % 4 == 0));
    let cut = known.and_then(|known| body.len().checked_sub(usize::try_from(known).ok()?));
    let cut = cut.filter(|_| images <= 2).ok_or_else(|| not_images(body, images, side))?;
    let (body, rest) = body.split_at(cut);
    Ok((images_of(body, side, images)?, known_of(rest, encoded, images, &engine.encoding())?))
}

/// Index and length, and index and bytes, of each image that was encoded.
fn encoded_of(engine: &Engine, new: &[(usize, EncodedImage)]) -> (Vec<(u32, u64)>, Vec<(u32, Vec<u8>)>) {
    let encoding: [u8; ENCODING_BYTES] = engine.encoding();
    let bytes =
        |image: &[f32]| encoding.into_iter().chain(image.iter().flat_map(|x| x.to_le_bytes())).collect::<Vec<u8>>();
    let new: Vec<(u32, Vec<u8>)> = new.iter().map(|(index, image)| (*index as u32, bytes(image))).collect();
    (new.iter().map(|(index, bytes)| (*index, bytes.len() as u64)).collect(), new)
}

fn not_images(body: &[u8], count: u32, side: u32) -> Refusal {
    Refusal::new("drafting.image_size", format!("{} bytes are not {count} images of {side} x {side}", body.len()))
}

/// The images that were encoded before, one entry an image. Those that another program or another arithmetic encoded
/// count as not known; so do, with the engine, those that are not as many finite numbers as its model makes of an image.
fn known_of(
    mut body: &[u8],
    sizes: &[u64],
    images: u32,
    encoding: &[u8],
) -> Result<Vec<Option<EncodedImage>>, Refusal> {
    let mut known = vec![None; images as usize];
    if sizes.len() > known.len() {
        return Err(Refusal::new("drafting.image_size", format!("{} encoded images for {images}", sizes.len())));
    }
    for (known, &size) in known.iter_mut().zip(sizes) {
        let (image, rest) = body.split_at(size as usize);
        body = rest;
        let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let numbers = image.strip_prefix(encoding).filter(|numbers| !numbers.is_empty());
        *known = numbers.map(|numbers| numbers.chunks_exact(4).map(number).collect());
    }
    Ok(known)
}

fn images_of(body: &[u8], side: u32, count: u32) -> Result<Vec<GrayImage>, Refusal> {
    let area = side as usize * side as usize;
    if count > 2 || body.len() != area * count as usize || (count > 0 && area == 0) {
        return Err(not_images(body, count, side));
    }
    let image = |bytes: &[u8]| GrayImage::from_raw(side, side, bytes.to_vec());
    Ok(if area == 0 { Vec::new() } else { body.chunks_exact(area).filter_map(image).collect() })
}

/// Turns what the engine says into frames.
struct Teller<'a> {
    out: &'a pipe::Pipe,
    id: u64,
    begun: Instant,
    last: Option<(DraftPhase, Instant)>,
}

impl Teller<'_> {
    fn tell(&mut self, event: DraftEvent<'_>) {
        let id = self.id;
        match event {
            DraftEvent::Text(text) => self.out.send(&DraftReply::Token { id, text: text.to_owned() }, &[]),
            DraftEvent::Phase(phase, fraction) => {
                let said = self.last.is_some_and(|(last, at)| last == phase && at.elapsed() < EVERY);
                if said && fraction != Some(1.0) {
                    return;
                }
                self.last = Some((phase, Instant::now()));
                let seconds = self.begun.elapsed().as_secs_f64();
                self.out.send(&DraftReply::Progress { id, phase, fraction, seconds }, &[]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCODING: [u8; ENCODING_BYTES] = [7; ENCODING_BYTES];

    /// The bytes of an encoded image, as a worker with this arithmetic wrote them.
    fn written(encoding: [u8; ENCODING_BYTES], numbers: &[f32]) -> Vec<u8> {
        encoding.into_iter().chain(numbers.iter().flat_map(|number| number.to_le_bytes())).collect()
    }

    fn check(kept: &[Vec<u8>], images: u32, expected: Option<Vec<Option<EncodedImage>>>) {
        let sizes: Vec<u64> = kept.iter().map(|bytes| bytes.len() as u64).collect();
        assert_eq!(known_of(&kept.concat(), &sizes, images, &ENCODING).ok(), expected, "{kept:?}");
    }

    #[test]
    fn what_was_encoded_otherwise_is_not_known() {
        let numbers = vec![1.5, -2.0];
        let (whole, other) = (written(ENCODING, &numbers), written([8; ENCODING_BYTES], &numbers));
        let some = || Some(numbers.clone());
        check(&[], 0, Some(vec![]));
        check(&[], 2, Some(vec![None, None]));
        check(&[whole.clone()], 1, Some(vec![some()]));
        check(&[whole.clone()], 2, Some(vec![some(), None]));
        check(&[vec![], whole.clone()], 2, Some(vec![None, some()]));
        check(&[other, whole.clone()], 2, Some(vec![None, some()]));
        check(&[ENCODING.to_vec()], 1, Some(vec![None]));
        check(&[whole[..28].to_vec()], 1, Some(vec![None]));
        check(&[whole[4..].to_vec(), whole.clone()], 2, Some(vec![None, some()]));
        check(&[whole.clone(), whole], 1, None);
    }
}
