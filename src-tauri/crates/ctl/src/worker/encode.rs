//! `hilumctl worker encode`: MedSigLIP behind a pipe.

use super::{Figures, check_pack, last_panic, pipe};
use crate::memory;
use hilum_encoders::{Encoder, PatchFeatures};
use hilum_workers::messages::encode::{EncodeReply, EncodeRequest};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// A loaded pack, and what the last map was read from: a reader looks at one image's
/// findings one after another, and only the first costs a pass through the model.
struct Loaded {
    folder: PathBuf,
    encoder: Encoder,
    last: Option<(Vec<u8>, PatchFeatures)>,
}

/// A code and a sentence.
type Refusal = (String, String);

pub fn serve(out: pipe::Pipe, figures: &Figures) -> ExitCode {
    out.beat(EncodeReply::Heartbeat);
    let requests = pipe::requests::<EncodeRequest>(|_| {});
    let mut loaded: Option<Loaded> = None;
    while let Ok((request, body)) = requests.recv() {
        let id = id_of(&request);
        let prepare = matches!(request, EncodeRequest::Load { .. });
        let answer = catch_unwind(AssertUnwindSafe(|| answer(&mut loaded, figures, request, &body)));
        match answer {
            Ok(Ok((reply, body))) => out.send(&reply, &body),
            Ok(Err((code, message))) => out.send(&EncodeReply::Failed { id, code, message }, &[]),
            Err(_) => {
                let message = format!("the encoder gave up at {}", last_panic());
                out.send(&EncodeReply::Failed { id, code: "encoder.panicked".into(), message }, &[]);
                pipe::end(101);
            }
        }
        if prepare && let Some(Loaded { encoder, .. }) = &loaded {
            // The prompts' embeddings are made while nobody waits yet; the first scores say what failed.
            let _ = catch_unwind(AssertUnwindSafe(|| encoder.prepare_scores().is_ok()));
        }
    }
    ExitCode::SUCCESS
}

fn id_of(request: &EncodeRequest) -> u64 {
    match request {
        EncodeRequest::Load { id, .. }
        | EncodeRequest::Image { id, .. }
        | EncodeRequest::Map { id, .. }
        | EncodeRequest::Texts { id, .. } => *id,
    }
}

fn answer(
    loaded: &mut Option<Loaded>,
    figures: &Figures,
    request: EncodeRequest,
    body: &[u8],
) -> Result<(EncodeReply, Vec<u8>), Refusal> {
    let begun = Instant::now();
    let seconds = || begun.elapsed().as_secs_f64();
    let failed = |e: hilum_encoders::EncoderError| (e.code().to_owned(), e.to_string());
    let not_loaded = || ("worker.not_loaded".to_owned(), "no pack is loaded".to_owned());
    match request {
        EncodeRequest::Load { id, pack_dir } => {
            *loaded = None;
            let dir = Path::new(&pack_dir);
            // The draft worker's engine asks the same.
            hilum_drafting::check_kernels().map_err(|e| ("encoder.kernels".to_owned(), e.to_string()))?;
            check_pack(dir).map_err(|e| (e.code().to_owned(), e.to_string()))?;
            let encoder = Encoder::load(dir).map_err(failed)?;
            let (side, dim) = (encoder.side() as u32, encoder.dim() as u32);
            *loaded = Some(Loaded { folder: dir.to_owned(), encoder, last: None });
            let seconds = seconds();
            figures.of(dir, |figures| {
                let took = memory::of_this_process(&memory::cpu());
                figures.device = took.device;
                (figures.memory_bytes, figures.peak_bytes) = (took.memory_bytes, took.peak_bytes);
                figures.load_seconds = Some(seconds);
            });
            Ok((EncodeReply::Loaded { id, side, dim, seconds }, Vec::new()))
        }
        EncodeRequest::Image { id, side } => {
            let Loaded { folder, encoder, .. } = loaded.as_ref().ok_or_else(not_loaded)?;
            check_side(encoder, side)?;
            let embedding = encoder.encode_image(body).map_err(failed)?;
            let scores = encoder.scores(&embedding).map_err(failed)?;
            let seconds = seconds();
            figures.of(folder, |figures| figures.image_seconds = Some(seconds));
            let reply = EncodeReply::Encoded { id, dim: encoder.dim() as u32, scores, seconds };
            Ok((reply, bytes_of(&embedding.0)))
        }
        EncodeRequest::Map { id, side, finding } => {
            let Loaded { encoder, last, .. } = loaded.as_mut().ok_or_else(not_loaded)?;
            check_side(encoder, side)?;
            let patches = match last.take() {
                Some((image, patches)) if image == body => patches,
                _ => encoder.encode_patches(body).map_err(failed)?,
            };
            let map = encoder.evidence_map(&patches, &finding).map_err(failed);
            *last = Some((body.to_vec(), patches));
            let map = map?;
            Ok((EncodeReply::Map { id, side: map.side as u32, seconds: seconds() }, bytes_of(&map.values)))
        }
        EncodeRequest::Texts { id, texts } => {
            let Loaded { encoder, .. } = loaded.as_ref().ok_or_else(not_loaded)?;
            let rows = encoder.encode_texts(&texts).map_err(failed)?;
            let reply = EncodeReply::Texts { id, count: rows.len() as u32, dim: encoder.dim() as u32 };
            Ok((reply, bytes_of(&rows.concat())))
        }
    }
}

fn check_side(encoder: &Encoder, side: u32) -> Result<(), Refusal> {
    if side as usize == encoder.side() {
        return Ok(());
    }
    let message = format!("the image is {side} x {side}, the model takes {0} x {0}", encoder.side());
    Err(("encoder.image_size".to_owned(), message))
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
