//! `hilumctl worker encode`: MedSigLIP behind a pipe.

use super::{check_pack, last_panic, pipe};
use hilum_encoders::Encoder;
use hilum_workers::messages::encode::{EncodeReply, EncodeRequest};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    time::Instant,
};

/// A code and a sentence.
type Refusal = (String, String);

pub fn serve(out: pipe::Pipe) -> ExitCode {
    out.beat(EncodeReply::Heartbeat);
    let requests = pipe::requests::<EncodeRequest>(|_| {});
    let mut encoder: Option<Encoder> = None;
    while let Ok((request, body)) = requests.recv() {
        let id = id_of(&request);
        let prepare = matches!(request, EncodeRequest::Load { .. });
        let answer = catch_unwind(AssertUnwindSafe(|| answer(&mut encoder, request, &body)));
        match answer {
            Ok(Ok((reply, body))) => out.send(&reply, &body),
            Ok(Err((code, message))) => out.send(&EncodeReply::Failed { id, code, message }, &[]),
            Err(_) => {
                let message = format!("the encoder gave up at {}", last_panic());
                out.send(&EncodeReply::Failed { id, code: "encoder.panicked".into(), message }, &[]);
                pipe::end(101);
            }
        }
        if prepare && let Some(encoder) = &encoder {
            // The prompts' embeddings are made while nobody waits yet; the first scores say what failed.
            let _ = catch_unwind(AssertUnwindSafe(|| encoder.prepare_scores().is_ok()));
        }
    }
    ExitCode::SUCCESS
}

fn id_of(request: &EncodeRequest) -> u64 {
    match request {
        EncodeRequest::Load { id, .. } | EncodeRequest::Image { id, .. } | EncodeRequest::Texts { id, .. } => *id,
    }
}

fn answer(
    encoder: &mut Option<Encoder>,
    request: EncodeRequest,
    body: &[u8],
) -> Result<(EncodeReply, Vec<u8>), Refusal> {
    let begun = Instant::now();
    let seconds = || begun.elapsed().as_secs_f64();
    let failed = |e: hilum_encoders::EncoderError| (e.code().to_owned(), e.to_string());
    let not_loaded = || ("worker.not_loaded".to_owned(), "no pack is loaded".to_owned());
    match request {
        EncodeRequest::Load { id, pack_dir } => {
            *encoder = None;
            let dir = Path::new(&pack_dir);
            check_pack(dir).map_err(|e| (e.code().to_owned(), e.to_string()))?;
            let fresh = encoder.insert(Encoder::load(dir).map_err(failed)?);
            let (side, dim) = (fresh.side() as u32, fresh.dim() as u32);
            Ok((EncodeReply::Loaded { id, side, dim, seconds: seconds() }, Vec::new()))
        }
        EncodeRequest::Image { id, side } => {
            let encoder = encoder.as_ref().ok_or_else(not_loaded)?;
            if side as usize != encoder.side() {
                let message = format!("the image is {side} x {side}, the model takes {0} x {0}", encoder.side());
                return Err(("encoder.image_size".to_owned(), message));
            }
            let embedding = encoder.encode_image(body).map_err(failed)?;
            let scores = encoder.scores(&embedding).map_err(failed)?;
            let reply = EncodeReply::Encoded { id, dim: encoder.dim() as u32, scores, seconds: seconds() };
            Ok((reply, bytes_of(&embedding.0)))
        }
        EncodeRequest::Texts { id, texts } => {
            let encoder = encoder.as_ref().ok_or_else(not_loaded)?;
            let rows = encoder.encode_texts(&texts).map_err(failed)?;
            let reply = EncodeReply::Texts { id, count: rows.len() as u32, dim: encoder.dim() as u32 };
            Ok((reply, bytes_of(&rows.concat())))
        }
    }
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
